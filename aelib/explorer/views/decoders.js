// Six decoders: the same digit by six ways to up-sample.

import { NOBODY, judgement, makeDrawing } from "../drawing.js";
import { Picture } from "../explorer.js";
import { meanSquaredError } from "../measures.js";
import { VIEWS, choice, h, numberChoice, short } from "../page.js";
import { Shelf } from "../shelf.js";

const KIND_WORDS = {
  transpose: "a kernel of 3 with stride 2, the original's",
  transpose_k4: "a kernel of 4",
  nearest: "repeat pixels, then convolve",
  bilinear: "mix pixels, then convolve",
  pixel_shuffle: "convolve, then weave",
  pixel_shuffle_icnr: "the same, begun evenly",
};

async function decodersView(explorer) {
  const shelf = new Shelf(explorer.payload);
  const kinds = Object.keys(KIND_WORDS);
  const dims = shelf.numbers("up/transpose/");
  let models = {};
  const yours = new Picture(explorer, "Yours");
  const pictures = Object.fromEntries(kinds.map((kind) => [kind, new Picture(explorer, kind)]));
  let errorMap = false;
  const size = numberChoice(
    "numbers in the code",
    dims,
    dims[0],
    (d) => Promise.all(kinds.map((kind) => shelf.model(`up/${kind}/${d}`))),
    (found) => {
      models = Object.fromEntries(kinds.map((kind, n) => [kind, found[n]]));
      update(explorer.desk.image);
    },
  );
  const what = choice("show", [["", "what they draw"], ["error", "their error maps"]], "", (value) => {
    errorMap = value === "error";
    update(explorer.desk.image);
  });
  let drawn = {};
  function update(image) {
    yours.show(image, image ? "" : NOBODY);
    drawn = {};
    for (const kind of kinds) {
      drawn[kind] = image && models[kind].reconstruct(image);
      const shown = image && errorMap ? drawn[kind].map((value, p) => value - image[p]) : drawn[kind];
      pictures[kind].show(shown, image ? `error ${short(meanSquaredError(drawn[kind], image))}` : "", errorMap);
    }
    explorer.settleSoon();
  }
  function settle(image) {
    if (!image) return;
    yours.show(image, judgement(explorer, image));
    for (const [kind, values] of Object.entries(drawn)) {
      const words = `error ${short(meanSquaredError(values, image))}, ${judgement(explorer, values)}`;
      pictures[kind].show(pictures[kind].values, words, errorMap);
    }
  }
  const element = h(
    "div",
    {},
    h("div.two", {}, size.element, what.element),
    h("div.row.six.seven", {}, yours.element, ...kinds.map((kind) => pictures[kind].element)),
    h("p.quiet", {}, `${kinds.map((kind) => `${kind}: ${KIND_WORDS[kind]}`).join("; ")}.`),
  );
  await size.open();
  return {
    element,
    update,
    settle,
    state: () => ({ d: size.value, ...(errorMap && { show: "error" }) }),
    async restore(wishes) {
      errorMap = wishes.pick("show", ["error"]) === "error";
      what.select.value = errorMap ? "error" : "";
      await size.open(wishes.pick("d", dims) ?? dims[0]);
    },
  };
}

VIEWS.decoders = {
  title: "Six decoders", make: decodersView, drawing: makeDrawing, height: [1075, 1370],
  first: "draw an 8 and look along its edges. Then shift or turn it, and compare again.",
};
