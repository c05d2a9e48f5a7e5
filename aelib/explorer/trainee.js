// The course's autoencoder while it learns: its weights, its layers, Adam, and its state.

import { ADAM, BATCH, Bench } from "./kernels.js";
import { LEARNING } from "./learning.js";
import { PIXELS, SIDE, randoms } from "./measures.js";

const MEGABYTES = 16; // what a network takes with all it computes
const WEIGHTS = 2 ** 17; // more than any network here has
const WARMUP = 0.1; // the share of steps in which the rate rises from zero, as in aelib/optim.py

/** What the learning rate is multiplied by at a step: a rise, then a straight line to zero. */
export function rateFactor(step, total) {
  const done = (step + 1) / (total + 1);
  return Math.min(done / WARMUP, (1 - done) / (1 - WARMUP));
}

/** @typedef {{name: string, shape: number[], values: Float32Array, gradients: Float32Array}} Parameter */

export class Trainee {
  /**
   * @param {object} layers by the ways of up-sampling, as packing.py describes them
   * @param {{latentDim: number, upsampling: string, offset?: number}} settings as in aelib.models
   */
  constructor(layers, settings, { seed = 0, simd = true } = {}) {
    Object.assign(this, { settings: { offset: 0, ...settings }, bench: new Bench(MEGABYTES, simd), random: randoms(seed) });
    [this.weights, this.gradients, this.means, this.squares] = [1, 2, 3, 4].map(() => this.bench.room(WEIGHTS));
    /** @type {Parameter[]} in the order and by the names of PyTorch's state_dict */
    this.parameters = [];
    Object.assign(this, { used: 0, steps: 0, loss: NaN });
    const { encoder, decoder } = layers[settings.upsampling];
    this.picture = { ...this.maps(1, SIDE), gradients: null };
    this.encoder = this.made(encoder.with(-1, { ...encoder.at(-1), outputs: settings.latentDim }), this.picture);
    this.code = this.encoder.at(-1).to;
    this.decoder = this.made(decoder.with(0, { ...decoder[0], inputs: settings.latentDim }), this.code);
    this.drawn = this.decoder.at(-1).to;
  }

  /** Make layers that are described, each of which reads what the one before it writes. */
  made(layers, from) {
    return layers.map((layer) => {
      const made = LEARNING[layer.kind](this, from, layer);
      from = made.to;
      return { plainly: () => layer, ...made };
    });
  }

  maps(channels, side) {
    const room = () => ({ data: this.bench.room(channels * side * side * BATCH), channels, pixels: side * side });
    return { side, values: room(), gradients: room() };
  }

  /** Room for weights that Adam moves (or leaves alone, if their gradients stay zero). */
  parameter(name, shape, first) {
    const end = this.used + shape.reduce((product, size) => product * size, 1);
    const [values, gradients] = [this.weights, this.gradients].map((all) => all.subarray(this.used, end));
    this.used = end;
    values.set(Float32Array.from(values, first));
    this.parameters.push({ name, shape, values, gradients });
    return this.parameters.at(-1);
  }

  /** Put pictures before the network. @param {Float32Array} all 784 numbers each @param {number[]} picks */
  show(all, picks) {
    const { data } = this.picture.values;
    for (let n = 0; n < BATCH; n++) {
      const start = picks[n % picks.length] * PIXELS;
      for (let p = 0; p < PIXELS; p++) data[p * BATCH + n] = all[start + p] - this.settings.offset;
    }
  }

  /** The numbers of a batch's first images, so many. */
  static of({ values: { data } }, count) {
    const images = Array.from({ length: count }, () => new Float32Array(data.length / BATCH));
    images.forEach((image, n) => {
      for (let at = 0; at < image.length; at++) image[at] = data[at * BATCH + n];
    });
    return images;
  }

  /** Find the codes of what is shown, without learning. These are generators, as `step` is. */
  *encode() {
    for (const layer of this.encoder) yield layer.forward?.(false);
  }

  /** Draw what the codes mean; `put` writes codes, at most a batch of them. */
  *decode() {
    for (const layer of this.decoder) yield layer.forward?.(false);
  }

  /** Any number of pictures: their codes and, if those are not enough, what is drawn, and its error. */
  *sent(all, picks, enough = false) {
    const sent = { codes: [], drawn: [], error: 0 };
    for (let n = 0; n < picks.length; n += BATCH) {
      const part = picks.slice(n, n + BATCH);
      this.show(all, part);
      yield* this.encode();
      sent.codes.push(...Trainee.of(this.code, part.length));
      if (enough) continue;
      yield* this.decode();
      sent.drawn.push(...Trainee.of(this.drawn, part.length));
      sent.error += (this.error() * part.length) / picks.length;
    }
    return sent;
  }

  /** @param {number[][]} codes */
  put(codes) {
    codes.forEach((code, n) => code.forEach((value, at) => (this.code.values.data[at * BATCH + n] = value)));
  }

  /** The error of what is drawn of what is shown. */
  error() {
    const { blend, product } = this.bench.loops;
    const [{ data: drawn }, { data: gradients }] = [this.drawn.values, this.drawn.gradients];
    const by = 2 / drawn.length;
    blend(gradients, drawn, by, this.picture.values.data, -by, 0); // the loss's gradient by the drawing
    return (product(gradients, 0, gradients, 0) / by ** 2) / drawn.length;
  }

  /** Learn from what is shown, and find the loss. Between the layers whoever runs it may do something else. */
  *step(rate) {
    const layers = [...this.encoder, ...this.decoder];
    for (const layer of layers) yield layer.forward?.(true);
    this.loss = this.error();
    if (!Number.isFinite(this.loss)) return; // before the weights are spoilt
    for (const layer of layers.reverse()) yield layer.backward?.();
    this.steps++;
    const unbias = 1 / Math.sqrt(1 - ADAM.square ** this.steps);
    const all = [this.weights, this.gradients, this.means, this.squares];
    const parts = all.map((each) => each.subarray(0, 4 * Math.ceil(this.used / 4)));
    this.bench.loops.adam(...parts, rate / (1 - ADAM.mean ** this.steps), unbias);
  }

  /** All weights and running statistics, to keep; `state = kept` brings them back. */
  get state() {
    return this.weights.slice(0, this.used);
  }

  set state(kept) {
    this.weights.set(kept);
  }

  /** The network's layers as layers.js runs them: each batch norm is folded into what is before it. */
  plainly() {
    const parts = { encoder: [], decoder: [] };
    for (const [name, layers] of Object.entries(parts)) {
      for (const layer of this[name]) {
        if (layer.fold) layer.fold(layers.findLast(({ weight }) => weight));
        else layers.push(layer.plainly());
      }
    }
    return parts;
  }
}
