// What one sees of a network while it learns: curves of its errors, and the plane of its codes.

import { Plot } from "./chart.js";
import { CLOUD, paintCloud, paintRing } from "./cloud.js";
import { paintInto } from "./explorer.js";
import { ACROSS, REACH } from "./lesson.js";
import { SIDE, clamp, mix } from "./measures.js";
import { h, short } from "./page.js";
import { say } from "./words.js";

/** Errors against steps, with the lines of what needs no network. */
export class Curves extends Plot {
  constructor() {
    super(152, say`steps of 64 images`);
    this.clear();
  }

  clear() {
    Object.assign(this, { known: [], rules: [] });
  }

  /** Show what was seen, beside what was seen before. @param {{step: number, total: number, train: number, test: number}} seen */
  add(seen) {
    const { known, rules } = this;
    if (seen.train > 0 && seen.step > (known.at(-1)?.step ?? 0)) known.push(seen);
    const last = known.at(-1);
    const line = (what, name, kind) =>
      ({ name: last ? `${name} ${short(last[what])}` : "", kind, points: known.map((each) => [each.step, each[what]]) });
    this.show({
      last: seen.total, cursor: seen.step, margin: 0.1,
      words: last
        ? say`Errors while it learns. After ${last.step} steps: ${short(last.train)} in training, ${short(last.test)} on test pictures.`
        : say`Errors while it learns.`,
      rules: rules.map(([value, name]) => [value, `${name} ${short(value)}`]),
      lines: [line("train", say`training`, "dashed"), line("test", say`test`, "solid")],
      ticks: [0, seen.total].map((step) => [step, String(step)]),
    });
  }
}

/** The plane of two numbers, or the line of one: dots that glide, over what is drawn at each place. */
export class Territory {
  constructor(explorer) {
    this.explorer = explorer;
    this.canvas = h("canvas.map", { width: CLOUD, height: CLOUD, role: "img" });
    this.tiles = new OffscreenCanvas(ACROSS * SIDE, ACROSS * SIDE);
    explorer.pictures.add({ paint: () => this.seen && this.show(this.seen, this.labels, this.names) });
  }

  /** @param {object} seen what the lesson looked at @param {number[]} labels of the dots @param {string[]} names of labels */
  show(seen, labels, names) {
    Object.assign(this, { seen, labels, names, flat: seen.map.length === ACROSS });
    const pixels = new ImageData(ACROSS * SIDE, ACROSS * SIDE);
    seen.map.forEach((drawn, n) => {
      const [row, column] = this.flat ? [ACROSS - 1, n] : [Math.floor(n / ACROSS), n % ACROSS];
      paintInto(pixels, drawn, SIDE, (value) => this.explorer.shade((this.flat ? 1 : 0.4) * value), column * SIDE, row * SIDE);
    });
    this.tiles.getContext("2d").putImageData(pixels, 0, 0);
    this.goal = seen.places.map(([x, y], n) => this.toCanvas([x, this.flat ? 1.9 - (4 * labels[n]) / names.length : y]));
    if (matchMedia("(prefers-reduced-motion: reduce)").matches || this.places?.length !== labels.length) this.places = this.goal;
    this.canvas.setAttribute("aria-label", this.flat
      ? say`The line of the one number: test pictures in a row for each kind, and along the bottom what is drawn there.`
      : say`The plane of the two numbers: test pictures as dots, and under them what is drawn there.`);
    if (!this.gliding) this.glide();
  }

  toCanvas([x, y]) {
    const reach = (REACH * ACROSS) / (ACROSS - 1);
    return [x, -y].map((at) => clamp((CLOUD * (at / reach + 1)) / 2, 6, CLOUD - 6));
  }

  /** Bring the dots a part of their way, and again with the next frame until they are there. */
  glide() {
    const { explorer, canvas, goal, flat, seen: { point } } = this;
    this.places = (this.places ?? goal).map((place, n) => place.map((at, axis) => mix(at, goal[n][axis], 0.3)));
    paintCloud(explorer, canvas, this.places, this.labels, (pen) => {
      pen.imageSmoothingEnabled = false;
      pen.drawImage(this.tiles, 0, 0, CLOUD, CLOUD);
    }, this.names);
    if (point) paintRing(explorer, canvas, this.toCanvas(flat ? [point[0], -2.05] : point), 16, [10, 5], "--accent");
    const far = this.places.some((place, n) => Math.hypot(place[0] - goal[n][0], place[1] - goal[n][1]) > 1);
    this.gliding = far && canvas.isConnected;
    if (this.gliding) requestAnimationFrame(() => this.glide());
  }
}
