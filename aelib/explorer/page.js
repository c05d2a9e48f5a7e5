// Parts of a page: elements, sliders, lists to choose from.

import { Missing, rounded } from "./measures.js";

/** Every view puts itself in here, under its module's name; see `stage`. */
export const VIEWS = {};

/** Make an element: `h("p.quiet", {id: "x", onclick: f}, "text", child)`. */
export function h(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag);
  element.classList.add(...classes);
  return filled(element, attributes, children);
}

/** The same for drawings: `svg("circle", {cx: 1, cy: 2, r: 3})`. */
export const svg = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** A share in percent. The space does not break; `say` sees to those in sentences. */
export const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)}\u00a0%`;

/** A number as one writes it: with a minus sign instead of a hyphen. */
export const written = (value) => String(value).replace("-", "−");

/** A number with three significant digits, to read; for an address see `rounded`. */
export const short = (value) => written(rounded(value));

/** Pixels of the page: up to here it is narrow, also in the style. */
export const NARROW = 720;

/** Which way an arrow key goes, across and down. */
export const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Where a pointer is on its element, in shares of its width and height. */
export function placeOn({ currentTarget, clientX, clientY }) {
  const box = currentTarget.getBoundingClientRect();
  return [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
}

/**
 * Let the pointer and the arrow keys move something in an element: `to(x, y)` with where the pointer
 * is, in shares of its width and height, `by(dx, dy, finely)` with the way that an arrow points.
 */
export function movable(element, to, by) {
  element.addEventListener("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    to(...placeOn(event));
  });
  element.addEventListener("pointermove", (event) => {
    if (element.hasPointerCapture(event.pointerId)) to(...placeOn(event));
  });
  element.addEventListener("keydown", (event) => {
    if (!KEYS[event.key]) return;
    event.preventDefault();
    by(...KEYS[event.key], event.shiftKey);
  });
}

/** Hand the reader a file. */
export function handFile(blob, name) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** Give a cell words, and so much of a colour. */
export function fillCell(cell, words, share, colour = "ink") {
  cell.textContent = words;
  cell.style.setProperty("--share", `${Math.round(100 * share)}%`);
  cell.style.setProperty("--to", `var(--${colour})`);
  cell.classList.toggle("dark", share > 0.5);
}

/** A button with words. */
export const button = (words, onclick, attributes = {}) =>
  h("button", { type: "button", onclick, ...attributes }, words);

/**
 * A slider with its name before it and its value in words behind it.
 * @param {object} options min, max, step, value; words(value); change(value)
 */
export function slider(name, { min, max, step = 1, value, words = String, change }) {
  const input = h("input", { type: "range", min, max, step, "aria-label": name });
  // No <output>: the handle says its value, and a second voice would say it again.
  const said = h("span.value", { "aria-hidden": "true" });
  const show = () => {
    const text = words(Number(input.value));
    said.textContent = text;
    input.setAttribute("aria-valuetext", text);
  };
  input.value = value;
  input.addEventListener("input", () => {
    show();
    change(Number(input.value));
  });
  show();
  return {
    element: h("label.slider", {}, h("span", {}, name), input, said),
    get value() {
      return Number(input.value);
    },
    /** Move the handle, and perhaps its upper end, without telling anybody. */
    set(next, top = input.max) {
      Object.assign(input, { max: top, value: next });
      show();
    },
  };
}

/** What is missing for some work, in words; "" if it could be done. */
export async function missingFor(work) {
  try {
    await work();
    return "";
  } catch (error) {
    if (error instanceof Missing) return error.message;
    throw error;
  }
}

/** A list to choose one thing from. @param {[string, string][]} options values and words */
export function choice(name, options, value, change) {
  const trouble = h("span.missing", { role: "alert" });
  const select = h("select", { "aria-label": name, onchange: async () => {
    trouble.textContent = await missingFor(() => change(select.value));
  } }, ...options.map(([own, words]) => new Option(words, own)));
  select.value = value;
  return { element: h("label.choice", {}, h("span", {}, name), select, trouble), select };
}

/**
 * A list of numbers of which each takes a while to open: `use` gets what `load` has found, unless
 * another number was chosen meanwhile.
 */
export function numberChoice(name, numbers, value, load, use) {
  const open = async (number = select.value) => {
    select.value = number;
    const found = await load(Number(number));
    if (select.value === String(number)) use(found);
  };
  const { element, select } = choice(name, numbers.map((n) => [n, n]), value, open);
  return {
    element,
    open,
    get value() {
      return Number(select.value);
    },
  };
}
