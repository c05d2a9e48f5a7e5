// A film: what a decoder draws along a path through its plane.

import { Strip } from "./explorer.js";
import { clamp, mix } from "./measures.js";
import { button, h, slider } from "./page.js";
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
      min: 0, max: 100, value: 0, words: (n) => `${Math.round(n)} %`, change: (n) => this.seek(n / 100),
    });
    this.button = button(say`Play the film`, () => (this.playing ? this.stop() : this.play()));
    this.element = h("div.film", { hidden: "" }, this.strip.element, this.time.element, this.button);
  }

  /** A path is drawn: its strip, and its film, which plays unless the system asks for no motion. */
  show(path) {
    this.stop();
    this.path = path;
    this.element.hidden = path.length < 2;
    if (this.element.hidden) return;
    for (let n = 0; n < SHOTS; n++) this.strip.show(n, this.drawnAt(this.along(n / (SHOTS - 1))), "");
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.seek(0);
    else this.play();
  }

  /** The code at a share of the path, which is as long as it looks on the map. */
  along(share) {
    const { map, path } = this;
    const way = path.map((place) => map.share(place));
    const far = way.slice(1).map((place, n) => Math.hypot(place[0] - way[n][0], place[1] - way[n][1]));
    let left = share * far.reduce((a, b) => a + b, 0);
    for (let n = 0; n < far.length; n++) {
      if (left <= far[n] && far[n]) return [0, 1].map((axis) => mix(path[n][axis], path[n + 1][axis], left / far[n]));
      left -= far[n];
    }
    return path.at(-1);
  }

  seek(share) {
    this.stop();
    this.time.set(100 * share);
    this.go(this.along(share));
  }

  play() {
    this.button.textContent = say`Stop the film`;
    const begun = performance.now();
    const frame = (now) => {
      const share = clamp((now - begun) / 1000 / SECONDS_LONG, 0, 1);
      this.time.set(100 * share);
      this.go(this.along(share));
      if (share === 1 || !this.element.isConnected) this.stop();
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
