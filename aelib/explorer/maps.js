// A network taken apart: its stages, the products behind a single number, and maps as small pictures.

import { SIGNED, paintInto } from "./explorer.js";
import { run } from "./layers.js";
import { linksOf } from "./links.js";
import { KEYS, fillCell, h, placeOn, svg, written } from "./page.js";
import { say } from "./words.js";

const BEFORE = ["flatten", "nearest", "bilinear"]; // done to maps before they are weighed

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
export const placeOf = ({ side }, n) => [Math.floor(n / side ** 2), Math.floor(n / side) % side, n % side];

/** Which sum becomes the n-th number of what a stage leaves. */
function sumBehind({ after }, { sum, to }, n) {
  if (after[0]?.kind !== "pixel shuffle") return n;
  const pixel = n % to.side ** 2;
  const [, from] = linksOf(after[0], sum.side).links.find(([own]) => own === pixel);
  return 4 * sum.side ** 2 * Math.floor(n / to.side ** 2) + from;
}

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

/** From the first to the last row and column of some products, as [top, left, bottom, right]. */
function windowOf(products) {
  const [rows, columns] = ["row", "column"].map((axis) => products.map((each) => each[axis]));
  return [Math.min(...rows), Math.min(...columns), Math.max(...rows) + 1, Math.max(...columns) + 1];
}

/** Maps side by side as one picture, in which a pixel may be chosen by pointer and keyboard. */
export class Atlas {
  /** @param {(n: number, how: "hover" | "press" | "key") => void} [choose] is told of a pixel that was pointed at */
  constructor(explorer, name, choose) {
    Object.assign(this, { explorer, choose, only: false, at: 0, maps: null }); // only: the map of the pixel `at`
    const role = choose ? { role: "application", tabindex: 0, "aria-roledescription": say`maps` } : { role: "img" };
    this.canvas = h("canvas", { "aria-label": name, ...role });
    this.window = svg("path", { class: "window" });
    this.strongest = svg("path", { class: "window strong" });
    this.pixel = svg("path", { class: "pixel" });
    this.overlay = svg("svg", { "aria-hidden": "true" }, this.window, this.strongest, this.pixel);
    this.element = h("div.sheet", {}, this.canvas, this.overlay);
    explorer.pictures.add(this);
    if (choose) this.listen();
  }

