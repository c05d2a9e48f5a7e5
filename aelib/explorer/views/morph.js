// Morph: from one digit to another, through the code and pixel by pixel.

import { NOBODY, judgement, makeDrawing } from "../drawing.js";
import { Picture, Strip } from "../explorer.js";
import { DIGITS, argmax, mix } from "../measures.js";
import { VIEWS, button, choice, h, numberChoice, slider } from "../page.js";
import { Shelf } from "../shelf.js";

async function morphView(explorer) {
  const shelf = new Shelf(explorer.payload);
  const dims = shelf.numbers("latent/").filter((d) => d >= 1);
  const digits = await shelf.digits();
  const own = (digit) => digits.filter(({ label }) => label === digit);
  const steps = 9;
  let model = null;

  /** One end: the reader's drawing, or a test digit. */
  function end(name, start) {
    const picture = new Picture(explorer, name);
    const state = { source: start, turn: 0 };
    const select = choice(name, [["", "my drawing"], ...DIGITS.map((n) => [String(n), `a test digit ${n}`])], start,
      (value) => {
        Object.assign(state, { source: value, turn: 0 });
        update(explorer.desk.image);
      });
    const another = button("another", () => {
      state.turn++;
      update(explorer.desk.image);
    }, { "aria-label": `${name}: another digit of this kind` });
    return {
      element: h("div.end", {}, picture.element, select.element, another),
      picture,
      take(image) {
        another.disabled = state.source === "";
        const all = state.source === "" ? [] : own(Number(state.source));
        this.image = state.source === "" ? image : all[state.turn % all.length].image;
        picture.show(this.image, this.image ? "" : NOBODY);
      },
      image: null,
    };
  }
  const from = end("From", "");
  const to = end("To", "8");
  const share = slider("how far", {
    min: 0, max: 100, value: 50, words: (value) => `${value} %`, change: () => draw(),
  });
  const through = new Picture(explorer, "Through the code");
  const pixelwise = new Picture(explorer, "Pixel by pixel");
  const labels = Array.from({ length: steps }, (_, n) => `${Math.round((100 * n) / (steps - 1))} %`);
  const jump = (n) => {
    share.set((100 * n) / (steps - 1));
    draw();
  };
  const strips = ["through the code, and what the judge reads", "pixel by pixel, and what the judge reads"].map((name) => new Strip(explorer, name, labels, jump));
  const size = numberChoice(
    "numbers in the code",
    dims,
    dims.includes(16) ? 16 : dims.at(-1),
    (d) => shelf.model(`latent/${d}`),
    (next) => {
      model = next;
      update(explorer.desk.image);
    },
  );

  const pixels = (at) => from.image.map((value, p) => mix(value, to.image[p], at));
  const codes = () => [model.encode(from.image), model.encode(to.image)];
  const decoded = ([a, b], at) => model.decode(a.map((value, n) => mix(value, b[n], at)));

  function draw() {
    const ready = from.image && to.image;
    const at = share.value / 100;
    through.show(ready && decoded(codes(), at), "");
    pixelwise.show(ready && pixels(at), "");
    explorer.settleSoon();
  }
  function update(image) {
    from.take(image);
    to.take(image);
    draw();
  }
  function settle() {
    const ready = from.image && to.image;
    const both = ready && codes();
    for (let n = 0; n < steps; n++) {
      const at = n / (steps - 1);
      const rows = ready ? [decoded(both, at), pixels(at)] : [null, null];
      rows.forEach((values, row) => strips[row].show(n, values, values && explorer.judge ? `“${argmax([...explorer.judge.read(values)])}”` : ""));
    }
    through.show(through.values, judgement(explorer, through.values));
    pixelwise.show(pixelwise.values, judgement(explorer, pixelwise.values));
  }
  const element = h(
    "div",
    {},
    h("div.row.ends", {}, from.element, to.element),
    share.element,
    h("div.row", {}, through.element, pixelwise.element),
    size.element,
    ...strips.map((strip) => strip.element),
  );
  await size.open();
  return { element, update, settle };
}

VIEWS.morph = {
  title: "Morph",
  first: "draw a 3 and go half way to the 8. Then do the same with other numbers in the code.",
  make: morphView,
  drawing: makeDrawing,
  height: [875, 1600],
};
