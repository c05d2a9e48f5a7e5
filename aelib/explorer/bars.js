// How sure the judge is of each digit, as ten bars.

import { DIGITS } from "./measures.js";
import { h, percent } from "./page.js";
import { say } from "./words.js";

/** @returns {{element: HTMLElement, show: (shares: Float32Array | null) => void}} */
export function makeBars() {
  const bars = DIGITS.map(() => h("i"));
  const element = h("div.shares", { role: "img" }, ...DIGITS.map((digit) => h("span", {}, bars[digit], String(digit))));
  return {
    element,
    show(shares) {
      DIGITS.forEach((digit) => bars[digit].style.setProperty("--share", shares ? percent(shares[digit]).replace(" ", "") : "0%"));
      const seen = DIGITS.filter((digit) => shares && shares[digit] >= 0.01).map((digit) => `${digit}: ${percent(shares[digit])}`);
      element.setAttribute("aria-label", say`How sure the judge is of each digit. ${seen.join(", ")}`);
    },
  };
}
