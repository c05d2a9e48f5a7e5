// Train: a network that learns in the page.

import { classroom } from "../classroom.js";
import { makeDrawing, NOBODY } from "../drawing.js";
import { Picture, Strip } from "../explorer.js";
import { DIGITS, Missing, meanSquaredError, pictureOf } from "../measures.js";
import { unpacked } from "../network.js";
import { VIEWS, button, choice, h, short, slider } from "../page.js";
import { Curves, Territory } from "../progress.js";
import { Shelf } from "../shelf.js";
import { handOver, standIn, unpackedFile } from "../takeaway.js";
import { asPicture } from "../yardsticks.js";

const STEPS = 2500; // after which it is done: the learning rate has fallen to zero
const USUAL = {
  digits: DIGITS, latentDim: 2, upsampling: "transpose", rate: 0.01, seed: 0, shifted: false, limit: 3000,
};
const CHOICES = {
  latentDim: ["numbers in the code", [0, 1, 2, 3, 4, 8, 16].map((d) => [d, String(d)])],
  upsampling: ["way of up-sampling", [
    "transpose", "transpose_k4", "nearest", "bilinear", "pixel_shuffle", "pixel_shuffle_icnr",
  ].map((kind) => [kind, kind])],
  rate: ["learning rate", [[0.001, "0.001"], [0.003, "0.003"], [0.01, "0.01, the course's"], [0.03, "0.03"], [0.3, "0.3, too large"], [1, "1, far too large"]]],
  limit: ["training images", [[100, "a hundred"], [3000, "all that came along"]]],
  seed: ["seed", DIGITS.map((n) => [n, String(n)])],
};
const EXPERIMENTS = [
  ["Only zeros", { digits: [0], latentDim: 16 },
    "It sees nothing but zeros. Look at what becomes of the other nine digits: does it copy, or does it turn them into what it knows? (Notebook 3)"],
  ["Two numbers", { latentDim: 2 },
    "Every digit has to pass through two numbers. Watch the cloud fall apart into digits, and which of them stay together. (Notebook 2)"],
  ["A transposed convolution's first steps", { latentDim: 16, upsampling: "transpose", at: "slow" },
    "Slowly: the checkerboard is there before anything is learnt. Watch its score come down, and compare with nearest. (Notebook 4)"],
  ["The range trap", { latentDim: 16, shifted: true },
    "Images go from -0.5 to 0.5, but a sigmoid draws from 0 to 1: the error falls to its floor, and no training gets below it. (Notebook 1)"],
  ["Break it: steps far too large", { latentDim: 16, rate: 1 },
    "A learning rate a hundred times too large throws it about: at first it draws nearly the same picture for every input, its curves jump, and it stays far behind what 0.01 reaches."],
  ["Break it: a hundred images", { latentDim: 16, limit: 100 },
    "It learns its hundred images by heart: the error in training falls on, that on test digits does not. The two curves part."],
];

/** The pictures that came along: 16 levels of grey. */
async function pictures({ images, labels } = {}) {
  return { images: (await unpacked(images)).map((level) => level / 15), labels };
}

