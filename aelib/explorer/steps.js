// The steps from strokes, or from a photograph, to a digit: one picture each.

import { BOX, ERASER, MIDDLE } from "./digit.js";
import { NOBODY } from "./drawing.js";
import { Picture, paintInto } from "./explorer.js";
import { mapped } from "./grids.js";
import { SIDE, range } from "./measures.js";
import { h, percent, svg } from "./page.js";
import { LIKELY, SURE } from "./photograph.js";
import { say } from "./words.js";

/** A picture with something drawn over it. */
function overlaid(explorer, title) {
  const picture = new Picture(explorer, title);
  const overlay = svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, "aria-hidden": "true" });
  picture.frame.append(overlay);
  const { element } = picture;
  return { element, show: (values, words, ...over) => [picture.show(values, words), overlay.replaceChildren(...over)] };
}

const cross = ([x, y]) => svg("path", { d: `M${x - 2} ${y}h4M${x} ${y - 2}v4`, class: "cross" });

/** Of strokes, on paper or on a test digit. @returns {(image) => HTMLElement[]} shows them */
export function strokesSteps(explorer) {
  const titles = [say`1 · Your strokes`, say`2 · Into a box of 20`, say`3 · Balanced in 28`];
  const [paths, boxed, balanced] = titles.map((title) => overlaid(explorer, title));
  const box = svg("rect", { x: (SIDE - BOX) / 2, y: (SIDE - BOX) / 2, width: BOX, height: BOX, class: "outline" });
  const way = (value, back, on) => say`${Math.abs(value).toFixed(1)} ${value < 0 ? back : on}`;
  return (image) => {
    const { drawing: { base, strokes }, steps, pen } = explorer.desk;
    const lines = strokes.map(({ points, erases }) => svg("polyline", {
      points: [...points, points.at(-1)].map(([x, y]) => `${SIDE * x},${SIDE * y}`).join(" "),
      class: "stroke", style: erases ? `stroke: var(--paper); stroke-width: ${ERASER * SIDE}` : "",
    }));
    const middle = cross([MIDDLE, MIDDLE]);
    if (base) {
      paths.show(base.image, say`on a picture that came prepared: in its box, and balanced`, ...lines);
      balanced.show(image, strokes.length ? say`with your strokes, as they lie` : say`as it came`, middle);
      return [paths.element, balanced.element];
    }
    const [x, y] = steps?.moved ?? [];
    paths.show(null, steps ? say`paths, not pixels` : NOBODY, ...lines);
    boxed.show(steps?.boxed ?? null, steps ? say`inked with a pen of ${pen.toFixed(1)} pixels; the cross: centre of mass` : "",
      box, steps ? cross([MIDDLE - x, MIDDLE - y]) : "");
    const [across, along] = [way(x, say`left`, say`right`), way(y, say`up`, say`down`)];
    balanced.show(image, steps ? say`moved by pixels: ${across}, ${along}` : "", steps ? middle : "");
    return [paths, boxed, balanced].map(({ element }) => element);
  };
}

/** Of a photograph. @returns {(image) => HTMLElement[]} shows them */
export function photographSteps(explorer) {
  const titles = [say`1 · Your picture`, say`2 · Its paper`, say`3 · Its ink`, say`4 · The digit`];
  const sheets = titles.map((title) => new Sheet(explorer, title));
  const last = overlaid(explorer, say`5 · Balanced in 28`);
  last.element.classList.add("fifth");
  let shown = null;
  const paint = () => {
    const { photograph, chosen } = shown;
    const { tones, light, paper, ink, digits, step } = photograph;
    const grey = (tone) => (255 << 24) | (0x010101 * Math.round(255 * tone));
    const owner = ownersOf(photograph);
    const lit = light ? paper : mapped(paper, (tone) => 1 - tone);
    const [least, most] = range(lit.data);
    const isLeft = ink.data.some((value, p) => value > SURE && !owner[p]);
    const { ink: { width, height }, left, top, thick, thin, pen } = digits[chosen];
    const sides = [tones.width * step, tones.height * step];
    sheets[0].show(tones, grey, step > 1 ? say`${sides[0]} × ${sides[1]} pixels, of which ${step} × ${step} became one` : say`${sides[0]} × ${sides[1]} pixels`);
    sheets[1].show(lit, grey, say`how bright it is at each place: ${percent(least)} to ${percent(most)} of white`);
    sheets[2].show(ink, (value, p) => explorer.shade(value, value > LIKELY && !owner[p] ? "invented" : "ink"),
      (light ? say`what is darker than its paper` : say`what is lighter than its paper`)
      + (isLeft ? say`; red is left out: it touches the edge, frames the digit, or is too small` : ""), [left, top, width, height]);
    sheets[3].show(thick, (value) => explorer.shade(value),
      thin ? say`cut out; its pen, of ${pen.toFixed(1)} pixels of 28, made as thick and dark as MNIST's` : say`cut out; its pen, of ${pen.toFixed(1)} pixels of 28, is thick enough`);
  };
  explorer.painters.add(() => shown && paint());
  return (image) => {
    const { base } = explorer.desk.drawing;
    if (shown?.image !== base.image) {
      shown = base;
      paint();
    }
    last.show(image, say`its longer side 20 pixels, its centre of mass at the cross`, cross([MIDDLE, MIDDLE]));
    return [...sheets, last].map(({ element }) => element);
  };
}

/** Which pixels of a photograph are of a digit: 1, of none: 0. */
function ownersOf({ ink, digits }) {
  const owner = new Uint8Array(ink.data.length);
  for (const { ink: own, left, top } of digits) {
    own.data.forEach((value, p) => {
      if (value > 0) owner[(top + Math.floor(p / own.width)) * ink.width + left + (p % own.width)] = 1;
    });
  }
  return owner;
}

/** A picture of any size and in any colours. */
class Sheet {
  constructor(explorer, title) {
    Object.assign(this, { explorer, title });
    this.canvas = h("canvas.photo", { role: "img" });
    this.words = h("span.words");
    this.element = h("figure.picture.big.fifth", {}, h("div.paper", {}, this.canvas),
      h("figcaption", {}, h("b", {}, title), this.words));
  }

  /** @param {(value: number, p: number) => number} pixel @param {number[]} [box] to mark */
  show({ data, width, height }, pixel, words, box) {
    Object.assign(this.canvas, { width, height });
    this.canvas.style.aspectRatio = `${width} / ${height}`;
    this.canvas.setAttribute("aria-label", `${this.title}: ${words}`);
    this.words.textContent = words;
    const pixels = new ImageData(width, height);
    paintInto(pixels, data, width, pixel);
    const pen = this.canvas.getContext("2d");
    pen.putImageData(pixels, 0, 0);
    if (!box) return;
    pen.strokeStyle = this.explorer.css("--accent");
    pen.lineWidth = Math.max(width, height) / 100;
    pen.strokeRect(...box);
  }
}
