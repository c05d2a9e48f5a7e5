// Letters of Hangul as unsteady hands write them. aelib/hangul.py does the same.

import { prepare } from "./digit.js";
import { PIXELS, mix, normal } from "./measures.js";

const ROUND = 2 * Math.PI;

/** A letter's strokes, shaken, slanted and bent. @param {number[][][]} strokes points in a square of 100 */
function byHand(strokes, random) {
  const shaken = strokes.map((stroke) => {
    // A ring's many points are no corners: shaken one by one they would make a saw.
    const [parts, shake] = stroke.length < 10 ? [5, 0.04] : [1, 0];
    const away = [0.05 * normal(random), 0.05 * normal(random)];
    const corners = stroke.map((point) => point.map((at, axis) => at / 100 - 0.5 + away[axis] + shake * normal(random)));
    const edges = corners.slice(1).flatMap((to, n) => Array.from({ length: parts }, (_, k) =>
      corners[n].map((at, axis) => mix(at, to[axis], k / parts))));
    return [...edges, corners.at(-1)];
  });
  const [turn, slant, wide] = [0.1 * normal(random), 0.18 * normal(random), Math.exp(0.11 * normal(random))];
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const waves = [1, 2, 3].map(() => ({ angle: ROUND * random(), phase: ROUND * random(), often: mix(0.4, 1.1, random()) }));
  const bent = ([x, y]) => {
    let at = [cos * wide * x + (cos * slant - sin / wide) * y, sin * wide * x + (sin * slant + cos / wide) * y];
    for (const { angle, phase, often } of waves) {
      const [across, down] = [Math.cos(angle), Math.sin(angle)];
      const height = 0.06 * Math.sin(ROUND * often * (at[0] * across + at[1] * down) + phase);
      at = [at[0] - height * down, at[1] + height * across];
    }
    return at;
  };
  return shaken.map((stroke) => ({ points: stroke.map(bent), erases: false }));
}

/** Pictures of letters, each so often, in turns. A generator: it takes a second for a thousand. */
export function* handwriting(letters, each, random) {
  const all = Object.values(letters);
  const labels = Array.from({ length: each * all.length }, (_, n) => n % all.length);
  const images = new Float32Array(labels.length * PIXELS);
  for (const [n, label] of labels.entries()) {
    images.set(prepare(byHand(all[label], random), mix(1.9, 3.3, random())).image, n * PIXELS);
    yield;
  }
  return { images, labels };
}
