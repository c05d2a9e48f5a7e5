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

/** Bring an explorer to life inside an element, with a desk of its own if it is given one; or say why not. */
export async function mount(host, payload, desk) {
  host.dataset.aelib = "mounted";
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  try {
    if (typeof DecompressionStream === "undefined") throw new Error(say`This browser is too old for the explorer: it needs one from 2023 or later.`);
    await enter(host, root, new Explorer(host, payload, desk));
  } catch (error) {
    root.replaceChildren(h("slot"), h("p", { role: "alert" }, say`The explorer could not start: ${error.message}`));
  }
  host.style.minHeight = "";
}

async function enter(host, root, explorer) {
  const still = h("slot"); // what stands in the page stays there until there is something better
  root.replaceChildren(h("style", {}, explorer.payload.style ?? ""), still);
  // Jupyter's own shortcuts must not take the keys that are meant for a slider or the pad.
  host.dataset.lmSuppressShortcuts = "true";
  host.addEventListener("keydown", (event) => event.stopPropagation());

  // Jupyter may ask for a widget before there is a place for it.
  while (!host.isConnected) await new Promise((ready) => setTimeout(ready, 50));
  const [wide, narrow] = VIEWS[explorer.payload.views[0]].height;
  host.style.minHeight = `${host.clientWidth > NARROW ? wide : narrow}px`;
  const dress = () => explorer.dress();
  dress();
  const element = await stage(explorer);
  still.className = "still"; // it comes back on paper
  root.append(element);
  dress();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", dress);
  const watcher = new MutationObserver(dress);
  for (const each of [document.documentElement, document.body]) watcher.observe(each, { attributes: true });
}

/** Mount every explorer of the document that waits for views which are at hand here. */
export async function mountWaiting() {
  const ready = stayAtTheHash();
  const isMine = (host) => host.dataset.views.split(" ").every((name) => name in VIEWS);
  const waiting = [...document.querySelectorAll('[data-aelib="waiting"][data-views]')].filter(isMine);
  await Promise.all(waiting.map((host) => mount(host, JSON.parse(host.querySelector('script[type="application/json"]').textContent))));
  ready();
}

/**
 * A page that was opened at #somewhere grows above that place when explorers come alive: go there again,
 * unless the reader begins to move. What is returned says that they are alive.
 */
function stayAtTheHash() {
  const fresh = document.readyState !== "complete"; // not so where a cell has just been run
  const target = fresh && document.querySelector(":target");
  if (!target) return () => {};
  const stay = new ResizeObserver(() => target.scrollIntoView());
  const stop = () => stay.disconnect();
  for (const kind of ["wheel", "touchmove", "pointerdown", "keydown"]) addEventListener(kind, stop, { capture: true, passive: true });
  stay.observe(document.body);
  return () => setTimeout(stop, 3000); // when views have settled
}
