// Models and numbers, packed by `aelib/explorer/packing.py`: unpacked and put to work.

import { list, run } from "./layers.js";
import { Missing, SIDE, addTo, clamp, dot, pictureOf } from "./measures.js";
import { say } from "./words.js";

/** @typedef {{shape: number[], bits: number, low: number, step: number, data: string}} Packed */

/** Undo base64 and deflate, which comes with a check of its own. */
async function inflated(text) {
  try {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    throw new Missing(say`A part of this explorer is damaged.`);
  }
}

/** Integers, of which the upper 8 bits come first, all of them, and then the rest of all. */
function integers(bytes, bits) {
  if (bits <= 8) return bytes;
  const rest = bytes.subarray(bytes.length / 2);
  return Uint16Array.from(rest, (low, n) => (bytes[n] << (bits - 8)) + low);
}

/** Unpack numbers of any shape. @param {Packed} [packed] @returns {Promise<Float32Array>} */
export async function unpacked(packed) {
  if (!packed) throw new Missing(say`A part of this explorer is missing.`);
  if (packed instanceof Float32Array) return packed; // of the reader's own network
  const { bits, low, step, data } = packed;
  return Float32Array.from(integers(await inflated(data), bits), (n) => low + step * n);
}

/** Unpack a model: its layers get their weights and biases. @returns {Promise<Model>} */
export async function unpackedModel({ parts, bits, data, offset }) {
  const bytes = await inflated(data);
  const outputs = Object.values(parts).flat().reduce((sum, layer) => sum + (layer.outputs ?? 0), 0);
  /** A function that takes so many, and then the next. */
  const inTurn = (all, at = 0) => (count) => all.subarray(at, (at += count));
  const floats = inTurn(new Float32Array(bytes.buffer, 0, 2 * outputs));
  const weights = inTurn(integers(bytes.subarray(8 * outputs), bits));
  const filled = (layer) => {
    if (!("outputs" in layer)) return layer;
    const [scale, bias] = [floats(layer.outputs), floats(layer.outputs)];
    const each = layer.inputs * (layer.kernel ?? 1) ** 2; // weights of one output channel
    const weight = Float32Array.from(weights(layer.outputs * each), (n, at) => (n - 2 ** (bits - 1)) * scale[Math.floor(at / each)]);
    return { ...layer, weight, bias };
  };
  return new Model(Object.fromEntries(Object.entries(parts).map(([name, layers]) => [name, layers.map(filled)])), offset);
}

/** A trained network: what aelib's `encode`, `decode` and the judge do, for one picture. */
export class Model {
  /** @param {Object<string, object[]>} parts @param {number} offset taken from every pixel */
  constructor(parts, offset) {
    Object.assign(this, { parts, offset });
  }

  /** A picture's code. @param {Float32Array} image 784 numbers in [0, 1] */
  encode(image) {
    return run(this.parts.encoder, { data: image.map((value) => value - this.offset), channels: 1, side: SIDE }).data;
  }

  /** The picture, 784 numbers in [0, 1], that a code means. @param {Float32Array} code */
  decode(code) {
    return run(this.parts.decoder, list(code)).data;
  }

  /** What the network makes of a picture. @param {Float32Array} image */
  reconstruct(image) {
    return this.decode(this.encode(image));
  }

  /** How sure the judge is of each digit: ten shares that add up to 1. */
  read(image) {
    const inked = image.map((value) => clamp(value, 0, 1));
    const { data: scores } = run(this.parts.classifier, { data: inked, channels: 1, side: SIDE });
    const powers = scores.map((score) => Math.exp(score - Math.max(...scores)));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / sum);
  }
}

/** PCA: the best autoencoder without bends, for every size up to that of its basis. */
export class LinearAutoencoder {
  constructor(mean, components) {
    Object.assign(this, { mean, components });
  }

  /** The best picture from `size` numbers; a little of it may leave [0, 1]. */
  reconstruct(image, size) {
    const drawn = Float32Array.from(this.mean);
    const away = image.map((value, p) => value - this.mean[p]);
    for (let n = 0; n < size; n++) {
      const component = pictureOf(this.components, n);
      addTo(drawn, dot(component, away), component);
    }
    return drawn;
  }
}
