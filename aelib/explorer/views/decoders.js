// Six decoders: the same digit by six ways to up-sample.

import { NOBODY, judgement, makeDrawing } from "../drawing.js";
import { Picture, SIGNED } from "../explorer.js";
import { meanSquaredError } from "../measures.js";
import { VIEWS, choice, h, numberChoice, short } from "../page.js";
import { Shelf } from "../shelf.js";
import { say } from "../words.js";

const KIND_WORDS = {
  transpose: say`a kernel of 3 with stride 2, the original's`,
  transpose_k4: say`a kernel of 4`,
  nearest: say`repeat pixels, then convolve`,
  bilinear: say`mix pixels, then convolve`,
  pixel_shuffle: say`convolve, then weave`,
  pixel_shuffle_icnr: say`the same, begun evenly`,
};

async function decodersView(explorer) {
  const shelf = new Shelf(explorer.payload);
  const kinds = Object.keys(KIND_WORDS);
  const dims = shelf.numbers("up/transpose/");
  let models = [];
  const yours = new Picture(explorer, say`Yours`);
  const pictures = kinds.map((kind) => new Picture(explorer, kind));
  const size = numberChoice(say`numbers in the code`, dims, dims[0],
    (d) => Promise.all(kinds.map((kind) => shelf.model(`up/${kind}/${d}`))),
    (found) => {
      models = found;
      update(explorer.desk.image);
    },
  );
  const what = choice(say`show`, [["", say`what they draw`], ["error", say`their error maps`]], "",
    () => update(explorer.desk.image));
  const isErrorMap = () => what.select.value === "error";

  /** @param {(error: string, drawn: Float32Array) => string} words what is said of a drawing */
  function show(image, words) {
    pictures.forEach((picture, n) => {
      const drawn = image && models[n].reconstruct(image);
      const shown = image && isErrorMap() ? drawn.map((value, p) => value - image[p]) : drawn;
      picture.show(shown, image ? words(short(meanSquaredError(drawn, image)), drawn) : "", isErrorMap() ? SIGNED : undefined);
    });
  }
  function update(image) {
    yours.show(image, image ? "" : NOBODY);
    show(image, (error) => say`error ${error}`);
    explorer.settleSoon();
  }
  function settle(image) {
    if (!image) return;
    yours.show(image, judgement(explorer, image));
    show(image, (error, drawn) => say`error ${error}, ${judgement(explorer, drawn)}`);
  }
  const element = h("div", {},
    h("div.two", {}, size.element, what.element),
    h("div.row.six.seven", {}, yours.element, ...pictures.map((picture) => picture.element)),
    h("p.quiet", {}, `${kinds.map((kind) => `${kind}: ${KIND_WORDS[kind]}`).join("; ")}.`),
  );
  await size.open();
  return {
    element, update, settle,
    state: () => ({ d: size.value, ...(isErrorMap() && { show: "error" }) }),
    async restore(wishes) {
      what.select.value = wishes.pick("show", ["error"]) ?? "";
      await size.open(wishes.pick("d", dims) ?? dims[0]);
    },
  };
}

VIEWS.decoders = {
  title: say`Six decoders`, make: decodersView, drawing: makeDrawing, height: [817, 1474],
  first: say`draw an 8 and look along its edges. Then shift or turn it, and compare again.`,
};
