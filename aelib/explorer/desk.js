// The drawing that all views of a page look at.

import { UNBROKEN, broken, distance, inked, prepare } from "./digit.js";
import { SIDE } from "./measures.js";
import { shared } from "./shelf.js";

const BLANK = { base: null, strokes: [] };
const FINEST = 0.004; // of the pad's side; a point closer to the last one is left out

/**
 * A drawing with its history, and who wants to know of it.
 * A drawing is strokes, on a test digit or on blank paper, and what was done to break it. One with
 * `ghost` writes itself, until the first touch.
 */
export class Desk {
  constructor() {
    Object.assign(this, { drawing: BLANK, breaks: UNBROKEN, past: [], future: [] });
    /** @type {number | null} which digit the reader means; null: whatever is read */
    this.meant = null;
    this.stroke = null; // that may be led on
    this.listeners = new Set(); // called after every change
    this.changed();
  }

  /** The reader's drawing: what writes itself is none. */
  get own() {
    return this.drawing.ghost ? BLANK : this.drawing;
  }

  /** Replace the drawing; `undo` comes back to the one before. */
  draw(drawing, stroke = null) {
    this.past.push(this.own);
    this.future = [];
    this.show(drawing, stroke);
  }

  /** Begin a stroke at a point. */
  begin(point, erases) {
    const stroke = { points: [point], erases };
    const { base, strokes } = this.own;
    this.draw({ base, strokes: [...strokes, stroke] }, stroke);
  }

  /** Lead the stroke on to more points, without those too near; nothing happens if it has been taken back. */
  extend(points) {
    if (!this.stroke) return;
    const all = [...this.stroke.points];
    for (const [x, y] of points) if (distance(x, y, all.at(-1)) > FINEST) all.push([x, y]);
    if (all.length === this.stroke.points.length) return;
    const longer = { ...this.stroke, points: all };
    const { base, strokes } = this.drawing;
    this.show({ base, strokes: strokes.with(-1, longer) }, longer);
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
    this.go(this.past, this.future);
  }

  redo() {
    this.go(this.future, this.past);
  }

  go(from, to) {
    if (!from.length) return;
    to.push(this.own);
    this.show(from.pop());
  }

  show(drawing, stroke = null) {
    Object.assign(this, { drawing, stroke });
    this.changed();
  }

  /** Spoil the picture, or draw with another pen. */
  break(breaks) {
    this.breaks = { ...this.breaks, ...breaks };
    this.changed();
  }

  changed() {
    const { base, strokes } = this.drawing;
    const { pen } = this.breaks;
    this.steps = base ? null : prepare(strokes, pen);
    const ownFrame = { scale: SIDE, x: 0, y: 0 };
    const upon = base && (strokes.length ? inked(base.image, strokes, ownFrame, pen) : base.image);
    const clean = upon ?? this.steps?.image;
    const image = clean && broken(clean, this.breaks);
    /** @type {Float32Array | null} what the models see; null while there is no ink */
    this.image = image?.some((value) => value > 0.02) ? image : null;
    for (const listener of this.listeners) listener();
  }
}

/** The one desk of all explorers of a document, whichever of them came first. */
export const sharedDesk = () => (shared().desk ??= new Desk());
