// A photograph for the desk: chosen, dropped, pasted, or taken by a phone's camera. It stays here.

import { Strip } from "./explorer.js";
import { gridOf, mapped, quantile } from "./grids.js";
import { Missing } from "./measures.js";
import { button, h, missingFor } from "./page.js";
import { cut } from "./photograph.js";
import { say } from "./words.js";

const [ENOUGH, MOST] = [1e6, 1e8]; // pixels of a picture; a larger one is made smaller, or refused

/** The brightness of each pixel of a file's picture, 0 to 1, and how many pixels a side became one. */
export async function tonesOf(file) {
  const { name, type } = file;
  const bitmap = await createImageBitmap(file).catch(() => null);
  const pixels = bitmap ? bitmap.width * bitmap.height : 0;
  if (!bitmap && /hei[cf]/i.test(name + type)) {
    throw new Missing(say`${name} is HEIC, which this browser cannot read. Save it as JPEG or PNG. An iPhone takes JPEG once Settings, Camera, Formats is Most Compatible.`);
  }
  if (!bitmap) throw new Missing(say`${name} cannot be read as a picture. JPEG and PNG can.`);
  if (pixels > MOST) {
    throw new Missing(say`${name} has ${Math.round(pixels / 1e6)} million pixels. Make it smaller: at most 100 million can be read.`);
  }
  const step = Math.ceil(Math.sqrt(pixels / ENOUGH));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.floor(side / step)));
  const pen = new OffscreenCanvas(width, height).getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(bitmap, 0, 0, step * width, step * height, 0, 0, width, height);
  bitmap.close();
  const { data } = pen.getImageData(0, 0, width, height);
  const grey = gridOf(width, height, (p) =>
    Math.round(0.299 * data[4 * p] + 0.587 * data[4 * p + 1] + 0.114 * data[4 * p + 2]) / 255);
  const alpha = gridOf(width, height, (p) => data[4 * p + 3] / 255).data;
  if (alpha.every((value) => value === 1)) return { tones: grey, step };
  // What is transparent is paper. If all else has one tone, the digit is what is opaque.
  const opaque = grey.data.filter((_, p) => alpha[p] > 0.5).sort();
  if (!opaque.length || opaque.at(-1) - opaque[0] <= 0.1) return { tones: mapped(grey, (_, p) => 1 - alpha[p]), step };
  const paper = quantile(opaque, 0.5);
  return { tones: mapped(grey, (tone, p) => alpha[p] * tone + (1 - alpha[p]) * paper), step };
}

/** Buttons for a photograph, and for which of its digits is meant. The explorer has a desk. */
export function makeChooser(explorer) {
  const { desk, host } = explorer;
  const said = h("p.missing", { role: "status" });
  const several = h("div");
  const choose = (photograph, chosen) =>
    desk.take({ image: photograph.digits[chosen].image, label: null, photograph, chosen });
  const take = async (file) => {
    if (!file) return;
    said.className = "quiet";
    said.textContent = say`Looking at ${file.name} …`;
    await new Promise((ready) => setTimeout(ready, 30)); // until that is seen
    said.textContent = await missingFor(async () => {
      const { tones, step } = await tonesOf(file);
      choose({ ...cut(tones), step }, 0);
    });
    said.className = "missing";
  };
  const input = h("input", { type: "file", accept: "image/*", hidden: "", onchange: () => {
    take(input.files[0]);
    input.value = ""; // so that the same one may be chosen again
  } });
  const open = (camera) => {
    if (camera) input.capture = "environment";
    else input.removeAttribute("capture");
    input.click();
  };

  host.addEventListener("dragover", (event) => event.preventDefault());
  host.addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer?.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const isHere = host.isConnected && (event.target === document.body || event.composedPath().includes(host));
    const file = event.clipboardData?.files[0];
    if (!isHere || !file || event.defaultPrevented) return;
    event.preventDefault();
    take(file);
  });

  const hasCamera = matchMedia("(pointer: coarse)").matches;
  const words = hasCamera ? say`or a photograph, which stays here:` : say`or a photograph, also dropped or pasted; it stays on this machine:`;
  let seen;
  let shown; // the photograph whose digits are there to choose from
  let strip = null;
  return {
    element: h("div.chooser", { role: "group", "aria-label": say`A photograph` }, h("span.quiet", {}, words), " ",
      button(say`Choose …`, () => open(false)), hasCamera ? button(say`Camera`, () => open(true)) : "", input),
    open: () => open(false),
    outcome: h("div", {}, said, several),
    update() {
      const { photograph, chosen } = desk.drawing.base ?? {};
      if (desk.drawing.base !== seen) {
        seen = desk.drawing.base;
        if (said.className === "missing") said.textContent = ""; // it was about another picture
      }
      if (photograph !== shown) {
        shown = photograph;
        const digits = photograph?.digits ?? [];
        strip = digits.length < 2 ? null : new Strip(explorer, say`There are ${digits.length}. Which one?`,
          digits.map((_, n) => String(n + 1)), (n) => choose(photograph, n));
        digits.forEach(({ image }, n) => strip?.show(n, image));
        several.replaceChildren(strip?.element ?? "");
      }
      strip?.mark(chosen);
    },
  };
}
