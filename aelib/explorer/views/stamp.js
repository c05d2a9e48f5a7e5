// Stamp: a transposed convolution by hand, and where its grid comes from.

import { run } from "../layers.js";
import { clamp, range } from "../measures.js";
import { VIEWS, button, fillCell, h, short, slider, written } from "../page.js";
import { say } from "../words.js";

/** Fill a cell with a number, for which there is room for two decimals: ink above 0, the colour of missing ink below. */
const fillStamp = (cell, value, full) =>
  fillCell(cell, written(Number(value.toFixed(2))), Math.min(Math.abs(value) / full, 1), value < 0 ? "missing" : "ink");

/** A square of numbers to edit: a click takes the next half up to 1, then −1; arrow keys go both ways by quarters. */
function editor(name, values, change) {
  const element = h("div.editor", { role: "group", "aria-label": name });
  const fill = (cell, n) => {
    const side = Math.sqrt(values.length);
    fillStamp(cell, values[n], 1);
    cell.setAttribute("aria-label", say`${name}, row ${Math.floor(n / side) + 1}, column ${(n % side) + 1}: ${values[n]}`);
  };
  const edit = (n, value) => {
    values[n] = clamp(value, -2, 2);
    fill(element.children[n], n);
    change();
  };
  return {
    element,
    get values() {
      return values;
    },
    set(next) {
      values = next;
      element.style.setProperty("--side", Math.sqrt(values.length));
      element.replaceChildren(...values.map((_, n) => button("", () => edit(n, values[n] >= 1 ? -1 : values[n] + 0.5), {
        onkeydown: (event) => {
          const by = { ArrowUp: 0.25, ArrowDown: -0.25 }[event.key];
          if (!by) return;
          event.preventDefault();
          edit(n, values[n] + by);
        },
      })));
      values.forEach((_, n) => fill(element.children[n], n));
      change();
    },
  };
}

