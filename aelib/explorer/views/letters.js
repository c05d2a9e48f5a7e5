// Letters: what models that know one letter of Hangul make of another, stroke by stroke.

import { NOBODY, makeDrawing } from "../drawing.js";
import { Picture, Strip } from "../explorer.js";
import { PIXELS, darkest, meanSquaredError } from "../measures.js";
import { VIEWS, h, percent } from "../page.js";
import { Shelf } from "../shelf.js";
import { letterName, say } from "../words.js";

const FAINT = 0.15; // what covers a pixel less does not count
const NOTHING = new Float32Array(PIXELS);

/** What share of its strokes' own ink a drawing holds: of each that no other stroke covers. */
function strokesDrawn(drawn, covers) {
  return covers.map((cover) => {
    let [ink, found] = [0, 0];
    for (let p = 0; p < PIXELS; p++) {
      if (cover[p] <= FAINT || covers.some((other) => other !== cover && other[p] > FAINT)) continue;
      ink += cover[p];
      found += Math.min(cover[p], drawn[p]);
    }
    return found / ink;
  });
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

async function lettersView(explorer) {
  const { letters } = explorer.payload;
  const shelf = new Shelf(explorer.payload);
  const bases = Object.keys(letters.known);
  const models = await Promise.all(bases.map((name) => shelf.model(`hangul/${name}`)));
  const drawings = await shelf.letters();
  const taken = letters.names.map(() => 0);
  const strip = new Strip(explorer, say`Take a letter (press again for another hand)`, letters.names.map(letterName), (n) => {
    explorer.desk.take(drawings[n * letters.each + (taken[n]++ % letters.each)]);
  });
  letters.names.forEach((_, n) => strip.show(n, drawings[n * letters.each].image));
  const yours = new Picture(explorer, say`Yours`);
  const pictures = bases.map((name) => new Picture(explorer, say`knows ${letterName(name)}`));

  function update(image) {
    const { base, strokes } = explorer.desk.drawing;
    // A letter that somebody has drawn on, or broken, has strokes that nobody knows.
    const covers = base?.covers && !strokes.length && image === base.image ? base.covers : null;
    strip.mark(covers ? letters.names.indexOf(base.letter) : -1);
    yours.show(image, image ? (covers ? letterName(base.letter) : "") : NOBODY);
    bases.forEach((name, n) => {
      const drawn = image && models[n].reconstruct(image);
      const known = covers ? (letters.known[name][base.letter] ?? 0) : 0;
      const added = known && darkest(covers.slice(known)); // their ink has a colour of its own
      pictures[n].show(drawn, image ? words(drawn, image, covers, known) : "", (_, p) => (added && added[p] > 0.5 ? "invented" : "ink"));
    });
    explorer.settleSoon();
  }
  function words(drawn, image, covers, known) {
    if (!covers) return say`${percent(meanSquaredError(drawn, image) / meanSquaredError(image, NOTHING))} drawn wrong`;
    const shares = strokesDrawn(drawn, covers);
    if (!known) return say`${percent(mean(shares))} drawn`;
    const own = percent(mean(shares.slice(0, known)));
    return known === shares.length ? say`known: ${own} drawn` : say`known: ${own} drawn, added: ${percent(mean(shares.slice(known)))}`;
  }
  const element = h("div.letters", {},
    strip.element,
    h("div.row.six", {}, yours.element, ...pictures.map((picture) => picture.element)),
    h("p.quiet", {}, say`How much is drawn of the strokes that a model knows, and of those that were added to them, which are in colour.`),
  );
  return { element, update };
}

VIEWS.letters = {
  title: say`Letters and strokes`, make: lettersView, drawing: makeDrawing, height: [817, 1340],
  first: say`take nieun, then digeut: a nieun and a bar. Which model draws the bar? Then write a digeut yourself.`,
};
