// A lesson: it trains a network a little at a time, looks at it, and tells what it sees.
//
// It runs in a worker, or where there is none in the page itself, in slices between frames: all work is
// a generator that may be left between any two layers. A message is an object whose `kind` says what
// to do; what goes back is told in the same way.

import { handwriting } from "./handwriting.js";
import { PIXELS, pictureOf } from "./measures.js";
import { BATCH, Trainee, randoms, rateFactor } from "./trainee.js";
import { baselines, checkerboardScore, fitted, spectrum } from "./yardsticks.js";

const RENEWED = 90; // milliseconds from one look to the next
const SLOWLY = 500; // and from step to step, if it is to be slow
const BESIDE = 4; // for what goes on beside each step
const MOMENTS = 40; // how many states are kept to go back to, denser at the start
const CHECKED = 3; // batches of test pictures in an error
const COMPARED = 1000; // training pictures of which PCA is made
const PICTURES = 24; // of whose waves a spectrum is the mean
const WRITTEN = { train: 120, test: 36 }; // pictures of each letter
export const ACROSS = 13; // pictures across the map of the plane
export const REACH = 2.2; // how far the map goes from the middle, in spreads of the codes

export class Lesson {
  /** @param {(message: object) => void} tell @param {number} slice milliseconds */
  constructor(tell, slice) {
    this.tell = (message) => tell({ ...message, run: this.named });
    Object.assign(this, { slice, work: null, playing: false, slow: false, own: null, run: 0 });
  }

  hear({ kind, ...message }) {
    this[kind](message);
  }

  /** What there is to learn from: digits as pictures and labels, letters as strokes. */
  data({ digits, letters }) {
    Object.assign(this, { sets: { digits }, letters });
  }

  /** Begin anew. `run` is a name that goes with all that is told from now on. */
  begin({ run, ...wish }) {
    Object.assign(this, { named: run, playing: false, moments: [], kept: null, before: null, trainee: null });
    Object.assign(this, { step: 0, order: [], loss: NaN, rate: wish.rate, total: wish.total });
    this.ready = this.preparing(wish); // whatever is asked for first, this goes before it
    this.start(this.opening());
  }

  *preparing({ settings, of, kinds, images, seed, weights, added }) {
    if (!this.sets[of]) {
      const [train, test] = [yield* handwriting(this.letters, WRITTEN.train, randoms(1)), yield* handwriting(this.letters, WRITTEN.test, randoms(2))];
      this.sets[of] = { train, test };
    }
    const { train, test } = this.sets[of];
    const kept = ({ labels }) => [...labels.keys()].filter((n) => kinds.includes(labels[n]));
    Object.assign(this, { settings, test, images: train.images, picks: kept(train).slice(0, images), checks: kept(test) });
    if (added.length) this.add(added);
    this.examples = [...new Set(test.labels)].sort((a, b) => a - b).map((kind) => test.labels.indexOf(kind));
    this.random = randoms(seed + 1);
    this.trainee = new Trainee(settings, { seed });
    if (weights) this.trainee.state = weights;
    this.background = this.measure();
    this.tell({ kind: "begun", examples: this.examples.map((n) => pictureOf(test.images, n)), labels: test.labels });
  }

  /** The reader's own drawings join the training pictures, each often enough to count. */
  add(added) {
    const { images } = this;
    this.images = new Float32Array(images.length + added.length * PIXELS);
    this.images.set(images);
    added.forEach((image, n) => this.images.set(image, images.length + n * PIXELS));
    const places = added.map((_, n) => images.length / PIXELS + n);
    for (let share = 0; share < 0.1; share += added.length / this.picks.length) this.picks.push(...places);
  }

  play({ slow }) {
    this.slow = slow;
    this.playing = true;
    this.present();
    this.start(this.course());
  }

  pause() {
    this.playing = false;
  }

  one() {
    this.playing = false;
    this.present();
    this.start(this.oneStep());
  }

  /** The reader's digit; seen at once if nothing else is going on. */
  digit({ image }) {
    this.own = image;
    this.asked = true;
    if (this.trainee && !this.work) this.start(this.look());
  }

  /** Go back to how it was; `present` comes back. */
  moment({ n }) {
    this.playing = false;
    this.kept ??= this.now;
    this.now = this.moments[n];
    this.start(this.look());
  }

  present() {
    if (this.kept) this.now = this.kept;
    this.kept = null;
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
    const { settings, trainee, test } = this;
    const parameters = trainee.parameters.map(({ name, shape, values }) => ({ name, shape, values: values.slice() }));
    this.tell({ kind: "saved", purpose, parameters, settings, test, codes: yield* this.codes() });
  }

  /** Do some work, a slice at a time, instead of what was done before. */
  async start(work) {
    this.work = work;
    const run = ++this.run;
    while (run === this.run) {
      const until = performance.now() + this.slice;
      let wait = 0;
      while (performance.now() < until && !wait) {
        const { done, value } = work.next();
        if (done) {
          if (run !== this.run) return;
          this.work = null;
          if (this.asked) this.start(this.look());
          return;
        }
        wait = value?.wait ?? 0;
      }
      await new Promise((ready) => setTimeout(ready, wait));
    }
  }

  *opening() {
    yield* this.ready;
    yield* this.look();
    yield* this.background;
  }

