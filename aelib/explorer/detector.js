// How strange a picture is to a one-digit model.

import { PIXELS, SIDE, dot } from "./measures.js";

const BELL = [-3, -2, -1, 0, 1, 2, 3].map((x) => Math.exp(-(x ** 2) / 2)); // one pixel
const BLUR = BELL.map((weight) => weight / BELL.reduce((a, b) => a + b));

/** A picture through a Gaussian blur of one pixel; at the border it is mirrored. */
export function blurred(picture) {
  const mirror = (place) => (place < 0 ? -place : place >= SIDE ? 2 * SIDE - 2 - place : place);
  /** Along columns, which come out as rows: done twice they lie as before. */
  const along = (from) => from.map((_, p) => {
    const [column, row] = [Math.floor(p / SIDE), p % SIDE];
    return BLUR.reduce((sum, weight, n) => sum + weight * from[mirror(row + n - 3) * SIDE + column], 0);
  });
  return along(along(picture));
}

/** The codes that a detector knows: is a new one among them? */
export class CodeDistance {
  /** @param {Float32Array} scaling (d, r) @param {Float32Array} codes scaled ones, (N, r) */
  constructor(scaling, codes, directions) {
    Object.assign(this, { scaling, codes, directions });
  }

  /** The mean distance to the five nearest known codes. */
  distance(code) {
    const r = this.directions;
    const scaled = new Float32Array(r);
    for (let i = 0; i < code.length; i++) {
      for (let n = 0; n < r; n++) scaled[n] += code[i] * this.scaling[i * r + n];
    }
    const nearest = new Array(5).fill(Infinity); // squared distances, rising
    for (let at = 0; at < this.codes.length; at += r) {
      let sum = 0;
      // Most codes are too far away before all directions have been looked at.
      for (let n = 0; n < r && sum < nearest[4]; n++) {
        const apart = scaled[n] - this.codes[at + n];
        sum += apart * apart;
      }
      if (sum >= nearest[4]) continue;
      let place = 4;
      for (; place > 0 && nearest[place - 1] > sum; place--) nearest[place] = nearest[place - 1];
      nearest[place] = sum;
    }
    return nearest.reduce((sum, value) => sum + Math.sqrt(value), 0) / 5;
  }
}

/** Every score of a picture by one detector, as `aelib.detection.anomaly_scores` has them. */
export function anomalyScores(image, drawn, seenBlurred, distance) {
  const squared = (values) => dot(values, values);
  const difference = drawn.map((value, p) => value - image[p]);
  const share = squared(blurred(difference)) / squared(seenBlurred);
  return {
    mse: squared(difference) / PIXELS,
    share: squared(difference) / squared(image),
    "blurred share": share,
    "blurred share and code": share * distance ** 2,
  };
}
