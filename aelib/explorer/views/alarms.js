// Ten alarms: which one-digit models take the drawing for a stranger.

import { text } from "../chart.js";
import { CodeDistance, anomalyScores, blurred } from "../detector.js";
import { makeDrawing } from "../drawing.js";
import { Picture, SIGNED } from "../explorer.js";
import { DIGITS, shareBelow } from "../measures.js";
import { unpacked } from "../network.js";
import { VIEWS, choice, h, percent, slider, svg } from "../page.js";
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
  const detectors = await Promise.all(
    DIGITS.map(async (digit) => {
      const model = await shelf.model(`digit/${digit}`);
      const { scaling, codes } = alarms.known[digit];
      return { model, known: new CodeDistance(await unpacked(scaling), await unpacked(codes), codes.shape[1]) };
    }),
  );
  const [quantiles, limits, flagged] = await Promise.all(
    [alarms.quantiles, alarms.limits, alarms.flagged].map(unpacked),
  );
  const { scores, allowed, counts } = alarms;
  const fine = alarms.quantiles.shape[2];
  let chosen = 8;
  const row = (digit) => digit * scores.length + scores.indexOf(which.select.value);
  const limit = (digit, n) => 10 ** limits[row(digit) * allowed.length + n];
  const marks = [0.01, 0.05, 0.1, 0.2].map((share) => allowed.indexOf(share));

  const cards = DIGITS.map((digit) => {
    const drawn = new Picture(explorer, say`drawn`, "tiny");
    const error = new Picture(explorer, say`error`, "tiny");
    const place = h("span.quiet");
    const verdict = h("b");
    const chips = marks.map((n) => h("span.chip", {}, String(Math.round(100 * allowed[n]))));
    const element = h("button.card", { type: "button", onclick: () => choose(digit) },
      h("span.head", {}, h("span.dot", { style: `--own: var(--digit-${digit})` }), say`Model ${digit}`, verdict),
      h("span.pair", {}, drawn.element, error.element),
      place,
      h("span.chips", {}, ...chips),
    );
    return { drawn, error, place, verdict, chips, element, found: null };
  });
  const summary = h("p.finding.strong", { "aria-live": "polite" });
  const fooled = h("p.finding");
  let best = 0; // how many alarms the reader has fooled at once, with this score and so many false alarms
  /** Something else is asked of the models: judge anew, and count anew. */
  function ask() {
    best = 0;
    judge();
    onTest();
    explorer.settleSoon();
  }
  const share = slider(say`false alarms allowed`, {
    min: 0, max: allowed.length - 1, value: allowed.indexOf(0.05),
    words: (n) => say`${percent(allowed[n])} of normal validation images`, change: ask,
  });
  const which = choice(say`score`, scores.map((name) => [name, SCORE_WORDS[name] ?? name]), scores.at(-1), ask);
  const bars = h("div.chart");
  const caught = h("p.finding", { "aria-live": "polite" });
  const model = choice(say`on the test set: the model of`, DIGITS.map((n) => [String(n), String(n)]), String(chosen), (value) =>
    choose(Number(value)));
  new ResizeObserver(() => onTest()).observe(bars);

  function choose(digit) {
    chosen = digit;
    explorer.settleSoon();
    model.select.value = String(digit);
    cards.forEach((card, n) => card.element.setAttribute("aria-pressed", String(n === digit)));
    onTest();
  }

  const flagsIt = (digit) => cards[digit].found?.[which.select.value] > limit(digit, share.value);
  const list = (digits) => (digits.length < 2 ? String(digits) : say`${digits.slice(0, -1).join(", ")} and ${digits.at(-1)}`);

  /** Say which detectors flag the picture. */
  function judge() {
    cards.forEach((card, digit) => {
      const found = card.found?.[which.select.value];
      const flags = flagsIt(digit);
      card.verdict.textContent = found === undefined ? "" : flags ? say`! flags` : say`✓ passes`;
      card.verdict.className = flags ? "alarm" : "calm";
      const own = quantiles.subarray(row(digit) * fine, (row(digit) + 1) * fine);
      const below = found === undefined ? 0 : shareBelow(own, Math.log10(found));
      card.place.textContent = found === undefined ? "" : below === 1
        ? say`stranger than every real ${digit}`
        : below > 0.99 ? say`stranger than over 99 % of real ${digit}s` : say`stranger than ${percent(below)} of real ${digit}s`;
      marks.forEach((n, mark) => {
        const on = found !== undefined && found > limit(digit, n);
        const given = percent(allowed[n]);
        card.chips[mark].classList.toggle("on", on);
        card.chips[mark].title = on ? say`flags with ${given} false alarms allowed` : say`passes with ${given} false alarms allowed`;
      });
      const strict = marks.filter((n) => found > limit(digit, n)).map((n) => percent(allowed[n])).join(", ") || say`none of 1 to 20 %`;
      const where = card.place.textContent;
      card.element.setAttribute("aria-label", found === undefined ? say`Model ${digit}` : flags
        ? say`Model ${digit}: flags; ${where}; flags at ${strict}`
        : say`Model ${digit}: passes; ${where}; flags at ${strict}`);
    });
    if (!cards[0].found) {
      summary.textContent = say`Ten models wait for a digit.`;
      return;
    }
    const calm = DIGITS.filter((digit) => !flagsIt(digit));
    summary.textContent = !calm.length
      ? say`All ten models flag it: nobody knows this.`
      : calm.length === 10
        ? say`No model flags it.`
        : calm.length === 1
          ? say`9 of 10 flag it. It passes as normal for the model of ${calm[0]}.`
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
    caught.textContent = say`It flags ${number(strangers)} of ${number(others)} strangers (hits: ${percent(strangers / others)}) and ${number(own)} of ${number(counts[chosen])} real ${chosen}s (false alarms: ${percent(own / counts[chosen], 1)}).`;
    const width = Math.min(bars.clientWidth, 620);
    if (!width) return;
    const height = 150;
    const base = height - 22;
    const shares = found.map((n, digit) => `${digit}: ${percent(n / counts[digit])}`).join(", ");
    const alt = say`Share of each digit's test images that the model of ${chosen} flags: ${shares}`;
    const picture = svg("svg", { width, height, role: "img", "aria-label": alt });
    found.forEach((n, digit) => {
      const part = n / counts[digit];
      const wide = (width / 10) * 0.62;
      const x = ((digit + 0.5) * width) / 10;
      const top = base - part * (base - 20);
      picture.append(
        svg("rect", {
          x: x - wide / 2, y: top, width: wide, height: Math.max(base - top, 1),
          style: `${digit === chosen ? "fill: none; stroke-dasharray: 3 2; stroke-width: 2; stroke" : "fill"}: var(--digit-${digit})`,
        }),
        text(x, top - 5, width < 420 ? percent(part).replace(" %", "") : percent(part), "middle"),
        text(x, height - 5, String(digit), "middle", digit === chosen ? "chosen" : ""),
      );
    });
    bars.replaceChildren(picture);
  }

  function update(image) {
    const seen = image && blurred(image);
    cards.forEach((card, digit) => {
      const { model: own, known } = detectors[digit];
      if (!image) {
        card.found = null;
        card.drawn.show(null, "");
        card.error.show(null, "");
        return;
      }
      const code = own.encode(image);
      const drawn = own.decode(code);
      card.found = anomalyScores(image, drawn, seen, known.distance(code));
      card.drawn.show(drawn, "");
      card.error.show(drawn.map((value, p) => value - image[p]), "", SIGNED);
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
    share.element,
    which.element,
    summary,
    fooled,
    h("div.cards", {}, ...cards.map((card) => card.element)),
    h("p.quiet", {}, say`Error: red is ink that the model invented, blue is ink that it left out. The four chips: whether it is flagged with 1, 5, 10 and 20 % false alarms allowed. “Real” here: validation images of the model's own digit.`),
    model.element,
    caught,
    bars,
    h("p.quiet", {}, say`How many of each digit's test images are flagged, in percent; the dashed bar is the model's own digit, where every flag is a false alarm.`),
  );
  choose(chosen);
  return {
    element, update, settle,
    state: () => ({ score: which.select.value, allowed: Math.round(100 * allowed[share.value]), model: chosen }),
    restore(wishes) {
      which.select.value = wishes.pick("score", scores) ?? which.select.value;
      const percents = allowed.map((own) => Math.round(100 * own));
      share.set(percents.indexOf(wishes.pick("allowed", percents) ?? percents[share.value]));
      choose(wishes.pick("model", DIGITS) ?? chosen);
    },
  };
}

VIEWS.alarms = {
  title: say`Ten alarms`, make: alarmsView, drawing: makeDrawing, height: [1015, 2306],
  first: say`take a 1 and see whom it fools. Then draw something that fools more.`,
};
