// What a network that learns in the page may learn from, and how: choices, experiments, links to them.

import { DIGITS } from "./measures.js";
import { say } from "./words.js";

const USUAL = { of: "digits", d: 2, kind: "transpose", rate: 0.01, images: 3000, range: "whole", seed: 0 };
const plainly = (...values) => values.map((value) => [value, String(value)]);
// What a reader chooses, by its key in an address: its name, and values with words.
export const CHOICES = {
  of: [say`learn from`, [["digits", say`digits`], ["letters", say`letters of Hangul`]]],
  d: [say`numbers in the code`, plainly(...Array(17).keys())],
  kind: [say`way of up-sampling`, plainly("transpose", "transpose_k4", "nearest", "bilinear", "pixel_shuffle", "pixel_shuffle_icnr")],
  rate: [say`learning rate`, [...plainly(0.001, 0.003), [0.01, say`0.01, the course's`], [0.03, "0.03"],
    [0.3, say`0.3, too large`], [1, say`1, far too large`]]],
  images: [say`training images`, [[100, say`a hundred`], [3000, say`all that came along`]]],
  range: [say`images go`, [["whole", say`from 0 to 1`], ["half", say`from −0.5 to 0.5`]]],
  seed: [say`seed`, plainly(...DIGITS)],
};
export const SETUPS = {
  zeros: [say`Only zeros`, { kinds: [0], d: 16 },
    say`It sees nothing but zeros. Look at what becomes of the other nine digits: does it copy, or does it turn them into what it knows? (Notebook 3)`],
  two: [say`Two numbers`, { d: 2 },
    say`Every digit has to pass through two numbers. Watch the cloud fall apart into digits, and which of them stay together. (Notebook 2)`],
  grid: [say`A transposed convolution's first steps`, { d: 16 },
    say`Watch it slowly, with Slow: the checkerboard is there before anything is learnt. Watch its score come down, and compare with nearest. (Notebook 4)`],
  range: [say`The range trap`, { d: 16, range: "half" },
    say`Images go from −0.5 to 0.5, but a sigmoid draws from 0 to 1: the error falls to its floor, and no training gets below it. (Notebook 1)`],
  wild: [say`Break it: steps far too large`, { d: 16, rate: 1 },
    say`A learning rate a hundred times too large throws it about: at first it draws nearly the same picture for every input, its curves jump, and it stays far behind what 0.01 reaches.`],
  few: [say`Break it: a hundred images`, { d: 16, images: 100 },
    say`It learns its hundred images by heart: the error in training falls on, that on test digits does not. The two curves part.`],
};

/** What a setup, or none, begins with; `kinds` are the labels that it learns from. */
export const wishOf = (setup) => ({ ...USUAL, kinds: DIGITS, ...SETUPS[setup]?.[1] });

/** A wish by its keys in an address: a setup, and what is other than there. */
export function stateOf({ kinds, of, ...rest }, setup, names) {
  const usual = wishOf(setup);
  const state = setup ? { setup } : {};
  for (const [key, value] of Object.entries(rest)) if (value !== usual[key]) state[key] = value;
  const all = of === "letters" && kinds.length === names.letters.length;
  if (of !== "digits" || String(kinds) !== String(usual.kinds)) state.digits = all ? of : kinds.map((n) => names[of][n]);
  return state;
}

/** What an address asks for. @param {Wishes} wishes @returns {{wish: object, setup: string | null} | null} */
export function understood(wishes, names) {
  const setup = wishes.pick("setup", Object.keys(SETUPS)) ?? null;
  const wish = { ...wishes.read("digits", (text) => kindsOf(text, names)) };
  for (const [key, [, options]] of Object.entries(CHOICES)) {
    const value = wishes.pick(key, options.map(([each]) => each));
    if (value !== undefined) wish[key] = value;
  }
  return setup || Object.keys(wish).length ? { setup, wish: { ...wishOf(setup), ...wish } } : null;
}

/** What "0,8", "nieun,siot" or "letters" means. @returns {{of: string, kinds: number[]} | undefined} */
function kindsOf(text, names) {
  if (text === "letters") return { of: text, kinds: [...names.letters.keys()] };
  const all = text ? text.split(",") : [];
  const of = Object.keys(names).find((each) => all.every((name) => names[each].includes(name)));
  return of && { of, kinds: all.map((name) => names[of].indexOf(name)) };
}
