// One explorer on a page, and the pictures that it paints in the page's colours.

import { PIXELS, SIDE, clamp, mix } from "./measures.js";
import { h, handFile } from "./page.js";

/** One explorer on a page: where it is, its colours, its pictures. */
export class Explorer {
  /** @param {HTMLElement} host @param {object} payload @param {Desk} [desk] its own, if it has one */
  constructor(host, payload, desk) {
    Object.assign(this, { host, payload, desk });
    /** @type {Set<Picture>} */
    this.pictures = new Set();
    this.painters = new Set(); // what else hangs on the colours
  }

  /** Look at the page's colours, and paint all pictures in them. */
  dress() {
    if (!this.host.isConnected) return; // without a page there are no colours
    this.host.dataset.paper = isDark(this.host) ? "dark" : "light";
    this.named = new Map();
    const colour = (name) => this.css(name).match(/\w\w/g).map((hex) => parseInt(hex, 16));
    this.colours = Object.fromEntries(
      ["ink", "paper", "missing", "invented"].map((name) => [name, colour(`--${name}`)]),
    );
    for (const picture of this.pictures) picture.paint();
    for (const paint of this.painters) paint();
  }

  /** A colour of the style, as CSS writes it. Asked at every stroke, so it is remembered. */
  css(name) {
    if (!this.named.has(name)) {
      this.named.set(name, getComputedStyle(this.host).getPropertyValue(name).trim());
    }
    return this.named.get(name);
  }
}

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

/** One picture of 28 x 28 with words below it. It follows the colours of the page. */
export class Picture {
  /**
   * @param {Explorer} explorer @param {string} title @param {string} size a CSS class: big, small, tiny
   */
  constructor(explorer, title, size = "big") {
    this.explorer = explorer;
    this.title = title;
    this.canvas = h("canvas", { width: SIDE, height: SIDE, role: "img", "aria-label": title });
    this.frame = h("div.paper", {}, this.canvas);
    this.words = h("span.words");
    // A long name may be broken behind an underscore.
    const parts = title.split(/(?<=_)/).flatMap((part) => [part, h("wbr")]);
    this.caption = h("figcaption", {}, h("b", {}, ...parts), this.words);
    this.element = h(`figure.picture.${size}`, {}, this.frame, this.caption);
    this.pixels = new ImageData(SIDE, SIDE);
    explorer.pictures.add(this);
  }

  /** @param {Float32Array | null} values @param {string} words @param {boolean} signed */
  show(values, words = this.words.textContent, signed = false) {
    this.values = values;
    this.signed = signed;
    if (this.words.textContent !== words) {
      this.words.textContent = words;
      this.canvas.setAttribute("aria-label", words ? `${this.title}: ${words}` : this.title);
    }
    this.paint();
  }

  paint() {
    const { data } = this.pixels;
    const { ink, paper, missing, invented } = this.explorer.colours;
    for (let p = 0; p < PIXELS; p++) {
      const value = this.values ? this.values[p] : 0;
      const to = !this.signed ? ink : value < 0 ? missing : invented;
      const share = clamp(this.signed ? Math.abs(value) : value, 0, 1);
      for (let c = 0; c < 3; c++) data[4 * p + c] = mix(paper[c], to[c], share);
      data[4 * p + 3] = 255;
    }
    this.canvas.getContext("2d").putImageData(this.pixels, 0, 0);
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
  /**
   * @param {string[]} labels @param {((n: number) => void) | null} choose
   * @param {string} unit what goes before a label where it is read aloud
   */
  constructor(explorer, title, labels, choose = null, unit = "") {
    this.names = labels.map((label) => `${title}, ${unit}${label}`);
    this.pictures = labels.map((label) => new Picture(explorer, label, "tiny"));
    const items = this.pictures.map((picture, n) =>
      choose
        ? h("button.cell", { type: "button", onclick: () => choose(n), "aria-label": this.names[n] }, picture.element)
        : h("div.cell", {}, picture.element),
    );
    this.items = items;
    this.element = h("div.strip", { role: "group", "aria-label": title }, h("span.name", {}, title));
    this.element.append(h("div.cells", {}, ...items));
  }

  show(n, values, words) {
    this.pictures[n].show(values, words);
    this.items[n].setAttribute("aria-label", words ? `${this.names[n]}: ${words}` : this.names[n]);
  }

  mark(chosen) {
    this.items.forEach((item, n) => item.setAttribute("aria-pressed", String(n === chosen)));
  }
}
