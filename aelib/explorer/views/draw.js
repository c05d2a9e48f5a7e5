// Draw: how strokes or a photograph become a digit, its 784 numbers, and two first reconstructions.

import { makeDrawing } from "../drawing.js";
import { Picture } from "../explorer.js";
import { PIXELS, SIDE, clamp, meanSquaredError } from "../measures.js";
import { VIEWS, fillCell, h, movable, short, slider, svg } from "../page.js";
import { Shelf } from "../shelf.js";
import { photographSteps, strokesSteps } from "../steps.js";
import { say } from "../words.js";

async function drawView(explorer) {
  const pca = await new Shelf(explorer.payload).pca();
  const row = h("div.row");
  const [ofStrokes, ofPhotograph] = [strokesSteps(explorer), photographSteps(explorer)];
  const glass = magnifier(explorer);
  const mean = new Picture(explorer, say`The mean image`);
  const linear = new Picture(explorer, "PCA");
  const most = pca.components.length / PIXELS;
  const numbers = slider(say`numbers kept by PCA`, {
    min: 0, max: most, value: 8, change: () => baselines(explorer.desk.image),
  });
  function baselines(image) {
    const error = (values) => short(meanSquaredError(values, image));
    const drawn = image ? pca.reconstruct(image, numbers.value) : pca.mean;
    mean.show(pca.mean, image ? say`the same for everybody; error ${error(pca.mean)}` : "");
    linear.show(drawn, image ? say`${numbers.value} numbers; error ${error(drawn)}` : "");
  }

  function update(image) {
    const show = explorer.desk.drawing.base?.photograph ? ofPhotograph : ofStrokes;
    const elements = show(image);
    if (elements[0] !== row.firstChild || elements.length !== row.childElementCount) row.replaceChildren(...elements);
    glass.show(image);
    baselines(image);
  }
  const element = h("div", {},
    row,
    h("h4", {}, say`The 784 numbers`),
    glass.element,
    h("h4", {}, say`Two first reconstructions`),
    h("div.row", {}, mean.element, linear.element),
    numbers.element,
  );
  return { element, update };
}

/** The picture with a window that one moves over it, and the numbers in that window. */
function magnifier(explorer) {
  const across = 9;
  const picture = new Picture(explorer, say`All of it`);
  const pane = svg("rect", { width: across, height: across, class: "outline" });
  const overlay = svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, "aria-hidden": "true" }, pane);
  picture.frame.append(overlay);
  const cells = Array.from({ length: across }, () => Array.from({ length: across }, () => h("td")));
  const table = h("table.numbers", { "aria-label": say`the numbers in the window, 0 paper to 255 full ink` });
  table.append(h("tbody", {}, ...cells.map((row) => h("tr", {}, ...row))));
  let corner = [10, 10];
  let image = null;
  picture.frame.tabIndex = 0;
  picture.frame.setAttribute("role", "application");
  const go = (x, y) => {
    corner = [clamp(Math.round(x), 0, SIDE - across), clamp(Math.round(y), 0, SIDE - across)];
    show(image);
  };
  movable(
    picture.frame,
    (x, y) => go(SIDE * x - across / 2, SIDE * y - across / 2),
    (dx, dy) => go(corner[0] + dx, corner[1] + dy),
  );
  function show(values) {
    image = values;
    const where = say`rows ${corner[1] + 1} to ${corner[1] + across}, columns ${corner[0] + 1} to ${corner[0] + across}`;
    picture.show(values, where);
    picture.frame.setAttribute("aria-label", say`A window over the picture; arrow keys or the pointer move it. Now ${where}.`);
    pane.setAttribute("x", corner[0]);
    pane.setAttribute("y", corner[1]);
    cells.forEach((row, y) => row.forEach((cell, x) => {
      const value = values ? values[(corner[1] + y) * SIDE + corner[0] + x] : 0;
      fillCell(cell, Math.round(255 * value), value);
    }));
  }
  picture.frame.classList.add("movable");
  return { element: h("div.row.glass", {}, picture.element, table), show };
}

VIEWS.draw = {
  title: say`Draw`, make: drawView, drawing: makeDrawing, height: [1015, 1674],
  first: say`draw a small 7 into a corner, and break things: make the pen thin, look at the numbers. Or photograph a page of digits.`,
};
