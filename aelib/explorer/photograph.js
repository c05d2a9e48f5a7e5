// A photograph as MNIST's makers would have prepared it: aelib/prepare.py once more, step by step and
// with the same numbers, down to where they are rounded to 32 bits.

import { BOX, PEN } from "./digit.js";
import { boxesOf, centreOf, cropped, distances, enlarged, extreme, gridOf, labelled, longer, mapped, padded, quantile, rimOf, shrunk, total } from "./grids.js";
import { Missing, SIDE, clamp, range } from "./measures.js";
import { say } from "./words.js";

const THIN = 2; // pixels of the 28; a thinner pen is thickened
const FINE = 120; // pixels of a digit's longer side, enough to thicken it
const WINDOW = 0.4; // of the height: strokes are thinner, paper is broader
export const [SURE, LIKELY] = [0.5, 0.2]; // of the strongest ink: what surely is ink, and what may be
const JOIN = [0.04, 0.1]; // of a digit's size: how far its pieces reach out, across and down

/**
 * The digits of a picture in reading order, and all steps on the way there. Of each digit its `image`, where
 * it lies, its own `ink`, `thick`ened if that was `thin`, and how thick its pen was, in pixels of the 28.
 */
export function cut(tones) {
  const light = isLight(tones);
  const { paper, ink } = inkOf(tones, light);
  const digits = digitsOf(ink).map(({ part, left, top }) => {
    const thickened = thickenedOf(part);
    return { ...thickened, image: placed(thickened.thick), ink: part, left, top };
  });
  return { tones, light, paper, ink, digits };
}

// --- From tones to ink ------------------------------------------------------------------------

/** Whether the paper is light. The rim tells, unless it is a table, or half in shadow. */
function isLight(tones) {
  const small = shrunk(tones, Math.ceil(Math.min(tones.width, tones.height) / 32));
  const [rim, [low, high]] = [rimOf(small).sort(), range(small.data)];
  const light = rim.filter((tone) => tone > (low + high) / 2).length / rim.length;
  if (rim.at(-1) - rim[0] < 0.3 * (high - low) && longer(tones) > 64) {
    const middle = quantile(rim, 0.5);
    const inside = mapped(small, (tone) => (light > 0.5 ? middle - tone : tone - middle));
    const opened = extreme(extreme(inside, 2, 2, -1), 2, 2).data; // a sheet is broader, ink is not
    const least = 0.25 * range(inside.data)[1];
    const sheet = inside.data.filter((value) => value > least).length;
    const thin = inside.data.filter((value, p) => value > least && value - opened[p] > least).length;
    return light > 0.5 !== (sheet / inside.data.length > 0.28 && thin / sheet < 0.45);
  }
  if (light <= 0.3 || light >= 0.7) return light > 0.5;
  // Ink differs from what is around it more than the edge of a shadow.
  const { data, width, height } = small;
  const reach = Math.floor(Math.min(width, height) / 4);
  const mirror = (at, length) => (at < 0 ? -1 - at : at >= length ? 2 * length - 1 - at : at);
  const span = Array.from({ length: 2 * reach + 1 }, (_, n) => n - reach);
  const around = (p) => span.flatMap((v) => span.map((u) =>
    data[mirror(Math.floor(p / width) + v, height) * width + mirror((p % width) + u, width)]));
  return total(data.map((tone, p) => {
    const off = Math.log((tone + 0.1) / (quantile(Float32Array.from(around(p)).sort(), 0.5) + 0.1));
    return off * Math.abs(off);
  })) < 0;
}

/** How strong the ink is at each pixel: up to 0 it is paper, 1 is the strongest. And that paper. */
function inkOf(tones, light) {
  const lit = light ? tones : mapped(tones, (tone) => 1 - tone);
  // Paper has a brightness at each place: the largest tone around, and then the least of these
  // (closing), fills what is narrower than the window, but keeps slopes and edges of shadows.
  const reach = Math.max(1, Math.floor(Math.floor(WINDOW * tones.height) / 2));
  const paper = extreme(extreme(lit, reach, reach), reach, reach, -1);
  // A shadow takes the same share of the paper's light and of the ink's.
  const floor = 0.3 * range(paper.data)[1];
  const raw = mapped(paper, (tone, p) => Math.fround(tone - lit.data[p]) / (light ? Math.max(tone, floor) : 1));
  const rising = raw.data.slice().sort();
  const [least, less, full] = [0.02, 0.1, 0.9998].map((share) => quantile(rising, share));
  const noise = less + 4 * (less - least);
  if (full - noise < Math.max(0.1, noise)) {
    throw new Missing(say`No ink stands out from this paper. More light, or a broader pen?`);
  }
  return { paper, ink: mapped(raw, (value) => (value - noise) / (full - noise), Float64Array) };
}

