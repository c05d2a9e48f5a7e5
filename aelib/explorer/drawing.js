// The side of an explorer on which one draws: pad, tools, test digits, what the judge reads.

import { makeChooser } from "./chooser.js";
import { sharedDesk } from "./desk.js";
import { PEN, UNBROKEN } from "./digit.js";
import { Picture } from "./explorer.js";
import { DIGITS, PIXELS, argmax } from "./measures.js";
import { makePad } from "./pad.js";
import { button, choice, h, missingFor, percent, slider } from "./page.js";
import { Shelf } from "./shelf.js";
import { say } from "./words.js";

export const NOBODY = say`draw a digit, or take a test digit`;

/** How sure the judge is, in words. It is never quite sure. */
const sureness = (share) => (share > 0.99 ? say`over 99 % sure` : say`${percent(share)} sure`);

/** The judge's reading of a picture in words. */
export function judgement(explorer, image) {
  if (!explorer.judge || !image) return "";
  const shares = explorer.judge.read(image);
  const best = argmax(shares);
  return say`read as ${best}, ${sureness(shares[best])}`;
}

/** Make it. The explorer gets a desk, unless it has one of its own, and the judge. */
export async function makeDrawing(explorer) {
  const desk = (explorer.desk ??= sharedDesk());
  const shelf = new Shelf(explorer.payload);
  const trouble = await missingFor(async () => {
    explorer.judge = shelf.has("judge") ? await shelf.model("judge") : null;
  });
  const pad = makePad(explorer);
  const hold = (erases) => {
    pad.erase(erases);
    tools.forEach((each, n) => each.setAttribute("aria-pressed", String(erases === (n === 1))));
  };
  const tools = [button(say`Pen`, () => hold(false)), button(say`Eraser`, () => hold(true))];
  hold(false);

  const seen = new Picture(explorer, say`What the models see`, "small");
  const bars = DIGITS.map((digit) => h("span", {}, h("i"), String(digit)));
  const shares = h("div.shares", { role: "img" }, ...bars);
  const verdict = h("p", { role: "status" });
  const meaning = choice(say`meant as`, [["", say`as read`], ...DIGITS.map((n) => [n, n])], "", (value) => {
    desk.meant = value === "" ? null : Number(value);
    desk.changed();
  });
  const save = button(say`Save the picture`, () => seen.save("digit"));
  const breaks = breakThings(desk);
  const chooser = makeChooser(explorer);
  const element = h("section.desk", { "aria-label": say`Drawing` },
    h("div.hand", {}, ...pad.elements, h("div.seen", {}, seen.element, shares)),
    h("div.tools", {}, ...tools, button(say`Undo`, () => desk.undo()), button(say`Redo`, () => desk.redo()), button(say`Clear`, () => desk.clear()),
      button(say`Photo`, chooser.open, { class: "narrow" })),
    await testDigits(desk, shelf),
    chooser.element,
    chooser.outcome,
    h("div.verdict", {}, verdict, meaning.element, " ", save),
    breaks.element,
  );

  const { ink: inks } = explorer.payload.digits ?? {};
  const usual = inks ? say`; nine of ten real digits: ${percent(inks[0])} to ${percent(inks[1])}` : "";
  return {
    element,
    update() {
      pad.paint();
      seen.show(desk.image, "");
      breaks.follow();
      chooser.update();
    },
    /** Say what the judge reads. Returns which digit the drawing is meant as, or null. */
    settle() {
      const { image, drawing: { base, strokes } } = desk;
      const sure = explorer.judge && image ? explorer.judge.read(image) : null;
      const read = sure && argmax(sure);
      bars.forEach((bar, digit) => bar.style.setProperty("--share", `${sure ? 100 * sure[digit] : 0}%`));
      const likely = DIGITS.filter((digit) => sure?.[digit] >= 0.01).map((digit) => `${digit}: ${percent(sure[digit])}`);
      shares.setAttribute("aria-label", say`How sure the judge is of each digit. ${likely.join(", ")}`);
      save.disabled = !image;
      verdict.textContent = !image ? say`Nothing is drawn yet.` : [
        sure ? say`The judge reads ${read}, ${sureness(sure[read])}.` : trouble && `${trouble} ${say`Nobody reads your digit.`}`,
        say`Ink: ${percent(image.reduce((a, b) => a + b) / PIXELS)}${usual}.`,
      ].join(" ").trim();
      meaning.select.value = desk.meant ?? "";
      return desk.meant ?? (strokes.length ? null : base?.label) ?? read;
    },
  };
}

/** Ten buttons: each takes the next test digit of its kind. */
async function testDigits(desk, shelf) {
  let all = [];
  const trouble = await missingFor(async () => {
    all = await shelf.digits();
  });
  if (trouble) return h("p.quiet", {}, trouble);
  const buttons = DIGITS.map((digit) => {
    const own = all.filter(({ label }) => label === digit);
    let next = 0;
    return button(String(digit), () => desk.take(own[next++ % own.length]), { "aria-label": say`Take a test digit ${digit}` });
  });
  return h("div.takes", { role: "group", "aria-label": say`Take a test digit` },
    h("span.quiet", {}, say`or a test digit; press again for another:`), h("div.ten", {}, ...buttons));
}

/** Sliders that spoil the picture, and a button that mends it. */
function breakThings(desk) {
  const way = (far, back, on) => (value) => (value ? say`${far(Math.abs(value))} ${value < 0 ? back : on}` : say`not at all`);
  const pixels = (value) => (value === 1 ? say`1 pixel` : say`${value} pixels`);
  const own = (key, name, min, max, step, words) => [key, slider(name, {
    min, max, step, words, value: desk.breaks[key], change: (value) => desk.break({ [key]: value }),
  })];
  const sliders = [
    own("noise", say`noise`, 0, 0.6, 0.05, (value) => (value ? say`${value.toFixed(2)} of full ink` : say`none`)),
    own("turn", say`turned`, -90, 90, 5, way((value) => `${value}°`, say`left`, say`right`)),
    own("right", say`shifted sideways`, -8, 8, 1, way(pixels, say`left`, say`right`)),
    own("down", say`shifted up or down`, -8, 8, 1, way(pixels, say`up`, say`down`)),
    own("pen", say`pen`, 1, 4.6, 0.2, (value) =>
      (value === PEN ? say`${value.toFixed(1)} pixels of 28, as MNIST's` : say`${value.toFixed(1)} pixels of 28`)),
  ];
  const summary = h("summary");
  const follow = () => {
    for (const [key, each] of sliders) each.set(desk.breaks[key]);
    const isWhole = sliders.every(([key]) => desk.breaks[key] === UNBROKEN[key]);
    summary.textContent = isWhole ? say`Break things` : say`Break things (broken now)`;
  };
  const element = h("details.breaks", {}, summary,
    h("p.quiet", {}, say`The eraser above rubs out a piece of a stroke. These act on the finished picture, the pen on your strokes:`),
    ...sliders.map(([, each]) => each.element), button(say`Mend everything`, () => desk.break(UNBROKEN)));
  return { element, follow };
}
