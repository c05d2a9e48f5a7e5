// The course's autoencoder while it learns: its layers, PyTorch's first weights, Adam, and its state.

import { ADAM, Bench } from "./kernels.js";
import { BatchNorm, InPlace, Rearranged, Weighted, reshaped } from "./learning.js";
import { linksOf } from "./links.js";
import { PIXELS, SIDE } from "./measures.js";

export const BATCH = 64;
const MEGABYTES = 16; // what a network takes with all it computes
const WEIGHTS = 2 ** 17; // more than any network here has
const WARMUP = 0.1; // the share of steps in which the rate rises from zero, as in aelib/optim.py

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

/** What the learning rate is multiplied by at a step: a rise, then a straight line to zero. */
export function rateFactor(step, total) {
  const done = (step + 1) / (total + 1);
  return Math.min(done / WARMUP, (1 - done) / (1 - WARMUP));
}

/**
 * The course's autoencoder as two lists of layers, in the words that packing.py has for them; `name`
 * is a layer's in PyTorch's state_dict. @param {{latentDim: number, upsampling: string}} settings
 */
export function layersOf({ latentDim, upsampling }) {
  const weighted = (kind) => (name, inputs, outputs, kernel = 1, stride = 1, padding = [0, 0]) =>
    ({ kind, name, inputs, outputs, kernel, stride, padding });
  const [convolution, transposed, linear] = ["convolution", "transposed convolution", "linear"].map(weighted);
  const norm = (name, channels) => ({ kind: "norm", name, channels });
  const relu = { kind: "relu" };
  /** The six ways of up-sampling, as in aelib.models. */
  const up = (name, inputs, outputs, size) => {
    const odd = size % 2; // an odd side takes a row and column more
    switch (upsampling) {
      case "transpose": return [transposed(name, inputs, outputs, 3, 2, [1 - odd, 0])];
      case "transpose_k4": return [transposed(name, inputs, outputs, 4, 2, [1, 1 - odd])];
      case "nearest":
      case "bilinear": return [{ kind: upsampling, size }, convolution(`${name}.1`, inputs, outputs, 3, 1, [1, 1])];
      default: return [
        { ...convolution(`${name}.conv`, inputs, 4 * outputs, 3, 1, [1, 1 + odd]), evened: upsampling === "pixel_shuffle_icnr" },
        { kind: "pixel shuffle", size },
      ];
    }
  };
  return {
    encoder: [
      convolution("encoder.0", 1, 8, 3, 2, [1, 1]), relu,
      convolution("encoder.2", 8, 16, 3, 2, [1, 1]), norm("encoder.3", 16), relu,
      convolution("encoder.5", 16, 32, 3, 2), relu,
      { kind: "flatten" }, linear("encoder.8", 288, 128), relu, linear("encoder.10", 128, latentDim),
    ],
    decoder: [
      linear("decoder.0", latentDim, 128), relu, linear("decoder.2", 128, 288), relu, { kind: "reshape", shape: [32, 3] },
      ...up("decoder.5", 32, 16, 7), norm("decoder.6", 16), relu,
      ...up("decoder.8", 16, 8, 14), norm("decoder.9", 8), relu,
      ...up("decoder.11", 8, 1, 28), { kind: "sigmoid" },
    ],
  };
}

/** @typedef {{name: string, shape: number[], values: Float32Array, gradients: Float32Array}} Parameter */

export class Trainee {
  /** @param {{latentDim: number, upsampling: string, offset?: number}} settings as in aelib.models */
  constructor(settings, { seed = 0, simd = true } = {}) {
    this.settings = { offset: 0, ...settings };
    this.bench = new Bench(MEGABYTES, simd);
    this.random = randoms(seed);
    [this.weights, this.gradients, this.means, this.squares] = [1, 2, 3, 4].map(() => this.bench.floats(WEIGHTS));
    this.used = 0;
    this.steps = 0;
    /** @type {Parameter[]} in the order and by the names of PyTorch's state_dict */
    this.parameters = [];
    const { encoder, decoder } = layersOf(settings);
    this.picture = this.at = { ...this.maps(1, SIDE), gradients: null };
    this.encoder = encoder.flatMap((layer) => this.made(layer));
    this.code = this.at;
    this.decoder = decoder.flatMap((layer) => this.made(layer));
    this.drawn = this.at;
  }

  maps(channels, side) {
    const [pixels, count] = [side * side, channels * side * side * BATCH];
    return { channels, side, pixels, values: this.bench.floats(count), gradients: this.bench.floats(count) };
  }

  /** Room for weights that Adam moves (or leaves alone, if their gradients stay zero). */
  parameter(name, shape, first) {
    const count = shape.reduce((product, size) => product * size, 1);
    const [values, gradients] = [this.weights, this.gradients].map((all) => all.subarray(this.used, this.used + count));
    this.used += count;
    values.set(Float32Array.from(values, first));
    this.parameters.push({ name, shape, values, gradients });
    return this.parameters.at(-1);
  }

