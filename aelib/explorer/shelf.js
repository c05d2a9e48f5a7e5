// What came along with an explorer: models, test digits, principal components.

import { Missing, pictureOf } from "./measures.js";
import { LinearAutoencoder, unpacked, unpackedModel } from "./network.js";
import { say } from "./words.js";

// All explorers of a document share a desk and their models. The number is that of the payload's
// form: an older saved output keeps its own.
const SHARED = Symbol.for("aelib explorer 3");
export const shared = () => (globalThis[SHARED] ??= { models: new Map(), codes: new Map() });

const UNPACKED = new WeakMap(); // packed model: its Model, so that none is unpacked twice

export class Shelf {
  /** @param {object} payload */
  constructor(payload) {
    this.payload = payload;
    for (const kind of ["models", "codes"]) {
      for (const [name, packed] of Object.entries(payload[kind] ?? {})) {
        if (!shared()[kind].has(name)) shared()[kind].set(name, packed);
      }
    }
  }

  /** A packed model or where its codes lie, from this explorer or another one of the document. */
  find(kind, name) {
    if (kind === "codes" && this.own?.name === name) return this.own.codes;
    return this.payload[kind]?.[name] ?? shared()[kind].get(name);
  }

  /** A network that the reader has trained: it stands in for the course's with as many numbers. */
  get own() {
    return shared().own;
  }

  set own(own) {
    shared().own = own;
  }

  has(name) {
    return Boolean(this.find("models", name));
  }

  /** The numbers behind a name, rising: of which d there is a model `latent/d`, say. */
  numbers(start) {
    const names = [...Object.keys(this.payload.models ?? {}), ...shared().models.keys()].concat(this.own?.name ?? []);
    const own = names.filter((name) => name.startsWith(start));
    if (!own.length) throw new Missing(say`The models ${start}… did not come with this explorer.`);
    return [...new Set(own)].map((name) => Number(name.slice(start.length))).sort((a, b) => a - b);
  }

  /** A model by its name in aelib.zoo. @returns {Promise<Model>} */
  async model(name) {
    if (this.own?.name === name) return this.own.model;
    const packed = this.find("models", name);
    if (!packed) throw new Missing(say`The model ${name} did not come with this explorer.`);
    if (!UNPACKED.has(packed)) UNPACKED.set(packed, unpackedModel(packed));
    try {
      return await UNPACKED.get(packed);
    } catch {
      throw new Missing(say`The model ${name} is damaged.`);
    }
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
}
