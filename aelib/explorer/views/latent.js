// Latent dimension: one slider over d for the drawing, with PCA beside the autoencoder.

import { Chart } from "../chart.js";
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
  const models = await Promise.all(dims.map((d) => shelf.model(`latent/${d}`)));
  const pca = await shelf.pca();
  const errors = explorer.payload.errors;
  const known = { autoencoder: await unpacked(errors?.autoencoder), PCA: await unpacked(errors.PCA) };

  let at = Math.max(dims.indexOf(2), 0);
  const yours = new Picture(explorer, say`Yours`);
  const drawn = new Picture(explorer, say`Autoencoder`);
  const straight = new Picture(explorer, "PCA");
  const place = h("p.finding", { "aria-live": "polite" });
  const d = slider(say`latent dimension d`, {
    min: 0, max: dims.length - 1, value: at, words: (n) => String(dims[n]), change: choose,
  });
  const strips = [say`autoencoder`, "PCA"].map((name) => new Strip(explorer, name, dims.map(String), choose, "d = "));
  const chart = new Chart(say`Error against latent dimension`, dims.map(String));
  const guess = new Guess(dims.map(String));
  const verdict = h("p.finding", { role: "status" });
  const predict = h("div", {},
    h("h4", {}, say`Predict`),
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

  function update(image) {
    yours.show(image, image ? "" : NOBODY);
    const own = image && models[at].reconstruct(image);
    const linear = image && pca.reconstruct(image, dims[at]);
    drawn.show(own, image ? say`error ${short(meanSquaredError(own, image))}` : "");
    straight.show(linear, image ? say`error ${short(meanSquaredError(linear, image))}` : "");
    strips.forEach((strip) => strip.mark(at));
  }

  /** Real errors of a digit at the n-th d: evenly spaced quantiles. */
  const real = (kind, n, digit) => {
    const count = errors.autoencoder.shape[2];
    return known[kind].subarray((n * 10 + digit) * count, (n * 10 + digit + 1) * count);
  };

  function settle(image, meant) {
    const all = { autoencoder: [], PCA: [] };
    dims.forEach((size, n) => {
      const own = image && models[n].reconstruct(image);
      const linear = image && pca.reconstruct(image, size);
      strips[0].show(n, own, "");
      strips[1].show(n, linear, "");
      if (!image) return;
      all.autoencoder.push(meanSquaredError(own, image));
      all.PCA.push(meanSquaredError(linear, image));
      if (n !== at) return;
      drawn.show(own, say`error ${short(all.autoencoder[n])}; ${judgement(explorer, own)}`);
      straight.show(linear, say`error ${short(all.PCA[n])}; ${judgement(explorer, linear)}`);
    });
    yours.show(image, image ? judgement(explorer, image) : NOBODY);
    chart.element.hidden = verdict.hidden = !image || !predict.hidden;
    place.textContent = "";
    if (!image) return;
    let band = null;
    if (meant !== null && errors.dims.join() === dims.join()) {
      const count = errors.autoencoder.shape[2];
      const quantile = (n, share) => real("autoencoder", n, meant)[Math.round(share * (count - 1))];
      band = { low: dims.map((_, n) => quantile(n, 0.05)), high: dims.map((_, n) => quantile(n, 0.95)) };
      const below = (kind) => percent(shareBelow(real(kind, at, meant), all[kind][at]));
      place.textContent =
        say`Of the real test digits ${meant}, ${below("autoencoder")} are drawn with a smaller error than yours by the autoencoder with d = ${dims[at]}, and ${below("PCA")} by PCA.`;
      if (predict.hidden) place.append(" ", say`The band of the curve is where nine of ten of them lie.`);
    }
    const lines = [
      { name: say`autoencoder`, kind: "solid", values: all.autoencoder },
      { name: "PCA", kind: "dashed", values: all.PCA },
      { name: say`your guess`, kind: "guess", values: guess.values },
    ];
    const off = guess.values.map((value, n) => Math.abs(Math.log(value / all.autoencoder[n])));
    const n = off.indexOf(Math.max(...off));
    verdict.textContent = say`Your guess is furthest from the autoencoder's curve at d = ${dims[n]}: ${short(guess.values[n])}, and it is ${short(all.autoencoder[n])}.`;
    chart.show(lines, band, at,
      say`At d = ${dims[at]}: autoencoder ${short(all.autoencoder[at])}, PCA ${short(all.PCA[at])}.`);
  }

  const element = h("div", {},
    d.element,
    h("div.row", {}, yours.element, drawn.element, straight.element),
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
