// What takes time in training: a few loops over long rows of numbers.
//
// The numbers of a batch lie channel by channel, pixel by pixel, image by image, the image last. So
// the innermost loop runs along 64 images, all of which have the same weights and the same borders.
//
// Every layer that has weights is a set of links: output pixel p looks at input pixel q through tap t
// of its kernel. A table lists them: of each p, the places table[p] to table[p + 1] hold its pairs
// q, t. Read the other way round, the same links say where a gradient goes back to.

import { ASSEMBLED } from "./assembled.js";

/** @typedef {{output: Float32Array, outputs: number, outputPixels: number, input: Float32Array,
 *    inputs: number, inputPixels: number, weight: Float32Array, perOutput: number, perInput: number,
 *    bias?: Float32Array, table: Int32Array, count: number, images: number}} Job
 *  The weight of output o, input i, tap t is weight[o * perOutput + i * perInput + t]. */

export const ADAM = { mean: 0.9, square: 0.999, least: 1e-8 }; // PyTorch's
// Added to Adam's means, where it changes nothing: without it those of a silent unit shrink for ever,
// to where processors compute in slow motion.
const TINY = 1e-30;

/** The loops as one reads them. */
export const plain = {
  /** Each output pixel is the weighted sum of the input pixels that it is linked to. @param {Job} job */
  gather({ output, outputs, outputPixels, input, inputs, inputPixels, weight, perOutput, perInput, bias, table, images }) {
    for (let p = 0; p < outputPixels; p++) {
      for (let o = 0; o < outputs; o++) {
        for (let n = 0; n < images; n += 4) {
          let a = bias[o], b = a, c = a, d = a; // the sums of four images
          for (let at = table[p]; at < table[p + 1]; at += 2) {
            let from = table[at] * images + n;
            for (let i = 0, w = o * perOutput + table[at + 1]; i < inputs; i++, w += perInput) {
              const factor = weight[w];
              a += factor * input[from];
              b += factor * input[from + 1];
              c += factor * input[from + 2];
              d += factor * input[from + 3];
              from += inputPixels * images;
            }
          }
          const to = (o * outputPixels + p) * images + n;
          output[to] = a;
          output[to + 1] = b;
          output[to + 2] = c;
          output[to + 3] = d;
        }
      }
    }
  },

  /** A weight's gradient: along its links, output gradients times inputs. Here the table is by taps,
   * and holds pairs p, q; `output` is the gradient. @param {Job} job */
  weigh({ output, outputs, outputPixels, input, inputs, inputPixels, weight, perOutput, perInput, table, count, images }) {
    for (let t = 0; t < count; t++) {
      for (let o = 0; o < outputs; o++) {
        for (let i = 0; i < inputs; i++) {
          let a = 0, b = 0; // two sums, so that neither waits for the other
          for (let at = table[t]; at < table[t + 1]; at += 2) {
            const to = (o * outputPixels + table[at]) * images;
            const from = (i * inputPixels + table[at + 1]) * images;
            for (let n = 0; n < images; n += 2) {
              a += output[to + n] * input[from + n];
              b += output[to + n + 1] * input[from + n + 1];
            }
          }
          weight[o * perOutput + i * perInput + t] = a + b;
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
  const operands = ({ output, outputs, outputPixels, input, inputs, inputPixels, weight, perOutput, perInput, images }) => [
    output.byteOffset, outputs, size * outputPixels * images,
    input.byteOffset, inputs, size * inputPixels * images,
    weight.byteOffset, size * perOutput, size * perInput,
  ];
  /** Arrays become their addresses, and the last thing to say is how long they are. */
  const along = (loop) => (first, ...more) =>
    loop(first.byteOffset, ...more.map((each) => each.byteOffset ?? each), first.length);
  const simple = Object.entries(loops).map(([name, loop]) => [name, along(loop)]);
  return {
    ...Object.fromEntries(simple),
    gather: (job) => loops.gather(
      ...operands(job), job.bias.byteOffset, job.table.byteOffset, job.count, size * job.images,
    ),
    weigh: (job) => loops.weigh(...operands(job), job.table.byteOffset, job.count, size * job.images),
  };
}

/** Memory in which arrays lie one after the other, and the loops that work on them. */
export class Bench {
  /** @param {number} megabytes @param {boolean} simd whether to try WebAssembly */
  constructor(megabytes, simd = true) {
    this.next = 0;
    try {
      if (!simd) throw new Error("not wanted");
      const memory = new WebAssembly.Memory({ initial: 16 * megabytes });
      Object.assign(this, { loops: assembled(memory), buffer: memory.buffer, fast: true });
    } catch {
      Object.assign(this, { loops: plain, buffer: new ArrayBuffer(megabytes << 20), fast: false });
    }
  }

  take(Kind, count) {
    const made = new Kind(this.buffer, this.next, count);
    this.next += 16 * Math.ceil(count / 4);
    return made;
  }

  floats(count) {
    return this.take(Float32Array, count);
  }

  integers(count) {
    return this.take(Int32Array, count);
  }
}
