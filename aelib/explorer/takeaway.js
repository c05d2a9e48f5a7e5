// A trained network to take home, and to use in the other views.

import { PIXELS } from "./measures.js";
import { Model } from "./network.js";
import { handFile } from "./page.js";
import { Trainee } from "./trainee.js";

/**
 * Hand the reader a file in the format of safetensors: the length of a header, the header (JSON: names,
 * shapes, places), and all numbers. `aelib.zoo.read` loads it.
 */
export function handOver({ parameters, settings: { latentDim, upsampling, offset } }) {
  const header = { __metadata__: { latent_dim: String(latentDim), upsampling, offset: String(offset) } };
  let end = 0;
  for (const { name, shape, values } of parameters) {
    header[name] = { dtype: "F32", shape, data_offsets: [end, (end += values.byteLength)] };
  }
  const words = JSON.stringify(header); // plain letters, a byte each
  const spaces = " ".repeat((8 - (words.length % 8)) % 8); // so that numbers start evenly
  const length = new BigUint64Array([BigInt(words.length + spaces.length)]);
  handFile(new Blob([length, words, spaces, ...parameters.map(({ values }) => values)]), "autoencoder.safetensors");
}

/** What is in such a file; null if it is none. @param {object} layers that it may have @returns {Promise<{settings: object, weights: Float32Array} | null>} */
export async function unpackedFile(file, layers) {
  try {
    const bytes = await file.arrayBuffer();
    const start = 8 + Number(new DataView(bytes).getBigUint64(0, true));
    const { __metadata__: about, ...header } = JSON.parse(new TextDecoder().decode(bytes.slice(8, start)));
    const settings = { latentDim: Number(about.latent_dim), upsampling: about.upsampling, offset: Number(about.offset) };
    const { parameters, used } = new Trainee(layers, settings);
    const weights = new Float32Array(bytes.slice(start));
    const fits = parameters.every(({ name, shape }) => header[name].shape.join() === shape.join());
    return fits && weights.length === used && weights.every(Number.isFinite) ? { settings, weights } : null;
  } catch {
    return null;
  }
}

/** What stands in for the course's network in the other views: it, and where the test pictures' codes lie. */
export function standIn({ parts, settings, codes, test: { labels, images } }) {
  const quantiles = Array.from({ length: settings.latentDim }, (_, k) => {
    const sorted = codes.map((code) => code[k]).sort((a, b) => a - b);
    return Array.from({ length: 41 }, (_, q) => sorted[Math.round((q / 40) * (sorted.length - 1))]);
  });
  const points = Float32Array.from(codes.flatMap((code) => [...code]));
  return {
    name: `latent/${settings.latentDim}`,
    model: new Model(parts, settings.offset),
    codes: Float32Array.from(quantiles.flat()),
    plane: { points, labels, images: images.subarray(0, labels.length * PIXELS) },
  };
}
