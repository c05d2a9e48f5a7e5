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
  const [mean, linear] = [say`The mean image`, "PCA"].map((name) => new Picture(explorer, name));
  const numbers = slider(say`numbers kept by PCA`, {
    min: 0, max: pca.components.length / PIXELS, value: 8, change: () => update(explorer.desk.image),
  });

  function update(image) {
    const show = explorer.desk.drawing.base?.photograph ? ofPhotograph : ofStrokes;
    row.replaceChildren(...show(image).map(({ element: own }) => own));
    glass.show(image);
    const error = (values) => short(meanSquaredError(values, image));
    const drawn = image ? pca.reconstruct(image, numbers.value) : pca.mean;
    mean.show(pca.mean, image ? say`the same for everybody; error ${error(pca.mean)}` : "");
    linear.show(drawn, image ? say`${numbers.value} numbers; error ${error(drawn)}` : "");
  }
  const element = h("div", {}, row,
    explorer.heading(say`The 784 numbers`, 1), glass.element,
    explorer.heading(say`Two first reconstructions`, 1), h("div.row", {}, mean.element, linear.element), numbers.element);
  return { element, update };
}

/** The picture with a window that one moves over it, and the numbers in that window. */
function magnifier(explorer) {
  const across = 9;
  const picture = new Picture(explorer, say`All of it`);
  const pane = svg("rect", { width: across, height: across, class: "outline" });
  const { frame } = picture;
  frame.append(svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, "aria-hidden": "true" }, pane));
  frame.tabIndex = 0;
  frame.setAttribute("role", "application");
  frame.classList.add("movable");
  const times = (make) => Array.from({ length: across }, make);
  const table = h("table.numbers", { "aria-label": say`the numbers in the window, 0 paper to 255 full ink` },
    ...times(() => h("tr", {}, ...times(() => h("td")))));
  let [left, top] = [10, 10];
  const go = (...corner) => {
    [left, top] = corner.map((at) => clamp(Math.round(at), 0, SIDE - across));
    show(picture.values);
  };
  movable(frame, (x, y) => go(SIDE * x - across / 2, SIDE * y - across / 2), (dx, dy) => go(left + dx, top + dy));
  function show(values) {
    const where = say`rows ${top + 1} to ${top + across}, columns ${left + 1} to ${left + across}`;
    picture.show(values, where);
    frame.setAttribute("aria-label", say`A window over the picture; arrow keys or the pointer move it. Now ${where}.`);
    pane.setAttribute("x", left);
    pane.setAttribute("y", top);
    [...table.rows].forEach((row, y) => [...row.cells].forEach((cell, x) => {
      const value = values?.[(top + y) * SIDE + left + x] ?? 0;
      fillCell(cell, Math.round(255 * value), value);
    }));
  }
  return { element: h("div.row.glass", {}, picture.element, table), show };
}

VIEWS.draw = {
  title: say`Draw`, make: drawView, drawing: makeDrawing, height: [1015, 1674],
  first: say`draw a small 7 into a corner, and break things: make the pen thin, look at the numbers. Or photograph a page of digits.`,
};
