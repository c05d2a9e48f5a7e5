// Small things that everybody needs: the size of a picture, and a few measures.

export const SIDE = 28;
export const PIXELS = SIDE * SIDE;
export const DIGITS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
export const mix = (a, b, share) => a + share * (b - a);

export const rounded = (value) => Number(value.toPrecision(3));

/** What a reader should know of something that is not there: `stage` says it in its place. */
export class Missing extends Error {}

/** One picture of many that lie one after the other. */
export const pictureOf = (all, n) => all.subarray(n * PIXELS, (n + 1) * PIXELS);

/** The least and the largest of many numbers. */
export function range(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** The sum of products. */
export function dot(a, b) {
  let sum = 0;
  for (let n = 0; n < a.length; n++) sum += a[n] * b[n];
  return sum;
}

/** Add so much of one picture to another. */
export function addTo(picture, share, other) {
  for (let p = 0; p < picture.length; p++) picture[p] += share * other[p];
}

/** The mean of the squared differences of two pictures. */
export function meanSquaredError(a, b) {
  let sum = 0;
  for (let p = 0; p < a.length; p++) sum += (a[p] - b[p]) ** 2;
  return sum / a.length;
}

/**
 * Which share of many values, of which evenly spaced quantiles are known, lies below a value.
 * @param {Float32Array} quantiles rising, from the least value to the largest
 */
export function shareBelow(quantiles, value) {
  const n = quantiles.findIndex((each) => each >= value);
  if (n < 1) return n ? 1 : 0;
  return (n - 1 + (value - quantiles[n - 1]) / (quantiles[n] - quantiles[n - 1])) / (quantiles.length - 1);
}

/** Random numbers from 0 to 1 that follow a seed. Source: Tommy Ettinger's mulberry32. */
export function randoms(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One of normally distributed numbers, of mean 0 and spread 1 (Box and Muller). */
export const normal = (random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** The place of the largest number. */
export const argmax = (values) => values.reduce((best, value, n) => (value > values[best] ? n : best), 0);

/** The darkest of some pictures, pixel by pixel. */
export const darkest = (covers) =>
  Float32Array.from({ length: PIXELS }, (_, p) => Math.max(0, ...covers.map((cover) => cover[p])));