async function trainView(explorer) {
  const { train: packed, lesson } = explorer.payload;
  const data = { train: await pictures(packed?.train), test: await pictures(packed.test) };
  const shelf = new Shelf(explorer.payload);
  const wish = { ...USUAL };
  const added = []; // the reader's own drawings that it learns from
  let state = "ready"; // playing, paused, done, broken
  let seen = null;
  let weights = null; // of a file
  let run = 0; // which begin it is that is looked at
  let pace = "usual";

  const status = h("p.strong", { role: "status" });
  const hint = h("p.finding", {}, "");
  const trouble = h("p.missing", { role: "alert", hidden: "" });
  const say = (words) => {
    trouble.textContent = words;
    trouble.hidden = !words;
  };
  const strips = ["ten test digits", "what becomes of them"].map((name) => new Strip(explorer, name, DIGITS.map(String)));
  const yours = new Picture(explorer, "Yours");
  const copy = new Picture(explorer, "What becomes of it");
  const waves = new Picture(explorer, "Spectrum of its drawings");
  const curves = new Curves();
  const territory = new Territory(explorer);
  const land = h("div.mapbox", {}, territory.canvas,
    h("p.quiet", {}, "Each dot is a test digit. Under them: what the network draws there. Ring: your digit."));
  const score = h("p.finding");

  const told = {
    look(look) {
      seen = look;
      curves.add(look.step, look);
      show();
    },
    lines({ lines }) {
      const { latentDim } = wish;
      curves.lines = [[lines.ofMean, "mean image"]];
      if (latentDim) curves.lines.push([lines.ofLinear, `PCA with ${latentDim}`]);
      if (lines.floor) curves.lines.push([lines.floor, "floor of the range"]);
      curves.real = lines.score;
      show();
    },
    broken({ step }) {
      state = "broken";
      say(`After ${step} steps the error is no number any more: the steps were too large, and the weights have run away. Choose a smaller learning rate, or press Start again.`);
      show();
    },
    rests({ ended }) {
      if (ended) state = "done";
      show();
    },
    saved({ purpose, parameters, settings, state: kept }) {
      if (purpose === "file") handOver(parameters, settings);
      else lend(standIn(settings, kept, data.test));
    },
  };
  const send = await classroom(explorer.payload.lesson, (message) => {
    if (message.run === run) told[message.kind](message);
  });
  send({ kind: "data", ...data });

  function begin() {
    state = wish.digits.length ? "ready" : "empty";
    seen = null;
    run++;
    send({ kind: "pause" });
    say(state === "empty" ? "Choose at least one digit for it to learn from." : "");
    curves.clear();
    territory.places = null;
    follow();
    if (state === "empty") return show();
    const { latentDim, upsampling, shifted, digits, limit, rate, seed } = wish;
    const settings = { latentDim, upsampling, offset: shifted ? 0.5 : 0 };
    send({ kind: "begin", run, settings, digits, limit, rate, seed, total: STEPS, weights, added });
  }
  function play(at) {
    if (state === "done") begin();
    pace = at;
    state = "playing";
    send({ kind: "play", slow: pace === "slow" });
    show();
  }
  function pause() {
    if (state !== "playing") return;
    state = "paused";
    send({ kind: "pause" });
    show();
  }
  function change(part) {
    Object.assign(wish, part);
    weights = null;
    hint.textContent = "";
    begin();
  }
  function experiment([, { at = "usual", ...part }, words]) {
    change({ ...USUAL, ...part });
    hint.textContent = words;
    play(at);
  }

  const buttons = {
    play: button("Play", () => play("usual")),
    pause: button("Pause", pause),
    one: button("One step", () => {
      state = "paused";
      send({ kind: "one" });
    }),
    slow: button("Slow", () => play("slow")),
    again: button("Start again", () => begin()),
  };
  const taught = DIGITS.map((digit) => button(String(digit), () => {
    const digits = DIGITS.filter((each) => wish.digits.includes(each) !== (each === digit));
    change({ digits });
  }, { "aria-label": `Learn from the digit ${digit}` }));
  const selects = Object.fromEntries(Object.entries(CHOICES).map(([key, [name, options]]) => [
    key,
    choice(name, options.map(([value, words]) => [String(value), words]), String(wish[key]), (value) =>
      change({ [key]: key === "upsampling" ? value : Number(value) })),
  ]));
  const shifted = button("Shift images by half", () => change({ shifted: !wish.shifted }));
  const add = button("Let it learn from my drawing, too", () => {
    added.push(Float32Array.from(explorer.desk.image));
    begin();
  });
  const time = slider("back in time", {
    min: 0, max: 1, value: 1, words: (n) => (seen?.moments[n] === undefined ? "no moments yet" : `step ${seen.moments[n]}`),
    change: (n) => {
      if (!seen?.moments.length) return;
      pause();
      send({ kind: "moment", n });
    },
  });
  const film = button("Play its moments", async () => {
    for (let n = 0; n < seen.moments.length && element.isConnected && state !== "playing"; n++) {
      time.set(n);
      send({ kind: "moment", n });
      await new Promise((ready) => setTimeout(ready, 120));
    }
  });
  const others = ["code", "plane", "morph", "latent"].filter((name) => explorer.payload.views.includes(name));
  const useIt = button("Use it in the other views", () => send({ kind: "save", purpose: "use" }));
  const back = button("Give the course's network back", () => lend(null));
  const file = h("input.hidden", { type: "file", accept: ".safetensors", tabindex: -1, "aria-label": "a file with a network", onchange: async () => {
    try {
      const found = await unpackedFile(file.files[0]);
      const { latentDim, upsampling, offset } = found.settings;
      Object.assign(wish, { latentDim, upsampling, shifted: offset > 0 });
      weights = found.weights;
      begin();
      hint.textContent = "This is the network of your file. Play trains it further; Start again comes back to it.";
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      say(error.message);
    }
    file.value = "";
  } });

  /** Let the other views use a network of the reader's, or the course's again. */
  function lend(own) {
    shelf.own = own;
    explorer.renewOthers();
    show();
  }

  /** The controls say what is chosen. */
  function follow() {
    taught.forEach((each, digit) => each.setAttribute("aria-pressed", String(wish.digits.includes(digit))));
    for (const [key, { select }] of Object.entries(selects)) select.value = String(wish[key]);
    shifted.setAttribute("aria-pressed", String(wish.shifted));
  }

  function show() {
    const { latentDim } = wish;
    const can = state !== "empty" && state !== "broken";
    buttons.play.disabled = buttons.slow.disabled = !can;
    buttons.pause.disabled = state !== "playing";
    buttons.one.disabled = !can || state === "done";
    const many = seen?.moments.length ?? 0;
    time.limit(0, Math.max(many - 1, 1));
    if (state === "playing") time.set(many - 1);
    film.disabled = many < 2 || state === "playing";
    add.disabled = !explorer.desk.image;
    useIt.disabled = !seen || !latentDim || wish.shifted;
    back.hidden = !shelf.own;
    const speed = seen?.speed && state === "playing" ? `, ${seen.speed} images a second` : "";
    status.textContent = !seen
      ? (can ? "Getting ready …" : "")
      : `${state === "done" ? "Done: " : ""}step ${seen.step}, error ${short(seen.test)} on test digits${speed}`;
    land.hidden = !seen?.map;
    if (!seen) return;
    curves.show(seen.total, seen.step);
    if (seen.map) territory.show(seen, data.test.labels);
    DIGITS.forEach((digit) => {
      const n = data.test.labels.indexOf(digit);
      strips[0].show(digit, pictureOf(data.test.images, n), wish.digits.includes(digit) ? "" : "new");
      strips[1].show(digit, seen.drawn[digit], "");
    });
    const image = explorer.desk.image;
    yours.show(image, image ? "" : NOBODY);
    copy.show(image && seen.own, image && seen.own && !wish.shifted ? `error ${short(meanSquaredError(image, seen.own))}` : "");
    score.textContent = `Checkerboard score ${short(seen.score)}${curves.real ? `; of real digits ${short(curves.real)}` : ""}. `
      + "Far above 1, a grid of two pixels stands out.";
    waves.show(asPicture(seen.spectrum), "fine waves at the edges");
  }

  // What nobody looks at rests.
  let resting = false;
  new IntersectionObserver(([{ isIntersecting }]) => {
    if (!isIntersecting && state === "playing") {
      resting = true;
      pause();
    } else if (isIntersecting && resting) {
      resting = false;
      play(pace);
    }
  }).observe(status);

  const element = h(
    "div",
    {},
    h("div.presets", { role: "group", "aria-label": "Experiments" }, ...EXPERIMENTS.map((each) => button(each[0], () => experiment(each)))),
    hint,
    h("div.presets", { role: "group", "aria-label": "Learn from" }, h("span.quiet", {}, "learn from"), ...taught, add),
    h("div.two", {}, ...Object.values(selects).map((each) => each.element), shifted),
    h("div.tools.left", {}, ...Object.values(buttons)),
    status,
    trouble,
    ...strips.map((strip) => strip.element),
    h("div.split", {}, land, h("div", {}, h("div.row", {}, yours.element, copy.element, waves.element), score)),
    curves.element,
    time.element,
    h("div.tools.left", {}, film, ...(others.length ? [useIt, back] : []),
      button("Save to a file", () => send({ kind: "save", purpose: "file" })), button("Load a file", () => file.click()), file),
  );
  begin();
  return {
    element,
    update(image) {
      send({ kind: "digit", image });
      show();
    },
  };
}

VIEWS.train = {
  title: "Train",
  first: "press Two numbers, and watch the digits part. Then draw one of your own.",
  make: trainView,
  drawing: makeDrawing,
  height: [1480, 2650],
};