// --- From ink to digits -----------------------------------------------------------------------

/** The box inside the straight lines along a picture's four sides, if there are. */
function insideOf({ data, width, height }) {
  const [columns, rows] = [new Int32Array(width), new Int32Array(height)];
  data.forEach((value, p) => {
    columns[p % width] += value > SURE;
    rows[Math.floor(p / width)] += value > SURE;
  });
  const [[left, right], [top, bottom]] = [[columns, height], [rows, width]].map(([ink, across]) => {
    const eighth = Math.ceil(ink.length / 8);
    const isLine = (count) => count > 0.8 * across;
    const [first, last] = [ink.subarray(0, eighth).findLastIndex(isLine), ink.subarray(-eighth).findIndex(isLine)];
    return first < 0 || last < 0 ? [NaN, NaN] : [first + 3, ink.length - eighth + last - 2];
  });
  const isInked = (_, n) => data.subarray((top + n) * width + left, (top + n) * width + right).some((value) => value > SURE);
  const inked = Array.from({ length: bottom - top }, isInked).filter(Boolean).length; // none of NaN
  return left && inked > 0.2 * height ? [left, top, right, bottom] : [0, 0, width, height];
}

/** The pieces of ink above a level that are no box around others, and each pixel's piece. */
function piecesOf(ink, level) {
  const label = labelled(mapped(ink, (value) => value > level, Uint8Array));
  const all = boxesOf(label).map((box, n) => {
    const [width, height] = [box[2] - box[0], box[3] - box[1]];
    const spans = height === ink.height || width === ink.width; // as ruled lines do
    return { number: n + 1, box, size: Math.max(width, height), area: 0, weight: 0, edge: 0, spans };
  });
  label.data.forEach((number, p) => {
    if (!number) return;
    all[number - 1].area++;
    all[number - 1].weight += Math.max(ink.data[p], 0) ** 3; // strong ink counts much more than faint
  });
  for (const number of rimOf(label)) if (number) all[number - 1].edge++;
  const pieces = all.sort((a, b) => b.area - a.area).slice(0, 200); // the others are dust
  for (const piece of pieces) piece.contact = Math.max(piece.edge / piece.size, Number(piece.spans));
  const holds = (a, b) => b.size > 0.05 * a.size && a.box.every((end, n) => (n < 2 ? end < b.box[n] : end > b.box[n]));
  const isFrame = (a) => !a.contact && pieces.some((b) => holds(a, b)) && leastSide(label, a) > 0.85;
  return { label, pieces: pieces.filter((piece) => !isFrame(piece)) };
}

/** How much of its box's four sides a piece covers: the least of them. */
function leastSide(label, { number, box, size }) {
  const { data, width, height } = cropped(label, box);
  const deep = 1 + Math.floor(size / 16);
  const [top, bottom, left, right] = Array.from({ length: 4 }, () => new Set());
  data.forEach((own, p) => {
    if (own !== number) return;
    const [x, y] = [p % width, Math.floor(p / width)];
    if (y < deep) top.add(x);
    if (y >= height - deep) bottom.add(x);
    if (x < deep) left.add(y);
    if (x >= width - deep) right.add(y);
  });
  return Math.min(top.size / width, bottom.size / width, left.size / height, right.size / height);
}

