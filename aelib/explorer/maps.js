// A network taken apart: its stages, the products behind a single number, and maps as small pictures.

import { SIGNED, paintInto } from "./explorer.js";
import { run } from "./layers.js";
import { linksOf } from "./links.js";
import { KEYS, fillCell, h, placeOn, svg, written } from "./page.js";
import { say } from "./words.js";

const BEFORE = ["flatten", "nearest"]; // done to maps before they are weighed

/** Layers in stages: each weighs what the one before it has left, once. */
export function stagesOf(layers) {
  const stages = [];
  let stage = null;
  for (const layer of layers) {
    const weighs = "outputs" in layer;
    if (!stage || (stage.weigh && (weighs || BEFORE.includes(layer.kind)))) {
      stages.push((stage = { before: [], weigh: null, after: [] }));
    }
    if (weighs) stage.weigh = layer;
    else (stage.weigh ? stage.after : stage.before).push(layer);
  }
  return stages;
}

/** Send maps through stages; of each keep them as it finds them, as it weighs them, their sums, and what it leaves. */
export function trace(stages, maps) {
  return stages.map(({ before, weigh, after }) => {
    const from = maps;
    const seen = run(before, from);
    const sum = run([weigh], seen);
    maps = run(after, sum);
    return { from, seen, sum, to: maps };
  });
}

/** Where the n-th number of maps lies: map, row, column. */
const placeOf = ({ side }, n) => [Math.floor(n / side ** 2), Math.floor(n / side) % side, n % side];

/** The window of a single pixel; a window is [map, top, left, bottom, right]. */
export function pixelOf(maps, n) {
  const [map, row, column] = placeOf(maps, n);
  return [map, row, column, row + 1, column + 1];
}

/** One of several maps, by itself. */
const only = ({ data, side }, map) => ({ data: data.subarray(map * side ** 2, (map + 1) * side ** 2), channels: 1, side });

/** The products of a sum: which number of `seen`, in which row and column of which map, times what. */
function productsOf({ weigh }, { seen, sum }, n) {
  const { inputs, kernel = 1, weight } = weigh;
  const [output, pixel] = [Math.floor(n / sum.side ** 2), n % sum.side ** 2];
  const links = linksOf(weigh, seen.side).links.filter(([own]) => own === pixel);
  return Array.from({ length: inputs }, (_, map) => links.map(([, from, tap]) => {
    const value = seen.data[map * seen.side ** 2 + from];
    const own = weight[(output * inputs + map) * kernel ** 2 + tap];
    return { map, row: Math.floor(from / seen.side), column: from % seen.side, value, weight: own, product: value * own };
  })).flat();
}

/** From the first to the last row and column of products, in maps so many times as large: top, left, bottom, right. */
function windowOf(products, scale = 1) {
  const [rows, columns] = ["row", "column"].map((axis) => products.map((each) => Math.floor(scale * each[axis])));
  return [Math.min(...rows), Math.min(...columns), Math.max(...rows) + 1, Math.max(...columns) + 1];
}

const brightest = ({ data }) => Math.max(...data, 1e-9);

/** Maps side by side as one picture, in which a pixel may be chosen by pointer and keyboard. */
export class Atlas {
  /** @param {(n: number, how: "hover" | "press" | "key") => void} [choose] is told of a pixel that was pointed at */
  constructor(explorer, name, choose) {
    Object.assign(this, { explorer, choose, at: 0, maps: null }); // at: the pixel that arrow keys go from
    const role = choose ? { role: "application", tabindex: 0, "aria-roledescription": say`maps` } : { role: "img" };
    this.canvas = h("canvas", { "aria-label": name, ...role });
    this.outlines = ["window", "strong", "pixel"].map((kind) => svg("path", { class: kind }));
    this.overlay = svg("svg", { "aria-hidden": "true" }, ...this.outlines);
    this.element = h("div.sheet", {}, this.canvas, this.overlay);
    explorer.pictures.add(this);
    if (choose) this.listen();
  }

