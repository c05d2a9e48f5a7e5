// From strokes to a digit as MNIST's makers made them, and ways to break it.

import { centreOf } from "./grids.js";
import { PIXELS, SIDE, clamp, mix, normal, randoms, range } from "./measures.js";

/** @typedef {{points: number[][], erases: boolean}} Stroke points in units of the pad's side */
/** @typedef {{scale: number, x: number, y: number}} Frame pixel = scale * point + (x, y) */

// What MNIST's makers did with every digit: a box of 20 pixels, then the centre of mass in
// the middle of 28. The pen is as thick as MNIST's, however large one draws.
export const BOX = 20;
export const PEN = 2.6; // pixels of the 28
const SOFT = 2; // pixels over which the edge of a stroke fades: its anti-aliasing and a slight blur
const SMALLEST = 0.1; // of the pad's side; a smaller drawing is not enlarged beyond that
export const ERASER = 0.15; // of the pad's side, so that what it took away stays as large as it was
export const MIDDLE = SIDE / 2 + 0.5; // MNIST's centres of mass lie in pixel 14 of 0 to 27: in its middle

/** How far a point lies from another one, or from the straight line between two. */
export function distance(x, y, [ax, ay], [bx, by] = [ax, ay]) {
  const length = (bx - ax) ** 2 + (by - ay) ** 2;
  const share = length ? clamp(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length, 0, 1) : 0;
  return Math.hypot(x - ax - share * (bx - ax), y - ay - share * (by - ay));
}

/** How much of each pixel a round pen covers, from 0 to 1, on its way along points. */
function penned(points, frame, pen) {
  const covered = new Float32Array(PIXELS);
  const path = points.map(([x, y]) => [frame.scale * x + frame.x, frame.scale * y + frame.y]);
  const reach = pen / 2 + SOFT / 2;
  for (let n = 0; n < path.length; n++) {
    const [a, b] = [path[Math.max(n - 1, 0)], path[n]];
    const left = Math.max(0, Math.floor(Math.min(a[0], b[0]) - reach));
    const right = Math.min(SIDE - 1, Math.ceil(Math.max(a[0], b[0]) + reach));
    const top = Math.max(0, Math.floor(Math.min(a[1], b[1]) - reach));
    const bottom = Math.min(SIDE - 1, Math.ceil(Math.max(a[1], b[1]) + reach));
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const away = distance(x + 0.5, y + 0.5, a, b); // from the middle of the pixel
        const here = clamp(0.5 + (pen / 2 - away) / SOFT, 0, 1);
        if (here > covered[y * SIDE + x]) covered[y * SIDE + x] = here;
      }
    }
  }
  return covered;
}

/** Draw strokes, in their order, onto a picture. @param {Stroke[]} strokes */
export function inked(picture, strokes, frame, pen) {
  const result = Float32Array.from(picture);
  for (const { points, erases } of strokes) {
    const covered = penned(points, frame, erases ? ERASER * frame.scale : pen);
    for (let p = 0; p < PIXELS; p++) {
      result[p] = erases ? result[p] * (1 - covered[p]) : Math.max(result[p], covered[p]);
    }
  }
  return result;
}

/** The points of what was drawn that no eraser has passed over afterwards. */
function left(strokes) {
  return strokes.flatMap(({ points, erases }, n) => {
    if (erases) return [];
    const erasers = strokes.slice(n).filter((stroke) => stroke.erases).map((stroke) => stroke.points);
    const isLeft = ([x, y]) => !erasers.some((path) =>
      path.some((point, k) => distance(x, y, path[Math.max(k - 1, 0)], point) < ERASER / 2));
    return (erasers.length ? dense(points) : points).filter(isLeft);
  });
}

/** Points of a path that lie no further apart than an eraser could tell. */
export const dense = (points) => points.flatMap((b, n) => {
  const a = points[Math.max(n - 1, 0)];
  const parts = Math.max(1, Math.ceil(distance(...a, b) / 0.01));
  return Array.from({ length: parts }, (_, k) => [0, 1].map((axis) => mix(a[axis], b[axis], (k + 1) / parts)));
});

/** The frame that puts points, with the pen that draws them, into a box of 20 in the middle of 28. */
function boxed(points, pen) {
  const [[west, east], [north, south]] = [0, 1].map((axis) => range(points.map((point) => point[axis])));
  const scale = (BOX - pen) / Math.max(east - west, south - north, SMALLEST);
  return { scale, x: SIDE / 2 - (scale * (west + east)) / 2, y: SIDE / 2 - (scale * (north + south)) / 2 };
}

/** Prepare a drawing as MNIST is: scale its paths, ink them, balance them in the middle; null without ink. */
export function prepare(strokes, pen = PEN) {
  const points = left(strokes);
  if (!points.length) return null;
  const paper = new Float32Array(PIXELS);
  const box = boxed(points, pen);
  const first = inked(paper, strokes, box, pen);
  const moved = centreOf({ data: first, width: SIDE }).map((at) => MIDDLE - (at + 0.5));
  const frame = { scale: box.scale, x: box.x + moved[0], y: box.y + moved[1] };
  // The paths are moved and inked again: nothing is blurred by the shift.
  return { boxed: first, image: inked(paper, strokes, frame, pen), moved };
}

/** A picture turned about its middle (degrees, clockwise) and shifted (pixels). */
function moved(picture, { turn, right, down }) {
  const angle = (turn * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const middle = (SIDE - 1) / 2;
  const pixel = (x, y) => (x >= 0 && y >= 0 && x < SIDE && y < SIDE ? picture[y * SIDE + x] : 0);
  return picture.map((_, p) => {
    const x = (p % SIDE) - middle - right;
    const y = Math.floor(p / SIDE) - middle - down;
    const [sx, sy] = [cos * x + sin * y + middle, cos * y - sin * x + middle];
    const [left, top] = [Math.floor(sx), Math.floor(sy)];
    const above = mix(pixel(left, top), pixel(left + 1, top), sx - left);
    const below = mix(pixel(left, top + 1), pixel(left + 1, top + 1), sx - left);
    return mix(above, below, sy - top);
  });
}

// The same noise every time, so that a slider changes its strength and nothing else.
const uniform = randoms(1);
const NOISE = Float32Array.from({ length: PIXELS }, () => normal(uniform));

export const UNBROKEN = { noise: 0, turn: 0, right: 0, down: 0, pen: PEN };

/** A picture with everything done to it that a reader asked for. */
export function broken(picture, breaks) {
  const { noise, turn, right, down } = breaks;
  const shifted = turn || right || down ? moved(picture, breaks) : picture;
  return noise ? shifted.map((value, p) => clamp(value + noise * NOISE[p], 0, 1)) : shifted;
}
