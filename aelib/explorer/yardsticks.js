// What a network that learns is measured by: the mean image, PCA, a checkerboard's score, its plane.

import { PIXELS, SIDE, dot, range } from "./measures.js";

/**
 * The errors on test pictures of the mean training picture, and of PCA with so many numbers, whose
 * directions are found by letting the pictures pull at random ones, again and again.
 */
export function* baselines(pictures, tests, size, random) {
  const mean = new Float32Array(PIXELS);
  for (const picture of pictures) add(mean, 1 / pictures.length, picture);
  const less = (picture) => picture.map((value, p) => value - mean[p]);
  const own = pictures.map(less);
  let directions = Array.from({ length: size }, () => mean.map(() => random() - 0.5));
  for (let round = 0; round < 8; round++) {
    const pulled = directions.map(() => new Float32Array(PIXELS));
    for (const picture of own) {
      directions.forEach((direction, k) => add(pulled[k], dot(direction, picture), picture));
      yield;
    }
    pulled.forEach((direction, k) => {
      for (const other of pulled.slice(0, k)) add(direction, -dot(direction, other), other);
      const length = Math.sqrt(dot(direction, direction)) || 1;
      direction.forEach((value, p) => (direction[p] = value / length));
    });
    directions = pulled;
  }
  let [ofMean, ofLinear] = [0, 0];
  for (const picture of tests.map(less)) {
    const share = 1 / PIXELS / tests.length;
    const whole = share * dot(picture, picture);
    ofMean += whole;
    ofLinear += directions.reduce((rest, direction) => rest - share * dot(direction, picture) ** 2, whole);
  }
  return { ofMean, ofLinear };
}

function add(to, share, from) {
  for (let p = 0; p < PIXELS; p++) to[p] += share * from[p];
}

const turns = (turn) => Float32Array.from({ length: PIXELS }, (_, n) => turn((2 * Math.PI * Math.floor(n / SIDE) * (n % SIDE)) / SIDE));
const COSINES = turns(Math.cos); // of each wave, at each place
const SINES = turns(Math.sin);

/** The mean power spectrum of pictures, 28 x 28; waves of no, one, two, ... periods down and across. */
export function* spectrum(pictures) {
  const power = new Float32Array(PIXELS);
  for (const picture of pictures) {
    const rows = transformed(picture, new Float32Array(PIXELS));
    const both = transformed(...rows);
    both[0].forEach((real, n) => (power[n] += real ** 2 + both[1][n] ** 2));
    yield;
  }
  return power;
}

/** The waves along each row of complex numbers, turned over, so that twice does both directions. */
function transformed(reals, imaginaries) {
  const found = [new Float32Array(PIXELS), new Float32Array(PIXELS)];
  for (let y = 0; y < SIDE; y++) {
    for (let wave = 0; wave < SIDE; wave++) {
      let real = 0, imaginary = 0;
      for (let x = 0; x < SIDE; x++) {
        const at = y * SIDE + x, turn = wave * SIDE + x;
        real += reals[at] * COSINES[turn] + imaginaries[at] * SINES[turn];
        imaginary += imaginaries[at] * COSINES[turn] - reals[at] * SINES[turn];
      }
      found[0][wave * SIDE + y] = real;
      found[1][wave * SIDE + y] = imaginary;
    }
  }
  return found;
}

/** A spectrum to look at: its logarithms, from 0 to 1, and no waves in the middle. */
export function asPicture(power) {
  const middled = (line) => (line + SIDE / 2) % SIDE;
  const logs = Array.from(power, (_, n) => Math.log(power[middled(Math.floor(n / SIDE)) * SIDE + middled(n % SIDE)] + 1e-6));
  const [low, high] = range(logs);
  return logs.map((value) => (value - low) / (high - low || 1));
}

/** How far a grid of two pixels stands out of a spectrum; as `aelib.checkerboards` has it. */
export function checkerboardScore(power) {
  const grid = SIDE / 2;
  const sums = { on: [0, 0], beside: [0, 0] };
  power.forEach((value, n) => {
    const lines = [Math.floor(n / SIDE), n % SIDE].map((line) => Math.abs(line - grid));
    const where = lines.includes(0) ? "on" : lines.includes(2) ? "beside" : null;
    if (!where) return;
    sums[where][0] += value;
    sums[where][1]++;
  });
  const [on, beside] = [sums.on, sums.beside].map(([sum, count]) => sum / count);
  return beside > 0 ? on / beside : NaN;
}

/**
 * Points of a plane brought to the middle, to a spread of one, and turned or mirrored so that they fit
 * those before (Procrustes): the way there, and the way back.
 */
export function fitted(points, before) {
  const mean = [0, 1].map((axis) => points.reduce((sum, point) => sum + (point[axis] ?? 0), 0) / points.length);
  const middled = (point) => [point[0] - mean[0], (point[1] ?? 0) - mean[1]];
  const from = points.map(middled);
  const spread = Math.sqrt(from.reduce((sum, [x, y]) => sum + x * x + y * y, 0) / points.length) || 1;
  const sums = [0, 0, 0, 0]; // of the products of old and new places: xx, xy, yx, yy
  (before ?? from).forEach(([x, y], n) => {
    [x * from[n][0], x * from[n][1], y * from[n][0], y * from[n][1]].forEach((value, k) => (sums[k] += value));
  });
  const [xx, xy, yx, yy] = sums;
  const mirrored = Math.hypot(xx - yy, xy + yx) > Math.hypot(xx + yy, yx - xy) ? -1 : 1;
  const angle = Math.atan2(yx - mirrored * xy, xx + mirrored * yy);
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  return {
    place(point) {
      const [x, y] = middled(point).map((at) => at / spread);
      return [x * cosine - mirrored * y * sine, x * sine + mirrored * y * cosine];
    },
    back: ([x, y]) => [
      mean[0] + spread * (x * cosine + y * sine),
      mean[1] + spread * mirrored * (y * cosine - x * sine),
    ],
  };
}
