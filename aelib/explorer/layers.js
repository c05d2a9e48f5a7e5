// What a network's layers do to maps, one function each. Each says in the payload what it is.

import { linksOf } from "./links.js";

/** @typedef {{data: Float32Array, channels: number, side: number}} Maps square feature maps */

/** Numbers in a row: maps of one pixel. @returns {Maps} */
export const list = (data) => ({ data, channels: data.length, side: 1 });

const blank = (channels, side) => ({ data: new Float32Array(channels * side * side), channels, side });

/** Every output pixel is a bias and a weighted sum of the input pixels, in all maps, that it is linked to. */
function weightedSum({ data, side: before }, layer) {
  const { inputs, outputs, kernel = 1, weight, bias } = layer;
  const { side, links } = linksOf(layer, before);
  const output = blank(outputs, side);
  const [pixels, ofInput, taps] = [side * side, before * before, kernel * kernel];
  for (let o = 0; o < outputs; o++) output.data.fill(bias[o], o * pixels, (o + 1) * pixels);
  for (const [to, from, tap] of links) {
    for (let o = 0; o < outputs; o++) {
      let sum = 0;
      for (let i = 0, at = o * inputs * taps + tap; i < inputs; i++, at += taps) sum += weight[at] * data[i * ofInput + from];
      output.data[o * pixels + to] += sum;
    }
  }
  return output;
}

/** A resize, or the weaving of four maps into one: every output pixel mixes a few of the input's. */
function rearranged(input, layer) {
  const { side, links, factors } = linksOf(layer, input.side);
  const output = blank(layer.kind === "pixel shuffle" ? input.channels / 4 : input.channels, side);
  const own = input.data.length / output.channels; // numbers that belong to an output map
  for (let c = 0; c < output.channels; c++) {
    for (const [to, from, tap] of links) output.data[c * side * side + to] += factors[tap] * input.data[c * own + from];
  }
  return output;
}

/** Keep the largest pixel of every square of 2 x 2. */
function largest({ data, channels, side }) {
  const half = Math.floor(side / 2);
  const output = blank(channels, half).data.map((_, n) => {
    const at = (Math.floor(n / half ** 2) * side + 2 * (Math.floor(n / half) % half)) * side + 2 * (n % half);
    return Math.max(data[at], data[at + 1], data[at + side], data[at + side + 1]);
  });
  return { data: output, channels, side: half };
}

const eachNumber = (change) => (input) => ({ ...input, data: input.data.map(change) });

const LAYERS = {
  flatten: ({ data }) => list(data),
  reshape: ({ data }, { shape: [channels, side] }) => ({ data, channels, side }),
  convolution: weightedSum,
  "transposed convolution": weightedSum,
  linear: weightedSum,
  nearest: rearranged,
  bilinear: rearranged,
  "pixel shuffle": rearranged,
  "largest of 2 x 2": largest,
  relu: eachNumber((value) => Math.max(value, 0)),
  sigmoid: eachNumber((value) => 1 / (1 + Math.exp(-value))),
};

/** Send maps through layers, one after the other. @param {Maps} maps @returns {Maps} */
export const run = (layers, maps) => layers.reduce((at, layer) => LAYERS[layer.kind](at, layer), maps);
