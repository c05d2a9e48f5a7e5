// A digit that writes itself on an empty desk, and makes way at the first touch.

import { dense } from "./digit.js";
import { clamp } from "./measures.js";

const BOW = Array.from({ length: 31 }, (_, n) => 0.155 * (n - 15)) // angles
  .map((angle) => [0.47 + 0.21 * Math.cos(angle), 0.61 + 0.22 * Math.sin(angle)]);
const FIVE = [[[0.36, 0.17], [0.33, 0.44], ...BOW], [[0.36, 0.17], [0.66, 0.17]]].map(dense);
const SECONDS = 1.8;

/** Write it: with motion, unless the system asks for none. @param {Desk} desk */
export function haunt(desk) {
  if (desk.haunted || desk.image || desk.past.length) return;
  desk.haunted = true;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const begun = performance.now();
  let own = desk.drawing;
  const write = (now) => {
    if (desk.drawing !== own) return; // somebody draws
    const share = still ? 1 : clamp((now - begun) / 1000 / SECONDS, 0, 1);
    let left = 1 + share * FIVE.flat().length; // points
    const strokes = FIVE.map((points) => {
      const written = points.slice(0, Math.max(left, 0));
      left -= points.length;
      return { points: written, erases: false };
    });
    own = { base: null, ghost: true, strokes: strokes.filter(({ points }) => points.length) };
    desk.drawing = own;
    desk.changed();
    if (share < 1) requestAnimationFrame(write);
  };
  write(begun);
}
