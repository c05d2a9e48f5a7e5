// Stamp: a transposed convolution by hand, and where its grid comes from.

import { run } from "../layers.js";
import { clamp, range } from "../measures.js";
import { VIEWS, button, fillCell, h, short, slider, written } from "../page.js";
import { say } from "../words.js";

/** What stands in a cell: two decimals are what there is room for. */
const brief = (value) => written(Number(value.toFixed(2)));

/** A square of numbers to edit: a click takes the next quarter up to 1, then 0; arrow keys go both ways. */
function editor(name, change) {
  const element = h("div.editor", { role: "group", "aria-label": name });
  let values = [];
  const put = (cell, n) => {
    fillStamp(cell, values[n], 1);
    const side = Math.sqrt(values.length);
    cell.setAttribute("aria-label", say`${name}, row ${Math.floor(n / side) + 1}, column ${(n % side) + 1}: ${values[n]}`);
  };
  return {
    element,
    show(next) {
      values = [...next];
      const side = Math.sqrt(values.length);
      element.style.setProperty("--side", side);
      element.replaceChildren(...values.map((_, n) => {
        const set = (value) => {
          values[n] = clamp(value, -2, 2);
          put(cell, n);
          change([...values]);
        };
        const cell = button("", () => set(values[n] >= 1 ? 0 : values[n] + 0.25));
        cell.addEventListener("keydown", (event) => {
          const by = { ArrowUp: 0.25, ArrowDown: -0.25 }[event.key];
          if (!by) return;
          event.preventDefault();
          set(values[n] + by);
        });
        put(cell, n);
        return cell;
      }));
    },
  };
}

/** Fill a cell with a number: ink above 0, the colour of missing ink below. */
const fillStamp = (cell, value, full) =>
  fillCell(cell, brief(value), Math.min(Math.abs(value) / full, 1), value < 0 ? "missing" : "ink");

async function stampView(explorer) {
  const across = 5;
  let weight = new Array(9).fill(1);
  let input = new Array(across * across).fill(1);
  const stamp = editor(say`kernel`, (values) => {
    weight = values;
    press();
  });
  const field = editor(say`input`, (values) => {
    input = values;
    press();
  });
  const table = h("div.output", { role: "img" });
  const finding = h("p.finding", { "aria-live": "polite" });
  const again = (make) => () => {
    weight = make();
    stamp.show(weight);
    press();
  };
  const square = (value) => Array.from({ length: size.value ** 2 }, (_, n) => value(Math.floor(n / size.value), n % size.value));
  const tent = (place) => 1 - Math.abs(place - (size.value - 1) / 2) / ((size.value + 1) / 2);
  const ones = () => square(() => 1);
  const presets = [
    [say`all ones`, ones],
    [say`tent`, () => square((y, x) => Math.round(100 * tent(y) * tent(x)) / 100)],
    [say`random`, () => square(() => Math.round(20 * (2 * Math.random() - 1)) / 20)],
  ];
  const inputs = [
    [say`flat field`, () => 1],
    [say`one point`, (n) => (n === 12 ? 1 : 0)],
    [say`a rising edge`, (n) => (n % across) / (across - 1)],
  ];
  const size = slider(say`kernel`, {
    min: 1, max: 6, value: 3, words: (value) => `${value} × ${value}`, change: () => again(ones)(),
  });
  const step = slider(say`stride`, { min: 1, max: 4, value: 2, change: () => press() });
  const pressed = slider(say`stamps pressed`, {
    min: 0, max: across * across, value: across * across,
    words: (value) => say`${value} of ${across * across}`, change: () => press(),
  });

  function press() {
    explorer.settleSoon();
    const [count, kernel, stride] = [pressed, size, step].map(({ value }) => value);
    const { side, data } = run(
      [{ kind: "transposed convolution", inputs: 1, outputs: 1, kernel, stride, padding: [0, 0], weight, bias: [0] }],
      { data: Float32Array.from(input, (value, n) => (n < count ? value : 0)), channels: 1, side: across },
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
    weight.forEach((value, n) => {
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
    h("p.quiet", {}, say`Press a cell of the input or the kernel for the next quarter; after 1 comes 0. Arrow keys go up and down, also below 0.`),
    h("div.presets", {}, h("span.quiet", {}, say`input:`), ...inputs.map(([name, value]) =>
      button(name, () => {
        input = Array.from({ length: across * across }, (_, n) => value(n));
        field.show(input);
        press();
      }))),
    h("div.presets", {}, h("span.quiet", {}, say`kernel:`), ...presets.map(([name, make]) => button(name, again(make)))),
    pressed.element,
    finding,
  );
  const show = () => {
    field.show(input);
    stamp.show(weight);
    press();
  };
  show();

  // It opens alive: stamp after stamp is pressed, until somebody takes over.
  let byItself = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  for (const kind of ["pointerdown", "keydown"]) element.addEventListener(kind, () => { byItself = false; }, true);
  const start = performance.now();
  const pressOn = (now) => {
    if (!byItself) return;
    pressed.set(Math.min(Math.floor((now - start) / 100), across * across));
    press();
    if (pressed.value < across * across) requestAnimationFrame(pressOn);
  };
  requestAnimationFrame(pressOn);
  return {
    element,
    state: () => ({
      ...(size.value !== 3 && { kernel: size.value }),
      ...(step.value !== 2 && { stride: step.value }),
      ...(weight.some((value) => value !== 1) && { weights: weight.join() }),
      ...(input.some((value) => value !== 1) && { input: input.join() }),
    }),
    restore(wishes) {
      size.set(wishes.pick("kernel", [1, 2, 3, 4, 5, 6]) ?? size.value);
      step.set(wishes.pick("stride", [1, 2, 3, 4]) ?? step.value);
      weight = wishes.numbers("weights", size.value ** 2, -2, 2) ?? ones();
      input = wishes.numbers("input", input.length, -2, 2) ?? input;
      show();
    },
  };
}

VIEWS.stamp = {
  title: say`Stamp`, make: stampView, height: [819, 1351],
  first: say`set the kernel to 4, and the grid is gone. Then give the kernel random numbers.`,
};
