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
import { VIEWS, button, h, missingFor } from "./page.js";
import { Shelf } from "./shelf.js";
import { TOURS, tourButton } from "./tour.js";
import { say } from "./words.js";

const RESTING = 70; // milliseconds without a change, after which views settle

/** @returns {Promise<HTMLElement>} */
export async function stage(explorer) {
  const { page: isPage, python, state, views } = explorer.payload;
  const panels = views.map((name) => {
    const view = VIEWS[name];
    return { ...view, name, view: null, panel: h("section.view", { "aria-label": view.title ?? name, "data-view": name }) };
  });
  const isShared = () => explorer.desk && !python; // one that Python hears is as empty as it looks
  const trouble = h("p.missing", { role: "alert" });
  let current = null;
  let hidden = ""; // what a teacher has added to the address: hide=judge,tabs,first
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
  const makeSide = panels.find(({ drawing }) => drawing)?.drawing;
  const side = await makeSide?.(explorer);
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

  /** Show a view, and make it if it is not there yet. */
  const open = async (chosen, wishes = null) => {
    element.querySelector(".tip")?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" })); // a tour ends with its view
    current = chosen;
    tabs?.mark(chosen);
    trouble.textContent = "";
    element.classList.toggle("padless", !chosen.drawing);
    for (const each of panels) each.panel.hidden = each !== chosen;
    if (!chosen.view) {
      const { title, first, name, panel } = chosen;
      panel.replaceChildren(h("p.quiet", { role: "status" }, say`Unpacking …`));
      const missing = await missingFor(async () => {
        chosen.view = await chosen.make(explorer);
      });
      chosen.view ??= { element: h("p.missing", { role: "alert" }, missing) };
      const begin = !missing && TOURS[name] ? tourButton(name, panel, element) : "";
      panel.replaceChildren(title ? explorer.heading(title) : "",
        first && !missing ? h("p.first", {}, h("b", {}, say`Try first:`), " ", first, " ", begin) : "", chosen.view.element);
    }
    if (wishes) await chosen.view.restore?.(wishes);
    update();
  };

  const addressOf = ({ name, view }) => {
    const query = queryOf(hidden && { hide: hidden }, view?.state?.() ?? {}, explorer.desk ? stateOfDesk(explorer.desk) : {});
    return query ? `${name}?${query}` : name;
  };
  /** Show what an address asks for, as far as it can be understood. */
  const go = async (address) => {
    const { name, wishes } = parsed(address);
    const chosen = panels.find((panel) => panel.name === name);
    if (isShared()) explorer.desk.furnished = furnish(explorer.desk, wishes, new Shelf(explorer.payload));
    await explorer.desk?.furnished;
    hidden = wishes.get("hide") ?? "";
    element.dataset.hide = hidden.replaceAll(",", " ");
    await open(chosen ?? panels[0], wishes);
    const refused = [...(name && !chosen ? [name] : []), ...wishes.refused];
    if (refused.length) trouble.textContent = say`The address was cut, or comes from another version: what it says of ${refused.join(", ")} is left out.`;
  };
  const tabs = panels.length > 1 ? tabList(panels, open) : null;
  const element = h("div.explorer", {}, tabs?.element ?? "", trouble,
    h("div.main", {}, side?.element ?? "", h("div.views", {}, ...panels.map(({ panel }) => panel))));
  await go(isPage && location.hash ? location.hash.slice(1) : `${panels[0].name}?${state ?? ""}`);
  // What is asked for stands in the event: the address may already be the last view's again.
  if (isPage) addEventListener("hashchange", ({ newURL }) => go(new URL(newURL).hash.slice(1)));

  new IntersectionObserver(([entry]) => {
    const before = seen;
    seen = entry.isIntersecting;
    if (seen && current.drawing && isShared()) haunt(explorer.desk);
    if (before || !seen) return;
    explorer.dress();
    update();
  }, { rootMargin: "200px" }).observe(explorer.host);
  explorer.desk?.listeners.add(update);
  return element;
}

/** Tabs, one for each view; arrow keys go from one to the next. */
function tabList(panels, open) {
  const tabs = panels.map((panel) => {
    panel.panel.setAttribute("role", "tabpanel");
    return button(panel.title, () => open(panel), { role: "tab" });
  });
  const mark = (chosen) => tabs.forEach((tab, n) => {
    tab.setAttribute("aria-selected", String(panels[n] === chosen));
    tab.tabIndex = panels[n] === chosen ? 0 : -1;
  });
  const element = h("div.tabs", { role: "tablist", "aria-label": say`Views`, onkeydown: (event) => {
    const now = tabs.findIndex((tab) => tab.tabIndex === 0);
    const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = tabs.at(to % tabs.length);
    next.click();
    next.focus();
  } }, ...tabs);
  return { element, mark };
}
