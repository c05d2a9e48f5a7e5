// Morph: from one digit to another, through the code and pixel by pixel.

import { NOBODY, judgement, makeDrawing } from "../drawing.js";
import { Picture, Strip } from "../explorer.js";
import { DIGITS, argmax, mix } from "../measures.js";
import { VIEWS, button, choice, h, numberChoice, slider } from "../page.js";
import { Shelf } from "../shelf.js";
import { say } from "../words.js";

async function morphView(explorer) {
  const shelf = new Shelf(explorer.payload);
  const dims = shelf.numbers("latent/").filter((d) => d >= 1);
  const digits = await shelf.digits();
  const steps = 9;
  let model = null;
  let ends = [null, null]; // the two pictures

  /** One end: the reader's drawing, or a test digit. */
  function end(name, start) {
    const picture = new Picture(explorer, name);
    let turn = 0;
    const next = (to) => {
      turn = to;
      update(explorer.desk.image);
    };
    const options = [["", say`my drawing`], ...DIGITS.map((n) => [String(n), say`a test digit ${n}`])];
    const source = choice(name, options, start, () => next(0));
    const another = button(say`another`, () => next(turn + 1), { "aria-label": say`${name}: another digit of this kind` });
    const take = (image) => {
      const digit = source.select.value;
      const all = digit ? digits.filter(({ label }) => label === Number(digit)) : [{ image }];
      another.disabled = !digit;
      picture.show(all[turn % all.length].image, digit || image ? "" : NOBODY);
      return picture.values;
    };
    return { element: h("div.end", {}, picture.element, source.element, another), take, select: source.select };
  }
  const from = end(say`From`, "");
  const to = end(say`To`, "8");
  const share = slider(say`how far`, {
    min: 0, max: 100, value: 50, words: (value) => `${value} %`, change: () => draw(),
  });
  const through = new Picture(explorer, say`Through the code`);
  const pixelwise = new Picture(explorer, say`Pixel by pixel`);
  const labels = Array.from({ length: steps }, (_, n) => `${Math.round((100 * n) / (steps - 1))} %`);
  const jump = (n) => {
    share.set((100 * n) / (steps - 1));
    draw();
  };
  const strips = [say`through the code, and what the judge reads`, say`pixel by pixel, and what the judge reads`].map((name) => new Strip(explorer, name, labels, jump));
  const size = numberChoice(say`numbers in the code`, dims, dims.includes(16) ? 16 : dims.at(-1),
    (d) => shelf.model(`latent/${d}`),
    (next) => {
      model = next;
      update(explorer.desk.image);
    },
  );

  const between = ([a, b], at) => a.map((value, n) => mix(value, b[n], at));
  const isReady = () => ends.every(Boolean);
  const codes = () => ends.map((image) => model.encode(image));

  function draw() {
    const at = share.value / 100;
    through.show(isReady() ? model.decode(between(codes(), at)) : null, "");
    pixelwise.show(isReady() ? between(ends, at) : null, "");
    explorer.settleSoon();
  }
  function update(image) {
    ends = [from.take(image), to.take(image)];
    draw();
  }
  function settle() {
    const both = isReady() && codes();
    for (let n = 0; n < steps; n++) {
      const at = n / (steps - 1);
      const rows = both ? [model.decode(between(both, at)), between(ends, at)] : [null, null];
      rows.forEach((values, row) => {
        const words = values && explorer.judge ? `“${argmax([...explorer.judge.read(values)])}”` : "";
        strips[row].show(n, values, words);
      });
    }
    through.show(through.values, judgement(explorer, through.values));
    pixelwise.show(pixelwise.values, judgement(explorer, pixelwise.values));
  }
  const element = h("div", {},
    h("div.row.ends", {}, from.element, to.element),
    share.element,
    h("div.row", {}, through.element, pixelwise.element),
    size.element,
    ...strips.map((strip) => strip.element),
  );
  await size.open();
  const kinds = ["", ...DIGITS];
  return {
    element, update, settle,
    state: () => ({ d: size.value, from: from.select.value, to: to.select.value, share: share.value }),
    async restore(wishes) {
      from.select.value = wishes.pick("from", kinds) ?? from.select.value;
      to.select.value = wishes.pick("to", kinds) ?? to.select.value;
      share.set(wishes.number("share", 0, 100) ?? share.value);
      await size.open(wishes.pick("d", dims));
    },
  };
}

VIEWS.morph = {
  title: say`Morph`, make: morphView, drawing: makeDrawing, height: [923, 1588],
  first: say`draw a 3 and go half way to the 8. Then do the same with other numbers in the code.`,
};
