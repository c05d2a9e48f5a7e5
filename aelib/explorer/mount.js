// Bring explorers to life: in a notebook's output, in a chapter, in explorer.html.
//
// These are real ES modules without dependencies. For a page that opens by double click Python joins
// those that a view needs: it follows the imports from this module and from the view's, whose name is
// the view's in Python (explore("latent"): views/latent.js), puts each module after those that it
// imports, and drops the import lines and the word `export`. So an import takes one line, and no two
// modules have a name in common. Nothing is fetched from anywhere: models and pictures come in a
// payload that `aelib/explorer/payload.py` has packed.

import { Explorer } from "./explorer.js";
import { NARROW, VIEWS, h } from "./page.js";
import { stage } from "./stage.js";
import { say } from "./words.js";

const TOO_OLD = say`This browser is too old for the explorer: it needs one from 2023 or later.`;

/** Bring an explorer to life inside an element, with a desk of its own if it is given one. Returns how to end it. */
export async function mount(host, payload, desk) {
  host.dataset.aelib = "mounted";
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const still = h("slot"); // what stands in the page stays there until there is something better
  if (typeof DecompressionStream === "undefined" || typeof OffscreenCanvas === "undefined") {
    root.replaceChildren(still, h("p", { role: "alert" }, TOO_OLD));
    return () => {};
  }
  root.replaceChildren(h("style", {}, payload.style ?? ""), still);
  // Jupyter's own shortcuts must not take the keys that are meant for a slider or the pad.
  host.dataset.lmSuppressShortcuts = "true";
  const keep = (event) => event.stopPropagation();
  host.addEventListener("keydown", keep);

  // Jupyter may ask for a widget before there is a place for it.
  while (!host.isConnected) await new Promise((ready) => setTimeout(ready, 50));
  const [wide, narrow] = VIEWS[payload.views[0]].height;
  host.style.minHeight = `${host.clientWidth > NARROW ? wide : narrow}px`;
  const explorer = new Explorer(host, payload, desk);
  explorer.dress();
  const scene = await stage(explorer);
  still.className = "still"; // it comes back on paper
  root.append(scene.element);
  explorer.dress();
  host.style.minHeight = "";

  const dress = () => explorer.dress();
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", dress);
  const watcher = new MutationObserver(dress);
  for (const element of [document.documentElement, document.body]) {
    watcher.observe(element, { attributes: true });
  }
  return () => {
    scheme.removeEventListener("change", dress);
    watcher.disconnect();
    host.removeEventListener("keydown", keep);
    scene.end();
  };
}

/** Say in an explorer's place why there is none; the still stays. */
export function excuse(host, error) {
  host.style.minHeight = "";
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  root.replaceChildren(h("slot"), h("p", { role: "alert" }, say`The explorer could not start: ${error.message}`));
}

/** Mount every explorer of the document that waits for views which are at hand here. */
export async function mountWaiting() {
  const backToTheHash = hashOfANewPage();
  const isMine = (host) => host.dataset.views.split(" ").every((name) => name in VIEWS);
  const waiting = document.querySelectorAll('[data-aelib="waiting"][data-views]');
  const mounts = [...waiting].filter(isMine).map(async (host) => {
    host.dataset.aelib = "mounted";
    try {
      const script = host.querySelector('script[type="application/json"]');
      await mount(host, JSON.parse(script.textContent));
    } catch (error) {
      excuse(host, error);
    }
  });
  await Promise.all(mounts);
  backToTheHash();
}

/**
 * A page that was opened at #somewhere grows above that place when explorers come alive. What is
 * returned goes there again, unless the reader has begun to move meanwhile.
 */
function hashOfANewPage() {
  const fresh = document.readyState !== "complete"; // not so where a cell has just been run
  const target = fresh && document.querySelector(":target");
  if (!target) return () => {};
  let moving = false;
  const move = () => {
    moving = true;
  };
  const kinds = ["wheel", "touchmove", "pointerdown", "keydown"];
  for (const kind of kinds) addEventListener(kind, move, { once: true, capture: true, passive: true });
  const stay = new ResizeObserver(() => {
    if (!moving) target.scrollIntoView();
  });
  return () => {
    stay.observe(document.body); // which says once how large it is, and again when views have settled
    setTimeout(() => stay.disconnect(), 3000);
  };
}
