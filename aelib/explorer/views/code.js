// Code: its numbers as sliders.

import { NOBODY, judgement, makeDrawing } from "../drawing.js";
import { Picture } from "../explorer.js";
import { meanSquaredError, range, shareBelow } from "../measures.js";
import { unpacked } from "../network.js";
import { VIEWS, button, h, numberChoice, percent, short, slider } from "../page.js";
import { Shelf } from "../shelf.js";

async function codeView(explorer) {
  const shelf = new Shelf(explorer.payload);
  const codes = (d) => shelf.find("codes", `latent/${d}`);
  const dims = shelf.numbers("latent/").filter(codes);
  let model = null;
  let quantiles = [];
  let own = null;
  const yours = new Picture(explorer, "Yours");
  const copy = new Picture(explorer, "Its reconstruction");
  const free = new Picture(explorer, "With your numbers");
  const box = h("div.codes");
  let sliders = [];
  const draw = () => {
    free.show(model.decode(Float32Array.from(sliders, (each) => each.value)), "");
    explorer.settleSoon();
  };
  const set = (code) => {
    sliders.forEach((each, n) => {
      const [low, high] = range([...quantiles[n], code[n]]); // a stranger's code may lie outside
      each.limit(low, high, (high - low) / 200 || 1);
      each.set(code[n]);
    });
    draw();
  };
  const load = (d) => Promise.all([shelf.model(`latent/${d}`), unpacked(codes(d))]);
  const use = ([next, all], d) => {
    model = next;
    const count = all.length / d;
    quantiles = Array.from({ length: d }, (_, n) => all.subarray(n * count, (n + 1) * count));
    sliders = quantiles.map((known, n) =>
      slider(`number ${n + 1}`, {
        min: known[0],
        max: known[count - 1],
        step: (known[count - 1] - known[0]) / 200 || 1,
        value: known[count >> 1],
        words: (value) => `above ${percent(shareBelow(known, value))} of real codes`,
        change: draw,
      }),
    );
    box.replaceChildren(...sliders.map((each) => each.element));
    own = null;
    update(explorer.desk.image);
  };
  const middle = () => set(quantiles.map((known) => known[known.length >> 1]));
  const back = button("Back to my digit", () => own && set(own));
  const size = numberChoice("numbers in the code", dims, dims.at(-1), load, use);

  function update(image) {
    if (!model) return;
    const before = own?.join();
    own = image ? [...model.encode(image)] : null;
    back.disabled = !own;
    yours.show(image, image ? "" : NOBODY);
    copy.show(own && model.decode(Float32Array.from(own)), "");
    if (own && own.join() !== before) set(own);
    else if (!free.values) middle();
  }
  function settle(image) {
    if (!model) return;
    yours.show(image, image ? judgement(explorer, image) : NOBODY);
    copy.show(copy.values, image ? `error ${short(meanSquaredError(copy.values, image))}; ${judgement(explorer, copy.values)}` : "");
    free.show(free.values, judgement(explorer, free.values));
  }
  const element = h(
    "div",
    {},
    size.element,
    h("div.row", {}, yours.element, copy.element, free.element),
    h("div.tools.left", {}, back, button("To the median code", middle)),
    box,
  );
  await size.open();
  return { element, update, settle };
}

VIEWS.code = {
  title: "Code", make: codeView, drawing: makeDrawing, height: [1240, 1580],
  first: "take a test digit 3 and move one number at a time. Does any of them mean one thing only?",
};
