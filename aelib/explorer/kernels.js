// What takes time in training: a few loops over long rows of numbers.
//
// The numbers of a batch lie channel by channel, pixel by pixel, image by image, the image last. So
// the innermost loop runs along 64 images, all of which have the same weights and the same borders.
//
// Every layer that has weights is a set of links: output pixel p looks at input pixel q through tap t
// of its kernel. A table lists them: of each p, the places table[p] to table[p + 1] hold its pairs
// q, t. Read the other way round, the same links say where a gradient goes back to.

import { ASSEMBLED } from "./assembled.js";

/** @typedef {{data: Float32Array, channels: number, pixels: number}} BatchMaps
 *  @typedef {{values: Float32Array, perOutput: number, perInput: number}} Weights
 *  of output o, input i, tap t: values[o * perOutput + i * perInput + t]
 *  @typedef {{to: BatchMaps, from: BatchMaps, weights: Weights, table: Int32Array, bias?: Float32Array}} Job */

export const BATCH = 64;
export const ADAM = { mean: 0.9, square: 0.999, least: 1e-8 }; // PyTorch's
// Added to Adam's means, where it changes nothing: without it those of a silent unit shrink for ever,
// to where processors compute in slow motion.
const TINY = 1e-30;

/** The loops as one reads them. */
export const plain = {
  /** Each output pixel is the weighted sum of the input pixels that it is linked to. @param {Job} job */
  gather({ to: { data: output, channels: outputs, pixels }, from, weights: { values, perOutput, perInput }, bias, table }) {
    const { data: input, channels: inputs } = from;
    for (let p = 0; p < pixels; p++) {
      for (let o = 0; o < outputs; o++) {
        for (let n = 0; n < BATCH; n += 4) {
          let a = bias[o], b = a, c = a, d = a; // the sums of four images
          for (let at = table[p]; at < table[p + 1]; at += 2) {
            let q = table[at] * BATCH + n;
            for (let i = 0, w = o * perOutput + table[at + 1]; i < inputs; i++, w += perInput) {
              const factor = values[w];
              a += factor * input[q];
              b += factor * input[q + 1];
              c += factor * input[q + 2];
              d += factor * input[q + 3];
              q += from.pixels * BATCH;
            }
          }
          const to = (o * pixels + p) * BATCH + n;
          output[to] = a;
          output[to + 1] = b;
          output[to + 2] = c;
          output[to + 3] = d;
        }
      }
    }
  },

  /** A weight's gradient: along its links, output gradients times inputs. Here the table is by taps,
   * and holds pairs p, q; `to` holds the gradients, and those of the weights are written. @param {Job} job */
  weigh({ to, from, weights: { values, perOutput, perInput }, table }) {
    for (let t = 0; t < table[0] - 1; t++) {
      for (let o = 0; o < to.channels; o++) {
        for (let i = 0; i < from.channels; i++) {
          let a = 0, b = 0; // two sums, so that neither waits for the other
          for (let at = table[t]; at < table[t + 1]; at += 2) {
            const p = (o * to.pixels + table[at]) * BATCH;
            const q = (i * from.pixels + table[at + 1]) * BATCH;
            for (let n = 0; n < BATCH; n += 2) {
              a += to.data[p + n] * from.data[q + n];
              b += to.data[p + n + 1] * from.data[q + n + 1];
            }
          }
          values[o * perOutput + i * perInput + t] = a + b;
        }
      }
    }
  },

  sum: (a) => a.reduce((sum, value) => sum + value, 0),

  /** The sum of products, after a number was taken from each factor. */
  product(a, fromA, b, fromB) {
    let sum = 0;
    for (let n = 0; n < a.length; n++) sum += (a[n] - fromA) * (b[n] - fromB);
    return sum;
  },

  blend(to, a, ofA, b, ofB, more) {
    for (let n = 0; n < to.length; n++) to[n] = ofA * a[n] + ofB * b[n] + more;
  },

  relu(values) {
    for (let n = 0; n < values.length; n++) if (values[n] < 0) values[n] = 0;
  },

  reluBack(gradients, values) {
    for (let n = 0; n < values.length; n++) if (values[n] <= 0) gradients[n] = 0;
  },

  /** Beyond 15, where it is 1 to six digits, its gradients would become too small to compute with. */
  sigmoid(values) {
    for (let n = 0; n < values.length; n++) {
      values[n] = 1 / (1 + Math.exp(-Math.min(Math.max(values[n], -15), 15)));
    }
  },

  sigmoidBack(gradients, values) {
    for (let n = 0; n < values.length; n++) gradients[n] *= values[n] * (1 - values[n]);
  },

  /** A step of Adam. @param {number} unbias what makes up for squares that began at zero */
  adam(weights, gradients, mean, square, rate, unbias) {
    for (let n = 0; n < weights.length; n++) {
      mean[n] = ADAM.mean * mean[n] + (1 - ADAM.mean) * gradients[n] + TINY;
      square[n] = ADAM.square * square[n] + (1 - ADAM.square) * gradients[n] ** 2 + TINY;
      weights[n] -= (rate * mean[n]) / (unbias * Math.sqrt(square[n]) + ADAM.least);
    }
  },
};

