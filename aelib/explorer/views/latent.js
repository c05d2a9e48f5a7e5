// Latent dimension: one slider over d for the drawing, with PCA beside the autoencoder.

import { Chart } from "../chart.js";
import { NOBODY, judgement, makeDrawing } from "../drawing.js";
import { Picture, Strip } from "../explorer.js";
import { meanSquaredError, shareBelow } from "../measures.js";
import { unpacked } from "../network.js";
import { VIEWS, h, percent, short, slider } from "../page.js";
import { Shelf } from "../shelf.js";

async function latentView(explorer) {
  const shelf = new Shelf(explorer.payload);
  const dims = shelf.numbers("latent/");
  const models = await Promise.all(dims.map((d) => shelf.model(`latent/${d}`)));
  const pca = await shelf.pca();
  const errors = explorer.payload.errors;
  const known = { autoencoder: await unpacked(errors?.autoencoder), PCA: await unpacked(errors.PCA) };

  let at = Math.max(dims.indexOf(2), 0);
  const yours = new Picture(explorer, "Yours");
  const drawn = new Picture(explorer, "Autoencoder");
  const straight = new Picture(explorer, "PCA");
  const place = h("p.finding", { "aria-live": "polite" });
  const d = slider("latent dimension d", {
    min: 0,
    max: dims.length - 1,
    value: at,
    words: (n) => String(dims[n]),
    change: (n) => choose(n),
  });
  const strips = ["autoencoder", "PCA"].map((name) => new Strip(explorer, name, dims.map(String), choose, "d = "));
  const chart = new Chart("Error against latent dimension", dims.map(String));

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
    drawn.show(own, image ? `error ${short(meanSquaredError(own, image))}` : "");
    straight.show(linear, image ? `error ${short(meanSquaredError(linear, image))}` : "");
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
      drawn.show(own, `error ${short(all.autoencoder[n])}; ${judgement(explorer, own)}`);
      straight.show(linear, `error ${short(all.PCA[n])}; ${judgement(explorer, linear)}`);
    });
    yours.show(image, image ? judgement(explorer, image) : NOBODY);
    chart.element.hidden = !image;
    place.textContent = "";
    if (!image) return;
    let band = null;
    if (meant !== null && errors.dims.join() === dims.join()) {
      const count = errors.autoencoder.shape[2];
      const quantile = (n, share) => real("autoencoder", n, meant)[Math.round(share * (count - 1))];
      band = { low: dims.map((_, n) => quantile(n, 0.05)), high: dims.map((_, n) => quantile(n, 0.95)) };
      const below = (kind) => percent(shareBelow(real(kind, at, meant), all[kind][at]));
      place.textContent =
        `Of the real test digits ${meant}, ${below("autoencoder")} are drawn with a smaller error than yours `
        + `by the autoencoder with d = ${dims[at]}, and ${below("PCA")} by PCA. The band of the curve is `
        + "where nine of ten of them lie.";
    }
    const lines = [
      { name: "autoencoder", kind: "solid", values: all.autoencoder },
      { name: "PCA", kind: "dashed", values: all.PCA },
    ];
    chart.show(lines, band, at,
      `At d = ${dims[at]}: autoencoder ${short(all.autoencoder[at])}, PCA ${short(all.PCA[at])}.`);
  }

  const element = h(
    "div",
    {},
    d.element,
    h("div.row", {}, yours.element, drawn.element, straight.element),
    place,
    ...strips.map((strip) => strip.element),
    chart.element,
  );
  return { element, update, settle };
}

VIEWS.latent = {
  title: "Latent dimension", make: latentView, drawing: makeDrawing, height: [930, 1420],
  first: "draw a 2 of your own and move d from 0 upwards. From which d on is it yours?",
};
