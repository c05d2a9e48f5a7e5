// What came along with an explorer: models, test digits, principal components.

import { Missing, darkest, pictureOf } from "./measures.js";
import { LinearAutoencoder, unpacked, unpackedModel } from "./network.js";
import { say } from "./words.js";

// All explorers of a document share a desk and lend each other their models. The number is that of
// the payload's form: an older saved output keeps its own.
const SHARED = Symbol.for("aelib explorer 3");
export const shared = () => (globalThis[SHARED] ??= { models: {}, codes: {} });

export class Shelf {
  /** @param {object} payload */
  constructor(payload) {
    this.payload = payload;
    for (const kind of ["models", "codes"]) shared()[kind] = { ...payload[kind], ...shared()[kind] };
  }

  /** A network that the reader has trained: it stands in for the course's with as many numbers. */
  get own() {
    return shared().own;
  }

  set own(own) {
    shared().own = own;
  }

  has(name) {
    return name in shared().models;
  }

  /** Where real codes of a model lie: quantiles, packed; undefined if nobody has brought them. */
  codes(name) {
    return this.own?.name === name ? this.own.codes : shared().codes[name];
  }

  /** The numbers behind a name, rising: of which d there is a model `latent/d`, say. */
  numbers(start) {
    const names = Object.keys(shared().models).concat(this.own?.name ?? []).filter((name) => name.startsWith(start));
    if (!names.length) throw new Missing(say`The models ${start}… did not come with this explorer.`);
    return [...new Set(names)].map((name) => Number(name.slice(start.length))).sort((a, b) => a - b);
  }

  /** A model by its name in aelib.zoo, unpacked once. @returns {Promise<Model>} */
  async model(name) {
    if (this.own?.name === name) return this.own.model;
    const packed = shared().models[name];
    if (!packed) throw new Missing(say`The model ${name} did not come with this explorer.`);
    packed.model ??= unpackedModel(packed);
    return packed.model.catch(() => {
      throw new Missing(say`The model ${name} is damaged.`);
    });
  }

  async pca() {
    const { mean, components } = this.payload.pca ?? {};
    return new LinearAutoencoder(await unpacked(mean), await unpacked(components));
  }

  /** The test digits of the payload, in the order of their labels; "7.2" is the second of the 7s. */
  async digits() {
    const { images, labels } = this.payload.digits ?? {};
    const all = await unpacked(images);
    return labels.map((label, n) => (
      { label, name: `${label}.${n - labels.indexOf(label) + 1}`, image: pictureOf(all, n) }));
  }

  /** The drawings of all letters, one letter after the other, each with the cover of its strokes. */
  async letters() {
    const { names, strokes, each, covers } = this.payload.letters;
    const all = await unpacked(covers);
    let at = 0;
    const next = () => pictureOf(all, at++);
    return names.flatMap((letter, n) => Array.from({ length: each }, (_, hand) => {
      const own = Array.from({ length: strokes[n] }, next);
      return { image: darkest(own), label: null, state: { letter: `${letter}.${hand + 1}` }, letter, covers: own };
    }));
  }
}
