// Curves.

import { range } from "./measures.js";
import { h, short, svg } from "./page.js";

/** A line for curves on a logarithmic axis, drawn anew as wide as there is room. */
export class Chart {
  /** @param {string} title @param {string[]} ticks names along the bottom, evenly spaced */
  constructor(title, ticks, height = 230) {
    Object.assign(this, { title, ticks, height });
    this.element = h("div.chart");
    this.lines = [];
    new ResizeObserver(() => this.paint()).observe(this.element);
  }

  /**
   * @param {{name: string, kind: string, values: number[]}[]} lines kind is a CSS class
   * @param {{low: number[], high: number[], name: string} | null} band @param {number} chosen
   */
  show(lines, band, chosen, words) {
    Object.assign(this, { lines, band, chosen, words });
    this.paint();
  }

  paint() {
    const width = this.element.clientWidth;
    if (!width || !this.lines.length) return;
    const { height, ticks, band } = this;
    const edge = { left: 52, right: 96, top: 12, bottom: 40 };
    const everything = this.lines.flatMap((line) => line.values).concat(band ? [...band.low, ...band.high] : []);
    const [low, high] = range(everything.filter((value) => value > 0)).map(Math.log10);
    const x = (n) => edge.left + ((width - edge.left - edge.right) * n) / (ticks.length - 1);
    const y = (value) =>
      edge.top + ((height - edge.top - edge.bottom) * (high - Math.log10(value))) / (high - low || 1);
    const path = (values) => values.map((value, n) => `${n ? "L" : "M"}${x(n)} ${y(value)}`).join("");
    const picture = svg("svg", { width, height, role: "img", "aria-label": `${this.title}. ${this.words}` });
    picture.append(text(2, 12, "error", "start"));
    for (const value of roundValues(low, high)) {
      const at = y(value);
      if (at < edge.top + 12) continue; // there stands what the axis shows
      picture.append(
        svg("line", { x1: edge.left, x2: width - edge.right, y1: at, y2: at, class: "grid" }),
        text(edge.left - 8, at + 4, short(value), "end"),
      );
    }
    if (band) {
      const back = band.low.map((value, n) => `L${x(n)} ${y(value)}`).reverse().join("");
      picture.append(svg("path", { d: `${path(band.high)}${back}Z`, class: "band" }));
    }
    const every = width < 480 ? 2 : 1;
    ticks.forEach((tick, n) => {
      if (n % every === 0 || n === this.chosen) {
        picture.append(text(x(n), height - 22, tick, "middle", n === this.chosen ? "chosen" : ""));
      }
    });
    picture.append(text((edge.left + width - edge.right) / 2, height - 5, "latent dimension d", "middle"));
    picture.append(svg("line", {
      x1: x(this.chosen), x2: x(this.chosen), y1: edge.top, y2: height - edge.bottom, class: "cursor",
    }));
    const ends = this.lines.map((line) => y(line.values.at(-1)));
    this.lines.forEach((line, n) => {
      picture.append(svg("path", { d: path(line.values), class: `line ${line.kind}` }));
      line.values.forEach((value, at) => picture.append(marker(line.kind, x(at), y(value))));
      // Two names at the lines' ends do not cover each other.
      const near = ends.some((other, m) => m < n && Math.abs(other - ends[n]) < 15);
      picture.append(text(x(ticks.length - 1) + 9, ends[n] + (near ? 18 : 4), line.name, "start", line.kind));
    });
    this.element.replaceChildren(picture);
  }
}

/** The numbers 1, 2, 5, 10, 20, 50, … between two powers of ten. */
function roundValues(low, high) {
  const values = [];
  for (let power = Math.floor(low); power <= high; power++) {
    for (const first of [1, 2, 5]) values.push(first * 10 ** power);
  }
  return values.filter((value) => value >= 10 ** low && value <= 10 ** high);
}

export function text(x, y, words, anchor, kind = "") {
  const element = svg("text", { x, y, "text-anchor": anchor, class: kind });
  element.textContent = words;
  return element;
}

const marker = (kind, x, y) =>
  kind.includes("dashed")
    ? svg("rect", { x: x - 2.5, y: y - 2.5, width: 5, height: 5, class: kind })
    : svg("circle", { cx: x, cy: y, r: 3, class: kind });
