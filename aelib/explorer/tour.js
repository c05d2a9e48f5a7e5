// A tour of a view: a few steps that point at things, begun by the reader.

import { clamp } from "./measures.js";
import { button, h } from "./page.js";
import { say } from "./words.js";

const PAD = [".pad", say`Draw here, with a mouse, a finger or the keyboard. All pictures follow.`];
const SEEN = [".seen", say`This is what the models see: your digit, made as the data set's digits were made. The bars say how sure an independent network is of each digit.`];

/** Of each view: what to point at, and what to say of it. */
export const TOURS = {
  draw: [PAD, SEEN,
    [".row", say`Three steps from strokes to a digit: paths, a box of 20 pixels, and its balance in the middle of 28.`],
    [".glass", say`A digit is 784 numbers. Move the window over it to read them.`],
    [".breaks", say`Spoil the picture here: noise, turns, shifts, another pen. Mend everything brings it back.`]],
  latent: [PAD,
    [".slider", say`So many numbers may pass. Everything else about your digit is lost.`],
    [".row", say`What comes back out of these numbers, by the network and by the best straight method.`],
    [".strip", say`The same for every latent dimension at once. Press one to look at it.`],
    [".chart", say`How far each of them is off. The band is where nine of ten real digits lie.`]],
  plane: [PAD,
    [".map", say`Each dot is a test digit, at the two numbers that the network gives it. The ring is yours. Drag the point, or move it with the arrow keys.`],
    [".row", say`What the network draws at the point, beside your own digit.`]],
  machine: [PAD,
    [".flow", say`Your digit goes in at one end. Each step is what a layer makes of it; at the other end stands the drawing.`],
    [".bars", say`These are the numbers of the code. Drag one, and see what it does to the drawing.`],
    [".lens", say`Point at a pixel of any map: here you see which pixels it looks at, and how its number comes about.`]],
  morph: [[".ends", say`Two ends: your own drawing, or test digits.`],
    [".slider", say`Go from the one to the other.`],
    [".row:not(.ends)", say`At the left through the code, at the right pixel by pixel. Which of them stays a digit on the way?`]],
  alarms: [PAD,
    [".cards", say`Ten models, each of which knows one digit only. What it cannot draw, it flags as strange.`],
    [".slider", say`How many of its own digits may a model flag by mistake? Fewer false alarms, more strangers that pass.`]],
  stamp: [[".editor", say`Each number of the input presses the kernel once, that strong. A click takes the next half, arrow keys go up and down.`],
    [".output", say`Where stamps overlap they add up. That is where the grid comes from.`],
    [".finding", say`Here it stands in words, for every kernel and stride.`]],
  decoders: [PAD,
    [".row", say`The same code, drawn by six decoders that differ in one thing: how they enlarge a picture.`],
    [".choice", say`With two numbers or with sixteen.`]],
  train: [[".presets", say`Experiments: each sets everything up and begins.`],
    [".tools.left", say`Or train step by step. It all happens in this page.`],
    [".strip", say`Ten digits that it never learns from, and below them what becomes of them.`],
    [".chart", say`The error in training and on test digits. Where the two part, it learns by heart.`]],
  letters: [[".strip", say`Take a letter. Some of them are another letter and a stroke.`],
    [".six", say`Each model knows one letter. Does it draw the stroke that it has never seen?`]],
};

/** A button that begins the tour of a view. @param {HTMLElement} panel the view's @param {HTMLElement} around the explorer's */
export function tourButton(name, panel, around) {
  const find = (selector) => [...panel.querySelectorAll(selector), ...around.querySelectorAll(selector)].find((each) => each.checkVisibility());
  const words = h("p");
  const next = button("", () => show(at + 1));
  const card = h("div.tip", { role: "dialog", onkeydown: ({ key }) => key === "Escape" && end() },
    words, next, button(say`End the tour`, () => end()));
  const begin = button(say`Show me around`, () => {
    steps = TOURS[name].filter(([selector]) => find(selector));
    show(0);
  });
  let [steps, at, here] = [[], 0, null];

  function end() {
    here.classList.remove("pointed");
    card.remove();
    begin.focus();
  }
  function show(n) {
    here?.classList.remove("pointed");
    if (n === steps.length) return end();
    at = n;
    here = find(steps[n][0]);
    here.classList.add("pointed");
    words.textContent = steps[n][1];
    card.setAttribute("aria-label", steps[n][1]);
    next.textContent = n + 1 < steps.length ? say`Next (${n + 1} of ${steps.length})` : say`Done`;
    around.append(card);
    const [own, all] = [here.getBoundingClientRect(), around.getBoundingClientRect()];
    card.style.left = `${clamp(own.left - all.left, 8, all.width - card.offsetWidth - 8)}px`;
    card.style.top = `${Math.min(own.bottom, own.top + 300) - all.top + 10}px`;
    next.focus({ preventScroll: true });
    card.scrollIntoView({ block: "center" });
  }
  return begin;
}
