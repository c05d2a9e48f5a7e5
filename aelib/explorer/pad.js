// The pad on which one draws.

import { ERASER } from "./digit.js";
import { Picture } from "./explorer.js";
import { SIDE, clamp } from "./measures.js";
import { KEYS, h } from "./page.js";
import { say } from "./words.js";

const KEY_STEP = 0.04; // of the pad's side
const FINEST = 0.004; // of the pad's side; points closer than that are left out

/**
 * The drawing pad: paper that a mouse, fingers and the keyboard draw on.
 * `erase(true)` takes the eraser into the hand, `erase(false)` the pen. A ring shows the eraser's size
 * at the pointer, and in the middle of the pad before there is one.
 */
export function makePad(explorer) {
  const { desk } = explorer;
  const canvas = h("canvas.pad", {
    width: 560, height: 560, tabindex: 0, role: "application",
    "aria-roledescription": say`drawing pad`,
    "aria-label": say`Draw a digit here. With the keyboard: arrow keys move, Space lowers and lifts the pen, Backspace undoes, Delete clears.`,
  });
  const said = h("p.hidden", { role: "status" });
  let erases = false;
  let cursor = null; // where the keyboard's pen is, once it has been used
  let down = false; // whether the keyboard's pen is
  let finger = null; // the pointer that draws; others that join it do nothing
  let hover = null; // where a pointer is

  // Who slips off the pad draws along its edge: what counts is what is seen.
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((at) => clamp(at, 0, 1));
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || finger !== null) return;
    canvas.setPointerCapture(event.pointerId);
    finger = event.pointerId;
    cursor = null;
    down = false;
    hover = place(event);
    desk.begin(hover, erases);
  });
  canvas.addEventListener("pointermove", (event) => {
    hover = place(event);
    if (event.pointerId !== finger) {
      if (erases) paint();
      return;
    }
    // One event stands for several places that the pointer has passed since the last one.
    const passed = event.getCoalescedEvents?.() ?? [];
    const points = (passed.length ? passed : [event]).map(place);
    let last = desk.drawing.strokes.at(-1)?.points.at(-1);
    if (!last) return; // taken back while it was being drawn
    const apart = points.filter((point) => {
      const far = Math.hypot(point[0] - last[0], point[1] - last[1]) > FINEST;
      if (far) last = point;
      return far;
    });
    if (apart.length) desk.extend(apart);
  });
  const lift = (event) => {
    if (event.pointerId === finger) finger = null;
  };
  for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(kind, lift);
  }
  canvas.addEventListener("keydown", (event) => {
    const undoes = event.key === "Backspace" || ((event.ctrlKey || event.metaKey) && event.key === "z");
    if (undoes || event.key === "Delete" || event.key === "Escape") {
      down = false;
      if (undoes) desk.undo();
      else if (event.key === "Delete") desk.clear();
    } else if (event.ctrlKey || event.metaKey) {
      return;
    } else if (KEYS[event.key]) {
      const step = KEY_STEP * (event.shiftKey ? 0.25 : 1);
      const [dx, dy] = KEYS[event.key];
      const [x, y] = cursor ?? [0.5, 0.5];
      cursor = [clamp(x + step * dx, 0.02, 0.98), clamp(y + step * dy, 0.02, 0.98)];
      if (down) desk.extend([cursor]);
    } else if (event.key === " " || event.key === "Enter") {
      cursor ??= [0.5, 0.5];
      if (!event.repeat) down = !down;
      if (down && !event.repeat) desk.begin(cursor, erases);
      said.textContent = down ? say`pen down` : say`pen up`;
    } else {
      return;
    }
    event.preventDefault();
    paint();
  });
  canvas.addEventListener("blur", () => {
    down = false;
    cursor = null;
    paint();
  });
  canvas.addEventListener("focus", () => {
    if (canvas.matches(":focus-visible")) cursor ??= [0.5, 0.5];
    paint();
  });

  const below = new Picture(explorer, ""); // what strokes are drawn upon
  function paint() {
    const pen = canvas.getContext("2d");
    const { base, strokes, ghost } = desk.drawing;
    const [ink, paper, accent] = [ghost ? "--quiet" : "--ink", "--paper", "--accent"].map((name) => explorer.css(name));
    const ring = ([x, y], radius) => {
      pen.strokeStyle = accent;
      pen.lineWidth = 4;
      pen.beginPath();
      pen.arc(560 * x, 560 * y, radius, 0, 2 * Math.PI);
      pen.stroke();
    };
    pen.fillStyle = paper;
    pen.fillRect(0, 0, 560, 560);
    if (base) {
      below.show(base.image);
      pen.imageSmoothingEnabled = false;
      pen.drawImage(below.canvas, 0, 0, 560, 560);
    }
    pen.lineCap = pen.lineJoin = "round";
    for (const stroke of strokes) {
      pen.strokeStyle = stroke.erases ? paper : ink;
      pen.lineWidth = 560 * (stroke.erases ? ERASER : desk.pen / SIDE);
      pen.beginPath();
      stroke.points.forEach(([x, y]) => pen.lineTo(560 * x, 560 * y));
      if (stroke.points.length === 1) pen.lineTo(560 * stroke.points[0][0], 560 * stroke.points[0][1] + 0.1);
      pen.stroke();
    }
    if (!base && (ghost || !strokes.length)) {
      pen.fillStyle = explorer.css("--quiet");
      pen.font = "500 34px system-ui, sans-serif";
      pen.textAlign = "center";
      pen.fillText(say`draw a digit here`, 280, ghost ? 536 : 290);
    }
    const keyed = cursor && canvas.matches(":focus");
    if (erases) ring((keyed && cursor) || hover || [0.5, 0.5], 280 * ERASER);
    else if (keyed) ring(cursor, down ? 10 : 18);
  }

  explorer.painters.add(paint);
  const erase = (own) => {
    erases = own;
    hover = null;
    paint();
  };
  return { elements: [canvas, said], paint, erase };
}
