// Models and numbers, packed by `aelib/explorer/packing.py`: unpacked and put to work.

import { list, run } from "./layers.js";
import { Missing, PIXELS, SIDE, clamp, pictureOf } from "./measures.js";
import { say } from "./words.js";

/** @typedef {{shape: number[], bits: number, low: number, step: number, data: string}} Packed */

/** Undo base64 and deflate, which comes with a check of its own. */
async function inflated(text, count) {
  let all = null;
  try {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    all = new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    // what is said below
  }
  if (all?.length !== count) throw new Missing(say`A part of this explorer is damaged.`);
  return all;
}

/** How many bytes so many packed integers take. */
const packedBytes = (count, bits) => count + Math.ceil((count * Math.max(bits - 8, 0)) / 8);

/** Read integers of which the upper 8 bits come first, all of them, and then the rest. */
function integers(bytes, count, bits) {
  const low = Math.max(bits - 8, 0);
  const values = new Uint16Array(count);
  let held = 0; // bits that have been read but not used yet, and how many they are
  let waiting = 0;
  let next = count;
  for (let n = 0; n < count; n++) {
    while (waiting < low) {
      held = ((held << 8) | bytes[next++]) & 0xffff;
      waiting += 8;
    }
    waiting -= low;
    values[n] = (bytes[n] << low) | ((held >> waiting) & ((1 << low) - 1));
  }
  return values;
}

/** Unpack numbers of any shape. @param {Packed} [packed] @returns {Promise<Float32Array>} */
export async function unpacked(packed) {
  if (!packed) throw new Missing(say`A part of this explorer is missing.`);
  if (packed instanceof Float32Array) return packed; // of the reader's own network
  const { shape, bits, low, step, data } = packed;
  const count = shape.reduce((product, size) => product * size, 1);
  const bytes = await inflated(data, packedBytes(count, bits));
  return Float32Array.from(integers(bytes, count, bits), (n) => low + step * n);
}

/** Unpack a model: its layers get their weights and biases. @returns {Promise<Model>} */
export async function unpackedModel(packed) {
  const weighted = Object.values(packed.parts).flat().filter((layer) => "outputs" in layer);
  const sizes = weighted.map(({ inputs, outputs, kernel = 1 }) => inputs * outputs * kernel * kernel);
  const outputs = weighted.reduce((sum, layer) => sum + layer.outputs, 0);
  const count = sizes.reduce((sum, size) => sum + size, 0);
  const bytes = await inflated(packed.data, 8 * outputs + packedBytes(count, packed.bits));
  const floats = new Float32Array(bytes.buffer, 0, 2 * outputs);
  const all = integers(bytes.subarray(floats.byteLength), count, packed.bits);
  const middle = 2 ** (packed.bits - 1);
  const ready = new Map();
  let place = 0;
  let start = 0;
  weighted.forEach((layer, n) => {
    const scale = floats.subarray(place, place + layer.outputs);
    const bias = floats.subarray(place + layer.outputs, place + 2 * layer.outputs);
    const each = sizes[n] / layer.outputs || 1; // weights of one output channel
    const own = all.subarray(start, start + sizes[n]);
    const weight = Float32Array.from(own, (integer, at) => (integer - middle) * scale[Math.floor(at / each)]);
    ready.set(layer, { ...layer, weight, bias });
    place += 2 * layer.outputs;
    start += sizes[n];
  });
  const parts = Object.entries(packed.parts).map(([name, layers]) => [name, layers.map((layer) => ready.get(layer) ?? layer)]);
  return new Model(Object.fromEntries(parts), packed.offset);
}

/** 784 numbers as a network takes them. */
const asMaps = (data) => ({ data, channels: 1, side: SIDE });

/** A trained network: what aelib's `encode`, `decode` and the judge do, for one picture. */
export class Model {
  /** @param {Object<string, object[]>} parts @param {number} offset taken from every pixel */
  constructor(parts, offset) {
    Object.assign(this, { parts, offset });
  }

  /** A picture's code. @param {Float32Array} image 784 numbers in [0, 1] */
  encode(image) {
    return run(this.parts.encoder, asMaps(image.map((value) => value - this.offset))).data;
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
    const scores = run(this.parts.classifier, asMaps(inked)).data;
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
    for (let n = 0; n < size; n++) {
      const component = pictureOf(this.components, n);
      let number = 0;
      for (let p = 0; p < PIXELS; p++) number += component[p] * (image[p] - this.mean[p]);
      for (let p = 0; p < PIXELS; p++) drawn[p] += number * component[p];
    }
    return drawn;
  }
}
