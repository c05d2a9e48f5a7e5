// A film: what a decoder draws along a path through its plane.

import { Strip } from "./explorer.js";
import { clamp, mix } from "./measures.js";
import { button, h, percent, slider } from "./page.js";
import { say } from "./words.js";

const SHOTS = 8; // in the strip
const SECONDS_LONG = 5;

export class Film {
  /** `drawnAt(code)` gives a picture, `go(code)` shows a place of the path. */
  constructor(explorer, map, drawnAt, go) {
    Object.assign(this, { map, drawnAt, go, path: [], playing: 0 });
    const names = Array.from({ length: SHOTS }, (_, n) => String(n + 1));
    this.strip = new Strip(explorer, say`along the path`, names, (n) => this.seek(n / (SHOTS - 1)));
    this.time = slider(say`how far along the path`, {
      min: 0, max: 100, value: 0, words: (n) => percent(n / 100), change: (n) => this.seek(n / 100),
    });
    this.button = button(say`Play the film`, () => (this.playing ? this.stop() : this.play()));
    this.element = h("div.film", { hidden: "" }, this.strip.element, this.time.element, this.button);
  }

  /** A path is there: its strip. */
  show(path) {
    this.stop();
    this.path = path;
    this.element.hidden = path.length < 2;
    for (let n = 0; n < SHOTS && path.length > 1; n++) this.strip.show(n, this.drawnAt(this.along(n / (SHOTS - 1))), "");
  }

  /** The code at a share of the path, which is as long as it looks on the map. */
  along(share) {
    const { map, path } = this;
    const places = path.map((code) => map.share(code));
    const ways = places.slice(1).map(([x, y], n) => Math.hypot(x - places[n][0], y - places[n][1]));
    let left = share * ways.reduce((a, b) => a + b, 0);
    for (const [n, way] of ways.entries()) {
      if (way && left <= way) return [0, 1].map((axis) => mix(path[n][axis], path[n + 1][axis], left / way));
      left -= way;
    }
    return path.at(-1);
  }

  seek(share) {
    this.stop();
    this.at(share);
  }

  at(share) {
    this.time.set(100 * share);
    this.go(this.along(share));
  }

  play() {
    this.button.textContent = say`Stop the film`;
    const begun = performance.now();
    const frame = (now) => {
      const share = clamp((now - begun) / 1000 / SECONDS_LONG, 0, 1);
      this.at(share);
      if (share === 1 || !this.element.checkVisibility()) this.stop();
      else this.playing = requestAnimationFrame(frame);
    };
    this.playing = requestAnimationFrame(frame);
  }

  stop() {
    cancelAnimationFrame(this.playing);
    this.playing = 0;
    this.button.textContent = say`Play the film`;
  }
}