  listen() {
    const { canvas } = this;
    const report = (how) => (event) => {
      const step = this.maps.side + this.gap;
      const [across, down] = placeOn(event);
      this.go(...[across * canvas.width, down * canvas.height].map((at) => (
        Math.floor(at / step) * this.maps.side + Math.min(Math.floor(at % step), this.maps.side - 1))), how);
    };
    canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && report("hover")(event));
    canvas.addEventListener("click", report("press"));
    canvas.addEventListener("focus", () => canvas.matches(":focus-visible") && this.choose(this.at, "key"));
    canvas.addEventListener("keydown", (event) => {
      if (!KEYS[event.key]) return;
      event.preventDefault();
      const { side } = this.maps;
      const [dx, dy] = KEYS[event.key];
      const [map, row, column] = placeOf(this.maps, this.at);
      this.go((map % this.columns) * side + column + dx, Math.floor(map / this.columns) * side + row + dy, "key");
    });
  }

  /** Choose a pixel by its place in the picture, in which gaps do not count; beyond it there is none. */
  go(x, y, how) {
    const { side, channels } = this.maps;
    const map = Math.floor(y / side) * this.columns + Math.floor(x / side);
    if (x < 0 || y < 0 || x >= this.columns * side || map >= channels) return;
    this.choose((map * side + (y % side)) * side + (x % side), how);
  }

  /** Show maps, as dark as their numbers are large beside the largest of all, or beside `full`. */
  show(maps, full = brightest(maps)) {
    Object.assign(this, { maps, full });
    this.paint();
  }

  /** Look in the style, whose --columns says how many maps are abreast, and paint anew. */
  arrange() {
    this.abreast = Number(getComputedStyle(this.canvas).getPropertyValue("--columns"));
    this.paint();
  }

  /** Where a map lies in the picture. */
  corner(map) {
    return [map % this.columns, Math.floor(map / this.columns)].map((at) => at * (this.maps.side + this.gap));
  }

  paint() {
    if (!this.maps) return;
    const { canvas, full, maps: { data, channels, side } } = this;
    this.gap = side > 1 ? 1 : 0;
    this.columns = Math.min(channels, this.abreast || 8);
    const [width, height] = [this.columns, Math.ceil(channels / this.columns)].map((count) => count * (side + this.gap) - this.gap);
    Object.assign(canvas, { width, height });
    this.overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const picture = new ImageData(width, height); // between the maps nothing is painted
    for (let map = 0; map < channels; map++) {
      paintInto(picture, only(this.maps, map).data, side, (value) => this.explorer.shade(value / full), ...this.corner(map));
    }
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  /** Outline windows, some strongly, and pixels, in place of those before. @param {Object<string, number[][]>} windows */
  outline({ window = [], strong = [], pixel = [] }) {
    [window, strong, pixel].forEach((windows, kind) => {
      this.outlines[kind].setAttribute("d", windows.map(([map, top, left, bottom, right]) => {
        const [x, y] = this.corner(map);
        return `M${x + left} ${y + top}H${x + right}V${y + bottom}H${x + left}Z`;
      }).join(""));
    });
  }
}

const LISTED = 4; // of the products of a number, the largest
const NORMED = [1, 7, 8]; // stages of the course's network with a batch norm

const raised = (power) => `10${[...String(power)].map((each) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(each)]).join("")}`;

/** A number with four digits behind the point, or times a power of ten. */
function exact(value) {
  const [digits, power] = value.toExponential(4).split("e");
  const isPlain = value === 0 || (power >= -3 && power < 4);
  return written(isPlain ? value.toFixed(4) : `${digits} · ${raised(Number(power))}`);
}

/** The arithmetic of one number: what it looks at, a few products, their sum, and what becomes of it. */
export class Lens {
  /** @param {(n: number, how: string) => void} choose is told of another pixel of the same map */
  constructor(explorer, choose) {
    this.before = new Atlas(explorer, say`The map before, with the window`);
    this.own = new Atlas(explorer, say`The map with the pixel. Arrow keys move it.`, (n, how) => how !== "hover" && choose(this.first + n, how));
    [this.beforeName, this.ownName] = [1, 2].map(() => h("figcaption"));
    [this.seen, this.weights] = [1, 2].map(() => h("table.numbers", { "aria-hidden": "true" }));
    this.title = h("b");
    this.words = h("p.quiet");
    this.sums = h("table.sums");
    this.said = h("p.hidden", { role: "status" });
    this.kernel = h("figure.kernel", {}, this.seen, h("span", {}, "×"), this.weights,
      h("figcaption", {}, say`what it sees there × its weights`));
    this.element = h("section.lens", { "aria-label": say`The arithmetic of one number` },
      h("p", {}, this.title, this.words),
      h("div.sight", {}, h("figure", {}, this.before.element, this.beforeName), this.kernel, this.sums,
        h("figure", {}, this.own.element, this.ownName)), this.said);
  }

