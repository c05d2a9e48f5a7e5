// What a network's layers do to maps, one function each. Each says in the payload what it is.

import { mix, placesBetween } from "./measures.js";

/** @typedef {{data: Float32Array, channels: number, side: number}} Maps square feature maps */

/** Numbers in a row: maps of one pixel. @returns {Maps} */
export const list = (data) => ({ data, channels: data.length, side: 1 });

/** @param {number} channels @param {number} side @returns {Maps} */
const blank = (channels, side) => ({
  data: new Float32Array(channels * side * side),
  channels,
  side,
});

/**
 * Which n of 0 .. count - 1 have n * stride + shift inside 0 .. limit - 1: the first and the
 * last. It keeps the loops below free of questions about the border.
 */
function inside(count, stride, shift, limit) {
  const first = Math.max(0, Math.ceil(-shift / stride));
  const last = Math.min(count - 1, Math.floor((limit - 1 - shift) / stride));
  return [first, last];
}

/** Every output pixel is a weighted sum of a small window of the input. */
function convolution(input, { inputs, outputs, kernel, stride, padding, weight, bias }) {
  const from = input.side;
  const side = Math.floor((from + padding[0] + padding[1] - kernel) / stride) + 1;
  const output = blank(outputs, side);
  for (let o = 0; o < outputs; o++) {
    output.data.fill(bias[o], o * side * side, (o + 1) * side * side);
    for (let i = 0; i < inputs; i++) {
      for (let row = 0; row < kernel; row++) {
        const [top, bottom] = inside(side, stride, row - padding[0], from);
        for (let column = 0; column < kernel; column++) {
          const [left, right] = inside(side, stride, column - padding[0], from);
          const factor = weight[((o * inputs + i) * kernel + row) * kernel + column];
          for (let y = top; y <= bottom; y++) {
            const line = (i * from + y * stride + row - padding[0]) * from + column - padding[0];
            const target = (o * side + y) * side;
            for (let x = left; x <= right; x++) {
              output.data[target + x] += factor * input.data[line + x * stride];
            }
          }
        }
      }
    }
  }
  return output;
}

/** Every input pixel presses its kernel, like a rubber stamp, onto the output. */
export function transposedConvolution(input, layer) {
  const { inputs, outputs, kernel, stride, padding, weight, bias } = layer;
  const from = input.side;
  const side = (from - 1) * stride + kernel - padding[0] - padding[1];
  const output = blank(outputs, side);
  for (let o = 0; o < outputs; o++) {
    output.data.fill(bias[o], o * side * side, (o + 1) * side * side);
    for (let i = 0; i < inputs; i++) {
      for (let row = 0; row < kernel; row++) {
        const [top, bottom] = inside(from, stride, row - padding[0], side);
        for (let column = 0; column < kernel; column++) {
          const [left, right] = inside(from, stride, column - padding[0], side);
          const factor = weight[((o * inputs + i) * kernel + row) * kernel + column];
          for (let y = top; y <= bottom; y++) {
            const line = (i * from + y) * from;
            const target = (o * side + y * stride + row - padding[0]) * side + column - padding[0];
            for (let x = left; x <= right; x++) {
              output.data[target + x * stride] += factor * input.data[line + x];
            }
          }
        }
      }
    }
  }
  return output;
}

/** Every output number is a weighted sum of all inputs. */
function linear(input, { inputs, outputs, weight, bias }) {
  const output = new Float32Array(outputs);
  for (let o = 0; o < outputs; o++) {
    let sum = bias[o];
    for (let i = 0; i < inputs; i++) sum += weight[o * inputs + i] * input.data[i];
    output[o] = sum;
  }
  return list(output);
}

/** Maps whose every pixel is asked for. @param {(c: number, y: number, x: number) => number} pixel */
function filled(channels, side, pixel) {
  const output = blank(channels, side);
  let place = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) output.data[place++] = pixel(c, y, x);
    }
  }
  return output;
}

/** How to look at a pixel of maps. */
const pixelOf = ({ data, side }) => (c, y, x) => data[(c * side + y) * side + x];

/** Enlarge by repeating the nearest pixel. */
function nearest(input, { size }) {
  const pixel = pixelOf(input);
  const source = (place) => Math.floor((place * input.side) / size);
  return filled(input.channels, size, (c, y, x) => pixel(c, source(y), source(x)));
}

/** Enlarge by mixing the four nearest pixels. */
function bilinear(input, { size }) {
  const pixel = pixelOf(input);
  const places = placesBetween(input.side, size);
  return filled(input.channels, size, (c, y, x) => {
    const [down, across] = [places[y], places[x]];
    const line = (row) => mix(pixel(c, row, across.before), pixel(c, row, across.after), across.share);
    return mix(line(down.before), line(down.after), down.share);
  });
}

/** Weave four maps into one of twice the side, cut to `size`. */
function pixelShuffle(input, { size }) {
  const pixel = pixelOf(input);
  return filled(input.channels / 4, size, (c, y, x) =>
    pixel(4 * c + 2 * (y % 2) + (x % 2), y >> 1, x >> 1));
}

/** Keep the largest pixel of every square of 2 x 2. */
function largest(input) {
  const pixel = pixelOf(input);
  return filled(input.channels, Math.floor(input.side / 2), (c, y, x) => Math.max(
    pixel(c, 2 * y, 2 * x), pixel(c, 2 * y, 2 * x + 1), pixel(c, 2 * y + 1, 2 * x), pixel(c, 2 * y + 1, 2 * x + 1),
  ));
}

const eachNumber = (change) => (input) => ({ ...input, data: input.data.map(change) });

const LAYERS = {
  flatten: ({ data }) => list(data),
  reshape: ({ data }, { shape: [channels, side] }) => ({ data, channels, side }),
  convolution,
  "transposed convolution": transposedConvolution,
  linear,
  nearest,
  bilinear,
  "pixel shuffle": pixelShuffle,
  "largest of 2 x 2": largest,
  relu: eachNumber((value) => Math.max(value, 0)),
  sigmoid: eachNumber((value) => 1 / (1 + Math.exp(-value))),
};

/** Send maps through layers, one after the other. @param {Maps} maps @returns {Maps} */
export const run = (layers, maps) => layers.reduce((at, layer) => LAYERS[layer.kind](at, layer), maps);
