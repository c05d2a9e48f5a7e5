// Train: a network that learns in the page.

import { makeDrawing, NOBODY } from "../drawing.js";
import { Picture, Strip } from "../explorer.js";
import { Lesson } from "../lesson.js";
import { DIGITS, meanSquaredError } from "../measures.js";
import { unpacked } from "../network.js";
import { NARROW, VIEWS, button, choice, h, short, slider } from "../page.js";
import { Curves, Territory } from "../progress.js";
import { CHOICES, SETUPS, stateOf, understood, wishOf } from "../setups.js";
import { Shelf } from "../shelf.js";
import { handOver, standIn, unpackedFile } from "../takeaway.js";
import { asPicture } from "../yardsticks.js";
import { letterName, say } from "../words.js";

const STEPS = 2500; // after which it is done: the learning rate has fallen to zero

async function trainView(explorer) {
  const { lesson, train: { train, test, letters, layers, printed } = {} } = explorer.payload;
  /** The pictures that came along: 16 levels of grey. */
  const pictures = async (packed) => ({ ...packed, images: (await unpacked(packed?.images)).map((level) => level / 15) });
  const digits = { train: await pictures(train), test: await pictures(test) };
  const names = { digits: DIGITS.map(String), letters: Object.keys(letters) };
  const shelf = new Shelf(explorer.payload);
  const added = []; // the reader's own drawings that it learns from
  let wish = wishOf(null);
  let setup = null;
  let state = "ready"; // playing, paused, resting, done, broken; empty: without anything to learn from
  let begun = null; // what the lesson began with
  let seen = null; // its last look
  let real = NaN; // the checkerboard score of real pictures
  let weights = null; // of a file
  let run = 0; // which begin it is that is looked at
  let pace = "usual";

  const status = h("p.strong", { role: "status" });
  const hint = h("p.finding", { role: "status" });
  const trouble = h("p.missing", { role: "alert" });
  const rows = h("div");
  let strips = [];
  const yours = new Picture(explorer, say`Yours`);
  const copy = new Picture(explorer, say`What becomes of it`);
  const waves = new Picture(explorer, say`Spectrum of its drawings`);
  const curves = new Curves();
  const territory = new Territory(explorer);
  const land = h("div.mapbox", {}, territory.canvas,
    h("p.quiet", {}, say`Each dot is a test picture. Under them: what the network draws there. Ring: your digit.`));
  const score = h("p.finding");

  const told = {
    begun(message) {
      begun = message;
      strips = [say`test pictures, one of each kind`, say`what becomes of them`]
        .map((title) => new Strip(explorer, title, names[wish.of].map(letterName)));
      rows.replaceChildren(...strips.map((strip) => strip.element));
      begun.examples.forEach((image, n) => strips[0].show(n, image, wish.kinds.includes(n) ? "" : say`new`));
    },
    look(look) {
      seen = look;
      show();
    },
    lines({ lines: { ofMean, ofLinear, floor, score: ofReal } }) {
      const all = [[ofMean, say`mean image`], [wish.d && ofLinear, say`PCA with ${wish.d}`], [floor, say`floor of the range`]];
      curves.rules = all.filter(([value]) => value);
      real = ofReal;
      show();
    },
    broken({ step }) {
      state = "broken";
      trouble.textContent = say`After ${step} steps the error is no number any more: the steps were too large, and the weights have run away. Choose a smaller learning rate, or press Start again.`;
      show();
    },
    rests({ ended }) {
      if (ended) state = "done";
      show();
    },
    saved(network) {
      if (network.purpose === "file") handOver(network);
      else lend(standIn(network));
    },
  };
  const send = await classroom(lesson, (message) => {
    if (message.run === run) told[message.kind](message);
  });
  send({ kind: "data", digits, letters, layers });

  function begin() {
    const { d, kind, range, ...rest } = wish;
    state = wish.kinds.length ? "ready" : "empty";
    seen = begun = null;
    run++;
    send({ kind: "pause" });
    trouble.textContent = state === "empty" ? say`Choose at least one kind of picture for it to learn from.` : "";
    curves.clear();
    territory.places = null;
    for (const [key, { select }] of Object.entries(selects)) select.value = String(wish[key]);
    for (const { of, n, element: each } of kinds) {
      each.hidden = of !== wish.of;
      each.setAttribute("aria-pressed", String(wish.kinds.includes(n)));
    }
    show();
    if (state === "empty") return;
    const settings = { latentDim: d, upsampling: kind, offset: range === "half" ? 0.5 : 0 };
    send({ kind: "begin", run, settings, total: STEPS, weights, added, ...rest });
  }
  function play(at) {
    if (state === "done") begin();
    pace = at;
    state = "playing";
    send({ kind: "play", slow: pace === "slow" });
    show();
  }
  function pause(as = "paused") {
    if (state !== "playing") return;
    state = as;
    send({ kind: "pause" });
    show();
  }
  /** Begin with other wishes. @param {string | null} from a setup, or none */
  function change(part, from = null) {
    wish = { ...wish, ...part };
    [setup, weights] = [from, null];
    hint.textContent = from ? SETUPS[from][2] : "";
    begin();
    explorer.settleSoon?.();
  }

  const buttons = {
    play: button(say`Play`, () => play("usual")),
    pause: button(say`Pause`, () => pause()),
    one: button(say`One step`, () => {
      state = "paused";
      send({ kind: "play", steps: 1 });
    }),
    slow: button(say`Slow`, () => play("slow")),
    again: button(say`Start again`, begin),
  };
  const selects = Object.fromEntries(Object.entries(CHOICES).map(([key, [name, options]]) =>
    [key, choice(name, options.map(([value, words]) => [String(value), words]), String(wish[key]), () => {
      const [value] = options[selects[key].select.selectedIndex];
      change({ [key]: value, ...(key === "of" ? { kinds: [...names[value].keys()] } : {}) });
    })]));
  const kinds = Object.entries(names).flatMap(([of, all]) => all.map(letterName).map((name, n) => ({ of, n, element: button(name, () => {
    change({ kinds: [...all.keys()].filter((each) => wish.kinds.includes(each) !== (each === n)) });
  }, { "aria-label": of === "digits" ? say`Learn from the digit ${name}` : say`Learn from the letter ${name}` }) })));
  const add = button(say`Let it learn from my drawing, too`, () => {
    added.push(Float32Array.from(explorer.desk.image));
    begin();
  });
  const time = slider(say`back in time`, {
    min: 0, max: 1, value: 1, words: (n) => (seen?.moments[n] === undefined ? say`no moments yet` : say`step ${seen.moments[n]}`),
    change(n) {
      pause();
      if (seen?.moments.length) send({ kind: "moment", n });
    },
  });
  const film = button(say`Play its moments`, async () => {
    for (let n = 0; n < seen?.moments.length && element.isConnected && state !== "playing"; n++) {
      time.set(n);
      send({ kind: "moment", n });
      await new Promise((ready) => setTimeout(ready, 120));
    }
  });
  const save = (purpose) => () => {
    pause();
    send({ kind: "save", purpose });
  };
  const others = ["machine", "plane", "morph", "latent"].filter((name) => explorer.payload.views.includes(name));
  const useIt = button(say`Use it in the other views`, save("use"));
  const back = button(say`Give the course's network back`, () => lend(null));
  const toFile = button(say`Save to a file`, save("file"));
  const file = h("input.hidden", { type: "file", accept: ".safetensors", tabindex: -1, "aria-label": say`a file with a network`, onchange: async () => {
    const found = await unpackedFile(file.files[0], layers);
    file.value = "";
    if (!found) {
      trouble.textContent = say`This file is not a network that was saved here.`;
      return;
    }
    const { latentDim: d, upsampling: kind, offset } = found.settings;
    Object.assign(wish, { d, kind, range: offset ? "half" : "whole" });
    weights = found.weights;
    begin();
    hint.textContent = say`This is the network of your file. Play trains it further; Start again comes back to it.`;
  } });

  /** Let the other views use a network of the reader's, or the course's again. */
  function lend(own) {
    shelf.own = own;
    explorer.renewOthers();
    show();
  }

  function show() {
    const can = state !== "empty" && state !== "broken";
    buttons.play.disabled = buttons.slow.disabled = !can;
    buttons.pause.disabled = state !== "playing";
    buttons.one.disabled = !can || state === "done";
    const many = seen?.moments.length ?? 0;
    time.set(state === "playing" ? many - 1 : time.value, Math.max(many - 1, 1));
    film.disabled = many < 2 || state === "playing";
    add.disabled = !explorer.desk.image;
    toFile.disabled = !seen;
    useIt.disabled = !seen || !wish.d || wish.range === "half";
    back.hidden = !shelf.own;
    land.hidden = !seen?.map;
    status.textContent = can ? say`Getting ready …` : "";
    if (!seen) return;
    const [step, error, [, of]] = [seen.step, short(seen.test), CHOICES.of[1].find(([each]) => each === wish.of)];
    status.textContent = state === "done" ? say`Done: step ${step}, error ${error} on test ${of}` : say`step ${step}, error ${error} on test ${of}`;
    curves.add(seen);
    if (seen.map) territory.show(seen, begun.labels, wish.of === "digits" ? names.digits : printed);
    seen.drawn.forEach((drawn, n) => strips[1].show(n, drawn, ""));
    const image = explorer.desk.image;
    yours.show(image, image ? "" : NOBODY);
    copy.show(image && seen.own, image && seen.own && wish.range === "whole" ? say`error ${short(meanSquaredError(image, seen.own))}` : "");
    score.textContent = real
      ? say`Checkerboard score ${short(seen.score)}; of real pictures ${short(real)}. Far above 1, a grid of two pixels stands out.`
      : say`Checkerboard score ${short(seen.score)}. Far above 1, a grid of two pixels stands out.`;
    waves.show(asPicture(seen.spectrum), say`fine waves at the edges`);
  }

  const presets = Object.entries(SETUPS).map(([name, [title]]) => button(title, () => {
    change(wishOf(name), name);
    play(name === "grid" ? "slow" : "usual");
  }));
  // On a narrow page the choices are folded, below the pictures.
  const choices = h("details.choices", {}, h("summary", {}, say`Choices: what it learns from, and how`),
    h("div.two", {}, ...Object.values(selects).map((each) => each.element)),
    h("div.presets", { role: "group", "aria-label": say`Learn from` },
      h("span.quiet", {}, say`which`), ...kinds.map((each) => each.element), add));
  choices.open = explorer.host.clientWidth > NARROW;
  const element = h("div.training", {},
    h("div.presets", { role: "group", "aria-label": say`Experiments` }, ...presets), hint, choices,
    h("div.tools.left", {}, ...Object.values(buttons)), status, trouble, rows,
    h("div.split", {}, land, h("div", {}, h("div.row", {}, yours.element, copy.element, waves.element), score)),
    h("div.after", {}, curves.element, time.element,
      h("div.tools.left", {}, film, ...(others.length ? [useIt, back] : []), toFile, button(say`Load a file`, () => file.click()), file)));
  // What nobody looks at rests.
  new IntersectionObserver(([{ isIntersecting }]) => {
    if (isIntersecting && state === "resting") play(pace);
    if (!isIntersecting && state === "playing") pause("resting");
  }).observe(element);

  begin();
  return {
    element,
    update(image) {
      send({ kind: "digit", image });
      show();
    },
    restore(wishes) {
      const found = understood(wishes, names);
      if (found) change(found.wish, found.setup);
    },
    state: () => stateOf(wish, setup, names),
  };
}

/** Give a lesson in a worker, or where the viewer forbids those, in the page. What is returned tells it something. */
async function classroom(text, tell) {
  try {
    const start = "onmessage = ({ data }) => lesson.hear(data);\npostMessage({ kind: 'ready' });";
    const script = `${text}\nconst lesson = new Lesson((message) => postMessage(message), 40);\n${start}`;
    const worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
    await new Promise((ready, failed) => {
      Object.assign(worker, { onmessage: ready, onerror: failed });
      setTimeout(failed, 4000);
    });
    worker.onmessage = ({ data }) => tell(data);
    return (message) => worker.postMessage(message);
  } catch {
    const lesson = new Lesson(tell, 12);
    return (message) => lesson.hear(message);
  }
}

VIEWS.train = {
  title: say`Train`,
  first: say`press Two numbers, and watch the digits part. Then draw one of your own.`,
  make: trainView,
  drawing: makeDrawing,
  height: [1476, 2448],
};
