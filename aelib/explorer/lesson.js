// A lesson: it trains a network a little at a time, looks at it, and tells what it sees.
//
// It runs in a worker, or where there is none in the page itself, in slices between frames: all work is
// a generator that may be left between any two layers. A message is an object whose `kind` says what
// to do; what goes back is told in the same way.

import { handwriting } from "./handwriting.js";
import { BATCH } from "./kernels.js";
import { PIXELS, pictureOf, randoms } from "./measures.js";
import { Trainee, rateFactor } from "./trainee.js";
import { baselines, checkerboardScore, fitted, spectrum } from "./yardsticks.js";

const RENEWED = 90; // milliseconds from one look to the next
const SLOWLY = 500; // and from step to step, if it is to be slow
const MOMENTS = 40; // how many states are kept to go back to, denser at the start
const CHECKED = 192; // test pictures in an error
const COMPARED = 1000; // training pictures of which PCA is made
const PICTURES = 24; // of whose waves a spectrum is the mean
const WRITTEN = { train: 120, test: 36 }; // pictures of each letter
export const ACROSS = 13; // pictures across the map of the plane
export const REACH = 2.2; // how far the map goes from the middle, in spreads of the codes

export class Lesson {
  /** @param {(message: object) => void} tell @param {number} slice milliseconds */
  constructor(tell, slice) {
    this.tell = (message) => tell({ ...message, run: this.run });
    Object.assign(this, { slice, work: null, own: null });
  }

  hear({ kind, ...message }) {
    this[kind](message);
  }

  /** What there is to learn from, digits as pictures and labels, letters as strokes; and the layers that may learn. */
  data({ digits, ...rest }) {
    Object.assign(this, { sets: { digits }, ...rest });
  }

  /** Begin anew. `run` is a name that goes with all that is told from now on. */
  begin({ run, rate, total, ...wish }) {
    Object.assign(this, { run, rate, total, playing: false, moments: [], kept: null, before: null });
    Object.assign(this, { step: 0, order: [] });
    this.ready = this.preparing(wish);
    this.start([]);
  }

  *preparing({ settings, of, kinds, images, seed, weights, added }) {
    if (!this.sets[of]) {
      const [train, test] = [yield* handwriting(this.letters, WRITTEN.train, randoms(1)), yield* handwriting(this.letters, WRITTEN.test, randoms(2))];
      this.sets[of] = { train, test };
    }
    const { train, test } = this.sets[of];
    const kept = ({ labels }) => [...labels.keys()].filter((n) => kinds.includes(labels[n]));
    Object.assign(this, { test, tests: kept(test).slice(0, CHECKED), images: train.images, picks: kept(train).slice(0, images) });
    if (added.length) this.add(added);
    const firsts = [...new Set(test.labels)].sort((a, b) => a - b).map((kind) => test.labels.indexOf(kind)); // one of each
    this.examples = firsts.map((n) => pictureOf(test.images, n));
    this.random = randoms(seed + 1);
    this.trainee = new Trainee(this.layers, settings, { seed });
    if (weights) this.trainee.state = weights;
    this.tell({ kind: "begun", examples: this.examples, labels: test.labels });
    yield* this.look();
    yield* this.compare(settings);
  }

  /** The reader's own drawings join the training pictures, each often enough to count. */
  add(added) {
    const places = added.map((_, n) => this.images.length / PIXELS + n);
    this.images = joined([this.images, ...added]);
    for (let share = 0; share < 0.1; share += added.length / this.picks.length) this.picks.push(...places);
  }

  /** Find the lines to compare with. */
  *compare({ latentDim, offset }) {
    const tests = this.tests.map((n) => pictureOf(this.test.images, n));
    const pictures = this.picks.slice(0, COMPARED).map((n) => pictureOf(this.images, n));
    const lines = yield* baselines(pictures, tests, latentDim, this.random);
    if (offset) {
      // What a drawing from 0 to 1 cannot reach of a goal from -0.5 to 0.5.
      const all = tests.flatMap((picture) => [...picture]);
      lines.floor = all.reduce((sum, value) => sum + Math.max(offset - value, 0) ** 2, 0) / all.length;
    }
    lines.score = checkerboardScore(yield* spectrum(tests.slice(0, PICTURES)));
    this.tell({ kind: "lines", lines });
  }

  /** Take steps: so many, or to the end. */
  play({ slow, steps = Infinity }) {
    this.playing = true;
    if (this.kept) this.now = this.kept;
    this.kept = null;
    this.start(this.course(slow, Math.min(this.step + steps, this.total)));
  }

  pause() {
    this.playing = false;
  }

  /** The reader's digit; seen at once if nothing else is going on. */
  digit({ image }) {
    Object.assign(this, { own: image, asked: true });
    if (!this.work) this.start(this.look());
  }

  /** Go back to how it was; `play` goes on from the present. */
  moment({ n }) {
    this.playing = false;
    this.kept ??= this.now;
    this.now = this.moments[n];
    this.start(this.look());
  }

