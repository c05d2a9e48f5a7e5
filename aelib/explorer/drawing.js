// The side of an explorer on which one draws: pad, tools, test digits, what the judge reads.

import { makeBars } from "./bars.js";
import { makeChooser } from "./chooser.js";
import { sharedDesk } from "./desk.js";
import { PEN, UNBROKEN } from "./digit.js";
import { Picture } from "./explorer.js";
import { DIGITS, PIXELS, argmax } from "./measures.js";
import { makePad } from "./pad.js";
import { button, choice, h, percent, slider } from "./page.js";
import { Shelf } from "./shelf.js";
import { say } from "./words.js";

export const NOBODY = "draw a digit, or take a test digit";

/** How sure the judge is, in words. It is never quite sure. */
const sureness = (share) => `${share > 0.99 ? "over 99 %" : percent(share)} sure`;

/** The judge's reading of a picture in words. */
export function judgement(explorer, image) {
  if (!explorer.judge || !image) return "";
  const shares = explorer.judge.read(image);
  const best = argmax([...shares]);
  return `read as ${best}, ${sureness(shares[best])}`;
}

/** Make it. The explorer gets a desk, unless it has one of its own, and the judge. */
export async function makeDrawing(explorer) {
  const desk = (explorer.desk ??= sharedDesk());
  const shelf = new Shelf(explorer.payload);
  let trouble = "";
  try {
    explorer.judge = shelf.has("judge") ? await shelf.model("judge") : null;
  } catch (error) {
    trouble = `${error.message} Nobody reads your digit. `;
  }
  const pad = makePad(explorer);
  const hold = (erases) => {
    pad.erase(erases);
    tools.forEach((each, n) => each.setAttribute("aria-pressed", String(erases === (n === 1))));
  };
  const tools = [button("Pen", () => hold(false)), button("Eraser", () => hold(true))];
  hold(false);

  const seen = new Picture(explorer, "What the models see", "small");
  const bars = makeBars();
  const verdict = h("p", { role: "status" });
  const meaning = choice("meant as", [["", "as read"], ...DIGITS.map((n) => [String(n), String(n)])], "",
    (value) => {
      desk.meant = value === "" ? null : Number(value);
      desk.changed();
    });
  const save = button(say`Save the picture`, () => seen.save("digit"));
  const breaks = breakThings(desk);
  const chooser = makeChooser(explorer);
  const element = h(
    "section.desk",
    { "aria-label": "Drawing" },
    h("div.hand", {}, ...pad.elements, h("div.seen", {}, seen.element, bars.element)),
    h("div.tools", {}, ...tools, button("Undo", () => desk.undo()), button("Clear", () => desk.clear())),
    await testDigits(desk, shelf),
    chooser.element,
    h("div.verdict", {}, verdict, meaning.element, " ", save),
    breaks.element,
  );

  const { ink: inks } = explorer.payload.digits ?? {};
  const usual = inks ? `; nine of ten real digits: ${percent(inks[0])} to ${percent(inks[1])}` : "";
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
      const { image, drawing } = desk;
      const shares = explorer.judge && image ? explorer.judge.read(image) : null;
      bars.show(shares);
      save.disabled = !image;
      const read = shares && argmax([...shares]);
      const label = drawing.base && !drawing.strokes.length ? drawing.base.label : null;
      const ink = image && image.reduce((a, b) => a + b) / PIXELS;
      verdict.textContent = !image
        ? "Nothing is drawn yet."
        : `${shares ? `The judge reads ${read}, ${sureness(shares[read])}. ` : trouble}Ink: ${percent(ink)}${usual}.`;
      meaning.select.value = desk.meant ?? "";
      return desk.meant ?? label ?? read;
    },
  };
}

/** Ten buttons: each takes the next test digit of its kind. */
async function testDigits(desk, shelf) {
  let all;
  try {
    all = await shelf.digits();
  } catch (error) {
    return h("p.quiet", {}, error.message);
  }
  const buttons = DIGITS.map((digit) => {
    const own = all.filter(({ label }) => label === digit);
    let next = 0;
    return button(String(digit), () => desk.take(own[next++ % own.length]), { "aria-label": `Take a test digit ${digit}` });
  });
  return h("div.takes", { role: "group", "aria-label": "Take a test digit" },
    h("span.quiet", {}, say`or a test digit; press again for another:`), h("div.ten", {}, ...buttons));
}

/** Sliders that spoil the picture, and a button that mends it. */
function breakThings(desk) {
  const way = (unit, back, on) => (value) => (value ? `${Math.abs(value)}${unit(value)} ${value < 0 ? back : on}` : "not at all");
  const pixels = (value) => (Math.abs(value) === 1 ? " pixel" : " pixels");
  const own = (key, name, min, max, step, words) => [key, slider(name, {
    min, max, step, words, value: desk.breaks[key], change: (value) => desk.break({ [key]: value }),
  })];
  const sliders = [
    own("noise", "noise", 0, 0.6, 0.05, (value) => (value ? `${value.toFixed(2)} of full ink` : "none")),
    own("turn", "turned", -90, 90, 5, way(() => "°", "left", "right")),
    own("right", "shifted sideways", -8, 8, 1, way(pixels, "left", "right")),
    own("down", "shifted up or down", -8, 8, 1, way(pixels, "up", "down")),
  ];
  const pen = slider("pen", {
    min: 1, max: 4.6, step: 0.2, value: desk.pen, change: (value) => desk.takePen(value),
    words: (value) => `${value.toFixed(1)} pixels of 28${Math.abs(value - PEN) < 0.05 ? ", as MNIST's" : ""}`,
  });
  const mend = button("Mend everything", () => {
    desk.pen = PEN;
    desk.break(UNBROKEN);
  });
  const summary = h("summary", {}, "Break things");
  const follow = () => {
    for (const [key, each] of sliders) each.set(desk.breaks[key]);
    pen.set(desk.pen);
    const isWhole = sliders.every(([key]) => desk.breaks[key] === UNBROKEN[key]) && desk.pen === PEN;
    summary.textContent = isWhole ? "Break things" : "Break things (broken now)";
  };
  const element = h("details.breaks", {}, summary,
    h("p.quiet", {}, "The eraser above rubs out a piece of a stroke. These act on the finished picture, the pen on your strokes:"),
    ...sliders.map(([, each]) => each.element), pen.element, mend);
  return { element, follow };
}
