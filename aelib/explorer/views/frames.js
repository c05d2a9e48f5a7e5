// Frames: clouds of dots, one after another, with a slider. Python knows them from training.

import { CLOUD, paintCloud } from "../cloud.js";
import { unpacked } from "../network.js";
import { VIEWS, h, slider } from "../page.js";

async function framesView(explorer) {
  const { name, labels, points, digits, alts, start } = explorer.payload.frames;
  const all = await unpacked(points); // of each frame, of each digit: across and up, from 0 to 1
  const canvas = h("canvas", { width: CLOUD, height: CLOUD, role: "img" });
  const show = (n) => {
    const own = all.subarray(2 * n * digits.length, 2 * (n + 1) * digits.length);
    const places = digits.map((_, at) => [CLOUD * own[2 * at], CLOUD * (1 - own[2 * at + 1])]);
    paintCloud(explorer, canvas, places, digits);
    canvas.setAttribute("aria-label", alts[n]);
  };
  const handle = slider(name, {
    min: 0, max: labels.length - 1, value: start, words: (n) => labels[n], change: show,
  });
  const paint = () => show(handle.value);
  explorer.pictures.add({ paint });
  paint();
  return { element: h("div.frames", {}, handle.element, canvas) };
}

VIEWS.frames = { make: framesView, height: [590, 460] };
