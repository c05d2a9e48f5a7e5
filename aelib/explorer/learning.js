// The layers of the course's autoencoder for a whole batch, each with its backward beside its forward.
//
// `forward` reads a layer's input maps and writes its output maps; `backward` gets the loss's gradient
// by the output, and makes of it those by the weights and by the input. (layers.js has the same
// layers for one picture and no way back: what an explorer needs that only looks.)

import { mix } from "./measures.js";

/** @typedef {{channels: number, side: number, pixels: number, values: Float32Array,
 *    gradients: Float32Array}} BatchMaps channel, pixel, image, the image last; see kernels.js */

export const NORM = { momentum: 0.1, least: 1e-5 }; // PyTorch's

/** Maps of other proportions with the same numbers: 32 x 3 x 3 as 288, and back. */
export const reshaped = (maps, channels, side) => ({ ...maps, channels, side, pixels: side * side });

/** Pairs by what comes first in each of the links, as kernels.js reads them. */
function tableOf(bench, count, links) {
  const table = bench.integers(count + 1 + 2 * links.length);
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

/** The two ways along links: outputs from inputs, and gradients back to them. */
function bothWays(bench, images, from, to, links, weight, perOutput, perInput, bias) {
  const back = links.map(([p, q, t]) => [q, p, t]);
  const job = (own, other, of, way, rest) => ({
    output: own[of], outputs: own.channels, outputPixels: own.pixels,
    input: other[of], inputs: other.channels, inputPixels: other.pixels,
    weight, table: tableOf(bench, own.pixels, way), count: own.pixels, images, ...rest,
  });
  return [
    job(to, from, "values", links, { perOutput, perInput, bias }),
    job(from, to, "gradients", back, { perOutput: perInput, perInput: perOutput, bias: bench.floats(from.channels) }),
  ];
}

/** A convolution, a transposed one, or with a single pixel and tap a linear layer. */
export class Weighted {
  /**
   * @param {Bench} bench @param {BatchMaps} from @param {BatchMaps} to @param {number[][]} links
   * @param {number} taps @param {boolean} inputFirst whether the weight's first axis is the input
   */
  constructor(bench, images, from, to, links, taps, inputFirst, weight, bias) {
    const perOutput = inputFirst ? taps : taps * from.channels;
    const perInput = inputFirst ? taps * to.channels : taps;
    Object.assign(this, { bias, loops: bench.loops, isFirst: !from.gradients });
    const [there, back] = bothWays(bench, images, from, to, links, weight.values, perOutput, perInput, bias.values);
    const byTap = tableOf(bench, taps, links.map(([p, q, t]) => [t, p, q]));
    this.there = there;
    this.back = back;
    this.weigh = { ...there, output: to.gradients, weight: weight.gradients, table: byTap, count: taps };
    this.rows = rowsOf(to, "gradients");
  }

  forward() {
    this.loops.gather(this.there);
  }

  backward() {
    this.loops.weigh(this.weigh);
    this.rows.forEach((row, o) => (this.bias.gradients[o] = this.loops.sum(row)));
    if (!this.isFirst) this.loops.gather(this.back);
  }
}

/** What belongs to each channel of maps. @param {"values" | "gradients"} of */
function rowsOf(maps, of) {
  const length = maps[of].length / maps.channels;
  return Array.from({ length: maps.channels }, (_, c) => maps[of].subarray(c * length, (c + 1) * length));
}

/** A resize or a pixel shuffle: links whose weights are fixed, the same for every channel. */
export class Rearranged {
  constructor(bench, images, from, to, { links, factors }) {
    const weight = bench.floats(factors.length);
    weight.set(factors);
    // All channels as one of many pixels. Of the maps of a pixel shuffle, four belong to each output.
    const flat = (maps) => ({ ...maps, channels: 1, pixels: maps.channels * maps.pixels });
    const own = flat(from).pixels / to.channels;
    const all = Array.from({ length: to.channels }, (_, c) => links.map(([p, q, t]) => [c * to.pixels + p, c * own + q, t]));
    [this.there, this.back] = bothWays(bench, images, flat(from), flat(to), all.flat(), weight, 0, 0, bench.floats(1));
    this.loops = bench.loops;
  }

  forward() {
    this.loops.gather(this.there);
  }

  backward() {
    this.loops.gather(this.back);
  }
}

/** Each channel is brought to a mean and a spread of its own: of the batch, or of what was usual. */
export class BatchNorm {
  constructor(bench, from, to, { weight, bias, running_mean, running_var }) {
    Object.assign(this, { loops: bench.loops, weight, bias, means: running_mean.values, spreads: running_var.values });
    [this.inputs, this.outputs] = [rowsOf(from, "values"), rowsOf(to, "values")];
    [this.back, this.gradients] = [rowsOf(from, "gradients"), rowsOf(to, "gradients")];
    this.used = []; // of each channel the mean and one over the standard deviation
  }

  forward(training) {
    const { loops, means, spreads } = this;
    this.inputs.forEach((input, c) => {
      const count = input.length;
      let [mean, variance] = [means[c], spreads[c]];
      if (training) {
        mean = loops.sum(input) / count;
        variance = loops.product(input, mean, input, mean) / count;
        means[c] = mix(means[c], mean, NORM.momentum);
        spreads[c] = mix(spreads[c], (variance * count) / (count - 1), NORM.momentum);
      }
      const inverse = 1 / Math.sqrt(variance + NORM.least);
      this.used[c] = [mean, inverse];
      const scale = this.weight.values[c] * inverse;
      loops.blend(this.outputs[c], input, scale, input, 0, this.bias.values[c] - mean * scale);
    });
  }

  /** The batch's mean and spread depend on every input, too: hence the second and the third part. */
  backward() {
    this.gradients.forEach((gradient, c) => {
      const [mean, inverse] = this.used[c];
      const input = this.inputs[c];
      const scale = this.weight.values[c] * inverse;
      const ofBias = this.loops.sum(gradient);
      const ofWeight = this.loops.product(gradient, 0, input, mean) * inverse;
      this.bias.gradients[c] = ofBias;
      this.weight.gradients[c] = ofWeight;
      const slope = (-scale * inverse * ofWeight) / input.length;
      this.loops.blend(this.back[c], gradient, scale, input, slope, -slope * mean - (scale * ofBias) / input.length);
    });
  }
}

/** What is done to each number where it lies. */
export class InPlace {
  /** @param {"relu" | "sigmoid"} name */
  constructor(bench, { values, gradients }, name) {
    this.forward = () => bench.loops[name](values);
    this.backward = () => bench.loops[`${name}Back`](gradients, values);
  }
}
