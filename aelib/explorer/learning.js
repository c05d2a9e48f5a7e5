// The layers of the course's autoencoder for a whole batch, each with its backward beside its forward.
//
// `forward` reads the maps `from` and writes those `to`; `backward` gets the loss's gradient by the
// output, and makes of it those by the weights and by the input. (layers.js has the same layers for
// one picture and no way back: what an explorer needs that only looks.)

import { BATCH } from "./kernels.js";
import { linksOf } from "./links.js";
import { mix } from "./measures.js";

/** @typedef {{side: number, values: BatchMaps, gradients?: BatchMaps}} LearningMaps see kernels.js */

const NORM = { momentum: 0.1, least: 1e-5 }; // PyTorch's

/** The same numbers as other maps. */
const seenAs = ({ values, gradients }, channels, pixels) => ({
  values: { data: values.data, channels, pixels },
  gradients: { data: gradients.data, channels, pixels },
});

/** What belongs to each channel of maps. @param {BatchMaps} maps */
const rowsOf = ({ data, channels, pixels }) =>
  Array.from({ length: channels }, (_, c) => data.subarray(c * pixels * BATCH, (c + 1) * pixels * BATCH));

/** Outputs from inputs along links, and gradients back to them. @param {Weights} weights */
function bothWays(bench, from, to, links, { values, perOutput, perInput }, bias) {
  const there = { to: to.values, from: from.values, weights: { values, perOutput, perInput }, bias, table: bench.table(to.values.pixels, links) };
  const forward = () => bench.loops.gather(there);
  if (!from.gradients) return { forward }; // a picture needs none
  const turned = { values, perOutput: perInput, perInput: perOutput };
  const table = bench.table(from.values.pixels, links.map(([p, q, t]) => [q, p, t]));
  const back = { to: from.gradients, from: to.gradients, weights: turned, bias: bench.room(from.values.channels), table };
  return { forward, backward: () => bench.loops.gather(back) };
}

/** A convolution, a transposed one, or with a single pixel and tap a linear layer; at first with PyTorch's weights. */
function weighted(trainee, from, layer) {
  const { bench } = trainee;
  const { kind, name, inputs, outputs, kernel = 1 } = layer;
  const { side, links } = linksOf(layer, from.side);
  const to = trainee.maps(outputs, side);
  const taps = kernel * kernel;
  const isStamp = kind === "transposed convolution"; // of whose weights PyTorch has the input first
  const steps = isStamp ? { perOutput: taps, perInput: taps * outputs } : { perOutput: taps * inputs, perInput: taps };
  const axes = isStamp ? [inputs, outputs] : [outputs, inputs];
  const fan = axes[1] * taps; // as PyTorch counts it; none where d = 0
  const first = () => (fan ? (2 * trainee.random() - 1) / Math.sqrt(fan) : 0);
  const weight = trainee.parameter(`${name}.weight`, kind === "linear" ? axes : [...axes, kernel, kernel], first);
  const bias = trainee.parameter(`${name}.bias`, [outputs], first);
  if (trainee.settings.upsampling === "pixel_shuffle_icnr" && name.endsWith("conv")) [weight, bias].forEach(even);
  const { forward, backward } = bothWays(bench, from, to, links, { values: weight.values, ...steps }, bias.values);
  const table = bench.table(taps, links.map(([p, q, t]) => [t, p, q]));
  const job = { to: to.gradients, from: from.values, weights: { values: weight.gradients, ...steps }, table };
  const rows = rowsOf(to.gradients);
  return {
    to,
    forward,
    backward() {
      bench.loops.weigh(job);
      rows.forEach((row, o) => (bias.gradients[o] = bench.loops.sum(row)));
      backward?.();
    },
    /** The layer as layers.js has it, the output first. */
    plainly() {
      const own = Float32Array.from(weight.values, (_, n) => {
        const [o, i, tap] = [Math.floor(n / taps / inputs), Math.floor(n / taps) % inputs, n % taps];
        return weight.values[o * steps.perOutput + i * steps.perInput + tap];
      });
      return { ...layer, weight: own, bias: bias.values.slice() };
    },
  };
}

/** ICNR: the four maps that are woven into one start equal. */
function even({ shape, values }) {
  const each = values.length / shape[0];
  for (let o = 0; o < shape[0]; o++) values.copyWithin(o * each, (o - (o % 4)) * each, (o - (o % 4) + 1) * each);
}