  listen() {
    const { canvas } = this;
    const report = (how) => (event) => {
      const n = this.under(event);
      if (n !== null) this.choose(n, how);
    };
    canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && report("hover")(event));
    canvas.addEventListener("click", report("press"));
    canvas.addEventListener("focus", () => canvas.matches(":focus-visible") && this.choose(this.at, "key"));
    canvas.addEventListener("keydown", (event) => {
      if (!KEYS[event.key]) return;
      event.preventDefault();
      const { side, channels } = this.maps;
      const [dx, dy] = KEYS[event.key];
      const [map, row, column] = placeOf(this.maps, this.at);
      const [y, x] = [row + dy, column + dx];
      // Over the edge of a map one comes into its neighbour, if there is one.
      const across = Math.floor(x / side);
      const isBeside = map % this.columns + across >= 0 && map % this.columns + across < this.columns;
      const to = map + across + this.columns * Math.floor(y / side);
      if (!isBeside || to < 0 || to >= channels || (this.only && to !== map)) return;
      this.choose((to * side + ((y + side) % side)) * side + ((x + side) % side), "key");
    });
  }

  /** The number under a pointer; null between two maps. */
  under(event) {
    const { canvas, maps: { side, channels } } = this;
    const step = side + this.gap;
    const [across, down] = placeOn(event);
    const [x, y] = [Math.floor(across * canvas.width), Math.floor(down * canvas.height)];
    const map = this.only ? placeOf(this.maps, this.at)[0] : Math.floor(y / step) * this.columns + Math.floor(x / step);
    const isOn = x >= 0 && y >= 0 && x % step < side && y % step < side && map < channels;
    return isOn ? (map * side + (y % step)) * side + (x % step) : null;
  }

  /** Show maps, as dark as their numbers are large beside the largest of all, or beside `full`. */
  show(maps, full = Math.max(...maps.data, 1e-9)) {
    Object.assign(this, { maps, full });
    this.paint();
  }

  /** Look in the style, whose --columns says how many maps are abreast, and paint anew. */
  arrange() {
    this.abreast = Number(getComputedStyle(this.canvas).getPropertyValue("--columns")) || 8;
    this.paint();
  }

  /** Where a map lies in the picture. */
  corner(map) {
    const step = this.maps.side + this.gap;
    return this.only ? [0, 0] : [(map % this.columns) * step, Math.floor(map / this.columns) * step];
  }

  paint() {
    if (!this.maps) return;
    const { canvas, only, full, maps: { data, channels, side } } = this;
    this.gap = side > 1 ? 1 : 0;
    this.columns = only ? 1 : Math.min(channels, this.abreast ?? 8);
    const shown = only ? [placeOf(this.maps, this.at)[0]] : Array.from({ length: channels }, (_, map) => map);
    const width = this.columns * (side + this.gap) - this.gap;
    const height = Math.ceil(shown.length / this.columns) * (side + this.gap) - this.gap;
    if (canvas.width !== width || canvas.height !== height) {
      Object.assign(canvas, { width, height });
      this.overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
    }
    const picture = new ImageData(width, height); // between the maps nothing is painted
    for (const map of shown) {
      const own = data.subarray(map * side ** 2, (map + 1) * side ** 2);
      paintInto(picture, own, side, (value) => this.explorer.shade(value / full), ...this.corner(map));
    }
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  clear() {
    for (const path of [this.window, this.strongest, this.pixel]) path.setAttribute("d", "");
  }

  /** Outline the n-th pixel. */
  mark(n) {
    this.at = n;
    const [map, row, column] = placeOf(this.maps, n);
    this.pixel.setAttribute("d", this.outlines([[map, [row, column, row + 1, column + 1]]]));
  }

  /** Outline windows, each in its map, some more strongly. @param {[number, number[]][]} all */
  frame(all, strong) {
    this.window.setAttribute("d", this.outlines(all));
    this.strongest.setAttribute("d", this.outlines(strong));
  }

  outlines(windows) {
    return windows.map(([map, [top, left, bottom, right]]) => {
      const [x, y] = this.corner(map);
      return `M${x + left} ${y + top}H${x + right}V${y + bottom}H${x + left}Z`;
    }).join("");
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
    this.own = new Atlas(explorer, say`The map with the pixel. Arrow keys move it.`, (n, how) => how !== "hover" && choose(n, how));
    [this.beforeName, this.ownName] = [1, 2].map(() => h("figcaption"));
    [this.seen, this.weights] = [1, 2].map(() => h("table.numbers", { "aria-hidden": "true" }));
    this.title = h("b");
    this.words = h("p.quiet");
    this.sums = h("table.sums");
    this.said = h("p.hidden", { role: "status" });
    this.kernel = h("figure.kernel", {}, this.seen, h("span", {}, "×"), this.weights,
      h("figcaption", {}, say`what it sees there × its weights`));
    this.ownFigure = h("figure", {}, this.own.element, this.ownName);
    this.element = h("section.lens", { "aria-label": say`The arithmetic of one number` },
      h("p", {}, this.title, this.words),
      h("div.sight", {}, h("figure", {}, this.before.element, this.beforeName), this.kernel, this.sums, this.ownFigure), this.said);
  }

  /** Show the n-th number of the k-th stage. */
  show(stage, step, k, n, held) {
    const { weigh, after } = stage;
    const { from, seen, sum, to } = step;
    this.element.dataset.at = `${k + 1}.${n + 1}`;
    const at = sumBehind(stage, step, n);
    const products = productsOf(stage, step, at).sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
    const isLinear = weigh.kind === "linear";
    const listed = products.slice(0, LISTED);
    const strongest = listed[0].map;
    // The windows, in the maps as they are weighed and as the stage finds them.
    const pixel = (place) => [place[0], [place[1], place[2], place[1] + 1, place[2] + 1]];
    const window = windowOf(products);
    const found = windowOf(products.map(({ row, column }) => (
      { row: Math.floor((row * from.side) / seen.side), column: Math.floor((column * from.side) / seen.side) })));
    const pixels = listed.map((each) => pixel(placeOf(from, each.map)));
    this.windows = isLinear ? [[], pixels]
      : [Array.from({ length: from.channels }, (_, map) => [map, found]), [[strongest, found]]];
    this.before.only = !isLinear;
    this.before.at = strongest * seen.side ** 2;
    this.before.show(isLinear ? from : seen);
    this.before.frame([], isLinear ? pixels : [[strongest, window]]);
    this.own.only = to.side > 1;
    this.own.at = n;
    this.own.show(to, to.channels === 1 ? 1 : undefined);
    this.own.mark(n);
    this.name(stage, step, n, products.length, window, strongest, held);
    this.kernel.hidden = isLinear;
    if (!isLinear) this.tables(products.filter(({ map }) => map === strongest), window);

    const rest = products.slice(LISTED);
    const bias = weigh.bias[placeOf(sum, at)[0]];
    const added = (some, first = 0) => some.reduce((all, { product }) => all + product, first);
    const line = (words, cells, kind = "") => h(`tr${kind}`, {},
      h("th", { scope: "row", colspan: 6 - cells.length }, words), ...cells.map((cell) => h("td", {}, cell)));
    const rows = listed.map((each) => line(where(from, isLinear ? placeOf(from, each.map) : [each.map, each.row, each.column]),
      [exact(each.value), "×", exact(each.weight), "=", exact(each.product)]));
    if (rest.length) rows.push(line(say`the other ${rest.length} products`, [exact(added(rest))]));
    rows.push(line(NORMED.includes(k) ? say`bias, with the batch norm folded in` : say`bias`, [exact(bias)]));
    const total = added(products, bias);
    rows.push(line(say`sum`, [exact(total)], ".total"));
    const last = { relu: total > 0 ? say`ReLU leaves it as it is` : say`ReLU makes it zero`, sigmoid: say`the sigmoid brings it between 0 and 1` };
    const ends = after.map(({ kind }) => last[kind]).find(Boolean);
    if (ends) rows.push(line(ends, [exact(to.data[n])], ".result"));
    this.sums.replaceChildren(...rows);
  }

  name({ before, weigh }, { to }, n, count, [top, left, bottom, right], strongest, held) {
    const { inputs, kind } = weigh;
    const [tall, wide] = [bottom - top, right - left];
    const place = where(to, placeOf(to, n));
    this.title.textContent = place[0].toUpperCase() + place.slice(1);
    const words = kind === "linear" ? say`It weighs all ${count} numbers before it, and adds.`
      : inputs === 1 ? say`It looks at ${tall} × ${wide} pixels of the digit: ${count} products.`
        : before.length ? say`The ${inputs} maps before it are enlarged; it looks at ${tall} × ${wide} pixels in each: ${count} products.`
          : kind === "convolution" ? say`It looks at ${tall} × ${wide} pixels in each of the ${inputs} maps before it: ${count} products.`
            : say`The stamps of ${tall} × ${wide} pixels in each of the ${inputs} maps before it meet here: ${count} products.`;
    this.words.textContent = held ? `${words} ${say`Held: press it again to let go.`}` : words;
    this.beforeName.textContent = kind === "linear" ? say`before it` : inputs === 1 ? say`the digit` : say`map ${strongest + 1} before it`;
    this.ownName.textContent = to.side > 1 && to.channels > 1 ? say`map ${placeOf(to, n)[0] + 1}` : say`its own place`;
  }

  /** What is seen in the strongest map, and its weights. */
  tables(products, [top, left, bottom, right]) {
    const fill = (table, key, signed) => {
      const most = Math.max(...products.map((each) => Math.abs(each[key]))) || 1;
      const power = most < 0.05 || most >= 1000 ? Math.floor(Math.log10(most)) : 0;
      const rows = Array.from({ length: bottom - top }, () => h("tr", {}, ...Array.from({ length: right - left }, () => h("td"))));
      for (const each of products) {
        const cell = rows[each.row - top].children[each.column - left];
        fillCell(cell, written((each[key] / 10 ** power).toFixed(2)), (0.8 * Math.abs(each[key])) / most, signed ? SIGNED(each[key]) : "ink");
      }
      table.replaceChildren(h("caption", {}, power ? `· ${raised(power)}` : ""), ...rows);
    };
    fill(this.seen, "value", false);
    fill(this.weights, "weight", true);
  }

  /** Say it aloud. */
  speak() {
    const last = [...this.sums.rows].slice(-2).map((row) => row.textContent).join(". ");
    this.said.textContent = `${this.title.textContent}. ${this.words.textContent} ${last}`;
  }
}

const where = ({ channels, side }, [map, row, column]) => {
  if (side === 1) return say`number ${map + 1}`;
  return channels === 1 ? say`row ${row + 1}, column ${column + 1}` : say`map ${map + 1}, row ${row + 1}, column ${column + 1}`;
};