  /** Find the lines to compare with. While it trains this goes on beside the steps, a little at a time. */
  *measure() {
    const { images, test, checks, picks, settings, random } = this;
    const tests = checks.slice(0, CHECKED * BATCH).map((n) => pictureOf(test.images, n));
    const pictures = picks.slice(0, COMPARED).map((n) => pictureOf(images, n));
    const lines = yield* baselines(pictures, tests, settings.latentDim, random);
    if (settings.offset) {
      // What a drawing from 0 to 1 cannot reach of a goal from -0.5 to 0.5.
      const all = tests.flatMap((picture) => [...picture]);
      lines.floor = all.reduce((sum, value) => sum + Math.max(settings.offset - value, 0) ** 2, 0) / all.length;
    }
    lines.score = checkerboardScore(yield* spectrum(tests.slice(0, PICTURES)));
    this.tell({ kind: "lines", lines });
  }

  *course() {
    yield* this.ready;
    let next = 0; // when to look again
    let spent = 0; // in steps alone, without looks
    let done = 0;
    while (this.playing && this.step < this.total) {
      let start = performance.now();
      if (!(yield* this.learn())) return;
      spent += performance.now() - start;
      done += BATCH;
      start = performance.now();
      while (performance.now() < start + BESIDE && !this.background.next().done);
      if (this.slow || start > next) {
        yield* this.look(Math.round((1000 * done) / spent));
        const took = performance.now() - start;
        next = start + Math.max(RENEWED, 3 * took); // a slow machine does not spend its time on looking
      }
      if (this.slow) yield { wait: SLOWLY };
    }
    yield* this.look();
    this.playing = false;
    this.tell({ kind: "rests", ended: this.step >= this.total });
  }

  *oneStep() {
    yield* this.ready;
    if (this.step < this.total && (yield* this.learn())) yield* this.look();
  }

  /** One step. Returns whether the loss is a number. */
  *learn() {
    if (this.step >= (this.moments.length / MOMENTS) ** 2 * this.total) this.keep();
    while (this.order.length < BATCH) this.order.push(...this.shuffled());
    this.trainee.show(this.images, this.order.splice(0, BATCH));
    this.loss = yield* this.trainee.step(this.rate * rateFactor(this.step, this.total));
    if (!Number.isFinite(this.loss)) {
      this.playing = false;
      this.tell({ kind: "broken", step: this.step });
      return false;
    }
    this.step++;
    if (this.step === this.total) this.keep();
    return true;
  }

  keep() {
    this.moments.push(this.now);
  }

  shuffled() {
    const all = [...this.picks];
    for (let n = all.length - 1; n > 0; n--) {
      const other = Math.floor(this.random() * (n + 1));
      [all[n], all[other]] = [all[other], all[n]];
    }
    return all;
  }

  /** Look at the network, and tell what was seen. @param {number} [speed] images a second */
  *look(speed) {
    const { trainee, settings } = this;
    this.asked = false;
    const seen = { kind: "look", step: this.step, total: this.total, train: this.loss, speed };
    seen.moments = this.moments.map(({ step }) => step);
    const drawings = [];
    let error = 0;
    for (let n = 0; n < CHECKED; n++) {
      const picks = Array.from({ length: BATCH }, (_, at) => this.checks[(n * BATCH + at) % this.checks.length]);
      trainee.show(this.test.images, picks);
      yield* trainee.encode();
      yield* trainee.decode();
      error += trainee.error() / CHECKED;
      if (n === 0) for (let at = 0; at < PICTURES; at++) drawings.push(Trainee.of(trainee.drawn, at));
    }
    seen.test = error;
    seen.spectrum = yield* spectrum(drawings);
    seen.score = checkerboardScore(seen.spectrum);

    const last = this.examples.length; // where the reader's own stands
    const rows = new Float32Array((last + 1) * PIXELS);
    this.examples.forEach((n, at) => rows.set(pictureOf(this.test.images, n), at * PIXELS));
    if (this.own) rows.set(this.own, last * PIXELS);
    trainee.show(rows, [...Array(last + 1).keys()]);
    yield* trainee.encode();
    const own = this.own && Trainee.of(trainee.code, last);
    yield* trainee.decode();
    seen.drawn = this.examples.map((_, n) => Trainee.of(trainee.drawn, n));
    seen.own = this.own && Trainee.of(trainee.drawn, last);
    if (settings.latentDim === 1 || settings.latentDim === 2) yield* this.lookAtCodes(seen, own);
    this.tell(seen);
  }

  /** The codes of all test pictures. */
  *codes() {
    const { trainee, test } = this;
    const codes = [];
    while (codes.length < test.labels.length) {
      const picks = [...test.labels.keys()].slice(codes.length, codes.length + BATCH);
      trainee.show(test.images, picks);
      yield* trainee.encode();
      picks.forEach((_, at) => codes.push(Trainee.of(trainee.code, at)));
    }
    return codes;
  }

  /** Where those codes lie, and what is drawn at places all over the plane or line. */
  *lookAtCodes(seen, own) {
    const { trainee, settings } = this;
    const points = yield* this.codes();
    const { place, back } = fitted(points, this.before);
    this.before = points.map(place);
    Object.assign(seen, { places: this.before, point: own && place(own) });
    const flat = settings.latentDim === 1;
    const at = (k) => REACH * ((2 * k) / (ACROSS - 1) - 1);
    const places = Array.from({ length: flat ? ACROSS : ACROSS * ACROSS }, (_, n) =>
      flat ? [at(n), 0] : [at(n % ACROSS), -at(Math.floor(n / ACROSS))]);
    seen.map = [];
    for (let n = 0; n < places.length; n += BATCH) {
      const part = places.slice(n, n + BATCH);
      trainee.put(part.map((place) => back(place).slice(0, settings.latentDim)));
      yield* trainee.decode();
      part.forEach((_, k) => seen.map.push(Trainee.of(trainee.drawn, k)));
    }
  }
}
