// Curves.

import { mix, range } from "./measures.js";
import { h, short, svg } from "./page.js";
import { say } from "./words.js";

const HEIGHT = 230;

/** Errors on a logarithmic axis upward, drawn anew as wide as there is room. */
export class Plot {
  /** @param {number} right what room names at the lines' ends take @param {string} across */
  constructor(right, across) {
    Object.assign(this, { right, across, element: h("div.chart") });
    new ResizeObserver(() => this.paint()).observe(this.element);
  }

  paint() {
    const width = this.element.clientWidth;
    if (width && this.ready) this.element.replaceChildren(this.draw(width));
  }

  /** The axes with their numbers, powers of ten from low to high and steps from 0 to last; and what draws on them. */
  axes(width, [low, high], last, words) {
    const [left, right, top, bottom] = [52, width - this.right, 12, HEIGHT - 40];
    this.frame = { left, right, top, bottom };
    const x = (n) => mix(left, right, n / last);
    const y = (value) => mix(top, bottom, (high - Math.log10(value)) / (high - low || 1));
    const picture = svg("svg", { width, height: HEIGHT, role: "img", "aria-label": words });
    const named = []; // where names stand already
    picture.append(text(2, 12, say`error`, "start"), text((left + right) / 2, HEIGHT - 5, this.across, "middle"));
    const rule = (value, kind) => picture.append(svg("line", { x1: left, x2: right, y1: y(value), y2: y(value), class: kind }));
    for (const value of roundValues(low, high)) {
      if (y(value) < top + 12) continue; // there stands what the axis shows
      rule(value, "grid");
      picture.append(text(left - 8, y(value) + 4, short(value), "end"));
    }
    return {
      picture, x, y, rule,
      path: (values, at = (n) => n) => values.map((value, n) => `${n ? "L" : "M"}${x(at(n))} ${y(value)}`).join(""),
      tick: (n, name, kind) => picture.append(text(x(n), HEIGHT - 22, name, "middle", kind)),
      cursor: (n) => picture.append(svg("line", { x1: x(n), x2: x(n), y1: top, y2: bottom, class: "cursor" })),
      /** Names at the lines' ends do not cover each other. */
      name: (value, name, kind) => {
        let place = y(value) + 4;
        const by = place > (top + bottom) / 2 ? -14 : 14; // towards the middle, where there is room
        while (named.some((other) => Math.abs(other - place) < 14)) place += by;
        named.push(place);
        picture.append(text(right + 9, place, name, "start", kind));
      },
    };
  }
}

/** Curves over a few names. */
export class Chart extends Plot {
  /** @param {string} title @param {string[]} ticks names along the bottom, evenly spaced */
  constructor(title, ticks) {
    super(96, say`latent dimension d`);
    Object.assign(this, { title, ticks });
  }

  /** @param {{name: string, kind: string, values: number[]}[]} lines kind is a CSS class */
  show(lines, band, chosen, words) {
    Object.assign(this, { lines, band, chosen, words, ready: lines.length > 0 });
    this.paint();
  }

  draw(width) {
    const { lines, band, chosen, ticks } = this;
    const everything = lines.flatMap((line) => line.values).concat(band ? [...band.low, ...band.high] : []);
    const limits = range(everything.filter((value) => value > 0)).map(Math.log10);
    const axes = this.axes(width, limits, ticks.length - 1, `${this.title}. ${this.words}`);
    const { picture, x, y } = axes;
    if (band) {
      const back = band.low.map((value, n) => `L${x(n)} ${y(value)}`).reverse().join("");
      picture.append(svg("path", { d: `${axes.path(band.high)}${back}Z`, class: "band" }));
    }
    const every = width < 480 ? 2 : 1;
    ticks.forEach((tick, n) => {
      if (n % every === 0 || n === chosen) axes.tick(n, tick, n === chosen ? "chosen" : "");
    });
    axes.cursor(chosen);
    for (const { name, kind, values } of lines) {
      picture.append(svg("path", { d: axes.path(values), class: `line ${kind}` }));
      values.forEach((value, n) => picture.append(marker(kind, x(n), y(value))));
      axes.name(values.at(-1), name, kind);
    }
    return picture;
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
