// Real digits as dots in a plane.

import { DIGITS, clamp, mix } from "./measures.js";

export const CLOUD = 840; // pixels of its canvas, each way
const NAMED = 6; // of so many dots of a digit in sight its name is shown
const NEAREST = 40; // pixels between two names

const isIn = (place) => place.every((at) => at >= 0 && at <= CLOUD);

/** Paint dots and the digits' names on paper. @param {number[][]} places [x, y] in pixels */
export function paintCloud(explorer, canvas, places, labels, under, names) {
  const pen = canvas.getContext("2d");
  paintDots(explorer, pen, places, labels, under);
  paintNames(explorer, pen, places, labels, names);
}

/** Paint dots in their digits' colours on paper, each with a thin edge of it. @param {(pen) => void} under paints below them */
export function paintDots(explorer, pen, places, labels, under = () => {}) {
  pen.fillStyle = pen.strokeStyle = explorer.css("--paper");
  pen.fillRect(0, 0, CLOUD, CLOUD);
  under(pen);
  const colours = DIGITS.map((digit) => explorer.css(`--digit-${digit}`));
  Object.assign(pen, { lineWidth: 1, globalAlpha: 0.85 });
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

/** Paint names with a rim of paper, so that nothing hangs on the colours alone. */
export function paintNames(explorer, pen, places, labels, names = DIGITS) {
  Object.assign(pen, { font: "700 32px system-ui, sans-serif", textAlign: "center", textBaseline: "middle" });
  Object.assign(pen, { lineWidth: 8, lineJoin: "round", strokeStyle: explorer.css("--paper"), fillStyle: explorer.css("--text") });
  for (const [label, place] of namesOf(places, labels)) {
    pen.strokeText(names[label], ...place);
    pen.fillText(names[label], ...place);
  }
}

/** Where the digits' names stand: at the medians of their dots in sight, pushed apart until none is upon another. */
function namesOf(places, labels) {
  const names = [...new Set(labels)].flatMap((label) => {
    const own = places.filter((place, n) => labels[n] === label && isIn(place));
    const median = (axis) => own.map((place) => place[axis]).sort((a, b) => a - b)[own.length >> 1];
    return own.length < NAMED ? [] : [[label, [median(0), median(1)]]];
  });
  for (let round = 0; round < 60; round++) {
    names.forEach(([, a], n) => names.slice(n + 1).forEach(([, b]) => {
      const [dx, dy] = [b[0] - a[0] || 1, b[1] - a[1] || 1];
      const far = Math.hypot(dx, dy);
      const by = Math.max(NEAREST - far, 0) / far / 4;
      [a[0], a[1], b[0], b[1]] = [a[0] - by * dx, a[1] - by * dy, b[0] + by * dx, b[1] + by * dy];
    }));
  }
  return names;
}

/** Stroke a way, narrow on a wider one of paper. @param {number[]} widths the wider one's, and its own */
export function strokeWay(explorer, pen, way, widths, colour) {
  ["--paper", colour].forEach((name, n) => {
    Object.assign(pen, { lineWidth: widths[n], lineCap: "round", lineJoin: "round", strokeStyle: explorer.css(name) });
    pen.stroke(way);
  });
}

/** Paint a ring around a place. */
export function paintRing(explorer, canvas, place, radius, widths, colour) {
  const way = new Path2D();
  way.arc(...place.map((at) => clamp(at, radius, CLOUD - radius)), radius, 0, 2 * Math.PI);
  strokeWay(explorer, canvas.getContext("2d"), way, widths, colour);
}

/** A plane as one looks at it: as its points lie or by their rank, all of it or a part. Places on the canvas are in its pixels. */
export class MapOfPlane {
  part = [0, 0, 1]; // its left, its lower end, and its side, in shares of the whole

  /** @param {number[][]} points */
  constructor(points) {
    this.sorted = [0, 1].map((axis) => points.map((point) => point[axis]).sort((a, b) => a - b));
    this.ends = this.sorted.map((all) => {
      const [low, high] = [0.01, 0.99].map((share) => all[Math.round(share * (all.length - 1))]);
      return [low - 0.06 * (high - low), high + 0.06 * (high - low)];
    });
    this.scale(false);
  }

  /** On each axis some marks lie evenly spaced: the two ends, or all points. */
  scale(byRank) {
    this.marks = byRank ? this.sorted : this.ends;
  }

  /** Where a point is in the whole plane, from 0 to 1 across and up. */
  share(point) {
    return point.map((value, axis) => {
      const marks = this.marks[axis];
      const above = marks.findIndex((mark, n) => n > 0 && mark > value);
      const n = above < 0 ? marks.length - 1 : above;
      return (n - 1 + (value - marks[n - 1]) / (marks[n] - marks[n - 1] || 1)) / (marks.length - 1);
    });
  }

  /** The point at such shares. */
  point(shares) {
    return shares.map((share, axis) => {
      const marks = this.marks[axis];
      const at = share * (marks.length - 1);
      const n = clamp(Math.floor(at), 0, marks.length - 2);
      return mix(marks[n], marks[n + 1], at - n);
    });
  }

  toCanvas(point) {
    const [left, low, side] = this.part;
    const [across, up] = this.share(point);
    return [(CLOUD * (across - left)) / side, CLOUD * (1 - (up - low) / side)];
  }

  fromCanvas([x, y]) {
    const [left, low, side] = this.part;
    return this.point([left + (side * x) / CLOUD, low + side * (1 - y / CLOUD)]);
  }

  look([left, low, side]) {
    const size = clamp(side, 1 / 16, 1);
    this.part = [clamp(left, 0, 1 - size), clamp(low, 0, 1 - size), size];
  }

  /** Look at a part that is `by` times as wide, with the same point at a place of the canvas. */
  zoom(by, [x, y]) {
    const [left, low, side] = this.part;
    const next = clamp(side * by, 1 / 16, 1);
    this.look([left + (x / CLOUD) * (side - next), low + (1 - y / CLOUD) * (side - next), next]);
  }
}
