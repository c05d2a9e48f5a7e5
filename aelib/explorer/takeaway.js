// A trained network to take home, and to use in the other views.

import { Missing, pictureOf } from "./measures.js";
import { h } from "./page.js";
import { Trainee, finished } from "./trainee.js";

const NO_NETWORK = "This file is not a network that was saved here.";

/**
 * A file in the format of safetensors: the length of a header, the header (JSON: names, shapes, places),
 * and all numbers. `aelib.zoo.read` loads it. @param {{name: string, shape: number[], values: Float32Array}[]} parameters
 */
function packedFile(parameters, settings) {
  const about = { latent_dim: settings.latentDim, upsampling: settings.upsampling, offset: settings.offset };
  const header = { __metadata__: Object.fromEntries(Object.entries(about).map(([key, value]) => [key, String(value)])) };
  let end = 0;
  for (const { name, shape, values } of parameters) {
    header[name] = { dtype: "F32", shape, data_offsets: [end, (end += values.byteLength)] };
  }
  const words = new TextEncoder().encode(JSON.stringify(header));
  const spaces = new Uint8Array((8 - (words.length % 8)) % 8).fill(32); // so that numbers start evenly
  const length = new DataView(new ArrayBuffer(8));
  length.setBigUint64(0, BigInt(words.length + spaces.length), true);
  return new Blob([length, words, spaces, ...parameters.map(({ values }) => values)]);
}

/** Hand such a file to the reader. */
export function handOver(parameters, settings) {
  const link = h("a", { href: URL.createObjectURL(packedFile(parameters, settings)), download: "autoencoder.safetensors" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** What is in such a file. @returns {Promise<{settings: object, weights: Float32Array}>} */
export async function unpackedFile(file) {
  try {
    const bytes = await file.arrayBuffer();
    const length = Number(new DataView(bytes).getBigUint64(0, true));
    const { __metadata__: about, ...header } = JSON.parse(new TextDecoder().decode(bytes.slice(8, 8 + length)));
    const settings = { latentDim: Number(about.latent_dim), upsampling: about.upsampling, offset: Number(about.offset) };
    const { parameters, used } = new Trainee(settings);
    const weights = new Float32Array(bytes.slice(8 + length));
    const fits = parameters.every(({ name, shape }) => header[name]?.shape.join() === shape.join());
    if (!fits || weights.length !== used || !weights.every(Number.isFinite)) throw new Error(NO_NETWORK);
    return { settings, weights };
  } catch {
    throw new Missing(NO_NETWORK);
  }
}

/** A trained network as the other views use one: what network.js calls a Model. */
class OwnModel {
  constructor(settings, state) {
    this.trainee = new Trainee(settings);
    this.trainee.state = state;
  }

  encode(image) {
    this.trainee.show(image, [0]);
    finished(this.trainee.encode());
    return Trainee.of(this.trainee.code, 0);
  }

  decode(code) {
    this.trainee.put([[...code]]);
    finished(this.trainee.decode());
    return Trainee.of(this.trainee.drawn, 0);
  }

  reconstruct(image) {
    return this.decode(this.encode(image));
  }
}

/** What stands in for the course's network in the other views; its codes are those of the test pictures. */
export function standIn(settings, state, { images, labels }) {
  const model = new OwnModel(settings, state);
  const codes = labels.map((_, n) => model.encode(pictureOf(images, n)));
  const quantiles = Array.from({ length: settings.latentDim }, (_, k) => {
    const sorted = codes.map((code) => code[k]).sort((a, b) => a - b);
    return Array.from({ length: 41 }, (_, q) => sorted[Math.round((q / 40) * (sorted.length - 1))]);
  });
  const points = Float32Array.from(codes.flatMap((code) => [...code]));
  return { name: `latent/${settings.latentDim}`, model, codes: Float32Array.from(quantiles.flat()), plane: { points, labels } };
}