async function stampView(explorer) {
  const across = 5;
  const table = h("div.output", { role: "img" });
  const finding = h("p.finding", { "aria-live": "polite" });
  const size = slider(say`kernel`, {
    min: 1, max: 6, value: 3, words: (value) => `${value} × ${value}`, change: () => stamp.set(square(ones)),
  });
  const step = slider(say`stride`, { min: 1, max: 4, value: 2, change: press });
  const pressed = slider(say`stamps pressed`, {
    min: 0, max: across ** 2, value: across ** 2, words: (value) => say`${value} of ${across ** 2}`, change: press,
  });
  const square = (value, side = size.value) => Array.from({ length: side ** 2 }, (_, n) => value(n % side, Math.floor(n / side)));
  const ones = () => 1;
  const tent = (place) => 1 - Math.abs(place - (size.value - 1) / 2) / ((size.value + 1) / 2);
  const [field, stamp] = [[say`input`, across], [say`kernel`, 3]].map(([name, side]) => editor(name, square(ones, side), press));
  const presets = (name, all, set) => h("div.presets", {}, h("span.quiet", {}, name),
    ...all.map(([words, value]) => button(words, () => set(value))));
  const inputs = presets(say`input:`, [
    [say`flat field`, ones],
    [say`one point`, (x, y) => (x === 2 && y === 2 ? 1 : 0)],
    [say`a rising edge`, (x) => x / (across - 1)],
  ], (value) => field.set(square(value, across)));
  const kernels = presets(say`kernel:`, [
    [say`all ones`, ones],
    [say`tent`, (x, y) => Math.round(100 * tent(y) * tent(x)) / 100],
    [say`random`, () => Math.round(20 * (2 * Math.random() - 1)) / 20],
  ], (value) => stamp.set(square(value)));

  function press() {
    explorer.settleSoon();
    const [count, kernel, stride] = [pressed, size, step].map(({ value }) => value);
    const layer = { kind: "transposed convolution", inputs: 1, outputs: 1, padding: [0, 0], bias: [0] };
    const { side, data } = run(
      [{ ...layer, kernel, stride, weight: stamp.values }],
      { data: Float32Array.from(field.values, (value, n) => (n < count ? value : 0)), channels: 1, side: across },
    );
    const full = Math.max(...data.map(Math.abs), 1e-9);
    table.style.setProperty("--side", side);
    table.classList.toggle("mute", side > 12);
    table.setAttribute("aria-label", say`output, ${side} by ${side} pixels, from ${short(Math.min(...data))} to ${short(Math.max(...data))}`);
    table.replaceChildren(...Array.from(data, (value) => {
      const cell = h("span");
      fillStamp(cell, value, full);
      return cell;
    }));
    const grown = say`The output has (${across} − 1) × ${stride} + ${kernel} = ${side} pixels a side.`;
    finding.textContent = `${words(kernel, stride)} ${grown}`;
  }

  /** What the kernel and the stride mean for a flat field. */
  function words(kernel, stride) {
    if (kernel < stride) return say`The kernel is smaller than the stride: some pixels are drawn by nobody.`;
    const sums = new Array(stride * stride).fill(0);
    stamp.values.forEach((value, n) => {
      sums[(Math.floor(n / kernel) % stride) * stride + ((n % kernel) % stride)] += value;
    });
    const [low, high] = range(sums);
    const even = kernel % stride === 0
      ? say`The kernel is a multiple of the stride: every pixel inside gets as many stamps.`
      : say`The kernel is no multiple of the stride: some pixels get more stamps than others.`;
    const flat = high - low < 1e-6
      ? say`And a flat input comes out flat inside: what lands on each pixel adds up to ${short(low)}.`
      : say`A flat input comes out as a grid: what lands on a pixel adds up to between ${short(low)} and ${short(high)}.`;
    return `${even} ${flat}`;
  }

  const element = h("div", {},
    h("div.two", {}, size.element, step.element),
    h("div.row.stamps", {},
      h("figure.picture", {}, field.element, h("figcaption", {}, h("b", {}, say`Input`))),
      h("span.sign", { "aria-hidden": "true" }, "×"),
      h("figure.picture", {}, stamp.element, h("figcaption", {}, h("b", {}, say`Kernel, the stamp`))),
      h("span.sign", { "aria-hidden": "true" }, "="),
      h("figure.picture.result", {}, table, h("figcaption", {}, h("b", {}, say`Output`)))),
    h("p.quiet", {}, say`Press a cell of the input or the kernel for the next half; after 1 comes −1. Arrow keys go up and down by quarters.`),
    inputs, kernels, pressed.element, finding,
  );
  field.set(field.values);
  stamp.set(stamp.values);

  // It opens alive: stamp after stamp is pressed, until somebody takes over.
  let byItself = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  for (const kind of ["pointerdown", "keydown"]) element.addEventListener(kind, () => { byItself = false; }, true);
  const start = performance.now();
  const pressOn = (now) => {
    if (!byItself) return;
    pressed.set(Math.min(Math.floor((now - start) / 100), across ** 2));
    press();
    if (pressed.value < across ** 2) requestAnimationFrame(pressOn);
  };
  requestAnimationFrame(pressOn);
  const unusual = (values) => values.some((value) => value !== 1);
  return {
    element,
    state: () => ({
      ...(size.value !== 3 && { kernel: size.value }),
      ...(step.value !== 2 && { stride: step.value }),
      ...(unusual(stamp.values) && { weights: stamp.values.join() }),
      ...(unusual(field.values) && { input: field.values.join() }),
    }),
    restore(wishes) {
      size.set(wishes.pick("kernel", [1, 2, 3, 4, 5, 6]) ?? size.value);
      step.set(wishes.pick("stride", [1, 2, 3, 4]) ?? step.value);
      stamp.set(wishes.numbers("weights", size.value ** 2, -2, 2) ?? square(ones));
      field.set(wishes.numbers("input", across ** 2, -2, 2) ?? square(ones, across));
    },
  };
}

VIEWS.stamp = {
  title: say`Stamp`, make: stampView, height: [819, 1351],
  first: say`set the kernel to 4, and the grid is gone. Then give the kernel random numbers.`,
};
