// What a network that learns is measured by: the mean image, PCA, a checkerboard's score, its plane.

import { PIXELS, SIDE, addTo, dot, range } from "./measures.js";

/**
 * The errors on test pictures of the mean training picture, and of PCA with so many numbers, whose
 * directions are found by letting the pictures pull at random ones, again and again.
 */
export function* baselines(pictures, tests, size, random) {
  const mean = new Float32Array(PIXELS);
  for (const picture of pictures) addTo(mean, 1 / pictures.length, picture);
  const less = (picture) => picture.map((value, p) => value - mean[p]);
  const own = pictures.map(less);
  let directions = Array.from({ length: size }, () => mean.map(() => random() - 0.5));
  for (let round = 0; round < 8; round++) {
    const pulled = directions.map(() => new Float32Array(PIXELS));
    for (const picture of own) {
      directions.forEach((direction, k) => addTo(pulled[k], dot(direction, picture), picture));
      yield;
    }
    pulled.forEach((direction, k) => {
      for (const other of pulled.slice(0, k)) addTo(direction, -dot(direction, other), other);
      const length = Math.hypot(...direction) || 1;
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

const waves = (turn) => Float32Array.from({ length: PIXELS }, (_, n) => turn((2 * Math.PI * Math.floor(n / SIDE) * (n % SIDE)) / SIDE));
const [COSINES, SINES] = [Math.cos, Math.sin].map(waves); // of each wave, at each place

/** The mean power spectrum of pictures, 28 x 28; waves of no, one, two, ... periods down and across. */
export function* spectrum(pictures) {
  const power = new Float32Array(PIXELS);
  for (const picture of pictures) {
    const [down, aside] = [product(COSINES, picture), product(SINES, picture)];
    const [cc, cs, sc, ss] = [[down, COSINES], [down, SINES], [aside, COSINES], [aside, SINES]].map((pair) => product(...pair));
    power.forEach((value, n) => (power[n] = value + (cc[n] - ss[n]) ** 2 + (cs[n] + sc[n]) ** 2));
    yield;
  }
  return power;
}

/** The product of two matrices of 28 x 28. */
function product(a, b) {
  const result = new Float32Array(PIXELS);
  for (let row = 0; row < SIDE; row++) {
    for (let k = 0; k < SIDE; k++) {
      for (let column = 0; column < SIDE; column++) result[row * SIDE + column] += a[row * SIDE + k] * b[k * SIDE + column];
    }
  }
  return result;
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
  const mean = (away) => {
    const own = power.filter((_, n) => {
      const lines = [Math.floor(n / SIDE), n % SIDE].map((line) => Math.abs(line - SIDE / 2));
      return lines.includes(away) && (away === 0 || !lines.includes(0));
    });
    return own.reduce((sum, value) => sum + value, 0) / own.length;
  };
  return mean(0) / mean(2);
}

/**
 * Points of a plane brought to the middle, to a spread of one, and turned or mirrored so that they fit
 * those before (Procrustes): the way there, and the way back.
 */
export function fitted(points, before) {
  const mean = [0, 1].map((axis) => points.reduce((sum, point) => sum + (point[axis] ?? 0), 0) / points.length);
  const middled = ([x, y = 0]) => [x - mean[0], y - mean[1]];
  const from = points.map(middled);
  const spread = Math.hypot(...from.flat()) / Math.sqrt(points.length) || 1;
  const sum = (old, own) => (before ?? from).reduce((all, point, n) => all + point[old] * from[n][own], 0);
  const [xx, xy, yx, yy] = [sum(0, 0), sum(0, 1), sum(1, 0), sum(1, 1)]; // of the products of old and new places
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
