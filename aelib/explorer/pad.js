// The pad on which one draws.

import { ERASER } from "./digit.js";
import { Picture } from "./explorer.js";
import { SIDE, clamp } from "./measures.js";
import { KEYS, h, placeOn } from "./page.js";
import { say } from "./words.js";

const KEY_STEP = 0.04; // of the pad's side
const MIDST = [0.5, 0.5];

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
  const place = ({ clientX, clientY }) =>
    placeOn({ currentTarget: canvas, clientX, clientY }).map((at) => clamp(at, 0, 1));
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || finger !== null) return;
    canvas.setPointerCapture(event.pointerId);
    finger = event.pointerId;
    [cursor, down, hover] = [null, false, place(event)];
    desk.begin(hover, erases);
  });
  canvas.addEventListener("pointermove", (event) => {
    hover = place(event);
    if (event.pointerId !== finger) return erases && paint();
    // One event stands for several places that the pointer has passed since the last one.
    const passed = event.getCoalescedEvents?.() ?? [];
    return desk.extend((passed.length ? passed : [event]).map(place));
  });
  canvas.addEventListener("lostpointercapture", ({ pointerId }) => { // lifted, or taken away by the system
    if (pointerId === finger) finger = null;
  });
  canvas.addEventListener("keydown", (event) => {
    const { key, shiftKey } = event;
    const withControl = event.ctrlKey || event.metaKey;
    const command = withControl ? { z: shiftKey ? "redo" : "undo", y: "redo" }[key.toLowerCase()] : { Backspace: "undo", Delete: "clear" }[key];
    if (command) {
      down = false;
      desk[command]();
    } else if (withControl) {
      return;
    } else if (key === "Escape") {
      down = false;
    } else if (KEYS[key]) {
      const step = KEY_STEP * (shiftKey ? 0.25 : 1);
      cursor = (cursor ?? MIDST).map((at, axis) => clamp(at + step * KEYS[key][axis], 0.02, 0.98));
      if (down) desk.extend([cursor]);
    } else if (key === " " || key === "Enter") {
      cursor ??= MIDST;
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
    [cursor, down] = [null, false];
    paint();
  });
  canvas.addEventListener("focus", () => {
    if (canvas.matches(":focus-visible")) cursor ??= MIDST;
    paint();
  });

  const below = new Picture(explorer, ""); // what strokes are drawn upon
  function paint() {
    const pen = canvas.getContext("2d");
    const { base, strokes, ghost } = desk.drawing;
    const [ink, paper, quiet, accent] = [ghost ? "--quiet" : "--ink", "--paper", "--quiet", "--accent"].map((name) => explorer.css(name));
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
      pen.lineWidth = 560 * (stroke.erases ? ERASER : desk.breaks.pen / SIDE);
      pen.beginPath();
      for (const [x, y] of stroke.points) pen.lineTo(560 * x, 560 * y);
      const [x, y] = stroke.points.at(-1);
      pen.lineTo(560 * x, 560 * y + 0.1); // a path of one point would not be drawn
      pen.stroke();
    }
    if (!base && (ghost || !strokes.length)) {
      pen.fillStyle = quiet;
      pen.font = "500 34px system-ui, sans-serif";
      pen.textAlign = "center";
      pen.fillText(say`draw a digit here`, 280, ghost ? 536 : 290);
    }
    if (erases) ring(cursor ?? hover ?? MIDST, 280 * ERASER);
    else if (cursor) ring(cursor, down ? 10 : 18);
  }

  explorer.pictures.add({ paint });
  const erase = (own) => {
    [erases, hover] = [own, null];
    paint();
  };
  return { elements: [canvas, said], paint, erase };
}
