// What one sees of a network while it learns: curves of its errors, and the plane of its codes.

import { text } from "./chart.js";
import { CLOUD, paintCloud } from "./cloud.js";
import { ACROSS, REACH } from "./lesson.js";
import { PIXELS, SIDE, clamp, mix, range } from "./measures.js";
import { h, short, svg } from "./page.js";

const HEIGHT = 230;
const EDGE = { left: 48, right: 130, top: 12, bottom: 38 };

/** Errors on a logarithmic axis, against steps, with the lines of what needs no network. */
export class Curves {
  constructor() {
    this.element = h("div.chart");
    this.clear();
    new ResizeObserver(() => this.paint()).observe(this.element);
  }

  clear() {
    Object.assign(this, { steps: [], known: [], lines: [] });
  }

  /** @param {{train: number, test: number}} errors */
  add(step, errors) {
    if (!(errors.train > 0) || step <= (this.steps.at(-1) ?? 0)) return;
    this.steps.push(step);
    this.known.push(errors);
  }

  /** @param {number} total steps @param {number} now the step that is looked at */
  show(total, now) {
    Object.assign(this, { total, now });
    this.paint();
  }

  paint() {
    const width = this.element.clientWidth;
    if (!width || !this.total) return;
    const levels = [...this.known.flatMap(({ train, test }) => [train, test]), ...this.lines.map(([value]) => value)];
    const [low, high] = range(levels.length ? levels : [0.01, 0.3]).map(Math.log);
    const least = low - 0.15 * (high - low);
    const x = (step) => mix(EDGE.left, width - EDGE.right, step / this.total);
    const y = (value) => mix(HEIGHT - EDGE.bottom, EDGE.top, (Math.log(value) - least) / (high - least || 1));
    const last = this.known.at(-1);
    const words = last ? `After ${this.steps.at(-1)} steps: ${short(last.train)} in training, ${short(last.test)} on test digits.` : "";
    const picture = svg("svg", { width, height: HEIGHT, role: "img", "aria-label": `Errors while it learns. ${words}` });
    const named = []; // where names stand already
    const name = (at, label, kind) => {
      let place = at + 4;
      while (named.some((other) => Math.abs(other - place) < 14)) place += 14;
      named.push(place);
      picture.append(text(width - EDGE.right + 6, place, label, "start", kind));
    };
    for (const [value, label] of this.lines) {
      picture.append(svg("line", { x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value), class: "cursor" }));
      name(y(value), `${label} ${short(value)}`, "");
    }
    for (const [what, label, kind] of [["train", "training", "dashed"], ["test", "test digits", "solid"]]) {
      const path = this.steps.map((step, n) => `${n ? "L" : "M"}${x(step)} ${y(this.known[n][what])}`).join("");
      picture.append(svg("path", { d: path, class: `line ${kind}` }));
      if (last) name(y(last[what]), `${label} ${short(last[what])}`, kind);
    }
    picture.append(
      svg("line", { x1: x(this.now), x2: x(this.now), y1: EDGE.top, y2: HEIGHT - EDGE.bottom, class: "cursor" }),
      text(0, 12, "error", "start"),
      text(EDGE.left, HEIGHT - 20, "0", "middle"),
      text(width - EDGE.right, HEIGHT - 20, String(this.total), "middle"),
      text(mix(EDGE.left, width - EDGE.right, 0.5), HEIGHT - 4, "steps of 64 images", "middle"),
    );
    this.element.replaceChildren(picture);
  }
}

/** The plane of two numbers, or the line of one: dots that glide, over what is drawn at each place. */
export class Territory {
  constructor(explorer) {
    this.explorer = explorer;
    this.canvas = h("canvas.map", { width: CLOUD, height: CLOUD, role: "img" });
    this.tiles = new OffscreenCanvas(ACROSS * SIDE, ACROSS * SIDE);
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    explorer.painters.add(() => this.seen && this.show(this.seen, this.labels));
  }

  show(seen, labels) {
    Object.assign(this, { seen, labels });
    this.flat = seen.map.length === ACROSS;
    this.paintTiles();
    const goal = seen.places.map(([x, y], n) => this.toCanvas([x, this.flat ? 1.9 - 0.4 * labels[n] : y]));
    if (this.still.matches || this.places?.length !== goal.length) this.places = goal;
    this.goal = goal;
    this.canvas.setAttribute("aria-label", this.flat
      ? "The line of the one number: test digits in ten rows, and along the bottom what is drawn there."
      : "The plane of the two numbers: test digits as dots, and under them what is drawn there.");
    if (!this.gliding) this.glide();
  }

  toCanvas([x, y]) {
    const reach = (REACH * ACROSS) / (ACROSS - 1);
    return [x, -y].map((at) => clamp((CLOUD * (at / reach + 1)) / 2, 6, CLOUD - 6));
  }

  /** Bring the dots a part of their way, and again with the next frame until they are there. */
  glide() {
    this.places = this.places.map((place, n) => place.map((at, axis) => mix(at, this.goal[n][axis], 0.3)));
    paintCloud(this.explorer, this.canvas, this.places, this.labels, (pen) => {
      pen.imageSmoothingEnabled = false;
      pen.drawImage(this.tiles, 0, 0, CLOUD, CLOUD);
    });
    if (this.seen.point) this.mark(this.toCanvas(this.flat ? [this.seen.point[0], -2.05] : this.seen.point));
    const far = this.places.some((place, n) => Math.abs(place[0] - this.goal[n][0]) + Math.abs(place[1] - this.goal[n][1]) > 1);
    this.gliding = far && this.canvas.isConnected;
    if (this.gliding) requestAnimationFrame(() => this.glide());
  }

  mark(place) {
    const pen = this.canvas.getContext("2d");
    for (const [width, colour] of [[10, "--paper"], [5, "--accent"]]) {
      Object.assign(pen, { lineWidth: width, strokeStyle: this.explorer.css(colour) });
      pen.beginPath();
      pen.arc(...place, 16, 0, 2 * Math.PI);
      pen.stroke();
    }
  }

  paintTiles() {
    const { ink, paper } = this.explorer.colours;
    const pixels = new ImageData(ACROSS * SIDE, ACROSS * SIDE);
    this.seen.map.forEach((drawn, n) => {
      const [row, column] = this.flat ? [ACROSS - 1, n] : [Math.floor(n / ACROSS), n % ACROSS];
      for (let p = 0; p < PIXELS; p++) {
        const at = 4 * ((row * SIDE + Math.floor(p / SIDE)) * ACROSS * SIDE + column * SIDE + (p % SIDE));
        for (let c = 0; c < 3; c++) pixels.data[at + c] = mix(paper[c], ink[c], (this.flat ? 1 : 0.4) * drawn[p]);
        pixels.data[at + 3] = 255;
      }
    });
    this.tiles.getContext("2d").putImageData(pixels, 0, 0);
  }
}
