// What an explorer shows, as a query that is short enough for a mail: "d=2&test=7.1".
//
// It stands in the address of explorer.html behind the view's name (#latent?d=2&test=7.1), and
// Python may give it along: explore("latent", state="d=2&test=7.1"). A view that has something to
// remember has `state()`, which returns it by its keys, and `restore(wishes)`, which is asked
// before the view is seen.

import { UNBROKEN, distance } from "./digit.js";
import { DIGITS, PIXELS, argmax, clamp } from "./measures.js";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const GRID = 511; // a point is three letters: nine bits across, nine down
const CLOSE = 0.004; // of the pad's side: points may leave the way of a stroke by that much

/** What somebody asks for. It keeps the keys whose values it cannot read in `refused`. */
export class Wishes extends URLSearchParams {
  refused = [];

  /** What `understand` makes of a key's text; undefined if there is none, or it makes nothing of it. */
  read(key, understand) {
    const text = this.get(key);
    const value = text === null ? undefined : understand(text);
    if (text !== null && value === undefined) this.refused.push(key);
    return value;
  }

  /** A number from low to high. */
  number(key, low, high) {
    return this.numbers(key, 1, low, high)?.[0];
  }

  /** As many numbers, with commas between them. */
  numbers(key, count, low, high) {
    return this.read(key, (text) => {
      const all = text.split(",").map((each) => (each.trim() ? Number(each) : NaN));
      return all.length === count && all.every((each) => each >= low && each <= high) ? all : undefined;
    });
  }

  /** One of some words or numbers. */
  pick(key, options) {
    return this.read(key, (text) => options.find((option) => String(option) === text));
  }
}

/** The name of the view, and the wishes, of an address behind its #. */
export function parsed(hash) {
  const [, name, query] = hash.match(/^([^?]*)\??(.*)$/s);
  return { name, wishes: new Wishes(query) };
}

/** States as a query, without what only machines can read. */
export const queryOf = (...states) => states.flatMap((state) => [...new URLSearchParams(state)])
  .map(([key, value]) => `${key}=${encodeURIComponent(value).replaceAll("%2C", ",")}`).join("&");

/** The points without which the others would lie nearly on the way (Douglas and Peucker's rule). */
function thinned(points) {
  const [first, last] = [points[0], points.at(-1)];
  const away = points.map(([x, y]) => distance(x, y, first, last));
  const far = argmax(away);
  if (away[far] < CLOSE) return points.length > 1 ? [first, last] : [first];
  return [...thinned(points.slice(0, far + 1)).slice(0, -1), ...thinned(points.slice(far))];
}

const sumOf = (text) => LETTERS[[...text].reduce((sum, letter, n) => sum + (n + 1) * letter.charCodeAt(0), 0) % 64];

/** Strokes as text: "." begins one, "~" one that erases; the last letter is a check. */
export function packedStrokes(strokes) {
  const text = strokes.map(({ points, erases }) => (erases ? "~" : ".") + thinned(points).map(([x, y]) => {
    const bits = Math.round(GRID * x) * 512 + Math.round(GRID * y);
    return LETTERS[bits >> 12] + LETTERS[(bits >> 6) & 63] + LETTERS[bits & 63];
  }).join("")).join("");
  return text + sumOf(text);
}

/** The strokes of a text; undefined if it is none, or was cut. */
export function unpackedStrokes(packed) {
  const text = packed.slice(0, -1);
  if (!/^([.~]([\w-]{3})+)+$/.test(text) || sumOf(text) !== packed.at(-1)) return undefined;
  return [...text.matchAll(/([.~])([^.~]+)/g)].map(([, kind, letters]) => ({
    erases: kind === "~",
    points: letters.match(/.../g).map((point) => {
      const bits = [...point].reduce((sum, letter) => 64 * sum + LETTERS.indexOf(letter), 0);
      return [(bits >> 9) / GRID, (bits & 511) / GRID];
    }),
  }));
}

/** A picture in 64 levels; "." and a letter are as many pixels of paper. */
const packedPicture = (image) => [...image].map((value) => LETTERS[Math.round(63 * clamp(value, 0, 1))]).join("")
  .replace(/A{3,64}/g, (run) => `.${LETTERS[run.length - 1]}`);

function unpackedPicture(text) {
  const letters = text.replace(/\.([\w-])/g, (_, count) => "A".repeat(LETTERS.indexOf(count) + 1));
  if (letters.length !== PIXELS || /[^\w-]/.test(letters)) return undefined;
  return Float32Array.from(letters, (letter) => LETTERS.indexOf(letter) / 63);
}

/** What is on a desk, by its keys. @param {boolean} here whether on this page, which knows its letters */
export function stateOfDesk({ drawing: { base, strokes, ghost }, breaks, meant }, here = true) {
  const ofBase = base && ((here && base.state) || (base.name ? { test: base.name } : { image: packedPicture(base.image) }));
  return {
    ...ofBase,
    ...Object.fromEntries(Object.entries(breaks).filter(([key, value]) => value !== UNBROKEN[key])),
    ...(meant !== null && { meant }),
    ...(strokes.length && !ghost && { strokes: packedStrokes(strokes) }), // last: there an address is cut
  };
}

const RANGES = { noise: [0, 1], turn: [-180, 180], right: [-28, 28], down: [-28, 28], pen: [1, 4.6] };
const OF_DESK = ["test", "letter", "image", "strokes", "meant", ...Object.keys(RANGES)];

/** Put on a desk what is wished for, or else, on a new page, what the tab remembers. */
export async function furnish(desk, asked, shelf) {
  const isAsked = OF_DESK.some((key) => asked.has(key));
  if (desk.furnished && !isAsked) return;
  const wishes = isAsked ? asked : new Wishes(storage()?.getItem(IN_TAB) ?? "");
  const known = wishes.has("test") ? await shelf.digits().catch(() => []) : [];
  const letters = wishes.has("letter") ? await shelf.letters().catch(() => []) : [];
  const image = wishes.read("image", unpackedPicture);
  const base = wishes.read("test", (text) => known.find(({ name }) => `${name}.`.startsWith(`${text}.`)))
    ?? wishes.read("letter", (text) => letters.find(({ state }) => state.letter === text))
    ?? (image ? { image, label: null } : null);
  const strokes = wishes.read("strokes", unpackedStrokes) ?? [];
  if (base || strokes.length) desk.draw({ base, strokes });
  desk.meant = wishes.pick("meant", DIGITS) ?? null;
  desk.break(Object.fromEntries(Object.entries(RANGES).map(([key, ends]) => [key, wishes.number(key, ...ends) ?? UNBROKEN[key]])));
}

const IN_TAB = "aelib drawing";

/** What a tab keeps for its next page; some browsers close it. */
function storage() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

/** Remember a desk where a page has an address, there, and for the next page of this tab. */
export function remember(desk, address) {
  storage()?.setItem(IN_TAB, queryOf(stateOfDesk(desk, false)));
  if (address) history.replaceState(null, "", `#${address}`);
}
