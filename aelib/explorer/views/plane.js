// Plane: where the two numbers of a code lie, and what stands at each place.

import { CLOUD, paintCloud, paintRing } from "../cloud.js";
import { NOBODY, judgement, makeDrawing } from "../drawing.js";
import { Picture } from "../explorer.js";
import { DIGITS, argmax, clamp, mix } from "../measures.js";
import { unpacked } from "../network.js";
import { VIEWS, button, h, movable, short, slider } from "../page.js";
import { Shelf } from "../shelf.js";

async function planeView(explorer) {
  const shelf = new Shelf(explorer.payload);
  const model = await shelf.model("latent/2");
  const { plane } = shelf.own?.name === "latent/2" ? shelf.own : explorer.payload;
  const points = await unpacked(plane?.points);
  const { labels } = plane;
  const ends = [0, 1].map((axis) => {
    const sorted = labels.map((_, n) => points[2 * n + axis]).sort((a, b) => a - b);
    const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
    const [low, high] = [at(0.01), at(0.99)];
    return [low - 0.06 * (high - low), high + 0.06 * (high - low)];
  });

  const canvas = h("canvas.map", {
    width: CLOUD, height: CLOUD, tabindex: 0, role: "application", "aria-roledescription": "map",
    "aria-label": "The plane of the two numbers. Drag the point, or move it with the arrow keys.",
  });
  const yours = new Picture(explorer, "Yours");
  const there = new Picture(explorer, "Drawn at the point");
  const around = h("p.finding", { "aria-live": "polite" });
  const sliders = [0, 1].map((axis) => {
    const [min, max] = ends[axis];
    return slider(`number ${axis + 1}, ${axis ? "up" : "across"}`, {
      min, max, step: (max - min) / 200, value: (min + max) / 2, words: short,
      change: (value) => go(axis ? [point[0], value] : [value, point[1]]),
    });
  });
  const back = button("Back to my digit", () => {
    if (own) go(own);
  });
  let point = ends.map(([low, high]) => (low + high) / 2);
  let own = null; // the code of the drawing
  let cloud = null; // the points, painted once for each set of colours

  const toCanvas = ([x, y]) => [
    (CLOUD * (x - ends[0][0])) / (ends[0][1] - ends[0][0]),
    (CLOUD * (ends[1][1] - y)) / (ends[1][1] - ends[1][0]),
  ];
  const places = labels.map((_, n) => toCanvas([points[2 * n], points[2 * n + 1]]));
  function paint() {
    if (!cloud) {
      cloud = new OffscreenCanvas(CLOUD, CLOUD);
      paintCloud(explorer, cloud, places, labels);
    }
    canvas.getContext("2d").drawImage(cloud, 0, 0);
    if (own) paintRing(explorer, canvas, toCanvas(own), 9, [9, 4], "--text");
    paintRing(explorer, canvas, toCanvas(point), 20, [11, 6], "--accent");
  }
  explorer.painters.add(() => {
    cloud = null;
    paint();
  });

  function go(next) {
    point = next.map((value, axis) => clamp(value, ...ends[axis]));
    sliders.forEach((each, axis) => each.set(point[axis]));
    there.show(model.decode(Float32Array.from(point)), "");
    paint();
    explorer.settleSoon();
  }
  movable(
    canvas,
    (x, y) => go([mix(...ends[0], x), mix(ends[1][1], ends[1][0], y)]),
    (dx, dy, finely) => {
      const [across, up] = ends.map(([low, high]) => (finely ? 0.005 : 0.02) * (high - low));
      go([point[0] + dx * across, point[1] - dy * up]);
    },
  );

  function update(image) {
    const before = own?.join();
    own = image ? [...model.encode(image)] : null;
    yours.show(image, image ? "" : NOBODY);
    back.disabled = !own;
    // The point follows the drawing; a point that was dragged stays until the drawing changes.
    if (own && own.join() !== before) go(own);
    else if (!there.values) go(point);
    else paint();
  }

  function settle(image) {
    yours.show(image, image ? judgement(explorer, image) : NOBODY);
    there.show(there.values, judgement(explorer, there.values));
    const scale = ends.map(([low, high]) => high - low);
    const near = labels
      .map((label, n) => [Math.hypot((points[2 * n] - point[0]) / scale[0], (points[2 * n + 1] - point[1]) / scale[1]), label])
      .sort((a, b) => a[0] - b[0])
      .slice(0, 15);
    const counts = DIGITS.map((digit) => near.filter(([, label]) => label === digit).length);
    const most = argmax(counts);
    around.textContent = `Of the 15 real digits nearest to the point, ${counts[most]} are ${most}.`;
  }

  const element = h(
    "div.split",
    {},
    h("div.mapbox", {}, canvas, h("p.quiet", {}, "Each dot is a real test digit; the numbers stand where its like lie. Large ring: the point. Small ring: your digit.")),
    h("div", {}, h("div.row", {}, yours.element, there.element), ...sliders.map((each) => each.element), back, around),
  );
  return { element, update, settle };
}

VIEWS.plane = {
  title: "Plane", make: planeView, drawing: makeDrawing, height: [610, 1600],
  first: "draw a 4, then drag the point slowly towards the 9s. Where does the judge change its mind?",
};
