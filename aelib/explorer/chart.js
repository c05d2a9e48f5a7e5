// Curves.

import { mix, range } from "./measures.js";
import { h, short, svg } from "./page.js";
import { say } from "./words.js";

const HEIGHT = 230;

/**
 * Errors on a logarithmic axis upward, drawn anew as wide as there is room.
 * @typedef {{name: string, kind: string, points: [number, number][], mark?: (k: number) => number}} Line
 *  points are places along the bottom and errors; kind is a CSS class, mark how large the k-th point is
 */
export class Plot {
  /** @param {number} right what room names at the lines' ends take @param {string} across */
  constructor(right, across) {
    Object.assign(this, { right, across, element: h("div.chart"), shown: null });
    new ResizeObserver(() => this.paint()).observe(this.element);
  }

  /**
   * @param {{lines: Line[], last: number, ticks: [number, string, string?][], words: string, cursor?: number,
   *  rules?: [number, string][], band?: [number, number][][], limits?: number[], margin?: number}} shown
   *  last is the place at the right end, limits are powers of ten, a band lies between two rows of points
   */
  show(shown) {
    this.shown = shown;
    this.paint();
  }

  paint() {
    const width = this.element.clientWidth;
    if (width && this.shown) this.element.replaceChildren(this.drawn(width));
  }

  drawn(width) {
    const { lines, last, ticks, words, cursor, rules = [], band = [[], []], margin = 0 } = this.shown;
    const all = [...lines.flatMap(({ points }) => points), ...band.flat()].map(([, value]) => value);
    const errors = [...all, ...rules.map(([value]) => value)].filter((value) => value > 0);
    const [least, most] = this.shown.limits ?? range(errors.length ? errors : [0.01, 0.3]).map(Math.log10);
    const [low, high] = [mix(least, most, -margin), mix(most, least, -margin)];
    const [left, right, top, bottom] = [52, width - this.right, 12, HEIGHT - 40];
    this.frame = { left, right, top, bottom };
    const x = (n) => mix(left, right, n / last);
    const y = (value) => mix(top, bottom, (high - Math.log10(value)) / (high - low || 1));
    const path = (points) => points.map(([n, value], k) => `${k ? "L" : "M"}${x(n)} ${y(value)}`).join("");
    const across = (value, kind) => svg("line", { x1: left, x2: right, y1: y(value), y2: y(value), class: kind });
    const taken = []; // where names stand already
    /** Names at the lines' ends do not cover each other. */
    const named = (value, name, kind) => {
      let place = y(value) + 4;
      const by = place > (top + bottom) / 2 ? -14 : 14; // towards the middle, where there is room
      while (taken.some((other) => Math.abs(other - place) < 14)) place += by;
      taken.push(place);
      return text(right + 9, place, name, "start", kind);
    };
    const picture = svg("svg", { width, height: HEIGHT, role: "img", "aria-label": words },
      text(2, 12, say`error`, "start"), text((left + right) / 2, HEIGHT - 5, this.across, "middle"));
    for (const value of roundValues(low, high)) {
      if (y(value) < top + 12) continue; // there stands what the axis shows
      picture.append(across(value, "grid"), text(left - 8, y(value) + 4, short(value), "end"));
    }
    if (band[0].length) picture.append(svg("path", { d: `${path(band[0])}${path([...band[1]].reverse()).replace("M", "L")}Z`, class: "band" }));
    for (const [value, name] of rules) picture.append(across(value, "cursor"), named(value, name, ""));
    ticks.forEach(([n, name, kind = ""], k) => {
      const isNarrow = width < 480 && ticks.length > 7;
      if (!isNarrow || k % 2 === 0 || kind) picture.append(text(x(n), HEIGHT - 22, name, "middle", kind));
    });
    if (cursor !== undefined) picture.append(svg("line", { x1: x(cursor), x2: x(cursor), y1: top, y2: bottom, class: "cursor" }));
    for (const { name, kind, points, mark } of lines) {
      picture.append(svg("path", { d: path(points), class: `line ${kind}` }));
      if (mark) points.forEach(([n, value], k) => picture.append(marker(kind, x(n), y(value), mark(k))));
      if (points.length) picture.append(named(points.at(-1)[1], name, kind));
    }
    return picture;
  }
}

/** The numbers 1, 2, 5, 10, 20, 50, … between two powers of ten. */
function roundValues(low, high) {
  const powers = Array.from({ length: Math.floor(high) - Math.floor(low) + 1 }, (_, n) => 10 ** (Math.floor(low) + n));
  return powers.flatMap((power) => [power, 2 * power, 5 * power]).filter((value) => value >= 10 ** low && value <= 10 ** high);
}

export const text = (x, y, words, anchor, kind = "") => svg("text", { x, y, "text-anchor": anchor, class: kind }, words);

const marker = (kind, x, y, r) =>
  kind.includes("dashed")
    ? svg("rect", { x: x - 2.5, y: y - 2.5, width: 5, height: 5, class: kind })
    : svg("circle", { cx: x, cy: y, r, class: kind });