  /** Make what is described: a layer that reads the maps `at`, and writes those that are `at` afterwards. */
  made(layer) {
    const { bench, at: from } = this;
    const { kind, name, channels, size, shape } = layer;
    const to = (count, side) => (this.at = this.maps(count, side));
    switch (kind) {
      case "flatten":
      case "reshape":
        this.at = reshaped(from, ...(shape ?? [from.channels * from.pixels, 1]));
        return [];
      case "relu":
      case "sigmoid":
        return [new InPlace(bench, from, kind)];
      case "norm": {
        const own = (what, first) => [what, this.parameter(`${name}.${what}`, [channels], () => first)];
        const all = [own("weight", 1), own("bias", 0), own("running_mean", 0), own("running_var", 1)];
        return [new BatchNorm(bench, from, to(channels, from.side), Object.fromEntries(all))];
      }
      case "nearest":
      case "bilinear":
      case "pixel shuffle": {
        const wide = kind === "pixel shuffle" ? from.channels / 4 : from.channels;
        return [new Rearranged(bench, BATCH, from, to(wide, size), linksOf(layer, from.side))];
      }
      default:
        return [this.weighted(layer)];
    }
  }

  /** PyTorch's first weights: even between plus and minus one over the root of the fan in. */
  weighted(layer) {
    const from = this.at;
    const { kind, name, inputs, outputs, kernel, evened } = layer;
    const [taps, inputFirst] = [kernel * kernel, kind === "transposed convolution"];
    const { side, links } = linksOf(layer, from.side);
    const window = kind === "linear" ? [] : [kernel, kernel];
    const fan = (inputFirst ? outputs : inputs) * taps; // as PyTorch counts it; none where d = 0
    const first = () => (fan ? (2 * this.random() - 1) / Math.sqrt(fan) : 0);
    const weight = this.parameter(`${name}.weight`, [...(inputFirst ? [inputs, outputs] : [outputs, inputs]), ...window], first);
    const bias = this.parameter(`${name}.bias`, [outputs], first);
    if (evened) [weight, bias].forEach(even);
    this.at = this.maps(outputs, side);
    return new Weighted(this.bench, BATCH, from, this.at, links, taps, inputFirst, weight, bias);
  }

  /** Put pictures before the network. @param {Float32Array} all 784 numbers each @param {number[]} picks */
  show(all, picks) {
    const { values } = this.picture;
    for (let n = 0; n < BATCH; n++) {
      const start = picks[n % picks.length] * PIXELS;
      for (let p = 0; p < PIXELS; p++) values[p * BATCH + n] = all[start + p] - this.settings.offset;
    }
  }

  /** Numbers of one image of a batch. */
  static of(maps, n) {
    return Float32Array.from({ length: maps.values.length / BATCH }, (_, at) => maps.values[at * BATCH + n]);
  }

  /** Find the codes of what is shown, without learning. These are generators, as `step` is. */
  *encode() {
    for (const layer of this.encoder) yield layer.forward(false);
  }

  /** Draw what the codes mean; `put` writes codes, at most a batch of them. */
  *decode() {
    for (const layer of this.decoder) yield layer.forward(false);
  }

  /** @param {number[][]} codes */
  put(codes) {
    codes.forEach((code, n) => code.forEach((value, at) => (this.code.values[at * BATCH + n] = value)));
  }

  /** The error of what is drawn of what is shown. */
  error() {
    const { blend, product } = this.bench.loops;
    const { values, gradients } = this.drawn;
    const by = 2 / values.length;
    blend(gradients, values, by, this.picture.values, -by, 0); // the loss's gradient by the drawing
    return (product(gradients, 0, gradients, 0) / by ** 2) / values.length;
  }

  /** Learn from what is shown, and return the loss. Between the layers whoever runs it may do something else. */
  *step(rate) {
    const layers = [...this.encoder, ...this.decoder];
    for (const layer of layers) yield layer.forward(true);
    const loss = this.error();
    if (!Number.isFinite(loss)) return loss; // before the weights are spoilt
    for (const layer of layers.reverse()) yield layer.backward();
    this.steps++;
    const unbias = 1 / Math.sqrt(1 - ADAM.square ** this.steps);
    const all = [this.weights, this.gradients, this.means, this.squares];
    const parts = all.map((each) => each.subarray(0, 4 * Math.ceil(this.used / 4)));
    this.bench.loops.adam(...parts, rate / (1 - ADAM.mean ** this.steps), unbias);
    return loss;
  }

  /** All weights and running statistics, to keep; `state = kept` brings them back. */
  get state() {
    return this.weights.slice(0, this.used);
  }

  set state(kept) {
    this.weights.set(kept);
  }
}

/** ICNR: the four maps that are woven into one start equal. */
function even({ shape, values }) {
  const each = values.length / shape[0];
  for (let o = 0; o < shape[0]; o++) values.copyWithin(o * each, (o - (o % 4)) * each, (o - (o % 4) + 1) * each);
}

/** Run a generator to its end. */
export function finished(work) {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}
