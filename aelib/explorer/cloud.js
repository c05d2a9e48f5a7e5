// Real digits as dots in a plane.

import { DIGITS, clamp } from "./measures.js";

export const CLOUD = 840; // pixels of its canvas, each way
const NAMED = 6; // of so many dots of a digit in sight its name is shown

const isIn = (place) => place?.every((at) => at >= 0 && at <= CLOUD);

/** Paint dots in their digits' colours on paper, and the digits' names. */
export function paintCloud(explorer, canvas, places, labels, under = () => {}, names = DIGITS) {
  const pen = canvas.getContext("2d");
  pen.globalAlpha = 1;
  pen.fillStyle = explorer.css("--paper");
  pen.fillRect(0, 0, CLOUD, CLOUD);
  under(pen);
  paintDots(explorer, pen, places, labels);
  paintNames(explorer, pen, namesOf(places, labels).map(([label, at]) => [names[label], at]));
}

/** Paint dots, each with a thin edge of paper. @param {number[][]} places [x, y] in pixels */
export function paintDots(explorer, pen, places, labels) {
  const colours = DIGITS.map((digit) => explorer.css(`--digit-${digit}`));
  pen.strokeStyle = explorer.css("--paper");
  pen.lineWidth = 1;
  pen.globalAlpha = 0.85;
  labels.forEach((label, n) => {
    if (!isIn(places[n])) return;
    pen.fillStyle = colours[label % 10];
    pen.beginPath();
    pen.arc(...places[n], 4.5, 0, 2 * Math.PI);
    pen.fill();
    pen.stroke();
  });
  pen.globalAlpha = 1;
}

/** Where the digits' names stand: at the medians of their dots in sight, none upon another. */
export function namesOf(places, labels) {
  const names = [];
  for (const digit of new Set(labels)) {
    const own = places.filter((place, n) => labels[n] === digit && isIn(place));
    if (own.length < NAMED) continue;
    const middle = [0, 1].map((axis) => own.map((place) => place[axis]).sort((a, b) => a - b)[own.length >> 1]);
    names.push([digit, middle]);
  }
  const moved = apart(names.map(([, middle]) => middle), 40);
  return names.map(([digit], n) => [digit, moved[n]]);
}

/** Paint names with a rim of paper, so that nothing hangs on the colours alone. */
export function paintNames(explorer, pen, names) {
  pen.font = "700 32px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineWidth = 8;
  pen.lineJoin = "round";
  pen.strokeStyle = explorer.css("--paper");
  pen.fillStyle = explorer.css("--text");
  for (const [digit, place] of names) {
    pen.strokeText(String(digit), ...place);
    pen.fillText(String(digit), ...place);
  }
}

/** Paint a ring around a place, narrow on a wider one of paper. @param {number[]} widths */
export function paintRing(explorer, canvas, place, radius, widths, colour) {
  const pen = canvas.getContext("2d");
  [explorer.css("--paper"), explorer.css(colour)].forEach((strokeStyle, n) => {
    Object.assign(pen, { lineWidth: widths[n], strokeStyle });
    pen.beginPath();
    pen.arc(...place.map((at) => clamp(at, radius, CLOUD - radius)), radius, 0, 2 * Math.PI);
    pen.stroke();
  });
}

/** Places pushed away from each other until no two are closer than `gap`. */
function apart(places, gap) {
  const moved = places.map((place) => [...place]);
  for (let round = 0; round < 60; round++) {
    moved.forEach((a, n) => moved.slice(n + 1).forEach((b) => {
      const [dx, dy] = [b[0] - a[0] || 1, b[1] - a[1] || 1];
      const far = Math.hypot(dx, dy);
      if (far >= gap) return;
      const by = (gap - far) / far / 4;
      [a[0], a[1], b[0], b[1]] = [a[0] - by * dx, a[1] - by * dy, b[0] + by * dx, b[1] + by * dy];
    }));
  }
  return moved;
}

/** A plane as one looks at it: as its points lie or by their rank, all of it or a part. */
export class MapOfPlane {
  /** @param {Float32Array} points two numbers each */
  constructor(points) {
    this.sorted = [0, 1].map((axis) => points.filter((_, n) => n % 2 === axis).sort());
    this.ends = this.sorted.map((all) => {
      const [low, high] = [0.01, 0.99].map((share) => all[Math.round(share * (all.length - 1))]);
      return [low - 0.06 * (high - low), high + 0.06 * (high - low)];
    });
    this.byRank = false;
    this.part = [0, 0, 1]; // its left, its lower end, and its side, in shares of the whole
  }

  /** A point in shares of the whole plane, across and up. */
  share(point) {
    return point.map((value, axis) => {
      const [low, high] = this.ends[axis];
      if (!this.byRank) return (value - low) / (high - low);
      const all = this.sorted[axis];
      let [from, to] = [0, all.length - 1];
      if (value <= all[from]) return 0;
      if (value >= all[to]) return 1;
      while (to - from > 1) {
        const middle = (from + to) >> 1;
        if (all[middle] <= value) from = middle;
        else to = middle;
      }
      return (from + (value - all[from]) / (all[to] - all[from] || 1)) / (all.length - 1);
    });
  }

  /** The point at such shares. */
  point(shares) {
    return shares.map((share, axis) => {
      const [low, high] = this.ends[axis];
      if (!this.byRank) return low + share * (high - low);
      const all = this.sorted[axis];
      const exact = clamp(share, 0, 1) * (all.length - 1);
      const before = Math.min(Math.floor(exact), all.length - 2);
      return all[before] + (exact - before) * (all[before + 1] - all[before]);
    });
  }

  /** Where a point is on the canvas. */
  toCanvas(point) {
    const [left, low, side] = this.part;
    const [across, up] = this.share(point);
    return [(CLOUD * (across - left)) / side, CLOUD * (1 - (up - low) / side)];
  }

  /** The point at a place of the canvas, in shares of its width and height. */
  fromCanvas(x, y) {
    const [left, low, side] = this.part;
    return this.point([left + x * side, low + (1 - y) * side]);
  }

  /** Look at a part: one that is `by` times as wide, with the same point at a place of the canvas. */
  zoom(by, x, y) {
    const [left, low, side] = this.part;
    const next = clamp(side * by, 1 / 16, 1);
    this.look([left + x * (side - next), low + (1 - y) * (side - next), next]);
  }

  look([left, low, side]) {
    const size = clamp(side, 1 / 16, 1);
    this.part = [clamp(left, 0, 1 - size), clamp(low, 0, 1 - size), size];
  }
}