/** The same loops in WebAssembly, four numbers at once, on a memory of its own. Throws without SIMD. */
function assembled(memory) {
  const bytes = Uint8Array.from(atob(ASSEMBLED), (letter) => letter.charCodeAt(0));
  const loops = new WebAssembly.Instance(new WebAssembly.Module(bytes), { page: { memory } }).exports;
  const size = Float32Array.BYTES_PER_ELEMENT;
  const maps = ({ data, channels, pixels }) => [data.byteOffset, channels, size * pixels * BATCH];
  const operands = ({ to, from, weights: { values, perOutput, perInput } }) =>
    [...maps(to), ...maps(from), values.byteOffset, size * perOutput, size * perInput];
  /** Arrays become their addresses, and the last thing to say is how long they are. */
  const along = (loop) => (first, ...more) =>
    loop(first.byteOffset, ...more.map((each) => each.byteOffset ?? each), first.length);
  return {
    ...Object.fromEntries(Object.entries(loops).map(([name, loop]) => [name, along(loop)])),
    gather: (job) => loops.gather(...operands(job), job.bias.byteOffset, job.table.byteOffset, job.to.pixels, size * BATCH),
    weigh: (job) => loops.weigh(...operands(job), job.table.byteOffset, job.table[0] - 1, size * BATCH),
  };
}

/** Memory in which arrays lie one after the other, and the loops that work on them. */
export class Bench {
  /** @param {number} megabytes @param {boolean} simd whether to try WebAssembly */
  constructor(megabytes, simd = true) {
    Object.assign(this, { loops: plain, buffer: new ArrayBuffer(megabytes << 20), next: 0 });
    try {
      const memory = new WebAssembly.Memory({ initial: 16 * megabytes });
      if (simd) Object.assign(this, { loops: assembled(memory), buffer: memory.buffer });
    } catch {
      // The plain loops do.
    }
  }

  /** Zeros, so many. */
  room(count, Kind = Float32Array) {
    const made = new Kind(this.buffer, this.next, count);
    this.next += 16 * Math.ceil(count / 4);
    return made;
  }

  /** Pairs by what comes first in each of the links, of so many. */
  table(count, links) {
    const table = this.room(count + 1 + 2 * links.length, Int32Array);
    table[0] = count + 1;
    for (const [key] of links) table[key + 1] += 2;
    for (let key = 0; key < count; key++) table[key + 1] += table[key];
    const next = table.slice(0, count);
    for (const [key, other, tap] of links) {
      table[next[key]++] = other;
      table[next[key]++] = tap;
    }
    return table;
  }
}
