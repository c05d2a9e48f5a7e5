// A trained network to take home, and to use in the other views.

import { NORM } from "./learning.js";
import { Missing, PIXELS } from "./measures.js";
import { Model } from "./network.js";
import { handFile } from "./page.js";
import { Trainee, layersOf } from "./trainee.js";
import { say } from "./words.js";

const NO_NETWORK = say`This file is not a network that was saved here.`;

/**
 * Hand the reader a file in the format of safetensors: the length of a header, the header (JSON: names,
 * shapes, places), and all numbers. `aelib.zoo.read` loads it.
 */
export function handOver(parameters, settings) {
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
  handFile(new Blob([length, words, spaces, ...parameters.map(({ values }) => values)]), "autoencoder.safetensors");
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

/** The trained network as the other views run one: each batch norm is folded into what is before it. */
function modelOf(parameters, settings) {
  const of = Object.fromEntries(parameters.map(({ name, values }) => [name, values]));
  let last = null; // the layer before, as far as it has weights
  const ready = (layer) => {
    if (layer.kind === "norm") {
      const [weight, bias, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map((part) => of[`${layer.name}.${part}`]);
      const each = last.weight.length / last.outputs;
      last.bias.forEach((own, o) => {
        const c = Math.floor((o * layer.channels) / last.outputs); // a pixel shuffle makes one channel of four
        const factor = weight[c] / Math.sqrt(variance[c] + NORM.least);
        for (let n = o * each; n < (o + 1) * each; n++) last.weight[n] *= factor;
        last.bias[o] = bias[c] + (own - mean[c]) * factor;
      });
      return [];
    }
    if (layer.name) last = layer = { ...layer, weight: outputFirst(layer, of[`${layer.name}.weight`]), bias: of[`${layer.name}.bias`].slice() };
    return [layer];
  };
  const { encoder, decoder } = layersOf(settings);
  return new Model({ encoder: encoder.flatMap(ready), decoder: decoder.flatMap(ready) }, settings.offset);
}

/** A layer's weights with the output first, as packing.py has them; of a transposed convolution PyTorch has the input first. */
function outputFirst({ kind, inputs, outputs, kernel }, weight) {
  if (kind !== "transposed convolution") return weight.slice();
  const taps = kernel * kernel;
  return Float32Array.from(weight, (_, n) => {
    const [o, i, tap] = [Math.floor(n / (inputs * taps)), Math.floor(n / taps) % inputs, n % taps];
    return weight[(i * outputs + o) * taps + tap];
  });
}

/** What stands in for the course's network in the other views: it, and where the test pictures' codes lie. */
export function standIn(parameters, settings, codes, labels, images) {
  const quantiles = Array.from({ length: settings.latentDim }, (_, k) => {
    const sorted = codes.map((code) => code[k]).sort((a, b) => a - b);
    return Array.from({ length: 41 }, (_, q) => sorted[Math.round((q / 40) * (sorted.length - 1))]);
  });
  const points = Float32Array.from(codes.flatMap((code) => [...code]));
  return {
    name: `latent/${settings.latentDim}`,
    model: modelOf(parameters, settings),
    codes: Float32Array.from(quantiles.flat()),
    plane: { points, labels, images: images.subarray(0, labels.length * PIXELS) },
  };
}
