// Morph: from one digit to another, through the code and pixel by pixel.

import { NOBODY, judgement, makeDrawing } from "../drawing.js";
import { Picture, Strip } from "../explorer.js";
import { DIGITS, argmax, mix } from "../measures.js";
import { VIEWS, button, choice, h, numberChoice, percent, slider } from "../page.js";
import { Shelf } from "../shelf.js";
import { say } from "../words.js";

const PLACES = 9; // in a strip

async function morphView(explorer) {
  const shelf = new Shelf(explorer.payload);
  const dims = shelf.numbers("latent/").filter((d) => d >= 1);
  const digits = await shelf.digits();
  let model = null;
  let ends = []; // the two pictures; each may be missing

  /** One end: the reader's drawing, or a test digit. */
  function end(name, start) {
    const picture = new Picture(explorer, name);
    let turn = 0;
    const next = (to) => {
      turn = to;
      update(explorer.desk.image);
    };
    const options = [["", say`my drawing`], ...DIGITS.map((n) => [String(n), say`a test digit ${n}`])];
    const { element, select } = choice(name, options, start, () => next(0));
    const another = button(say`another`, () => next(turn + 1), { "aria-label": say`${name}: another digit of this kind` });
    const take = (drawing) => {
      const own = digits.filter(({ label }) => String(label) === select.value);
      another.disabled = !own.length;
      const image = own.length ? own[turn % own.length].image : drawing;
      picture.show(image, image ? "" : NOBODY);
      return image;
    };
    return { element: h("div.end", {}, picture.element, element, another), take, select };
  }
  const [from, to] = [end(say`From`, ""), end(say`To`, "8")];
  const share = slider(say`how far`, {
    min: 0, max: 100, value: 50, words: (value) => percent(value / 100), change: draw,
  });
  const pictures = [say`Through the code`, say`Pixel by pixel`].map((name) => new Picture(explorer, name));
  const shares = Array.from({ length: PLACES }, (_, n) => n / (PLACES - 1));
  const strips = [say`through the code, and what the judge reads`, say`pixel by pixel, and what the judge reads`].map((name) =>
    new Strip(explorer, name, shares.map((at) => percent(at)), (n) => {
      share.set(100 * shares[n]);
      draw();
    }));
  const size = numberChoice(say`numbers in the code`, dims, dims.includes(16) ? 16 : dims.at(-1),
    (d) => shelf.model(`latent/${d}`),
    (next) => {
      model = next;
      update(explorer.desk.image);
    },
  );

  /** What lies between the two ends, each so far on the way: through the code, and pixel by pixel. */
  function between(...ways) {
    if (!ends.every(Boolean)) return ways.map(() => [null, null]);
    const mixed = ([a, b], at) => a.map((value, n) => mix(value, b[n], at));
    const codes = ends.map((image) => model.encode(image));
    return ways.map((at) => [model.decode(mixed(codes, at)), mixed(ends, at)]);
  }
  function draw() {
    const [both] = between(share.value / 100);
    both.forEach((values, row) => pictures[row].show(values, ""));
    explorer.settleSoon();
  }
  function update(image) {
    ends = [from.take(image), to.take(image)];
    draw();
  }
  function settle() {
    between(...shares).forEach((both, n) => both.forEach((values, row) => {
      const words = values && explorer.judge ? `“${argmax([...explorer.judge.read(values)])}”` : "";
      strips[row].show(n, values, words);
    }));
    for (const picture of pictures) picture.show(picture.values, judgement(explorer, picture.values));
  }
  const element = h("div", {},
    h("div.row.ends", {}, from.element, to.element),
    share.element,
    h("div.row", {}, ...pictures.map((picture) => picture.element)),
    size.element,
    ...strips.map((strip) => strip.element),
  );
  await size.open();
  return {
    element, update, settle,
    state: () => ({ d: size.value, from: from.select.value, to: to.select.value, share: share.value }),
    async restore(wishes) {
      const kinds = ["", ...DIGITS];
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
