// The steps from strokes, or from a photograph, to a digit: one picture each.

import { BOX, ERASER, MIDDLE } from "./digit.js";
import { Picture } from "./explorer.js";
import { mapped } from "./grids.js";
import { NOBODY } from "./drawing.js";
import { SIDE, range } from "./measures.js";
import { percent, svg } from "./page.js";
import { LIKELY, SURE } from "./photograph.js";
import { say } from "./words.js";

const cross = ([x, y]) => svg("path", { d: `M${x - 2} ${y}h4M${x} ${y - 2}v4`, class: "cross" });
const outline = (x, y, width, height) => svg("rect", { x, y, width, height, class: "outline" });

/** Of strokes, on paper or on a test digit. @returns {(image) => Picture[]} shows them */
export function strokesSteps(explorer) {
  const titles = [say`1 · Your strokes`, say`2 · Into a box of 20`, say`3 · Balanced in 28`];
  const pictures = titles.map((title) => new Picture(explorer, title));
  const [paths, boxed, balanced] = pictures;
  const way = (value, back, on) => say`${Math.abs(value).toFixed(1)} ${value < 0 ? back : on}`;
  return (image) => {
    const { drawing: { base, strokes }, steps, breaks: { pen } } = explorer.desk;
    paths.over(...strokes.map(({ points, erases }) => svg("polyline", {
      points: [...points, points.at(-1)].map(([x, y]) => `${SIDE * x},${SIDE * y}`).join(" "),
      class: "stroke", style: erases ? `stroke: var(--paper); stroke-width: ${ERASER * SIDE}` : "",
    })));
    balanced.over(base || steps ? cross([MIDDLE, MIDDLE]) : "");
    if (base) {
      paths.show(base.image, say`on a picture that came prepared: in its box, and balanced`);
      balanced.show(image, strokes.length ? say`with your strokes, as they lie` : say`as it came`);
      return [paths, balanced];
    }
    const [x, y] = steps?.moved ?? [];
    const [across, along] = [way(x, say`left`, say`right`), way(y, say`up`, say`down`)];
    paths.show(null, steps ? say`paths, not pixels` : NOBODY);
    boxed.show(steps?.boxed, steps ? say`inked with a pen of ${pen.toFixed(1)} pixels; the cross: centre of mass` : "");
    boxed.over(outline((SIDE - BOX) / 2, (SIDE - BOX) / 2, BOX, BOX), steps ? cross([MIDDLE - x, MIDDLE - y]) : "");
    balanced.show(image, steps ? say`moved by pixels: ${across}, ${along}` : "");
    return pictures;
  };
}

/** Of a photograph. @returns {(image) => Picture[]} shows them */
export function photographSteps(explorer) {
  const titles = [say`1 · Your picture`, say`2 · Its paper`, say`3 · Its ink`, say`4 · The digit`, say`5 · Balanced in 28`];
  const pictures = titles.map((title, n) => new Picture(explorer, title, n < 4 ? "big.fifth.photo" : "big.fifth"));
  const [whole, paper, ink, digit, balanced] = pictures;
  let shown = null;
  const look = ({ photograph, chosen }) => {
    const { tones, light, step, digits } = photograph;
    const bright = light ? photograph.paper : mapped(photograph.paper, (tone) => 1 - tone);
    const [least, most] = range(bright.data);
    const owned = ownedPixels(photograph);
    const isLeft = photograph.ink.data.some((value, p) => value > SURE && !owned.has(p));
    const { ink: { width, height }, left, top, thick, thin, pen } = digits[chosen];
    const sides = [tones.width * step, tones.height * step];
    whole.show(tones, step > 1 ? say`${sides[0]} × ${sides[1]} pixels, of which ${step} × ${step} became one` : say`${sides[0]} × ${sides[1]} pixels`, () => "light");
    paper.show(bright, say`how bright it is at each place: ${percent(least)} to ${percent(most)} of white`, () => "light");
    ink.show(photograph.ink, (light ? say`what is darker than its paper` : say`what is lighter than its paper`)
      + (isLeft ? say`; red is left out: it touches the edge, frames the digit, or is too small` : ""),
    (value, p) => (value > LIKELY && !owned.has(p) ? "invented" : "ink"));
    ink.over(outline(left, top, width, height));
    digit.show(thick, thin ? say`cut out; its pen, of ${pen.toFixed(1)} pixels of 28, made as thick and dark as MNIST's` : say`cut out; its pen, of ${pen.toFixed(1)} pixels of 28, is thick enough`);
  };
  return (image) => {
    const { base } = explorer.desk.drawing;
    if (shown?.image !== base.image) look(base);
    shown = base;
    balanced.show(image, say`its longer side 20 pixels, its centre of mass at the cross`);
    balanced.over(cross([MIDDLE, MIDDLE]));
    return pictures;
  };
}

/** Which pixels of a photograph are a digit's. */
function ownedPixels({ ink, digits }) {
  const owned = new Set();
  for (const { ink: { data, width }, left, top } of digits) {
    data.forEach((value, p) => {
      if (value > 0) owned.add((top + Math.floor(p / width)) * ink.width + left + (p % width));
    });
  }
  return owned;
}
