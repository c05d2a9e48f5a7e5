// Real digits as dots in a plane.

import { DIGITS, clamp } from "./measures.js";

export const CLOUD = 840; // pixels of its canvas, each way

/**
 * Paint dots in their digits' colours, and each digit's name at the median of its dots, so that
 * nothing hangs on the colours alone.
 * @param {number[][]} places [x, y] in pixels @param {number[]} labels
 * @param {(pen: CanvasRenderingContext2D) => void} [under] paints what lies under them
 */
export function paintCloud(explorer, canvas, places, labels, under = () => {}) {
  const pen = canvas.getContext("2d");
  const colours = DIGITS.map((digit) => explorer.css(`--digit-${digit}`));
  pen.globalAlpha = 1;
  pen.fillStyle = explorer.css("--paper");
  pen.fillRect(0, 0, CLOUD, CLOUD);
  under(pen);
  pen.globalAlpha = 0.75;
  labels.forEach((label, n) => {
    pen.fillStyle = colours[label];
    pen.beginPath();
    pen.arc(...places[n], 4, 0, 2 * Math.PI);
    pen.fill();
  });
  pen.globalAlpha = 1;
  pen.font = "700 36px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineWidth = 8;
  pen.lineJoin = "round";
  pen.strokeStyle = explorer.css("--paper");
  pen.fillStyle = explorer.css("--text");
  const middles = DIGITS.map((digit) => {
    const own = places.filter((_, n) => labels[n] === digit);
    return [0, 1].map((axis) => own.map((place) => place[axis]).sort((a, b) => a - b)[own.length >> 1]);
  });
  apart(middles, 40).forEach(([x, y], digit) => {
    pen.strokeText(String(digit), x, y);
    pen.fillText(String(digit), x, y);
  });
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
