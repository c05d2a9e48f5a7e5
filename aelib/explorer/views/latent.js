// Latent dimension: one slider over d for the drawing, with PCA beside the autoencoder.

import { Plot } from "../chart.js";
import { NOBODY, judgement, makeDrawing } from "../drawing.js";
import { Picture, Strip } from "../explorer.js";
import { Guess } from "../guess.js";
import { meanSquaredError, shareBelow } from "../measures.js";
import { unpacked } from "../network.js";
import { VIEWS, button, h, handFile, percent, short, slider } from "../page.js";
import { Shelf } from "../shelf.js";
import { say } from "../words.js";

async function latentView(explorer) {
  const shelf = new Shelf(explorer.payload);
  const dims = shelf.numbers("latent/");
  const names = dims.map(String);
  const models = await Promise.all(dims.map((d) => shelf.model(`latent/${d}`)));
  const pca = await shelf.pca();
  const { errors } = explorer.payload;
  const known = [await unpacked(errors?.autoencoder), await unpacked(errors.PCA)];

  let at = Math.max(dims.indexOf(2), 0);
  const yours = new Picture(explorer, say`Yours`);
  const pictures = [say`Autoencoder`, "PCA"].map((title) => new Picture(explorer, title));
  const place = h("p.finding", { "aria-live": "polite" });
  const d = slider(say`latent dimension d`, {
    min: 0, max: dims.length - 1, value: at, words: (n) => names[n], change: choose,
  });
  const strips = [say`autoencoder`, "PCA"].map((name) => new Strip(explorer, name, names, choose, "d = "));
  const chart = new Plot(96, say`latent dimension d`);
  const guess = new Guess(names);
  const verdict = h("p.finding", { role: "status" });
  const predict = h("div", {},
    explorer.heading(say`Predict`, 1),
    h("p.finding", {}, say`How does the error of your digit fall when the code gets more numbers? Draw the curve: drag the points, or use the arrow keys. Then look.`),
    guess.element,
    button(say`Show the true curve`, () => {
      predict.hidden = true;
      explorer.settleSoon();
    }));

  function choose(n) {
    at = n;
    d.set(n);
    update(explorer.desk.image);
    explorer.settleSoon();
  }

  /** What the autoencoder and PCA make of an image with the n-th d. */
  const both = (image, n) => (image ? [models[n].reconstruct(image), pca.reconstruct(image, dims[n])] : [null, null]);

  function update(image) {
    yours.show(image, image ? "" : NOBODY);
    both(image, at).forEach((drawn, k) => pictures[k].show(drawn, image ? say`error ${short(meanSquaredError(drawn, image))}` : ""));
    strips.forEach((strip) => strip.mark(at));
  }

  function settle(image, meant) {
    const found = [[], []]; // the errors of both at each d
    dims.forEach((_, n) => both(image, n).forEach((drawn, k) => {
      strips[k].show(n, drawn, "");
      if (!image) return;
      found[k].push(meanSquaredError(drawn, image));
      if (n === at) pictures[k].show(drawn, say`error ${short(found[k][n])}; ${judgement(explorer, drawn)}`);
    }));
    yours.show(image, image ? judgement(explorer, image) : NOBODY);
    chart.element.hidden = verdict.hidden = !image || !predict.hidden;
    place.textContent = "";
    if (!image) return;
    const points = (values) => values.map((value, n) => [n, value]);
    let band;
    if (meant !== null && errors.dims.join() === dims.join()) {
      const count = errors.autoencoder.shape[2];
      /** Real errors of such a digit at the n-th d: evenly spaced quantiles. */
      const real = (k, n) => known[k].subarray((n * 10 + meant) * count, (n * 10 + meant + 1) * count);
      band = [0.05, 0.95].map((share) => points(dims.map((_, n) => real(0, n)[Math.round(share * (count - 1))])));
      const [own, linear] = [0, 1].map((k) => percent(shareBelow(real(k, at), found[k][at])));
      place.textContent =
        say`Of the real test digits ${meant}, ${own} are drawn with a smaller error than yours by the autoencoder with d = ${dims[at]}, and ${linear} by PCA.`;
      if (predict.hidden) place.append(" ", say`The band of the curve is where nine of ten of them lie.`);
    }
    const off = guess.values.map((value, n) => Math.abs(Math.log(value / found[0][n])));
    const n = off.indexOf(Math.max(...off));
    verdict.textContent = say`Your guess is furthest from the autoencoder's curve at d = ${dims[n]}: ${short(guess.values[n])}, and it is ${short(found[0][n])}.`;
    const line = (name, kind, values) => ({ name, kind, points: points(values), mark: () => 3 });
    chart.show({
      last: dims.length - 1, cursor: at, band,
      words: `${say`Error against latent dimension`}. ${say`At d = ${dims[at]}: autoencoder ${short(found[0][at])}, PCA ${short(found[1][at])}.`}`,
      lines: [line(say`autoencoder`, "solid", found[0]), line("PCA", "dashed", found[1]), line(say`your guess`, "guess", guess.values)],
      ticks: names.map((name, k) => [k, name, k === at ? "chosen" : ""]),
    });
  }

  const element = h("div", {},
    d.element,
    h("div.row", {}, yours.element, ...pictures.map((picture) => picture.element)),
    place,
    ...strips.map((strip) => strip.element),
    button(say`Save these rows as a picture`, () => saveRows(explorer, yours, dims, strips)),
    predict,
    chart.element,
    verdict,
  );
  return {
    element, update, settle,
    state: () => ({ d: dims[at] }),
    restore: (wishes) => choose(dims.indexOf(wishes.pick("d", dims) ?? dims[at])),
  };
}

/** Hand the reader a PNG: the digit, and below every d what the two make of it. */
function saveRows(explorer, yours, dims, strips) {
  const [cell, edge] = [84, 110];
  const canvas = h("canvas", { width: edge + cell * (dims.length + 1), height: 3 * cell });
  const pen = canvas.getContext("2d");
  const put = ({ canvas: picture }, column, row) => pen.drawImage(picture, edge + column * cell + 4, row * cell + 4, cell - 8, cell - 8);
  pen.fillStyle = explorer.css("--paper");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  Object.assign(pen, { imageSmoothingEnabled: false, fillStyle: explorer.css("--text"), font: "16px system-ui, sans-serif", textBaseline: "middle" });
  pen.fillText(say`yours`, edge + 20, cell / 2);
  put(yours, 0, 1);
  dims.forEach((d, n) => pen.fillText(`d = ${d}`, edge + (n + 1) * cell + 14, cell / 2));
  strips.forEach(({ pictures }, row) => {
    pen.fillText([say`autoencoder`, "PCA"][row], 8, (row + 1.5) * cell);
    pictures.forEach((picture, n) => put(picture, n + 1, row + 1));
  });
  canvas.toBlob((blob) => handFile(blob, "reconstructions.png"));
}

VIEWS.latent = {
  title: say`Latent dimension`, make: latentView, drawing: makeDrawing, height: [1079, 1900],
  first: say`draw a 2 of your own and move d from 0 upwards. From which d on is it yours?`,
};
