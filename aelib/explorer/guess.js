// A curve that a reader draws before the true one is shown.

import { Plot } from "./chart.js";
import { clamp, mix } from "./measures.js";
import { movable, short, svg } from "./page.js";
import { say } from "./words.js";

const GUESSED = { points: 7, low: -3, high: -0.7, first: -1.3 }; // errors as powers of ten

/** Points over a few names: a pointer or the arrow keys lead them. */
export class Guess extends Plot {
  /** @param {string[]} ticks names along the bottom, evenly spaced */
  constructor(ticks) {
    super(96, say`latent dimension d`);
    const count = Math.min(GUESSED.points, ticks.length);
    this.places = Array.from({ length: count }, (_, k) => Math.round((k * (ticks.length - 1)) / (count - 1 || 1)));
    this.powers = this.places.map(() => GUESSED.first);
    Object.assign(this, { ticks, at: 0, ready: true });
    this.element.tabIndex = 0;
    this.element.setAttribute("role", "application");
    this.element.classList.add("movable");
    movable(
      this.element,
      (x, y) => {
        const { left, right, top, bottom } = this.frame;
        const n = ((x * this.element.clientWidth - left) / (right - left)) * (ticks.length - 1);
        const away = this.places.map((place) => Math.abs(place - n));
        this.at = away.indexOf(Math.min(...away));
        this.set(mix(GUESSED.high, GUESSED.low, (y * this.element.clientHeight - top) / (bottom - top)));
      },
      (dx, dy, finely) => {
        this.at = clamp(this.at + dx, 0, count - 1);
        this.set(this.powers[this.at] - dy * (finely ? 0.01 : 0.05));
      },
    );
    this.say();
  }

  set(power) {
    this.powers[this.at] = clamp(power, GUESSED.low, GUESSED.high);
    this.say();
    this.paint();
  }

  say() {
    const [d, error] = [this.ticks[this.places[this.at]], short(10 ** this.powers[this.at])];
    this.element.setAttribute("aria-label", say`Your guess of the curve: at d = ${d} an error of ${error}. Left and right go from point to point, up and down move it.`);
  }

  draw(width) {
    const axes = this.axes(width, [GUESSED.low, GUESSED.high], this.ticks.length - 1, say`Your guess`);
    const values = this.powers.map((power) => 10 ** power);
    axes.picture.append(svg("path", { d: axes.path(values, (k) => this.places[k]), class: "line guess" }));
    this.places.forEach((place, k) => {
      axes.tick(place, this.ticks[place], k === this.at ? "chosen" : "");
      axes.picture.append(svg("circle", { cx: axes.x(place), cy: axes.y(values[k]), r: k === this.at ? 8 : 6, class: "guess" }));
    });
    axes.name(values.at(-1), say`your guess`, "guess");
    return axes.picture;
  }

  /** The guessed error at every name: between two points a straight line, as it is drawn. */
  get values() {
    return this.ticks.map((_, n) => {
      const k = Math.max(this.places.findIndex((place) => place >= n), 1);
      const [from, to] = [this.places[k - 1], this.places[k]];
      return 10 ** mix(this.powers[k - 1], this.powers[k], (n - from) / (to - from));
    });
  }
}
