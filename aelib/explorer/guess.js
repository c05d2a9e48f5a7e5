// A curve that a reader draws before the true one is shown.

import { Plot } from "./chart.js";
import { clamp, mix } from "./measures.js";
import { movable, short } from "./page.js";
import { say } from "./words.js";

const POINTS = 7;
const [LOW, HIGH, FIRST] = [-3, -0.7, -1.3]; // errors as powers of ten

/** Points over a few names: a pointer or the arrow keys lead them. */
export class Guess extends Plot {
  /** @param {string[]} ticks names along the bottom, evenly spaced */
  constructor(ticks) {
    super(96, say`latent dimension d`);
    const count = Math.min(POINTS, ticks.length);
    this.places = Array.from({ length: count }, (_, k) => Math.round((k * (ticks.length - 1)) / (count - 1 || 1)));
    Object.assign(this, { ticks, powers: this.places.map(() => FIRST), at: 0 });
    this.element.tabIndex = 0;
    this.element.setAttribute("role", "application");
    this.element.classList.add("movable");
    movable(
      this.element,
      (x, y) => {
        const { left, right, top, bottom } = this.frame;
        const n = ((x * this.element.clientWidth - left) / (right - left)) * (ticks.length - 1);
        const away = this.places.map((place) => Math.abs(place - n));
        this.set(away.indexOf(Math.min(...away)), () => mix(HIGH, LOW, (y * this.element.clientHeight - top) / (bottom - top)));
      },
      (dx, dy, finely) => this.set(clamp(this.at + dx, 0, count - 1), (power) => power - dy * (finely ? 0.01 : 0.05)),
    );
    this.set(0, (power) => power);
  }

  /** Move a point, and show and say it. */
  set(at, change) {
    const { ticks, places, powers } = this;
    this.at = at;
    powers[at] = clamp(change(powers[at]), LOW, HIGH);
    const points = places.map((place, k) => [place, 10 ** powers[k]]);
    this.element.setAttribute("aria-label", say`Your guess of the curve: at d = ${ticks[places[at]]} an error of ${short(points[at][1])}. Left and right go from point to point, up and down move it.`);
    this.show({
      last: ticks.length - 1, limits: [LOW, HIGH], words: say`Your guess`,
      lines: [{ name: say`your guess`, kind: "guess", points, mark: (k) => (k === at ? 8 : 6) }],
      ticks: places.map((place, k) => [place, ticks[place], k === at ? "chosen" : ""]),
    });
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
