// The course's autoencoder while it learns: its layers, PyTorch's first weights, Adam, and its state.

import { ADAM, Bench } from "./kernels.js";
import { BatchNorm, InPlace, Rearranged, Weighted, bilinearLinks, connections, nearestLinks, reshaped, shuffleLinks } from "./learning.js";
import { PIXELS, SIDE } from "./measures.js";

export const BATCH = 64;
const MEGABYTES = 24; // what a network takes with all it computes
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

/** @typedef {{name: string, shape: number[], values: Float32Array, gradients: Float32Array}} Parameter */

export class Trainee {
  /**
   * @param {{latentDim: number, upsampling: string, offset?: number}} settings as in aelib.models
   * @param {{seed?: number, simd?: boolean}} options
   */
  constructor(settings, { seed = 0, simd = true } = {}) {
    this.settings = { offset: 0, ...settings };
    this.bench = new Bench(MEGABYTES, simd);
    this.random = randoms(seed);
    [this.weights, this.gradients, this.means, this.squares] = [1, 2, 3, 4].map(() => this.bench.floats(WEIGHTS));
    this.used = 0;
    this.steps = 0;
    /** @type {Parameter[]} in the order and by the names of PyTorch's state_dict */
    this.parameters = [];
    this.picture = { ...this.maps(1, SIDE), gradients: null };
    this.encoder = this.makeEncoder();
    this.decoder = this.makeDecoder();
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

  makeEncoder() {
    const layers = new Chain(this, "encoder", this.picture);
    layers.convolution(0, 8, 14, { kernel: 3, stride: 2, padding: 1 }).relu();
    layers.convolution(2, 16, 7, { kernel: 3, stride: 2, padding: 1 }).norm(3).relu();
    layers.convolution(5, 32, 3, { kernel: 3, stride: 2, padding: 0 }).relu();
    layers.reshape(32 * 3 * 3, 1).linear(8, 128).relu().linear(10, this.settings.latentDim);
    this.code = layers.at;
    return layers.all;
  }

  makeDecoder() {
    const layers = new Chain(this, "decoder", this.code);
    layers.linear(0, 128).relu().linear(2, 32 * 3 * 3).relu().reshape(32, 3);
    layers.up(5, 16, 7).norm(6).relu().up(8, 8, 14).norm(9).relu().up(11, 1, 28).sigmoid();
    this.drawn = layers.at;
    return layers.all;
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

  /**
   * Learn from what is shown. A generator: between the layers whoever runs it may do something else.
   * @returns {Generator<undefined, number, undefined>} the loss
   */
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

/** Layers, one after the other; each call adds one, named by its place in PyTorch's Sequential. */
class Chain {
  constructor(trainee, name, at) {
    Object.assign(this, { trainee, name, at, all: [] });
  }

  add(layer, at = this.at) {
    this.all.push(layer);
    this.at = at;
    return this;
  }

  /** PyTorch's first weights: even between plus and minus one over the root of the fan in. */
  weighted(name, shape, channels, side, links, taps, inputFirst) {
    const { trainee, at } = this;
    const to = trainee.maps(channels, side);
    const fan = shape.slice(1).reduce((product, size) => product * size, 1); // none where d = 0
    const first = () => (fan ? (2 * trainee.random() - 1) / Math.sqrt(fan) : 0);
    const weight = trainee.parameter(`${this.name}.${name}.weight`, shape, first);
    const bias = trainee.parameter(`${this.name}.${name}.bias`, [channels], first);
    return this.add(new Weighted(trainee.bench, BATCH, at, to, links, taps, inputFirst, weight, bias), to);
  }

  convolution(name, channels, side, how) {
    const shape = [channels, this.at.channels, how.kernel, how.kernel];
    return this.weighted(name, shape, channels, side, connections(side, this.at.side, how), how.kernel ** 2, false);
  }

  transposed(name, channels, side, how) {
    const shape = [this.at.channels, channels, how.kernel, how.kernel];
    const links = connections(this.at.side, side, how).map(([coarse, fine, tap]) => [fine, coarse, tap]);
    return this.weighted(name, shape, channels, side, links, how.kernel ** 2, true);
  }

  linear(name, numbers) {
    return this.weighted(name, [numbers, this.at.channels], numbers, 1, [[0, 0, 0]], 1, false);
  }

  norm(name) {
    const { trainee, at } = this;
    const own = (what, first) => [what, trainee.parameter(`${this.name}.${name}.${what}`, [at.channels], () => first)];
    const all = [own("weight", 1), own("bias", 0), own("running_mean", 0), own("running_var", 1)];
    const to = trainee.maps(at.channels, at.side);
    return this.add(new BatchNorm(trainee.bench, at, to, Object.fromEntries(all)), to);
  }

  relu() {
    return this.add(new InPlace(this.trainee.bench, this.at, "relu"));
  }

  sigmoid() {
    return this.add(new InPlace(this.trainee.bench, this.at, "sigmoid"));
  }

  reshape(channels, side) {
    this.at = reshaped(this.at, channels, side);
    return this;
  }

  rearranged(channels, side, [links, factors]) {
    const to = this.trainee.maps(channels, side);
    return this.add(new Rearranged(this.trainee.bench, BATCH, this.at, to, links, factors), to);
  }

  /** The six ways of up-sampling, as in aelib.models. */
  up(name, channels, side) {
    const kind = this.trainee.settings.upsampling;
    const from = this.at;
    if (kind === "transpose") {
      return this.transposed(name, channels, side, { kernel: 3, stride: 2, padding: 1 - (side % 2) });
    }
    if (kind === "transpose_k4") return this.transposed(name, channels, side, { kernel: 4, stride: 2, padding: 1 });
    const three = { kernel: 3, stride: 1, padding: 1 };
    if (kind === "nearest" || kind === "bilinear") {
      const links = (kind === "nearest" ? nearestLinks : bilinearLinks)(from.side, side);
      return this.rearranged(from.channels, side, links).convolution(`${name}.1`, channels, side, three);
    }
    const half = Math.ceil(side / 2); // an odd side is cut from a grid that is a pixel larger
    this.convolution(`${name}.conv`, 4 * channels, half, three);
    if (kind === "pixel_shuffle_icnr") this.trainee.parameters.slice(-2).forEach(evened);
    return this.rearranged(channels, side, shuffleLinks(half, side));
  }
}

/** ICNR: the four maps that are woven into one start equal. */
function evened({ shape, values }) {
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