/** The ink of each digit, in reading order, and its left and upper end. */
function digitsOf(whole) {
  const inside = insideOf(whole);
  const ink = cropped(whole, inside);
  const { width, height } = ink;
  const [sure, likely] = [SURE, LIKELY].map((level) => piecesOf(ink, level));
  // Faint ruled lines may tie digits to the edge: then only what surely is ink counts.
  const [most, free] = [sure, likely].map(({ pieces }) => total(pieces.map((piece) => (piece.contact ? 0 : piece.weight))));
  const { label, pieces } = free > 0.98 * most ? likely : sure;
  const merit = (piece) => piece.weight / (1 + 100 * piece.contact ** 2);
  const main = pieces.reduce((best, piece) => (merit(piece) > merit(best) ? piece : best));
  const kept = pieces.filter((piece) => piece.area > 0.02 * main.area && piece.contact <= main.contact);
  const numbers = new Set(kept.map(({ number }) => number));
  const mask = mapped(label, (number) => numbers.has(number), Uint8Array);
  const margin = Math.max(1, Math.floor(main.size / 100));
  const near = extreme(mask, margin, margin).data;
  const soft = mapped(ink, (value, p) => (near[p] ? Math.max(value, 0) : 0));
  // The pieces of a digit lie above each other, another digit lies beside it.
  const reach = JOIN.map((part) => Math.max(1, Math.floor(part * main.size + 0.5)));
  const zones = labelled(extreme(mask, ...reach));
  const inked = mapped(zones, (zone, p) => (soft.data[p] > 0 ? zone : 0));
  const [digits, lanes] = [[], gridOf(width, height, () => 0, Uint8Array)];
  boxesOf({ ...inked, count: zones.count }).forEach((box, n) => {
    const [[left, top, right, bottom], zone] = [box, cropped(zones, box).data];
    const part = mapped(cropped(soft, box), (value, p) => (zone[p] === n + 1 ? value : 0));
    if (longer(part) < 0.4 * main.size || total(part.data.map((value) => value ** 3)) < 0.05 * main.weight) return;
    const [third, wide] = [Math.floor(part.height / 3), 2 * main.size];
    const [from, to] = [Math.max(left - wide, 0), Math.min(right + wide, width)];
    for (let y = top + third; y < bottom - third; y++) lanes.data.fill(1, y * width + from, y * width + to);
    const full = quantile(part.data.filter((value) => value > LIKELY).sort(), 0.95);
    digits.push({ part: mapped(part, (value) => clamp(value / full, 0, 1)), left, top });
  });
  const rows = labelled(lanes, false).data;
  const row = ({ part, left, top }) => rows[(top + Math.floor(part.height / 2)) * width + left];
  return digits.sort((a, b) => row(a) - row(b) || a.left - b.left)
    .map(({ part, left, top }) => ({ part, left: inside[0] + left, top: inside[1] + top }));
}

// --- From a digit's ink to 28 x 28 ------------------------------------------------------------

/** Ink whose pen will be as thick as MNIST's once its box is 20 pixels, and how thick it was. */
function thickenedOf(given) {
  const ink = shrunk(given, Math.max(1, Math.floor(longer(given) / (2 * FINE))));
  const fine = enlarged(ink, Math.max(1, Math.floor(FINE / longer(ink) + 0.5)));
  const reach = Math.floor(longer(fine) / 10);
  const peak = extreme(fine, reach, reach).data;
  const mask = mapped(fine, (value, p) => value >= Math.max(0.5 * peak[p], 0.15), Uint8Array); // faint ink counts
  const inside = distances(padded(mask, 1)).filter((far) => far > 0);
  const thickness = (4 * total(inside)) / inside.length - 1; // for the mean is a quarter of a stroke's
  const faint = peak.filter((value, p) => mask.data[p] && value < 0.6).length;
  const pen = (thickness * BOX) / longer(fine);
  if (pen >= THIN && faint / inside.length < 0.05) return { thick: ink, pen, thin: false };
  // The box grows with the pen: afterwards so many of these pixels make one of the 28.
  const pixel = Math.max(longer(fine) - thickness, 1) / (BOX - PEN);
  const grow = Math.max(0, (PEN * pixel - thickness) / 2);
  const [thin, core] = [fine, mask].map((each) => padded(each, Math.ceil(grow) + 1));
  const outside = distances(mapped(core, (value) => 1 - value));
  const thick = mapped(thin, (value, p) => Math.max(clamp(grow + 1 - outside[p], 0, 1), value), Float64Array);
  return { thick, pen, thin: true };
}

/** Ink on 28 x 28: its longer side 20 pixels, its centre of mass in the middle. */
function placed(ink) {
  const fine = longer(ink) < BOX ? enlarged(ink, Math.ceil((2 * BOX) / longer(ink))) : ink;
  const { data, width, height } = fine;
  const pixel = longer(fine) / BOX;
  // To the middle of pixel 14 of 0 to 27. The window begins at a whole pixel.
  const [left, top] = centreOf(fine).map((at) => Math.floor(at + 1 - 14.5 * pixel));
  const covered = (at, edge) => Math.max(0, Math.min(edge + pixel, at + 1) - Math.max(edge, at)) / pixel;
  return gridOf(SIDE, SIDE, (p) => {
    const [x0, y0] = [left + (p % SIDE) * pixel, top + Math.floor(p / SIDE) * pixel];
    let sum = 0;
    for (let y = Math.max(0, Math.floor(y0)); y < Math.min(height, y0 + pixel); y++) {
      for (let x = Math.max(0, Math.floor(x0)); x < Math.min(width, x0 + pixel); x++) {
        sum += covered(y, y0) * covered(x, x0) * data[y * width + x];
      }
    }
    return clamp(sum, 0, 1);
  }).data;
}
