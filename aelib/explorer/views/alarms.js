// Ten alarms: which one-digit models take the drawing for a stranger.

import { CodeDistance, anomalyScores, blurred } from "../detector.js";
import { makeDrawing } from "../drawing.js";
import { Picture, SIGNED } from "../explorer.js";
import { DIGITS, shareBelow } from "../measures.js";
import { unpacked } from "../network.js";
import { VIEWS, choice, h, percent, slider } from "../page.js";
import { Shelf } from "../shelf.js";
import { say } from "../words.js";

const SCORE_WORDS = {
  mse: say`mean squared error`,
  share: say`error as a share of the ink`,
  "blurred share": say`the same through a blur`,
  "blurred share and code": say`through a blur, times how unusual the code is`,
};

async function alarmsView(explorer) {
  const shelf = new Shelf(explorer.payload);
  const { alarms } = explorer.payload;
  const detectors = await Promise.all(DIGITS.map(async (digit) => {
    const model = await shelf.model(`digit/${digit}`);
    const { scaling, codes } = alarms.known[digit];
    return { model, known: new CodeDistance(await unpacked(scaling), await unpacked(codes), codes.shape[1]) };
  }));
  const [quantiles, limits, flagged] = await Promise.all([alarms.quantiles, alarms.limits, alarms.flagged].map(unpacked));
  const { scores, allowed, counts } = alarms;
  const fine = alarms.quantiles.shape[2];
  const percents = allowed.map((own) => Math.round(100 * own));
  const marks = [1, 5, 10, 20].map((own) => percents.indexOf(own));
  let chosen = 8;
  let best = 0; // how many alarms the reader has fooled at once, with this score and so many false alarms

  const cards = DIGITS.map((digit) => {
    const [drawn, error] = [say`drawn`, say`error`].map((name) => new Picture(explorer, name, "tiny"));
    const [place, verdict] = [h("span.quiet"), h("b")];
    const chips = marks.map((n) => h("span.chip", {}, String(percents[n])));
    const element = h("button.card", { type: "button", onclick: () => choose(digit) },
      h("span.head", {}, h("span.dot", { style: `--own: var(--digit-${digit})` }), say`Model ${digit}`, verdict),
      h("span.pair", {}, drawn.element, error.element), place, h("span.chips", {}, ...chips));
    return { drawn, error, place, verdict, chips, element, found: null };
  });
  const summary = h("p.finding.strong", { "aria-live": "polite" });
  const fooled = h("p.finding");
  const about = h("b");
  const caught = h("p.finding", { "aria-live": "polite" });
  const bars = h("div.shares.flagged", { role: "img" });
  const share = slider(say`false alarms allowed`, {
    min: 0, max: allowed.length - 1, value: marks[1],
    words: (n) => say`${percent(allowed[n])} of normal validation images`, change: ask,
  });
  const which = choice(say`score`, scores.map((name) => [name, SCORE_WORDS[name] ?? name]), scores.at(-1), ask);

  /** Something else is asked of the models: judge anew, and count anew. */
  function ask() {
    best = 0;
    judge();
    choose(chosen);
  }

  function choose(digit) {
    chosen = digit;
    cards.forEach((card, n) => card.element.setAttribute("aria-pressed", String(n === digit)));
    onTest();
    explorer.settleSoon();
  }

  const row = (digit) => digit * scores.length + scores.indexOf(which.select.value);
  const flagsIt = (digit, n = share.value) => cards[digit].found?.[which.select.value] > 10 ** limits[row(digit) * allowed.length + n];
  const list = (digits) => (digits.length < 2 ? String(digits) : say`${digits.slice(0, -1).join(", ")} and ${digits.at(-1)}`);

  /** Say which detectors flag the picture. */
  function judge() {
    cards.forEach((card, digit) => {
      const flags = flagsIt(digit);
      card.verdict.textContent = !card.found ? "" : flags ? say`! flags` : say`✓ passes`;
      card.verdict.className = flags ? "alarm" : "calm";
      const own = quantiles.subarray(row(digit) * fine, (row(digit) + 1) * fine);
      const below = card.found ? shareBelow(own, Math.log10(card.found[which.select.value])) : 0;
      const where = !card.found ? "" : below === 1 ? say`stranger than every real ${digit}`
        : below > 0.99 ? say`stranger than over 99 % of real ${digit}s` : say`stranger than ${percent(below)} of real ${digit}s`;
      card.place.textContent = where;
      marks.forEach((n, mark) => {
        const [on, given] = [flagsIt(digit, n), percent(allowed[n])];
        card.chips[mark].classList.toggle("on", on);
        card.chips[mark].title = on ? say`flags with ${given} false alarms allowed` : say`passes with ${given} false alarms allowed`;
      });
      const strict = marks.filter((n) => flagsIt(digit, n)).map((n) => percent(allowed[n])).join(", ") || say`none of 1 to 20 %`;
      card.element.setAttribute("aria-label", !card.found ? say`Model ${digit}`
        : flags ? say`Model ${digit}: flags; ${where}; flags at ${strict}` : say`Model ${digit}: passes; ${where}; flags at ${strict}`);
    });
    const calm = DIGITS.filter((digit) => !flagsIt(digit));
    summary.textContent = !cards[0].found ? say`Ten models wait for a digit.`
      : !calm.length ? say`All ten models flag it: nobody knows this.`
        : calm.length === 10 ? say`No model flags it.`
          : calm.length === 1 ? say`9 of 10 flag it. It passes as normal for the model of ${calm[0]}.`
            : say`${10 - calm.length} of 10 flag it. It passes as normal for the models of ${list(calm)}.`;
  }

  /** Show what the chosen detector flags on the test set. */
  function onTest() {
    const start = (row(chosen) * allowed.length + share.value) * 10;
    const found = [...flagged.subarray(start, start + 10)].map(Math.round);
    const own = found[chosen];
    const strangers = found.reduce((a, b) => a + b) - own;
    const others = counts.reduce((a, b) => a + b) - counts[chosen];
    const number = (value) => value.toLocaleString("en");
    about.textContent = chosen;
    caught.textContent = say`It flags ${number(strangers)} of ${number(others)} strangers (hits: ${percent(strangers / others)}) and ${number(own)} of ${number(counts[chosen])} real ${chosen}s (false alarms: ${percent(own / counts[chosen], 1)}).`;
    const shares = found.map((n, digit) => n / counts[digit]);
    const words = shares.map((part, digit) => `${digit}: ${percent(part)}`).join(", ");
    bars.setAttribute("aria-label", say`Share of each digit's test images that the model of ${chosen} flags: ${words}`);
    bars.replaceChildren(...shares.map((part, digit) => {
      const bar = h(digit === chosen ? "i.own" : "i", { style: `--share: ${80 * part}%; --own: var(--digit-${digit})` });
      return h("span", {}, String(Math.round(100 * part)), bar, String(digit));
    }));
  }

  function update(image) {
    const seen = image && blurred(image);
    cards.forEach((card, digit) => {
      const { model, known } = detectors[digit];
      const code = image && model.encode(image);
      const drawn = image && model.decode(code);
      card.found = image && anomalyScores(image, drawn, seen, known.distance(code));
      card.drawn.show(drawn, "");
      card.error.show(image && drawn.map((value, p) => value - image[p]), "", SIGNED);
    });
    judge();
  }

  /** Count whom the drawing fools: models that let it pass, though it is not their digit. */
  function settle(image, meant) {
    const fools = DIGITS.filter((digit) => image && digit !== meant && !flagsIt(digit));
    if (!explorer.desk.drawing.ghost) best = Math.max(best, fools.length);
    const now = fools.length ? say`This one fools ${fools.length}: ${list(fools)}.` : say`This one fools none.`;
    fooled.textContent = [
      say`Fool as many alarms as you can: draw what passes for a digit that it is not.`,
      image ? now : "",
      best ? say`Your best so far: ${best}.` : "",
    ].join(" ");
  }

  const element = h("div", {},
    share.element, which.element, summary, fooled,
    h("div.cards", {}, ...cards.map((card) => card.element)),
    h("p.quiet", {}, say`Error: red is ink that the model invented, blue is ink that it left out. The four chips: whether it is flagged with 1, 5, 10 and 20 % false alarms allowed. “Real” here: validation images of the model's own digit.`),
    h("p.finding", {}, say`on the test set: the model of`, " ", about), caught, bars,
    h("p.quiet", {}, say`How many of each digit's test images are flagged, in percent; the dashed bar is the model's own digit, where every flag is a false alarm.`),
  );
  choose(chosen);
  return {
    element, update, settle,
    state: () => ({ score: which.select.value, allowed: percents[share.value], model: chosen }),
    restore(wishes) {
      which.select.value = wishes.pick("score", scores) ?? which.select.value;
      share.set(percents.indexOf(wishes.pick("allowed", percents) ?? percents[share.value]));
      choose(wishes.pick("model", DIGITS) ?? chosen);
    },
  };
}

VIEWS.alarms = {
  title: say`Ten alarms`, make: alarmsView, drawing: makeDrawing, height: [1001, 2293],
  first: say`take a 1 and see whom it fools. Then draw something that fools more.`,
};
