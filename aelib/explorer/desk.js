// The drawing that all views of a page look at.

import { PEN, UNBROKEN, broken, inked, prepare } from "./digit.js";
import { SIDE } from "./measures.js";
import { shared } from "./shelf.js";

const BLANK = { base: null, strokes: [] };

/**
 * A drawing with its history, and who wants to know of it.
 * A drawing is strokes, on a test digit or on blank paper, and what was done to break it. One with
 * `ghost` writes itself, until the first touch.
 */
export class Desk {
  constructor() {
    Object.assign(this, { drawing: BLANK, breaks: UNBROKEN, pen: PEN });
    /** @type {number | null} which digit the reader means; null: whatever is read */
    this.meant = null;
    this.history = [];
    this.listeners = new Set();
    this.changed();
  }

  /** Call `listener` after every change, with what was changed. Returns how to stop it. */
  listen(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Replace the drawing; `undo` comes back to the one before. */
  draw(drawing) {
    this.history.push(this.drawing.ghost ? BLANK : this.drawing);
    this.drawing = drawing;
    this.changed();
  }

  /** Begin a stroke at a point. */
  begin(point, erases) {
    const stroke = { points: [point], erases };
    const { base, strokes } = this.drawing.ghost ? BLANK : this.drawing;
    this.draw({ base, strokes: [...strokes, stroke] });
  }

  /** Lead the last stroke on to more points; nothing happens if it has been taken back. */
  extend(points) {
    const { strokes, ghost } = this.drawing;
    const last = strokes.at(-1);
    if (!last || ghost) return;
    const longer = { ...last, points: [...last.points, ...points] };
    this.drawing = { ...this.drawing, strokes: [...strokes.slice(0, -1), longer] };
    this.changed();
  }

  /** Put a test digit on the desk. @param {{image: Float32Array, label: number}} base */
  take(base) {
    this.meant = null;
    this.draw({ base, strokes: [] });
  }

  clear() {
    this.meant = null;
    this.draw(BLANK);
  }

  undo() {
    this.drawing = this.history.pop() ?? BLANK;
    this.changed();
  }

  /** Spoil the picture, or draw with another pen, in pixels of the 28. */
  break(breaks, pen = this.pen) {
    Object.assign(this, { breaks: { ...this.breaks, ...breaks }, pen });
    this.changed();
  }

  changed() {
    const { base, strokes } = this.drawing;
    this.steps = null;
    let clean = base?.image ?? null;
    if (base && strokes.length) {
      clean = inked(base.image, strokes, { scale: SIDE, x: 0, y: 0 }, this.pen);
    } else {
      this.steps = prepare(strokes, this.pen);
      clean = this.steps?.image ?? clean;
    }
    const image = clean && broken(clean, this.breaks);
    /** @type {Float32Array | null} what the models see; null while there is no ink */
    this.image = image && image.some((value) => value > 0.02) ? image : null;
    for (const listener of this.listeners) listener();
  }
}

/** The one desk of all explorers of a document, whichever of them came first. */
export const sharedDesk = () => (shared().desk ??= new Desk());
