// Machine: the whole network at once, every map of every layer, and the arithmetic of each pixel.

import { NOBODY, judgement, makeDrawing } from "../drawing.js";
import { list } from "../layers.js";
import { Atlas, Lens, pixelOf, stagesOf, trace } from "../maps.js";
import { PIXELS, SIDE, argmax, meanSquaredError, range, rounded, shareBelow } from "../measures.js";
import { unpacked } from "../network.js";
import { VIEWS, button, choice, h, percent, short } from "../page.js";
import { Shelf } from "../shelf.js";
import { say } from "../words.js";

const WIDE = 540; // pixels: with as many the machine goes from left to right, else from top to bottom
const CODE = 4; // the encoder's last stage
const NO_INK = new Float32Array(PIXELS);

const nameOf = (up, d) => (up === "transpose" ? `latent/${d}` : `up/${up}/${d}`);

async function machineView(explorer) {
  const shelf = new Shelf(explorer.payload);
  const dims = shelf.numbers("latent/").filter((d) => shelf.codes(nameOf("transpose", d)));
  let model = null;
  let stages = [];
  let steps = []; // what `trace` finds in them
  let [known, inputs] = [[], []]; // of each number of the code: quantiles, and its bar
  let own = null; // the code of the drawing
  let wished = null; // a code that an address asks for
  let byHand = false; // whether the bars say another one
  let chosen = null; // [stage, number], once there is one
  let held = false; // what was pressed stays while a pointer wanders

  const ups = { transpose: say`transposed convolution`, nearest: say`resize, then convolution` };
  const usual = String(dims.includes(16) ? 16 : dims.at(-1));
  const size = choice(say`numbers in the code`, dims.map((d) => [String(d), String(d)]), usual, open);
  const grows = choice(say`decoder`, Object.entries(ups), "transpose", open);
  const back = button(say`Back to my digit`, () => set(own, false));
  const toMedian = button(say`To the median code`, () => set(medians(), true));
  const bars = h("div.bars", { role: "group", "aria-label": say`The code` });
  const digit = new Atlas(explorer, say`Your digit`);
  const sheets = []; // of each stage but the code
  const lens = new Lens(explorer, (n, how) => look(chosen[0], n, how));
  const yours = h("span.words");
  const drawing = h("span.words");
  const flow = h("div.flow");
  const element = h("div.machine", {}, flow, lens.element,
    h("div.tools.left", {}, size.element, grows.element, back, toMedian));

  async function open() {
    const d = size.select.value;
    for (const option of grows.select.options) option.disabled = !shelf.codes(nameOf(option.value, d));
    if (grows.select.selectedOptions[0].disabled) grows.select.value = "transpose";
    const name = nameOf(grows.select.value, d);
    const [found, quantiles] = await Promise.all([shelf.model(name), unpacked(shelf.codes(name))]);
    if (name !== nameOf(grows.select.value, size.select.value)) return; // another was chosen meanwhile
    model = found;
    stages = [model.parts.encoder, model.parts.decoder].flatMap(stagesOf);
    const count = quantiles.length / d;
    known = Array.from({ length: d }, (_, n) => quantiles.subarray(n * count, (n + 1) * count));
    inputs = known.map((_, n) => bar(n));
    bars.replaceChildren(...inputs.map((input, n) => h("label.bar", {}, h("span", { "aria-hidden": "true" }, String(n + 1)), input)));
    if (chosen?.[0] === CODE) chosen = null;
    [own, byHand] = [null, false];
    build();
    update(explorer.desk.image);
  }

  // --- The code, as bars that begin at the median of real codes.

  const medians = () => known.map((all) => all[all.length >> 1]);
  const code = () => inputs.map(({ value }) => Number(value));

  function bar(n) {
    const input = h("input", { type: "range", "aria-label": say`number ${n + 1}`, oninput: () => set(code(), true) });
    input.addEventListener("focus", () => look(CODE, n, "key"));
    input.addEventListener("pointerenter", () => look(CODE, n, "hover"));
    return input;
  }

  /** Set the bars, and draw what they say; not by hand means: to the code of the drawing. */
  function set(numbers, hand) {
    byHand = hand;
    inputs.forEach((input, n) => {
      const [low, high] = range([...known[n], numbers[n], own?.[n] ?? numbers[n]]); // a stranger's code may lie outside
      Object.assign(input, { min: low, max: high, step: (high - low) / 400 || 1, value: numbers[n] });
      const ends = [medians()[n], numbers[n]].sort((a, b) => a - b);
      ["--from", "--to"].forEach((name, end) => input.style.setProperty(name, `${(100 * (ends[end] - low)) / (high - low || 1)}%`));
      const above = percent(shareBelow(known[n], numbers[n]));
      input.setAttribute("aria-valuetext", say`${short(numbers[n])}, above ${above} of real codes`);
    });
    back.disabled = !own || !byHand;
    steps = [...steps.slice(0, CODE + 1), ...trace(stages.slice(CODE + 1), list(Float32Array.from(numbers)))];
    steps.forEach(({ to }, k) => sheets[k]?.show(to, to.channels === 1 ? 1 : undefined));
    explorer.settleSoon();
  }

  // --- The drawing's way through.

  function encode(image) {
    digit.show({ data: image, channels: 1, side: SIDE }, 1);
    const maps = { data: image.map((value) => value - model.offset), channels: 1, side: SIDE };
    steps = trace(stages.slice(0, CODE + 1), maps);
  }

  function update(image) {
    const before = own?.join();
    encode(image ?? NO_INK);
    own = image ? [...steps[CODE].to.data] : null;
    const isNew = own?.join() !== before && !explorer.desk.drawing.ghost;
    if (wished) set(wished, true);
    else if (byHand && !isNew) set(code(), true);
    else set(own ?? medians(), false);
    wished = null;
  }

  function settle(image) {
    if (!chosen && image) {
      // The pixel of the first maps that the digit has made largest.
      const { sum: { data, side } } = steps[0];
      look(0, argmax([...data].map((value, n) => value - stages[0].weigh.bias[Math.floor(n / side ** 2)])), "first");
    }
    if (chosen) show(); // not under the pen: nobody reads numbers that fast
    const drawn = steps.at(-1).to.data;
    const read = judgement(explorer, drawn);
    const error = image && !byHand ? say`error ${short(meanSquaredError(drawn, image))}` : "";
    drawing.textContent = [error, read].filter(Boolean).join("; ");
    yours.textContent = image ? judgement(explorer, image) : NOBODY;
  }

  // --- The flow: a sheet for each stage, and between them what is done.

  const done = ({ before, weigh }) => {
    if (weigh.kind === "linear") return say`linear`;
    if (before.length) return say`resize, conv`;
    return weigh.kind === "convolution" ? say`conv` : say`transp. conv`;
  };

  function build() {
    const figure = (kind, step, picture, name, words) => h(`figure.stage.${kind}`, {}, h("span.step", {}, step), picture,
      h("figcaption", {}, h("b", {}, name), words));
    encode(NO_INK);
    steps = [...steps, ...trace(stages.slice(CODE + 1), list(new Float32Array(known.length)))];
    const figures = steps.map(({ to: { channels, side } }, k) => {
      const step = done(stages[k]);
      if (k === CODE) return figure("code", step, bars, say`the code`, say`${channels} numbers`);
      const isLast = k === steps.length - 1;
      const name = isLast ? say`the drawing` : side > 1 ? say`${channels} maps` : String(channels);
      const words = h("span.words", {}, side > 1 ? `${side} × ${side}` : say`numbers`);
      const spoken = k < CODE ? say`Encoder, ${name} ${words.textContent}` : say`Decoder, ${name} ${words.textContent}`;
      sheets[k] ??= new Atlas(explorer, spoken, (n, how) => look(k, n, how));
      return figure(isLast ? "whole" : `of${channels}`, step, sheets[k].element, name, isLast ? drawing : words);
    });
    flow.replaceChildren(figure("whole", "", digit.element, say`your digit`, yours), ...figures,
      h("span.half", {}, say`encoder`), h("span.half.second", {}, say`decoder`));
  }
  const isWide = () => element.clientWidth >= WIDE;
  new ResizeObserver(() => {
    element.classList.toggle("wide", isWide());
    for (const sheet of sheets) sheet?.arrange();
    if (!chosen) return;
    if (isWide()) place(flow); // an address may have come before there was any width
    show();
  }).observe(element);

  // --- The lens: the arithmetic of one number.

  /** Look at the n-th number of a stage. @param {string} how one came there, as a Atlas says it */
  function look(k, n, how) {
    if (how === "hover" && (held || !isWide())) return;
    const isSame = chosen?.join() === [k, n].join();
    if (how === "press") held = !(held && isSame);
    chosen = [k, n];
    if (how !== "first") place(flow.children[k + 1]);
    show();
    if (how === "key") lens.speak();
    explorer.settleSoon();
  }

  /** On a narrow page the lens stands below what was pressed, which stays where it is. */
  function place(stage) {
    const { top } = stage.getBoundingClientRect();
    const before = isWide() ? flow : stage;
    if (before.nextElementSibling !== lens.element) before.after(lens.element);
    scrollBy(0, stage.getBoundingClientRect().top - top);
  }

  function show() {
    const [k, n] = chosen;
    const windows = lens.show(stages[k], steps[k], k, n, held);
    [digit, ...sheets].forEach((sheet, at) => {
      const isBefore = at === k && k !== CODE + 1;
      if (at === k + 1 && sheet) sheet.at = n;
      sheet?.outline({ ...(isBefore && windows), pixel: at === k + 1 ? [pixelOf(steps[k].to, n)] : [] });
    });
  }

  await open();
  return {
    element, update, settle,
    state: () => ({
      d: known.length,
      ...(grows.select.value !== "transpose" && { up: grows.select.value }),
      ...(byHand && { z: code().map(rounded).join() }),
      ...(held && { at: chosen.map((n) => n + 1).join(".") }),
    }),
    async restore(wishes) {
      size.select.value = String(wishes.pick("d", dims) ?? known.length);
      grows.select.value = wishes.pick("up", Object.keys(ups)) ?? "transpose";
      await open();
      wished = wishes.numbers("z", known.length, -1e4, 1e4) ?? null;
      const at = wishes.read("at", (text) => {
        const [k, n] = text.split(".").map((part) => Number(part) - 1);
        return steps[k]?.to.data[n] === undefined ? undefined : [k, n];
      });
      held = false;
      if (at) look(...at, "press");
    },
  };
}

VIEWS.machine = {
  title: say`Machine`, make: machineView, drawing: makeDrawing, height: [867, 2274],
  first: say`point at a pixel of any map: which pixels before it does it look at, and what makes it large? Then drag a bar of the code.`,
};