  /** How it is at this moment, to come back to. */
  get now() {
    return { state: this.trainee.state, step: this.step };
  }

  set now({ state, step }) {
    this.trainee.state = state;
    this.step = step;
  }

  /** Tell all weights, and the codes of the test pictures. */
  save({ purpose }) {
    this.start(this.saving(purpose));
  }

  *saving(purpose) {
    const { trainee, test } = this;
    const parameters = trainee.parameters.map(({ name, shape, values }) => ({ name, shape, values: values.slice() }));
    const codes = yield* this.codes();
    this.tell({ kind: "saved", purpose, parameters, parts: trainee.plainly(), settings: trainee.settings, test, codes });
  }

  /** Do some work, a slice at a time, instead of what was done before. Preparations go first. */
  async start(work) {
    const own = (this.work = this.whole(work));
    while (own === this.work) {
      const until = performance.now() + this.slice;
      let done = false;
      let wait = 0;
      while (own === this.work && !done && !wait && performance.now() < until) ({ done, value: wait } = own.next());
      if (done && own === this.work) {
        this.work = null;
        if (this.asked) this.start(this.look());
      }
      await new Promise((ready) => setTimeout(ready, wait));
    }
  }

  *whole(work) {
    yield* this.ready;
    yield* work;
  }

  *course(slow, end) {
    let next = performance.now() + RENEWED; // when to look again
    while (this.playing && this.step < end) {
      yield* this.learn();
      if (!Number.isFinite(this.trainee.loss)) return this.tell({ kind: "broken", step: this.step });
      const now = performance.now();
      if (slow || now > next) {
        yield* this.look();
        next = now + Math.max(RENEWED, 3 * (performance.now() - now)); // a slow machine does not spend its time on looking
      }
      if (slow) yield SLOWLY;
    }
    yield* this.look();
    this.tell({ kind: "rests", ended: this.step >= this.total });
  }

  /** One step. */
  *learn() {
    const keep = () => this.moments.push(this.now);
    if (this.step >= (this.moments.length / MOMENTS) ** 2 * this.total) keep();
    while (this.order.length < BATCH) this.order.push(...this.shuffled());
    this.trainee.show(this.images, this.order.splice(0, BATCH));
    yield* this.trainee.step(this.rate * rateFactor(this.step, this.total));
    if (Number.isFinite(this.trainee.loss) && ++this.step === this.total) keep();
  }

  shuffled() {
    const lots = this.picks.map((pick) => [this.random(), pick]);
    return lots.sort(([a], [b]) => a - b).map(([, pick]) => pick);
  }

  /** Look at the network, and tell what was seen. */
  *look() {
    const { trainee, test, tests, own, step, total } = this;
    this.asked = false;
    const tried = yield* trainee.sent(test.images, tests);
    const waves = yield* spectrum(tried.drawn.slice(0, PICTURES));
    const rows = [...this.examples, ...(own ? [own] : [])];
    const { drawn, codes } = yield* trainee.sent(joined(rows), [...rows.keys()]);
    const ofOwn = (all) => own && all[rows.length - 1];
    const seen = { kind: "look", step, total, moments: this.moments.map((each) => each.step) };
    Object.assign(seen, { train: trainee.loss, test: tried.error, spectrum: waves, score: checkerboardScore(waves) });
    Object.assign(seen, { drawn: drawn.slice(0, this.examples.length), own: ofOwn(drawn) });
    const size = trainee.settings.latentDim;
    if (size === 1 || size === 2) Object.assign(seen, yield* this.land(ofOwn(codes), size));
    this.tell(seen);
  }

  /** The codes of all test pictures. */
  *codes() {
    const { images, labels } = this.test;
    return (yield* this.trainee.sent(images, [...labels.keys()], true)).codes;
  }

  /** Where those codes lie, and what is drawn at places all over the plane or line. */
  *land(own, size) {
    const points = yield* this.codes();
    const { place, back } = fitted(points, this.before);
    this.before = points.map(place);
    const at = (k) => REACH * ((2 * k) / (ACROSS - 1) - 1);
    const ground = Array.from({ length: ACROSS ** size }, (_, n) => [at(n % ACROSS), size === 1 ? 0 : -at(Math.floor(n / ACROSS))]);
    const map = [];
    while (map.length < ground.length) {
      const part = ground.slice(map.length, map.length + BATCH);
      this.trainee.put(part.map((each) => back(each).slice(0, size)));
      yield* this.trainee.decode();
      map.push(...Trainee.of(this.trainee.drawn, part.length));
    }
    return { places: this.before, point: own && place(own), map };
  }
}

/** Pictures, or many that lie one after the other, one after the other. */
function joined(pictures) {
  const all = new Float32Array(pictures.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const picture of pictures) {
    all.set(picture, at);
    at += picture.length;
  }
  return all;
}
