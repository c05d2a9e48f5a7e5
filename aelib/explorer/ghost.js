// A digit that writes itself on an empty desk, and makes way at the first touch.

import { clamp } from "./measures.js";

const FIVE = [ // places of its two strokes; one that stands twice makes a corner
  [[0.36, 0.17], [0.33, 0.44], [0.33, 0.44], [0.47, 0.39], [0.6, 0.44], [0.67, 0.58], [0.61, 0.75], [0.47, 0.83], [0.31, 0.78]],
  [[0.36, 0.17], [0.66, 0.17]],
];
const SECONDS = 1.8;
const PARTS = 6; // between two of these places

/** Points between places, close enough for a pen that is followed, on a curve through them (Catmull and Rom's). */
const way = (places) => places.slice(1).flatMap((_, n) => {
  const [a, b, c, d] = [n - 1, n, n + 1, n + 2].map((at) => places[clamp(at, 0, places.length - 1)]);
  return Array.from({ length: PARTS }, (_, k) => [0, 1].map((axis) => {
    const t = (k + 1) / PARTS;
    const [bend, slope] = [c[axis] - a[axis], d[axis] - b[axis]].map((value) => value / 2);
    const rise = c[axis] - b[axis];
    return b[axis] + t * (bend + t * (3 * rise - 2 * bend - slope + t * (bend + slope - 2 * rise)));
  }));
});

/** Write it: with motion, unless the system asks for none. @param {Desk} desk */
export function haunt(desk) {
  if (desk.haunted || desk.image || desk.history.length) return;
  desk.haunted = true;
  const strokes = FIVE.map((places) => ({ points: [places[0], ...way(places)], erases: false }));
  const all = strokes.reduce((sum, { points }) => sum + points.length, 0);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let own = desk.drawing;
  let start = null;
  const write = (now) => {
    if (desk.drawing !== own) return; // somebody draws
    start ??= now;
    let left = still ? all : Math.ceil((all * (now - start)) / (1000 * SECONDS)) + 1;
    const done = left >= all;
    own = { base: null, ghost: true, strokes: [] };
    for (const stroke of strokes) {
      if (left > 0) own.strokes.push({ ...stroke, points: stroke.points.slice(0, left) });
      left -= stroke.points.length;
    }
    desk.drawing = own;
    desk.changed();
    if (!done) requestAnimationFrame(write);
  };
  if (still) write(0);
  else requestAnimationFrame(write);
}