/** A resize or a pixel shuffle: links whose weights are fixed, the same for every channel. */
function resized(trainee, from, layer) {
  const { side, links, factors } = linksOf(layer, from.side);
  const { channels: before, pixels } = from.values;
  const channels = layer.kind === "pixel shuffle" ? before / 4 : before;
  const to = trainee.maps(channels, side);
  const values = trainee.bench.room(factors.length);
  values.set(factors);
  // All channels as one of many pixels. Of the maps of a pixel shuffle, four belong to each output.
  const own = (before / channels) * pixels;
  const all = Array.from({ length: channels }, (_, c) => links.map(([p, q, t]) => [c * side * side + p, c * own + q, t])).flat();
  const [flatFrom, flatTo] = [seenAs(from, 1, before * pixels), seenAs(to, 1, channels * side * side)];
  return { to, ...bothWays(trainee.bench, flatFrom, flatTo, all, { values, perOutput: 0, perInput: 0 }, trainee.bench.room(1)) };
}

/** Each channel is brought to a mean and a spread of its own: of the batch, or of what was usual. */
function norm(trainee, from, { name, channels }) {
  const { loops } = trainee.bench;
  const to = trainee.maps(channels, from.side);
  const [weight, bias, means, spreads] = Object.entries({ weight: 1, bias: 0, running_mean: 0, running_var: 1 })
    .map(([what, first]) => trainee.parameter(`${name}.${what}`, [channels], () => first));
  const [inputs, outputs, back, gradients] = [from.values, to.values, from.gradients, to.gradients].map(rowsOf);
  const used = []; // of each channel the mean and one over the standard deviation
  return {
    to,
    forward(training) {
      inputs.forEach((input, c) => {
        const count = input.length;
        let [mean, variance] = [means.values[c], spreads.values[c]];
        if (training) {
          mean = loops.sum(input) / count;
          variance = loops.product(input, mean, input, mean) / count;
          means.values[c] = mix(means.values[c], mean, NORM.momentum);
          spreads.values[c] = mix(spreads.values[c], (variance * count) / (count - 1), NORM.momentum);
        }
        const inverse = 1 / Math.sqrt(variance + NORM.least);
        used[c] = [mean, inverse];
        const scale = weight.values[c] * inverse;
        loops.blend(outputs[c], input, scale, input, 0, bias.values[c] - mean * scale);
      });
    },
    /** The batch's mean and spread depend on every input, too: hence the second and the third part. */
    backward() {
      gradients.forEach((gradient, c) => {
        const [mean, inverse] = used[c];
        const scale = weight.values[c] * inverse;
        const ofBias = (bias.gradients[c] = loops.sum(gradient));
        const ofWeight = (weight.gradients[c] = loops.product(gradient, 0, inputs[c], mean) * inverse);
        const slope = (-scale * inverse * ofWeight) / gradient.length;
        loops.blend(back[c], gradient, scale, inputs[c], slope, -slope * mean - (scale * ofBias) / gradient.length);
      });
    },
    /** Fold it, as it is when nothing is learnt, into the layer before, as `plainly` gives that. */
    fold(before) {
      const each = before.weight.length / before.outputs;
      before.bias.forEach((own, o) => {
        const c = Math.floor((o * channels) / before.outputs); // a pixel shuffle makes one channel of four
        const factor = weight.values[c] / Math.sqrt(spreads.values[c] + NORM.least);
        for (let n = o * each; n < (o + 1) * each; n++) before.weight[n] *= factor;
        before.bias[o] = bias.values[c] + (own - means.values[c]) * factor;
      });
    },
  };
}

/** What is done to each number where it lies. */
const inPlace = ({ bench: { loops } }, to, { kind }) => ({
  to,
  forward: () => loops[kind](to.values.data),
  backward: () => loops[`${kind}Back`](to.gradients.data, to.values.data),
});

/** Numbers stay where they are: 32 x 3 x 3 maps are 288 numbers. */
const reshaped = (_, from, { shape: [channels, side] = [from.values.channels * from.values.pixels, 1] }) =>
  ({ to: { side, ...seenAs(from, channels, side * side) } });

export const LEARNING = {
  flatten: reshaped,
  reshape: reshaped,
  convolution: weighted,
  "transposed convolution": weighted,
  linear: weighted,
  nearest: resized,
  bilinear: resized,
  "pixel shuffle": resized,
  norm,
  relu: inPlace,
  sigmoid: inPlace,
};
