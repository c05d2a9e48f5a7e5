// One explorer on a page, and the pictures that it paints in the page's colours.

import { PIXELS, SIDE, clamp, mix } from "./measures.js";
import { h, handFile, svg } from "./page.js";

/** One explorer on a page: where it is, its colours, its pictures. */
export class Explorer {
  /** @type {Set<{paint: () => void}>} what hangs on the colours */
  pictures = new Set();

  /** @param {HTMLElement} host @param {object} payload @param {Desk} [desk] its own, if it has one */
  constructor(host, payload, desk) {
    Object.assign(this, { host, payload, desk });
  }

  /** A heading of a view, one level below the last one before the explorer, or of a part of it, `below` that. */
  heading(words, below = 0) {
    const isBefore = (each) => each.compareDocumentPosition(this.host) & Node.DOCUMENT_POSITION_FOLLOWING;
    const last = [...document.querySelectorAll("h1, h2, h3, h4")].findLast(isBefore);
    return h(`h${Number(last?.tagName[1] ?? 1) + 1 + below}.${below ? "part" : "title"}`, {}, words);
  }

  /** Look at the page's colours, and paint all pictures in them. */
  dress() {
    if (!this.host.isConnected) return; // without a page there are no colours
    this.host.dataset.paper = isDark(this.host) ? "dark" : "light";
    this.named = new Map();
    const colour = (name) => this.css(`--${name}`).match(/\w\w/g).map((hex) => parseInt(hex, 16));
    this.shades = Object.fromEntries(["ink", "missing", "invented"].map((name) => [name, shadesOf(colour("paper"), colour(name))]));
    this.shades.light = shadesOf([0, 0, 0], [255, 255, 255]); // of a photograph: the same on any paper
    for (const picture of this.pictures) picture.paint();
  }

  /** A pixel that is covered with so much of a colour. */
  shade(share, name = "ink") {
    return this.shades[name][Math.round(255 * clamp(share, 0, 1))];
  }

  /** A colour of the style, as CSS writes it. Asked at every stroke, so it is remembered. */
  css(name) {
    if (!this.named.has(name)) {
      this.named.set(name, getComputedStyle(this.host).getPropertyValue(name).trim());
    }
    return this.named.get(name);
  }
}

/** 256 steps from paper to a colour, as pixels: alpha, blue, green, red. */
const shadesOf = (paper, colour) => Uint32Array.from({ length: 256 }, (_, n) => {
  const [red, green, blue] = paper.map((from, c) => Math.round(mix(from, colour[c], n / 255)));
  return (255 << 24) | (blue << 16) | (green << 8) | red;
});

/** Paint numbers, so many a line, into a part of an image. @param {(value: number, p: number) => number} pixel */
export function paintInto(image, values, width, pixel, left = 0, top = 0) {
  const all = new Uint32Array(image.data.buffer);
  values.forEach((value, p) => {
    all[(top + Math.floor(p / width)) * image.width + left + (p % width)] = pixel(value, p);
  });
}

/** The colours of an error: what is missing, what is invented. */
export const SIGNED = (value) => (value < 0 ? "missing" : "invented");
const INKED = () => "ink";
const PAPER = new Float32Array(PIXELS);

/** Whether the paper around an element is dark: the first background that is not transparent. */
function isDark(element) {
  for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
    const parts = getComputedStyle(at).backgroundColor.match(/[\d.]+/g)?.map(Number) ?? [];
    if (parts.length >= 3 && (parts[3] ?? 1) > 0.5) {
      return 0.299 * parts[0] + 0.587 * parts[1] + 0.114 * parts[2] < 128;
    }
  }
  const scheme = getComputedStyle(document.documentElement).colorScheme;
  return scheme.includes("dark") && matchMedia("(prefers-color-scheme: dark)").matches;
}

/** One picture, mostly of 28 x 28, with words below it. It follows the colours of the page. */
export class Picture {
  /** @param {string} size CSS classes: big, small, tiny */
  constructor(explorer, title, size = "big") {
    this.explorer = explorer;
    this.title = title;
    this.canvas = h("canvas", { width: SIDE, height: SIDE, role: "img", "aria-label": title });
    this.frame = h("div.paper", {}, this.canvas);
    this.words = h("span.words");
    // A long name may be broken behind an underscore.
    const parts = title.split(/(?<=_)/).flatMap((part) => [part, h("wbr")]);
    this.element = h(`figure.picture.${size}`, {}, this.frame, h("figcaption", {}, h("b", {}, ...parts), this.words));
    this.colour = INKED;
    explorer.pictures.add(this);
  }

  /**
   * @param {Float32Array | {data: Float32Array, width: number, height: number} | null} values null: paper
   * @param {string} words @param {(value: number, p: number) => string} colour
   */
  show(values, words = this.words.textContent, colour = INKED) {
    Object.assign(this, { values, colour });
    if (this.words.textContent !== words) {
      this.words.textContent = words;
      this.canvas.setAttribute("aria-label", words ? `${this.title}: ${words}` : this.title);
    }
    this.paint();
  }

  paint() {
    const { data = this.values ?? PAPER, width = SIDE, height = SIDE } = this.values ?? {};
    const pixels = new ImageData(width, height);
    paintInto(pixels, data, width, (value, p) => {
      const name = this.colour(value, p);
      return this.explorer.shade(name === "missing" ? -value : value, name);
    });
    Object.assign(this.canvas, { width, height });
    this.canvas.getContext("2d").putImageData(pixels, 0, 0);
  }

  /** Draw lines over it, in units of its pixels. @param {...SVGElement} shapes */
  over(...shapes) {
    const { width, height } = this.canvas;
    this.frame.querySelector("svg")?.remove();
    this.frame.append(svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, ...shapes));
  }

  /** Hand it to the reader as a PNG, each pixel ten wide. */
  save(name) {
    const large = h("canvas", { width: 10 * SIDE, height: 10 * SIDE });
    const pen = large.getContext("2d");
    pen.imageSmoothingEnabled = false;
    pen.drawImage(this.canvas, 0, 0, large.width, large.height);
    large.toBlob((blob) => handFile(blob, `${name}.png`));
  }
}

/** A row of tiny pictures, each of which may be chosen. */
export class Strip {
  /** @param {string} unit what goes before a label where it is read aloud */
  constructor(explorer, title, labels, choose = null, unit = "") {
    this.names = labels.map((label) => `${title}, ${unit}${label}`);
    this.pictures = labels.map((label) => new Picture(explorer, label, "tiny"));
    this.items = this.pictures.map(({ element }, n) =>
      choose
        ? h("button.cell", { type: "button", onclick: () => choose(n), "aria-label": this.names[n] }, element)
        : h("div.cell", {}, element),
    );
    this.element = h("div.strip", { role: "group", "aria-label": title },
      h("span.name", {}, title), h("div.cells", {}, ...this.items));
  }

  show(n, values, words) {
    this.pictures[n].show(values, words);
    this.items[n].setAttribute("aria-label", words ? `${this.names[n]}: ${words}` : this.names[n]);
  }

  mark(chosen) {
    this.items.forEach((item, n) => item.setAttribute("aria-pressed", String(n === chosen)));
  }
}