  /** Show the n-th number of the k-th stage. Returns the windows in the maps before it, to outline. */
  show(stage, step, k, n, held) {
    const { before, weigh: { inputs, kind, bias }, after } = stage;
    const { from, seen, sum, to } = step;
    this.element.dataset.at = `${k + 1}.${n + 1}`;
    const products = productsOf(stage, step, n).sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
    const isLinear = kind === "linear";
    const [listed, rest] = [products.slice(0, LISTED), products.slice(LISTED)];
    const strongest = listed[0].map;
    const window = windowOf(products);
    const found = windowOf(products, from.side / seen.side); // in the maps as the stage finds them
    const pixels = listed.map((each) => pixelOf(from, each.map)); // of a linear one, which looks at numbers
    this.before.show(isLinear ? from : only(seen, strongest), brightest(seen));
    this.before.outline({ strong: isLinear ? pixels : [[0, ...window]] });
    const [map] = placeOf(to, n);
    this.first = to.side > 1 ? map * to.side ** 2 : 0;
    this.own.at = n - this.first;
    this.own.show(to.side > 1 ? only(to, map) : to, to.channels === 1 ? 1 : brightest(to));
    this.own.outline({ pixel: [pixelOf(this.own.maps, this.own.at)] });
    this.kernel.hidden = isLinear;
    if (!isLinear) {
      const shown = products.filter((each) => each.map === strongest);
      fillTable(this.seen, shown, window, "value", () => "ink");
      fillTable(this.weights, shown, window, "weight", SIGNED);
    }

    const place = where(to, placeOf(to, n));
    this.title.textContent = place[0].toUpperCase() + place.slice(1);
    const [tall, wide, count] = [window[2] - window[0], window[3] - window[1], products.length];
    const words = isLinear ? say`It weighs all ${count} numbers before it, and adds.`
      : inputs === 1 ? say`It looks at ${tall} × ${wide} pixels of the digit: ${count} products.`
        : before.length ? say`The ${inputs} maps before it are enlarged; it looks at ${tall} × ${wide} pixels in each: ${count} products.`
          : kind === "convolution" ? say`It looks at ${tall} × ${wide} pixels in each of the ${inputs} maps before it: ${count} products.`
            : say`The stamps of ${tall} × ${wide} pixels in each of the ${inputs} maps before it meet here: ${count} products.`;
    this.words.textContent = held ? `${words} ${say`Held: press it again to let go.`}` : words;
    this.beforeName.textContent = isLinear ? say`before it` : inputs === 1 ? say`the digit` : say`map ${strongest + 1} before it`;
    this.ownName.textContent = to.side > 1 && to.channels > 1 ? say`map ${map + 1}` : say`its own place`;

    const line = (name, cells, kind = "") => h(`tr${kind}`, {},
      h("th", { scope: "row", colspan: 6 - cells.length }, name), ...cells.map((cell) => h("td", {}, cell)));
    const rows = listed.map((each) => line(where(from, isLinear ? placeOf(from, each.map) : [each.map, each.row, each.column]),
      [exact(each.value), "×", exact(each.weight), "=", exact(each.product)]));
    const added = (some) => some.reduce((all, { product }) => all + product, 0);
    const own = bias[placeOf(sum, n)[0]];
    const total = added(products) + own;
    if (rest.length) rows.push(line(say`the other ${rest.length} products`, [exact(added(rest))]));
    rows.push(line(NORMED.includes(k) ? say`bias, with the batch norm folded in` : say`bias`, [exact(own)]));
    rows.push(line(say`sum`, [exact(total)], ".total"));
    const last = { relu: total > 0 ? say`ReLU leaves it as it is` : say`ReLU makes it zero`, sigmoid: say`the sigmoid brings it between 0 and 1` };
    const ends = after.map((layer) => last[layer.kind]).find(Boolean);
    if (ends) rows.push(line(ends, [exact(to.data[n])], ".result"));
    this.sums.replaceChildren(...rows);
    return isLinear ? { strong: pixels }
      : { window: Array.from({ length: from.channels }, (_, each) => [each, ...found]), strong: [[strongest, ...found]] };
  }

  /** Say it aloud. */
  speak() {
    const last = [...this.sums.rows].slice(-2).map((row) => row.textContent).join(". ");
    this.said.textContent = `${this.title.textContent}. ${this.words.textContent} ${last}`;
  }
}

/** Fill a table with the values or the weights of a window's products, times a power of ten if they are small. */
function fillTable(table, products, [top, left, bottom, right], key, colour) {
  const most = Math.max(...products.map((each) => Math.abs(each[key]))) || 1;
  const power = most < 0.05 || most >= 1000 ? Math.floor(Math.log10(most)) : 0;
  const rows = Array.from({ length: bottom - top }, () => h("tr", {}, ...Array.from({ length: right - left }, () => h("td"))));
  for (const each of products) {
    const words = written((each[key] / 10 ** power).toFixed(2));
    fillCell(rows[each.row - top].cells[each.column - left], words, (0.8 * Math.abs(each[key])) / most, colour(each[key]));
  }
  table.replaceChildren(h("caption", {}, power ? `· ${raised(power)}` : ""), ...rows);
}

const where = ({ channels, side }, [map, row, column]) => {
  if (side === 1) return say`number ${map + 1}`;
  return channels === 1 ? say`row ${row + 1}, column ${column + 1}` : say`map ${map + 1}, row ${row + 1}, column ${column + 1}`;
};
