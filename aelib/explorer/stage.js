// What an explorer shows: its views, one at a time, and beside them what they look at.
//
// A view puts itself into VIEWS: VIEWS.latent = { title, first, make, drawing, height }.
// `make(explorer)` makes it, once. It is told of every change: by `update(image)` at once, with
// nothing but what moves under the pen, and by `settle(image, meant)` when the pen rests, with what
// may come a moment later: the judge's readings, rows of pictures, curves. `first` is what to try
// first; `drawing` makes the side on which one draws, if the view looks at a drawing. `height` is
// how high all of it is on a wide and on a narrow page: so much is kept free while it is made. For
// `state()` and `restore(wishes)` see address.js.

import { furnish, parsed, queryOf, remember, stateOfDesk } from "./address.js";
import { haunt } from "./ghost.js";
import { Missing } from "./measures.js";
import { VIEWS, button, h } from "./page.js";
import { Shelf } from "./shelf.js";
import { TOURS, tourButton } from "./tour.js";
import { say } from "./words.js";

const HIDEABLE = ["judge", "tabs", "first"]; // a teacher may add hide=judge,tabs to an address
const RESTING = 70; // milliseconds without a change, after which views settle

/** @returns {Promise<{element: HTMLElement, end: () => void}>} */
export async function stage(explorer) {
  const panels = explorer.payload.views.map((name) => {
    const view = VIEWS[name];
    return { ...view, name, view: null, panel: h("section.view", { "aria-label": view.title ?? name, "data-view": name }) };
  });
  const { page: isPage, python, state } = explorer.payload;
  const isShared = () => explorer.desk && !python; // one that Python hears is as empty as it looks
  const trouble = h("p.missing", { role: "alert", hidden: "" });
  let current = null;
  let hidden = [];
  let resting = 0;
  let seen = true;
  explorer.settleSoon = () => {
    clearTimeout(resting);
    resting = setTimeout(() => {
      const meant = side?.settle();
      current.view?.settle?.(explorer.desk?.image ?? null, meant);
      if (isShared()) remember(explorer.desk, isPage && addressOf(current));
    }, RESTING);
  };
  const makeSide = panels.map(({ drawing }) => drawing).find(Boolean);
  const side = makeSide ? await makeSide(explorer) : null;
  const update = () => {
    if (!seen) return; // what nobody looks at is not computed; it is when it comes into sight
    side?.update();
    current.view?.update?.(explorer.desk?.image ?? null);
    explorer.settleSoon();
  };

  /** Have all other views made anew: another network is there for them. */
  explorer.renewOthers = () => {
    for (const each of panels) if (each !== current) each.view = null;
  };

  const open = async (chosen, wishes = null) => {
    current = chosen;
    trouble.hidden = true;
    element.classList.toggle("padless", !chosen.drawing);
    for (const each of panels) each.panel.hidden = each !== chosen;
    if (!chosen.view) {
      chosen.panel.replaceChildren(h("p.quiet", { role: "status" }, say`Unpacking …`));
      const title = chosen.title ? h("h3", {}, chosen.title) : "";
      const begin = TOURS[chosen.name] ? tourButton(chosen.name, chosen.panel, element) : "";
      const first = chosen.first ? h("p.first", {}, h("b", {}, say`Try first:`), " ", chosen.first, " ", begin) : "";
      try {
        chosen.view = await chosen.make(explorer);
        chosen.panel.replaceChildren(title, first, chosen.view.element);
      } catch (error) {
        if (!(error instanceof Missing)) throw error;
        chosen.view = {};
        chosen.panel.replaceChildren(title, h("p.missing", { role: "alert" }, error.message));
      }
    }
    if (wishes) await chosen.view.restore?.(wishes);
    update();
  };

  const addressOf = ({ name, view }) => {
    const hide = hidden.length ? { hide: hidden.join() } : {};
    const query = queryOf(hide, view?.state?.() ?? {}, explorer.desk ? stateOfDesk(explorer.desk) : {});
    return query ? `${name}?${query}` : name;
  };
  /** Show what an address asks for, as far as it can be understood. */
  const go = async (address) => {
    const { name, wishes } = parsed(address);
    const chosen = panels.find((panel) => panel.name === name);
    if (isShared()) explorer.desk.furnished = furnish(explorer.desk, wishes, new Shelf(explorer.payload));
    await explorer.desk?.furnished;
    hidden = HIDEABLE.filter((each) => wishes.get("hide")?.split(",").includes(each));
    for (const each of HIDEABLE) element.classList.toggle(`hide-${each}`, hidden.includes(each));
    await open(chosen ?? panels[0], wishes);
    tabs?.mark(current);
    const refused = [...(name && !chosen ? [name] : []), ...wishes.refused];
    trouble.hidden = !refused.length;
    trouble.textContent = say`The address was cut, or comes from another version: what it says of ${refused.join(", ")} is left out.`;
  };
  const tabs = panels.length > 1 ? tabList(panels, open) : null;
  const views = h("div.views", {}, ...panels.map(({ panel }) => panel));
  const element = h("div.explorer", {}, tabs?.element ?? "", trouble, h("div.main", {}, side?.element ?? "", views));
  await go(isPage && location.hash ? location.hash.slice(1) : `${panels[0].name}?${state ?? ""}`);
  // What is asked for stands in the event: the address may already be the last view's again.
  const readAddress = ({ newURL }) => go(new URL(newURL).hash.slice(1));
  if (isPage) addEventListener("hashchange", readAddress);

  const watcher = new IntersectionObserver(([entry]) => {
    const before = seen;
    seen = entry.isIntersecting;
    if (seen && current.drawing && isShared()) haunt(explorer.desk);
    if (before || !seen) return;
    explorer.dress();
    update();
  }, { rootMargin: "200px" });
  watcher.observe(explorer.host);
  const stop = explorer.desk?.listen(update);
  return {
    element,
    end() {
      stop?.();
      removeEventListener("hashchange", readAddress);
      watcher.disconnect();
      clearTimeout(resting);
    },
  };
}

/** Tabs, one for each view; arrow keys go from one to the next. */
function tabList(panels, open) {
  const tabs = panels.map((panel, n) => {
    panel.panel.setAttribute("role", "tabpanel");
    return button(panel.title, () => show(panels[n]), { role: "tab" });
  });
  const mark = (chosen) => panels.forEach((panel, n) => {
    tabs[n].setAttribute("aria-selected", String(panel === chosen));
    tabs[n].tabIndex = panel === chosen ? 0 : -1;
  });
  const show = (panel) => {
    mark(panel);
    open(panel);
  };
  const element = h("div.tabs", { role: "tablist", "aria-label": say`Views` }, ...tabs);
  element.addEventListener("keydown", (event) => {
    const now = tabs.findIndex((tab) => tab.tabIndex === 0);
    const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = (to + tabs.length) % tabs.length;
    show(panels[next]);
    tabs[next].focus();
  });
  return { element, mark };
}
