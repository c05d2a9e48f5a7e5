// What a network's layers do to maps, one function each. Each says in the payload what it is.

import { linksOf } from "./links.js";

/** @typedef {{data: Float32Array, channels: number, side: number}} Maps square feature maps */

/** Numbers in a row: maps of one pixel. @returns {Maps} */
export const list = (data) => ({ data, channels: data.length, side: 1 });

const blank = (channels, side) => ({ data: new Float32Array(channels * side * side), channels, side });

/**
 * Which n of 0 .. count - 1 have n * stride + shift inside 0 .. limit - 1: the first and the
 * last. It keeps the loops below free of questions about the border.
 */
function inside(count, stride, shift, limit) {
  const first = Math.max(0, Math.ceil(-shift / stride));
  const last = Math.min(count - 1, Math.floor((limit - 1 - shift) / stride));
  return [first, last];
}

/**
 * A convolution: every output pixel is a weighted sum of a small window of the input. A transposed one:
 * every input pixel presses its kernel, like a rubber stamp, onto the output. Either way the kernel lies
 * on the finer of both and moves by `stride` with each pixel of the coarser.
 */
function convolution(input, layer) {
  const { kind, inputs, outputs, kernel, stride, padding, weight, bias } = layer;
  const isStamp = kind === "transposed convolution";
  const output = blank(outputs, linksOf(layer, input.side).side);
  const [coarse, fine] = isStamp ? [input, output] : [output, input];
  const [forward, back] = isStamp ? [stride, 1] : [1, stride];
  const [{ data: written }, { data: read }] = [output, input];
  for (let o = 0; o < outputs; o++) {
    const ofOutput = o * output.side ** 2;
    output.data.fill(bias[o], ofOutput, ofOutput + output.side ** 2);
    for (let i = 0; i < inputs; i++) {
      const ofInput = i * input.side ** 2;
      for (let row = 0; row < kernel; row++) {
        const [top, bottom] = inside(coarse.side, stride, row - padding[0], fine.side);
        for (let column = 0; column < kernel; column++) {
          const [left, right] = inside(coarse.side, stride, column - padding[0], fine.side);
          const factor = weight[((o * inputs + i) * kernel + row) * kernel + column];
          for (let y = top; y <= bottom; y++) {
            const onCoarse = y * coarse.side;
            const onFine = (y * stride + row - padding[0]) * fine.side + column - padding[0];
            const target = ofOutput + (isStamp ? onFine : onCoarse);
            const line = ofInput + (isStamp ? onCoarse : onFine);
            for (let x = left, to = target + left * forward, from = line + left * back; x <= right; x++) {
              written[to] += factor * read[from];
              to += forward;
              from += back;
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
  convolution,
  "transposed convolution": convolution,
  linear,
  nearest: rearranged,
  bilinear: rearranged,
  "pixel shuffle": rearranged,
  "largest of 2 x 2": largest,
  relu: eachNumber((value) => Math.max(value, 0)),
  sigmoid: eachNumber((value) => 1 / (1 + Math.exp(-value))),
};

/** Send maps through layers, one after the other. @param {Maps} maps @returns {Maps} */
export const run = (layers, maps) => layers.reduce((at, layer) => LAYERS[layer.kind](at, layer), maps);
