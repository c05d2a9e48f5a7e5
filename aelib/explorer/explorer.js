// The explorer: a drawing pad, the course's networks, and views of what they make of a digit.
//
// One module without dependencies, for a notebook's output, for a Jupyter widget (anywidget:
// `export default`), and for explorer.html. Nothing is fetched from anywhere: models and
// pictures come in a payload that `aelib/explorer/__init__.py` has packed.
//
// From top to bottom:  1 packed numbers  2 the network  3 from strokes to a digit
// 4 measures  5 the desk  6 parts of a page  7 the pad  8 the views  9 mounting

/** @typedef {{data: Float32Array, channels: number, side: number}} Maps square feature maps */
/** @typedef {{shape: number[], bits: number, low: number, step: number, data: string}} Packed */
/** @typedef {{points: number[][], erases: boolean}} Stroke points in units of the pad's side */
/** @typedef {{scale: number, x: number, y: number}} Frame pixel = scale * point + (x, y) */

const SIDE = 28;
const PIXELS = SIDE * SIDE;
const DIGITS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

// === 1 Packed numbers ======================================================================

/** What a reader should know of something that is not there; said in its place. */
class Missing extends Error {}

/**
 * Undo base64 and deflate, which comes with a check of its own.
 * @param {string} text @param {number} count of bytes that it stands for @returns {Promise<Uint8Array>}
 */
async function inflated(text, count) {
  let all = null;
  try {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    all = new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    // what is said below
  }
  if (all?.length !== count) throw new Missing("A part of this explorer is damaged.");
  return all;
}

/** How many bytes so many packed integers take. */
const packedBytes = (count, bits) => count + Math.ceil((count * Math.max(bits - 8, 0)) / 8);

/**
 * Read integers of which the upper 8 bits come first, all of them, and then the rest.
 * @param {Uint8Array} bytes @param {number} count @param {number} bits of each integer
 */
function integers(bytes, count, bits) {
  const low = Math.max(bits - 8, 0);
  const values = new Uint16Array(count);
  let held = 0; // bits that have been read but not used yet, and how many they are
  let waiting = 0;
  let next = count;
  for (let n = 0; n < count; n++) {
    while (waiting < low) {
      held = ((held << 8) | bytes[next++]) & 0xffff;
      waiting += 8;
    }
    waiting -= low;
    values[n] = (bytes[n] << low) | ((held >> waiting) & ((1 << low) - 1));
  }
  return values;
}

/** Unpack numbers of any shape. @param {Packed} packed @returns {Promise<Float32Array>} */
async function unpacked({ shape, bits, low, step, data }) {
  const count = shape.reduce((product, size) => product * size, 1);
  const bytes = await inflated(data, packedBytes(count, bits));
  return Float32Array.from(integers(bytes, count, bits), (n) => low + step * n);
}

/** Unpack a model: its layers get their weights and biases. @returns {Promise<Model>} */
async function unpackedModel(packed) {
  const weighted = Object.values(packed.parts).flat().filter((layer) => "outputs" in layer);
  const sizes = weighted.map(
    ({ inputs, outputs, kernel = 1 }) => inputs * outputs * kernel * kernel,
  );
  const outputs = weighted.reduce((sum, layer) => sum + layer.outputs, 0);
  const count = sizes.reduce((sum, size) => sum + size, 0);
  const bytes = await inflated(packed.data, 8 * outputs + packedBytes(count, packed.bits));
  const floats = new Float32Array(bytes.buffer, 0, 2 * outputs);
  const all = integers(bytes.subarray(floats.byteLength), count, packed.bits);
  const middle = 2 ** (packed.bits - 1);
  const ready = new Map();
  let place = 0;
  let start = 0;
  weighted.forEach((layer, n) => {
    const scale = floats.subarray(place, place + layer.outputs);
    const bias = floats.subarray(place + layer.outputs, place + 2 * layer.outputs);
    const each = sizes[n] / layer.outputs || 1; // weights of one output channel
    const weight = Float32Array.from(
      all.subarray(start, start + sizes[n]),
      (integer, at) => (integer - middle) * scale[Math.floor(at / each)],
    );
    ready.set(layer, { ...layer, weight, bias });
    place += 2 * layer.outputs;
    start += sizes[n];
  });
  const parts = {};
  for (const [name, layers] of Object.entries(packed.parts)) {
    parts[name] = layers.map((layer) => ready.get(layer) ?? layer);
  }
  return new Model(parts, packed.offset);
}

// === 2 The network =========================================================================

/** A trained network: what aelib's `encode`, `decode` and the judge do, for one picture. */
class Model {
  /** @param {Object<string, object[]>} parts @param {number} offset taken from every pixel */
  constructor(parts, offset) {
    this.parts = parts;
    this.offset = offset;
  }

  /** A picture's code. @param {Float32Array} image 784 numbers in [0, 1] */
  encode(image) {
    return run(this.parts.encoder, image.map((value) => value - this.offset));
  }

  /** The picture, 784 numbers in [0, 1], that a code means. @param {Float32Array} code */
  decode(code) {
    return run(this.parts.decoder, code);
  }

  /** What the network makes of a picture. @param {Float32Array} image */
  reconstruct(image) {
    return this.decode(this.encode(image));
  }

  /** How sure the judge is of each digit: ten shares that add up to 1. */
  read(image) {
    const scores = run(this.parts.classifier, image.map((value) => clamp(value, 0, 1)));
    const powers = scores.map((score) => Math.exp(score - Math.max(...scores)));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / sum);
  }
}

/** Send numbers through layers. A list counts as maps of one pixel, and the other way round. */
function run(layers, numbers) {
  const square = numbers.length === PIXELS;
  let maps = { data: numbers, channels: square ? 1 : numbers.length, side: square ? SIDE : 1 };
  for (const layer of layers) maps = LAYERS[layer.kind](maps, layer);
  return maps.data;
}

/** @param {number} channels @param {number} side @returns {Maps} */
const blank = (channels, side) => ({
  data: new Float32Array(channels * side * side),
  channels,
  side,
});

/**
 * Which n of 0 .. count - 1 have n * stride + shift inside 0 .. limit - 1: the first and the
 * last. It keeps the loops below free of questions about the border.
 */
function inside(count, stride, shift, limit) {
  const first = Math.max(0, Math.ceil(-shift / stride));
  const last = Math.min(count - 1, Math.floor((limit - 1 - shift) / stride));
  return [first, last];
}

/** Every output pixel is a weighted sum of a small window of the input. */
function convolution(input, { inputs, outputs, kernel, stride, padding, weight, bias }) {
  const from = input.side;
  const side = Math.floor((from + padding[0] + padding[1] - kernel) / stride) + 1;
  const output = blank(outputs, side);
  for (let o = 0; o < outputs; o++) {
    output.data.fill(bias[o], o * side * side, (o + 1) * side * side);
    for (let i = 0; i < inputs; i++) {
      for (let row = 0; row < kernel; row++) {
        const [top, bottom] = inside(side, stride, row - padding[0], from);
        for (let column = 0; column < kernel; column++) {
          const [left, right] = inside(side, stride, column - padding[0], from);
          const factor = weight[((o * inputs + i) * kernel + row) * kernel + column];
          for (let y = top; y <= bottom; y++) {
            const line = (i * from + y * stride + row - padding[0]) * from + column - padding[0];
            const target = (o * side + y) * side;
            for (let x = left; x <= right; x++) {
              output.data[target + x] += factor * input.data[line + x * stride];
            }
          }
        }
      }
    }
  }
  return output;
}

/** Every input pixel presses its kernel, like a rubber stamp, onto the output. */
function transposedConvolution(input, layer) {
  const { inputs, outputs, kernel, stride, padding, weight, bias } = layer;
  const from = input.side;
  const side = (from - 1) * stride + kernel - padding[0] - padding[1];
  const output = blank(outputs, side);
  for (let o = 0; o < outputs; o++) {
    output.data.fill(bias[o], o * side * side, (o + 1) * side * side);
    for (let i = 0; i < inputs; i++) {
      for (let row = 0; row < kernel; row++) {
        const [top, bottom] = inside(from, stride, row - padding[0], side);
        for (let column = 0; column < kernel; column++) {
          const [left, right] = inside(from, stride, column - padding[0], side);
          const factor = weight[((o * inputs + i) * kernel + row) * kernel + column];
          for (let y = top; y <= bottom; y++) {
            const line = (i * from + y) * from;
            const target = (o * side + y * stride + row - padding[0]) * side + column - padding[0];
            for (let x = left; x <= right; x++) {
              output.data[target + x * stride] += factor * input.data[line + x];
            }
          }
        }
      }
    }
  }
  return output;
}

/** Every output number is a weighted sum of all inputs. */
function linear(input, { inputs, outputs, weight, bias }) {
  const output = new Float32Array(outputs);
  for (let o = 0; o < outputs; o++) {
    let sum = bias[o];
    for (let i = 0; i < inputs; i++) sum += weight[o * inputs + i] * input.data[i];
    output[o] = sum;
  }
  // 288 numbers stand for 32 maps of 3 x 3; other lists stay lists.
  return outputs === 288
    ? { data: output, channels: 32, side: 3 }
    : { data: output, channels: outputs, side: 1 };
}

/** Enlarge by repeating the nearest pixel. */
function nearest(input, { size }) {
  const output = blank(input.channels, size);
  const source = (place) => Math.floor((place * input.side) / size);
  for (let c = 0; c < input.channels; c++) {
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        output.data[(c * size + y) * size + x] =
          input.data[(c * input.side + source(y)) * input.side + source(x)];
      }
    }
  }
  return output;
}

/** Enlarge by mixing the four nearest pixels. */
function bilinear(input, { size }) {
  const output = blank(input.channels, size);
  const places = Array.from({ length: size }, (_, n) => {
    const exact = Math.max(((n + 0.5) * input.side) / size - 0.5, 0);
    const before = Math.min(Math.floor(exact), input.side - 1);
    return { before, after: Math.min(before + 1, input.side - 1), share: exact - before };
  });
  for (let c = 0; c < input.channels; c++) {
    const pixel = (y, x) => input.data[(c * input.side + y) * input.side + x];
    for (let y = 0; y < size; y++) {
      const down = places[y];
      for (let x = 0; x < size; x++) {
        const across = places[x];
        const above = mix(pixel(down.before, across.before), pixel(down.before, across.after), across.share);
        const below = mix(pixel(down.after, across.before), pixel(down.after, across.after), across.share);
        output.data[(c * size + y) * size + x] = mix(above, below, down.share);
      }
    }
  }
  return output;
}

/** Weave four maps into one of twice the side, cut to `size`. */
function pixelShuffle(input, { size }) {
  const output = blank(input.channels / 4, size);
  for (let c = 0; c < output.channels; c++) {
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const map = 4 * c + 2 * (y % 2) + (x % 2);
        output.data[(c * size + y) * size + x] =
          input.data[(map * input.side + (y >> 1)) * input.side + (x >> 1)];
      }
    }
  }
  return output;
}

/** Keep the largest pixel of every square of 2 x 2. */
function largest(input) {
  const side = Math.floor(input.side / 2);
  const output = blank(input.channels, side);
  for (let c = 0; c < input.channels; c++) {
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const at = (c * input.side + 2 * y) * input.side + 2 * x;
        const below = at + input.side;
        const { data } = input;
        output.data[(c * side + y) * side + x] = Math.max(
          data[at], data[at + 1], data[below], data[below + 1],
        );
      }
    }
  }
  return output;
}

const eachNumber = (change) => (input) => ({ ...input, data: input.data.map(change) });

const LAYERS = {
  convolution,
  "transposed convolution": transposedConvolution,
  linear,
  nearest,
  bilinear,
  "pixel shuffle": pixelShuffle,
  "largest of 2 x 2": largest,
  relu: eachNumber((value) => Math.max(value, 0)),
  sigmoid: eachNumber((value) => 1 / (1 + Math.exp(-value))),
};

/** PCA: the best autoencoder without bends, for every size up to that of its basis. */
class LinearAutoencoder {
  /** @param {Float32Array} mean @param {Float32Array} components one after the other */
  constructor(mean, components) {
    this.mean = mean;
    this.components = components;
  }

  /** The best picture from `size` numbers; a little of it may leave [0, 1]. */
  reconstruct(image, size) {
    const drawn = Float32Array.from(this.mean);
    for (let n = 0; n < size; n++) {
      const component = this.components.subarray(n * PIXELS, (n + 1) * PIXELS);
      let number = 0;
      for (let p = 0; p < PIXELS; p++) number += component[p] * (image[p] - this.mean[p]);
      for (let p = 0; p < PIXELS; p++) drawn[p] += number * component[p];
    }
    return drawn;
  }
}

// === 3 From strokes to a digit =============================================================

// What MNIST's makers did with every digit: a box of 20 pixels, then the centre of mass in
// the middle of 28. The pen is as thick as MNIST's, however large one draws.
const BOX = 20;
const PEN = 2.6; // pixels of the 28
const SOFT = 2; // pixels over which the edge of a stroke fades: its anti-aliasing and a slight blur
const SMALLEST = 0.1; // of the pad's side; a smaller drawing is not enlarged beyond that
const ERASER = 4.5; // pixels
const MIDDLE = SIDE / 2 + 0.5; // MNIST's centres of mass lie in pixel 14 of 0 to 27: in its middle

/** How far a point lies from the straight line between two others. */
function distance(x, y, [ax, ay], [bx, by]) {
  const length = (bx - ax) ** 2 + (by - ay) ** 2;
  const share = length ? clamp(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length, 0, 1) : 0;
  return Math.hypot(x - ax - share * (bx - ax), y - ay - share * (by - ay));
}

/** How much of each pixel a round pen covers, from 0 to 1, on its way along points. */
function coverage(points, frame, pen) {
  const covered = new Float32Array(PIXELS);
  const path = points.map(([x, y]) => [frame.scale * x + frame.x, frame.scale * y + frame.y]);
  const reach = pen / 2 + SOFT / 2;
  for (let n = 0; n < path.length; n++) {
    const [a, b] = [path[Math.max(n - 1, 0)], path[n]];
    const left = Math.max(0, Math.floor(Math.min(a[0], b[0]) - reach));
    const right = Math.min(SIDE - 1, Math.ceil(Math.max(a[0], b[0]) + reach));
    const top = Math.max(0, Math.floor(Math.min(a[1], b[1]) - reach));
    const bottom = Math.min(SIDE - 1, Math.ceil(Math.max(a[1], b[1]) + reach));
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const away = distance(x + 0.5, y + 0.5, a, b); // from the middle of the pixel
        const here = clamp(0.5 + (pen / 2 - away) / SOFT, 0, 1);
        if (here > covered[y * SIDE + x]) covered[y * SIDE + x] = here;
      }
    }
  }
  return covered;
}

/** Draw strokes, in their order, onto a picture. @param {Stroke[]} strokes */
function inked(picture, strokes, frame, pen) {
  const result = Float32Array.from(picture);
  for (const { points, erases } of strokes) {
    const covered = coverage(points, frame, erases ? ERASER : pen);
    for (let p = 0; p < PIXELS; p++) {
      result[p] = erases ? result[p] * (1 - covered[p]) : Math.max(result[p], covered[p]);
    }
  }
  return result;
}

/** The frame that puts strokes, with their pen, into a box of 20 in the middle of 28. */
function boxed(strokes, pen) {
  const points = strokes.flatMap((stroke) => stroke.points);
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  const [left, right] = range(xs);
  const [top, bottom] = range(ys);
  const scale = (BOX - pen) / Math.max(right - left, bottom - top, SMALLEST);
  return {
    scale,
    x: SIDE / 2 - (scale * (left + right)) / 2,
    y: SIDE / 2 - (scale * (top + bottom)) / 2,
  };
}

/** Where the ink of a picture balances: [x, y] in pixels. */
function centreOfMass(picture) {
  let [ink, across, down] = [0, 0, 0];
  picture.forEach((value, p) => {
    ink += value;
    across += value * ((p % SIDE) + 0.5);
    down += value * (Math.floor(p / SIDE) + 0.5);
  });
  return [across / ink, down / ink];
}

/**
 * Prepare a drawing as MNIST is: scale its paths, ink them, balance them in the middle.
 * @param {Stroke[]} strokes @param {number} pen in pixels of the 28
 * @returns {{boxed: Float32Array, image: Float32Array, frame: Frame, moved: number[]}}
 */
export function prepare(strokes, pen = PEN) {
  const drawn = strokes.filter((stroke) => !stroke.erases);
  const paper = new Float32Array(PIXELS);
  const box = boxed(drawn, pen);
  const first = inked(paper, drawn, box, pen);
  const [x, y] = centreOfMass(first);
  const moved = [MIDDLE - x, MIDDLE - y];
  const frame = { scale: box.scale, x: box.x + moved[0], y: box.y + moved[1] };
  // The paths are moved and inked again: nothing is blurred by the shift.
  return { boxed: first, image: inked(paper, strokes, frame, pen), frame, moved };
}

/** A picture turned about its middle (degrees, clockwise) and shifted (pixels). */
function moved(picture, { turn, right, down }) {
  const angle = (turn * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const middle = (SIDE - 1) / 2;
  const pixel = (x, y) => (x >= 0 && y >= 0 && x < SIDE && y < SIDE ? picture[y * SIDE + x] : 0);
  return picture.map((_, p) => {
    const x = (p % SIDE) - middle - right;
    const y = Math.floor(p / SIDE) - middle - down;
    const [sx, sy] = [cos * x + sin * y + middle, cos * y - sin * x + middle];
    const [left, top] = [Math.floor(sx), Math.floor(sy)];
    const above = mix(pixel(left, top), pixel(left + 1, top), sx - left);
    const below = mix(pixel(left, top + 1), pixel(left + 1, top + 1), sx - left);
    return mix(above, below, sy - top);
  });
}

// The same noise every time, so that a slider changes its strength and nothing else.
const NOISE = (() => {
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 1) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  return Float32Array.from({ length: PIXELS }, normal);
})();

const UNBROKEN = { noise: 0, turn: 0, right: 0, down: 0 };

/** A picture with everything done to it that a reader asked for. */
function broken(picture, breaks) {
  const { noise, turn, right, down } = breaks;
  const shifted = turn || right || down ? moved(picture, breaks) : picture;
  return noise ? shifted.map((value, p) => clamp(value + noise * NOISE[p], 0, 1)) : shifted;
}

// === 4 Measures ============================================================================

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const mix = (a, b, share) => a + share * (b - a);

/** The least and the largest of many numbers. */
function range(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** The mean of the squared differences of two pictures. */
function meanSquaredError(a, b) {
  let sum = 0;
  for (let p = 0; p < a.length; p++) sum += (a[p] - b[p]) ** 2;
  return sum / a.length;
}

/**
 * Which share of many values, of which evenly spaced quantiles are known, lies below a value.
 * @param {Float32Array} quantiles rising, from the least value to the largest
 */
function shareBelow(quantiles, value) {
  const last = quantiles.length - 1;
  if (value <= quantiles[0]) return 0;
  if (value >= quantiles[last]) return 1;
  let n = 0;
  while (quantiles[n + 1] < value) n++;
  const step = quantiles[n + 1] - quantiles[n];
  return (n + (step ? (value - quantiles[n]) / step : 0)) / last;
}

/** The place of the largest number. */
const argmax = (values) => values.reduce((best, value, n) => (value > values[best] ? n : best), 0);

// === 5 The desk ============================================================================

/**
 * The one drawing that all views of a page look at, with its history.
 * A drawing is strokes, on a test digit or on blank paper, and what was done to break it.
 */
class Desk {
  constructor() {
    this.drawing = { base: null, strokes: [] };
    this.breaks = UNBROKEN;
    this.pen = PEN;
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
    this.history.push(this.drawing);
    this.drawing = drawing;
    this.changed();
  }

  /** Begin a stroke at a point. */
  begin(point, erases) {
    const stroke = { points: [point], erases };
    this.draw({ ...this.drawing, strokes: [...this.drawing.strokes, stroke] });
  }

  /** Lead the last stroke on to more points; nothing happens if it has been taken back. */
  extend(points) {
    const { strokes } = this.drawing;
    const last = strokes.at(-1);
    if (!last) return;
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
    this.draw({ base: null, strokes: [] });
  }

  undo() {
    if (!this.history.length) return;
    this.drawing = this.history.pop();
    this.changed();
  }

  break(breaks) {
    this.breaks = { ...this.breaks, ...breaks };
    this.changed();
  }

  /** Take another pen. @param {number} pen in pixels of the 28 */
  takePen(pen) {
    this.pen = pen;
    this.changed();
  }

  changed() {
    const { base, strokes } = this.drawing;
    this.steps = null;
    let clean = base?.image ?? null;
    if (base && strokes.length) {
      clean = inked(base.image, strokes, { scale: SIDE, x: 0, y: 0 }, this.pen);
    } else if (strokes.some((stroke) => !stroke.erases)) {
      this.steps = prepare(strokes, this.pen);
      clean = this.steps.image;
    }
    const image = clean && broken(clean, this.breaks);
    /** @type {Float32Array | null} what the models see; null while there is no ink */
    this.image = image && image.some((value) => value > 0.02) ? image : null;
    for (const listener of this.listeners) listener();
  }
}

// One desk and one shelf of models for all explorers of a document, whichever of them came
// first. The number is that of the payload's form: an older saved output keeps its own.
const FORM = 1;
const SHARED = Symbol.for(`aelib explorer ${FORM}`);
const shared = () =>
  (globalThis[SHARED] ??= { desk: new Desk(), models: new Map(), codes: new Map() });

// === 6 Parts of a page =====================================================================

/** Make an element: `h("p.quiet", {id: "x", onclick: f}, "text", child)`. */
function h(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  setAll(element, attributes);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** The same for drawings: `svg("circle", {cx: 1, cy: 2, r: 3})`. */
function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  setAll(element, attributes);
  element.append(...children);
  return element;
}

function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
}

const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)} %`;

/** A number with three significant digits, in plain notation. */
const short = (value) => (value === 0 ? "0" : String(Number(value.toPrecision(3))));

/** A button with words. */
const button = (words, onclick, attributes = {}) =>
  h("button", { type: "button", onclick, ...attributes }, words);

/**
 * A slider with its name before it and its value in words behind it.
 * @param {object} options min, max, step, value; words(value); change(value)
 */
function slider(name, { min, max, step = 1, value, words = String, change }) {
  const input = h("input", { type: "range", min, max, step, "aria-label": name });
  // No <output>: the handle says its value, and a second voice would say it again.
  const said = h("span.value", { "aria-hidden": "true" });
  const show = () => {
    const text = words(Number(input.value));
    said.textContent = text;
    input.setAttribute("aria-valuetext", text);
  };
  input.value = value;
  input.addEventListener("input", () => {
    show();
    change(Number(input.value));
  });
  show();
  return {
    element: h("label.slider", {}, h("span", {}, name), input, said),
    get value() {
      return Number(input.value);
    },
    /** Move the handle without telling anybody. */
    set(next) {
      input.value = next;
      show();
    },
    /** Change the ends. */
    limit(low, high, by = step) {
      Object.assign(input, { min: low, max: high, step: by });
      show();
    },
  };
}

/** A list to choose one thing from. @param {[string, string][]} options values and words */
function choice(name, options, value, change) {
  const trouble = h("span.missing", { role: "alert", hidden: "" });
  const choose = async () => {
    trouble.hidden = true;
    try {
      await change(select.value);
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      trouble.hidden = false;
      trouble.textContent = error.message;
    }
  };
  const select = h("select", { "aria-label": name, onchange: choose });
  select.append(...options.map(([own, words]) => h("option", { value: own }, words)));
  select.value = value;
  const element = h("label.choice", {}, h("span", {}, name), select, trouble);
  return { element, select };
}

/** One picture of 28 x 28 with words below it. It follows the colours of the page. */
class Picture {
  /**
   * @param {Room} room @param {string} title @param {string} size a CSS class: big, small, tiny
   */
  constructor(room, title, size = "big") {
    this.room = room;
    this.title = title;
    this.canvas = h("canvas", { width: SIDE, height: SIDE, role: "img", "aria-label": title });
    this.frame = h("div.paper", {}, this.canvas);
    this.words = h("span.words");
    // A long name may be broken behind an underscore.
    const parts = title.split(/(?<=_)/).flatMap((part) => [part, h("wbr")]);
    this.caption = h("figcaption", {}, h("b", {}, ...parts), this.words);
    this.element = h(`figure.picture.${size}`, {}, this.frame, this.caption);
    this.pixels = new ImageData(SIDE, SIDE);
    room.pictures.add(this);
  }

  /** @param {Float32Array | null} values @param {string} words @param {boolean} signed */
  show(values, words = this.words.textContent, signed = false) {
    this.values = values;
    this.signed = signed;
    if (this.words.textContent !== words) {
      this.words.textContent = words;
      this.canvas.setAttribute("aria-label", words ? `${this.title}: ${words}` : this.title);
    }
    this.paint();
  }

  paint() {
    const { data } = this.pixels;
    const { ink, paper, missing, invented } = this.room.colours;
    for (let p = 0; p < PIXELS; p++) {
      const value = this.values ? this.values[p] : 0;
      const to = !this.signed ? ink : value < 0 ? missing : invented;
      const share = clamp(this.signed ? Math.abs(value) : value, 0, 1);
      for (let c = 0; c < 3; c++) data[4 * p + c] = mix(paper[c], to[c], share);
      data[4 * p + 3] = 255;
    }
    this.canvas.getContext("2d").putImageData(this.pixels, 0, 0);
  }
}

/** A row of tiny pictures, each of which may be chosen. */
class Strip {
  /**
   * @param {string[]} labels @param {((n: number) => void) | null} choose
   * @param {string} unit what goes before a label where it is read aloud
   */
  constructor(room, title, labels, choose = null, unit = "") {
    this.names = labels.map((label) => `${title}, ${unit}${label}`);
    this.pictures = labels.map((label) => new Picture(room, label, "tiny"));
    const items = this.pictures.map((picture, n) =>
      choose
        ? h("button.cell", { type: "button", onclick: () => choose(n), "aria-label": this.names[n] }, picture.element)
        : h("div.cell", {}, picture.element),
    );
    this.items = items;
    this.element = h("div.strip", { role: "group", "aria-label": title }, h("span.name", {}, title));
    this.element.append(h("div.cells", {}, ...items));
  }

  show(n, values, words) {
    this.pictures[n].show(values, words);
    this.items[n].setAttribute("aria-label", words ? `${this.names[n]}: ${words}` : this.names[n]);
  }

  mark(chosen) {
    this.items.forEach((item, n) => item.setAttribute("aria-pressed", String(n === chosen)));
  }
}

/** One explorer on a page: its payload, its colours, its pictures. */
class Room {
  /** @param {HTMLElement} host @param {object} payload @param {Desk} desk */
  constructor(host, payload, desk) {
    this.host = host;
    this.payload = payload;
    this.desk = desk;
    /** @type {Set<Picture>} */
    this.pictures = new Set();
    this.painters = new Set();
    this.models = new Map();
    for (const shelf of ["models", "codes"]) {
      for (const [name, packed] of Object.entries(payload[shelf] ?? {})) {
        if (!shared()[shelf].has(name)) shared()[shelf].set(name, packed);
      }
    }
  }

  /** A packed model or where its codes lie, from this explorer or another one of the document. */
  find(shelf, name) {
    return this.payload[shelf]?.[name] ?? shared()[shelf].get(name);
  }

  has(name) {
    return Boolean(this.find("models", name));
  }

  codes(name) {
    return this.find("codes", name);
  }

  /** A model by its name in aelib.zoo. @returns {Promise<Model>} */
  model(name) {
    if (!this.models.has(name)) {
      const packed = this.find("models", name);
      if (!packed) throw new Missing(`The model ${name} did not come with this explorer.`);
      const damaged = () => {
        throw new Missing(`The model ${name} is damaged.`);
      };
      this.models.set(name, unpackedModel(packed).catch(damaged));
    }
    return this.models.get(name);
  }

  /** A part of the payload that is one packed array. */
  array(packed, what) {
    if (!packed) throw new Missing(`The ${what} did not come with this explorer.`);
    return unpacked(packed);
  }

  async pca() {
    const { mean, components } = this.payload.pca ?? {};
    return new LinearAutoencoder(
      await this.array(mean, "mean image"),
      await this.array(components, "principal components"),
    );
  }

  /** The test digits of the payload, in the order of their labels. */
  async digits() {
    const { images, labels } = this.payload.digits ?? {};
    const all = await this.array(images, "test digits");
    return labels.map((label, n) => ({
      label,
      image: all.subarray(n * PIXELS, (n + 1) * PIXELS),
    }));
  }

  /** Look at the page's colours, and paint all pictures in them. */
  dress() {
    const printed = matchMedia("print").matches; // on white
    this.host.dataset.paper = !printed && isDark(this.host) ? "dark" : "light";
    const style = getComputedStyle(this.host);
    const colour = (name) => style.getPropertyValue(name).trim().match(/\w\w/g).map((hex) => parseInt(hex, 16));
    this.named = new Map();
    this.colours = {
      ink: colour("--ink"),
      paper: colour("--paper"),
      missing: colour("--missing"),
      invented: colour("--invented"),
    };
    for (const picture of this.pictures) picture.paint();
    for (const paint of this.painters) paint();
  }

  /** A colour of the style, as CSS writes it. Asked at every stroke, so it is remembered. */
  css(name) {
    if (!this.named.has(name)) {
      this.named.set(name, getComputedStyle(this.host).getPropertyValue(name).trim());
    }
    return this.named.get(name);
  }
}

/** Whether the paper around an element is dark: the first background that is not transparent. */
function isDark(element) {
  for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
    const parts = getComputedStyle(at).backgroundColor.match(/[\d.]+/g)?.map(Number) ?? [];
    if (parts.length >= 3 && (parts[3] ?? 1) > 0.5) {
      return 0.299 * parts[0] + 0.587 * parts[1] + 0.114 * parts[2] < 128;
    }
  }
  const scheme = getComputedStyle(document.documentElement).colorScheme;
  return scheme.includes("dark") && matchMedia("(prefers-color-scheme: dark)").matches;
}

// === 7 The pad =============================================================================

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEY_STEP = 0.04; // of the pad's side
const FINEST = 0.004; // of the pad's side; points closer than that are left out

/** The drawing pad: paper, tools, test digits, and ways to break a picture. */
async function makePad(room) {
  const { desk } = room;
  const canvas = h("canvas.pad", {
    width: 560,
    height: 560,
    tabindex: 0,
    role: "application",
    "aria-roledescription": "drawing pad",
    "aria-label": "Draw a digit here. With the keyboard: arrow keys move, Space lowers and lifts "
      + "the pen, Backspace undoes, Delete clears.",
  });
  const said = h("p.hidden", { role: "status" });
  let erases = false;
  let cursor = null; // where the keyboard's pen is, once it has been used
  let down = false; // whether the keyboard's pen is
  let finger = null; // the pointer that draws; others that join it do nothing

  // Who slips off the pad draws along its edge: what counts is what is seen.
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [
      clamp((event.clientX - box.left) / box.width, 0, 1),
      clamp((event.clientY - box.top) / box.height, 0, 1),
    ];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || finger !== null) return;
    canvas.setPointerCapture(event.pointerId);
    finger = event.pointerId;
    cursor = null;
    down = false;
    desk.begin(place(event), erases);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== finger) return;
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
    if (event.ctrlKey || event.metaKey) {
      if (event.key !== "z") return;
      down = false;
      desk.undo();
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
      said.textContent = down ? "pen down" : "pen up";
    } else if (event.key === "Escape") {
      down = false;
    } else if (event.key === "Backspace") {
      down = false;
      desk.undo();
    } else if (event.key === "Delete") {
      down = false;
      desk.clear();
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

  const enlarged = new OffscreenCanvas(SIDE, SIDE);
  function paint() {
    const pen = canvas.getContext("2d");
    const { base, strokes } = desk.drawing;
    const [ink, paper, accent] = ["--ink", "--paper", "--accent"].map((name) => room.css(name));
    pen.fillStyle = paper;
    pen.fillRect(0, 0, 560, 560);
    if (base) {
      const pixels = new ImageData(SIDE, SIDE);
      base.image.forEach((value, p) => {
        for (let c = 0; c < 3; c++) {
          pixels.data[4 * p + c] = mix(room.colours.paper[c], room.colours.ink[c], value);
        }
        pixels.data[4 * p + 3] = 255;
      });
      enlarged.getContext("2d").putImageData(pixels, 0, 0);
      pen.imageSmoothingEnabled = false;
      pen.drawImage(enlarged, 0, 0, 560, 560);
    }
    pen.lineCap = pen.lineJoin = "round";
    for (const stroke of strokes) {
      const scale = base ? SIDE : stroke.erases ? (desk.steps?.frame.scale ?? SIDE) : SIDE;
      pen.strokeStyle = stroke.erases ? paper : ink;
      pen.lineWidth = ((stroke.erases ? ERASER : desk.pen) / scale) * 560;
      pen.beginPath();
      stroke.points.forEach(([x, y]) => pen.lineTo(560 * x, 560 * y));
      if (stroke.points.length === 1) pen.lineTo(560 * stroke.points[0][0], 560 * stroke.points[0][1] + 0.1);
      pen.stroke();
    }
    if (!base && !strokes.length) {
      pen.fillStyle = room.css("--quiet");
      pen.font = "500 34px system-ui, sans-serif";
      pen.textAlign = "center";
      pen.fillText("draw a digit here", 280, 290);
    }
    if (cursor && canvas.matches(":focus")) {
      pen.strokeStyle = accent;
      pen.lineWidth = 4;
      pen.beginPath();
      pen.arc(560 * cursor[0], 560 * cursor[1], down ? 10 : 18, 0, 2 * Math.PI);
      pen.stroke();
    }
  }

  const tool = (words, own) =>
    button(words, () => {
      erases = own;
      for (const each of tools) each.setAttribute("aria-pressed", String(each === tools[Number(own)]));
    });
  const tools = [tool("Pen", false), tool("Eraser", true)];
  tools.forEach((each, n) => each.setAttribute("aria-pressed", String(n === 0)));

  const seen = new Picture(room, "What the models see", "small");
  const element = h(
    "section.desk",
    { "aria-label": "Drawing" },
    canvas,
    said,
    h("div.tools", {}, ...tools, button("Undo", () => desk.undo()), button("Clear", () => desk.clear())),
    await testDigits(room),
    h("div.seen", {}, seen.element, room.verdict),
    breakThings(room),
  );
  const update = () => {
    paint();
    seen.show(desk.image, "");
  };
  room.painters.add(paint);
  return { element, update };
}

/** Ten buttons: each takes the next test digit of its kind. */
async function testDigits(room) {
  let all;
  try {
    all = await room.digits();
  } catch (error) {
    return h("p.quiet", {}, error.message);
  }
  const next = DIGITS.map(() => 0);
  const take = (digit) => {
    const own = all.filter(({ label }) => label === digit);
    room.desk.take(own[next[digit]++ % own.length]);
  };
  const buttons = DIGITS.map((digit) =>
    button(String(digit), () => take(digit), { "aria-label": `Take a test digit ${digit}` }),
  );
  return h(
    "div.takes",
    { role: "group", "aria-label": "Take a test digit" },
    h("span.quiet", {}, `or take a test digit (any of ${all.length}; press again for the next):`),
    h("div.ten", {}, ...buttons),
  );
}

/** Sliders that spoil the picture, and a button that mends it. */
function breakThings(room) {
  const { desk } = room;
  const pixels = (negative, positive) => (value) =>
    value ? `${Math.abs(value)} ${Math.abs(value) === 1 ? "pixel" : "pixels"} ${value < 0 ? negative : positive}` : "not at all";
  const settings = {
    noise: ["noise", 0, 0.6, 0.05, (value) => (value ? `${value.toFixed(2)} of full ink` : "none")],
    turn: ["turned", -90, 90, 5, (value) => (value ? `${Math.abs(value)}° ${value < 0 ? "left" : "right"}` : "not at all")],
    right: ["shifted", -8, 8, 1, pixels("left", "right")],
    down: ["shifted", -8, 8, 1, pixels("up", "down")],
  };
  const names = { right: "shifted sideways", down: "shifted up or down" };
  const sliders = Object.fromEntries(
    Object.entries(settings).map(([key, [name, min, max, step, words]]) => [
      key,
      slider(names[key] ?? name, {
        min, max, step, words, value: desk.breaks[key], change: (value) => desk.break({ [key]: value }),
      }),
    ]),
  );
  const pen = slider("pen", {
    min: 1,
    max: 4.6,
    step: 0.2,
    value: desk.pen,
    words: (value) => `${value.toFixed(1)} pixels of 28${Math.abs(value - PEN) < 0.05 ? ", as MNIST's" : ""}`,
    change: (value) => desk.takePen(value),
  });
  const mend = button("Mend everything", () => {
    desk.pen = PEN;
    desk.break(UNBROKEN);
  });
  const summary = h("summary", {}, "Break things");
  const follow = () => {
    for (const [key, each] of Object.entries(sliders)) each.set(desk.breaks[key]);
    pen.set(desk.pen);
    const whole = JSON.stringify(desk.breaks) === JSON.stringify(UNBROKEN) && desk.pen === PEN;
    summary.textContent = whole ? "Break things" : "Break things (broken now)";
  };
  room.followers.add(follow);
  return h(
    "details.breaks",
    {},
    summary,
    h("p.quiet", {}, "The eraser above rubs out a piece of a stroke. These act on the finished picture, the pen on your strokes:"),
    ...Object.values(sliders).map((each) => each.element),
    pen.element,
    mend,
  );
}

// === 8 The views ===========================================================================
//
// A view is made once, `make(room)`, and then told of every change: `update(image)` at once,
// with nothing but what moves under the pen, and `settle(image, meant)` when the pen rests, with
// what may come a moment later: the judge's readings, rows of pictures, curves.

const NOBODY = "draw a digit, or take a test digit";

/** How sure the judge is, in words. It is never quite sure. */
const sureness = (share) => `${share > 0.99 ? "over 99 %" : percent(share)} sure`;

/** The judge's reading of a picture in words. */
function reading(room, image) {
  if (!room.judge || !image) return "";
  const shares = room.judge.read(image);
  const best = argmax([...shares]);
  return `read as ${best}, ${sureness(shares[best])}`;
}

/** A line for curves on a logarithmic axis, drawn anew as wide as there is room. */
class Chart {
  /** @param {string} title @param {string[]} ticks names along the bottom, evenly spaced */
  constructor(title, ticks, height = 230) {
    Object.assign(this, { title, ticks, height });
    this.element = h("div.chart");
    this.lines = [];
    new ResizeObserver(() => this.paint()).observe(this.element);
  }

  /**
   * @param {{name: string, kind: string, values: number[]}[]} lines kind is a CSS class
   * @param {{low: number[], high: number[], name: string} | null} band @param {number} chosen
   */
  show(lines, band, chosen, words) {
    Object.assign(this, { lines, band, chosen, words });
    this.paint();
  }

  paint() {
    const width = this.element.clientWidth;
    if (!width || !this.lines.length) return;
    const { height, ticks, band } = this;
    const edge = { left: 52, right: 96, top: 12, bottom: 40 };
    const everything = this.lines.flatMap((line) => line.values).concat(band ? [...band.low, ...band.high] : []);
    const [low, high] = range(everything.filter((value) => value > 0)).map(Math.log10);
    const x = (n) => edge.left + ((width - edge.left - edge.right) * n) / (ticks.length - 1);
    const y = (value) =>
      edge.top + ((height - edge.top - edge.bottom) * (high - Math.log10(value))) / (high - low || 1);
    const path = (values) => values.map((value, n) => `${n ? "L" : "M"}${x(n)} ${y(value)}`).join("");
    const picture = svg("svg", { width, height, role: "img", "aria-label": `${this.title}. ${this.words}` });
    picture.append(text(2, 12, "error", "start"));
    for (const value of roundValues(low, high)) {
      const at = y(value);
      if (at < edge.top + 12) continue; // there stands what the axis shows
      picture.append(
        svg("line", { x1: edge.left, x2: width - edge.right, y1: at, y2: at, class: "grid" }),
        text(edge.left - 8, at + 4, short(value), "end"),
      );
    }
    if (band) {
      const back = band.low.map((value, n) => `L${x(n)} ${y(value)}`).reverse().join("");
      picture.append(svg("path", { d: `${path(band.high)}${back}Z`, class: "band" }));
    }
    const every = width < 480 ? 2 : 1;
    ticks.forEach((tick, n) => {
      if (n % every === 0 || n === this.chosen) {
        picture.append(text(x(n), height - 22, tick, "middle", n === this.chosen ? "chosen" : ""));
      }
    });
    picture.append(text((edge.left + width - edge.right) / 2, height - 5, "latent dimension d", "middle"));
    picture.append(svg("line", {
      x1: x(this.chosen), x2: x(this.chosen), y1: edge.top, y2: height - edge.bottom, class: "cursor",
    }));
    const ends = this.lines.map((line) => y(line.values.at(-1)));
    this.lines.forEach((line, n) => {
      picture.append(svg("path", { d: path(line.values), class: `line ${line.kind}` }));
      line.values.forEach((value, at) => picture.append(marker(line.kind, x(at), y(value))));
      // Two names at the lines' ends do not cover each other.
      const near = ends.some((other, m) => m < n && Math.abs(other - ends[n]) < 15);
      picture.append(text(x(ticks.length - 1) + 9, ends[n] + (near ? 18 : 4), line.name, "start", line.kind));
    });
    this.element.replaceChildren(picture);
  }
}

/** The numbers 1, 2, 5, 10, 20, 50, … between two powers of ten. */
function roundValues(low, high) {
  const values = [];
  for (let power = Math.floor(low); power <= high; power++) {
    for (const first of [1, 2, 5]) values.push(first * 10 ** power);
  }
  return values.filter((value) => value >= 10 ** low && value <= 10 ** high);
}

function text(x, y, words, anchor, kind = "") {
  const element = svg("text", { x, y, "text-anchor": anchor, class: kind });
  element.textContent = words;
  return element;
}

const marker = (kind, x, y) =>
  kind.includes("dashed")
    ? svg("rect", { x: x - 2.5, y: y - 2.5, width: 5, height: 5, class: kind })
    : svg("circle", { cx: x, cy: y, r: 3, class: kind });

// --- Draw ----------------------------------------------------------------------------------

async function drawView(room) {
  const pca = await room.pca();
  const titles = ["1 · Your strokes", "2 · Into a box of 20", "3 · Balanced in 28"];
  const steps = titles.map((title) => new Picture(room, title));
  const overlays = steps.map((step) => {
    const overlay = svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, "aria-hidden": "true" });
    step.frame.append(overlay);
    return overlay;
  });
  const outline = (x, y, width, height) => svg("rect", { x, y, width, height, class: "outline" });
  const cross = ([x, y]) => svg("path", { d: `M${x - 2} ${y}h4M${x} ${y - 2}v4`, class: "cross" });

  const glass = magnifier(room);
  const mean = new Picture(room, "The mean image");
  const linear = new Picture(room, "PCA");
  const most = pca.components.length / PIXELS;
  const numbers = slider("numbers kept by PCA", {
    min: 0, max: most, value: 8, change: () => baselines(room.desk.image),
  });
  function baselines(image) {
    const draw = (picture, values, what) =>
      picture.show(values, image ? `${what}error ${short(meanSquaredError(values, image))}` : "");
    draw(mean, pca.mean, "the same for everybody; ");
    draw(linear, image ? pca.reconstruct(image, numbers.value) : pca.mean, `${numbers.value} numbers; `);
  }

  function update(image) {
    const { strokes, base } = room.desk.drawing;
    const prepared = room.desk.steps;
    const lines = strokes.filter((stroke) => !stroke.erases).map(({ points }) =>
      svg("polyline", { points: points.map(([x, y]) => `${SIDE * x},${SIDE * y}`).join(" "), class: "stroke" }));
    overlays[0].replaceChildren(...lines);
    steps[0].show(null, base ? "a test digit: it comes prepared" : prepared ? "paths, not pixels" : NOBODY);
    const margin = (SIDE - BOX) / 2;
    overlays[1].replaceChildren(outline(margin, margin, BOX, BOX));
    overlays[2].replaceChildren();
    if (prepared) {
      const before = prepared.moved.map((by) => MIDDLE - by);
      overlays[1].append(cross(before));
      overlays[2].append(cross([MIDDLE, MIDDLE]));
    }
    const by = prepared?.moved.map((value) => Math.abs(value).toFixed(1)) ?? [];
    steps[1].show(prepared?.boxed ?? base?.image ?? null,
      prepared ? `inked with a pen of ${room.desk.pen.toFixed(1)} pixels; the cross: centre of mass` : "");
    steps[2].show(image, prepared ? `moved by ${by[0]} across, ${by[1]} down` : "");
    glass.show(image);
    baselines(image);
  }
  const element = h(
    "div",
    {},
    h("div.row", {}, ...steps.map((step) => step.element)),
    h("h4", {}, "The 784 numbers"),
    glass.element,
    h("h4", {}, "Two first reconstructions"),
    h("div.row", {}, mean.element, linear.element),
    numbers.element,
  );
  return { element, update };
}

/** The picture with a window that one moves over it, and the numbers in that window. */
function magnifier(room) {
  const across = 9;
  const picture = new Picture(room, "All of it");
  const pane = svg("rect", { width: across, height: across, class: "outline" });
  const overlay = svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, "aria-hidden": "true" }, pane);
  picture.frame.append(overlay);
  const cells = Array.from({ length: across }, () => Array.from({ length: across }, () => h("td")));
  const table = h("table.numbers", { "aria-label": "the numbers in the window, 0 paper to 255 full ink" });
  table.append(h("tbody", {}, ...cells.map((row) => h("tr", {}, ...row))));
  let corner = [10, 10];
  let image = null;
  picture.frame.tabIndex = 0;
  picture.frame.setAttribute("role", "application");
  const go = (x, y) => {
    corner = [clamp(Math.round(x), 0, SIDE - across), clamp(Math.round(y), 0, SIDE - across)];
    show(image);
  };
  const follow = (event) => {
    const box = picture.frame.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    go(SIDE * x - across / 2, SIDE * y - across / 2);
  };
  picture.frame.addEventListener("pointerdown", (event) => {
    picture.frame.setPointerCapture(event.pointerId);
    follow(event);
  });
  picture.frame.addEventListener("pointermove", (event) => {
    if (picture.frame.hasPointerCapture(event.pointerId)) follow(event);
  });
  picture.frame.addEventListener("keydown", (event) => {
    const step = KEYS[event.key];
    if (!step) return;
    event.preventDefault();
    go(corner[0] + step[0], corner[1] + step[1]);
  });
  function show(values) {
    image = values;
    const where = `rows ${corner[1] + 1} to ${corner[1] + across}, columns ${corner[0] + 1} to ${corner[0] + across}`;
    picture.show(values, where);
    picture.frame.setAttribute("aria-label", `A window over the picture; arrow keys or the pointer move it. Now ${where}.`);
    pane.setAttribute("x", corner[0]);
    pane.setAttribute("y", corner[1]);
    cells.forEach((row, y) => row.forEach((cell, x) => {
      const value = values ? values[(corner[1] + y) * SIDE + corner[0] + x] : 0;
      cell.textContent = Math.round(255 * value);
      cell.style.setProperty("--share", `${Math.round(100 * value)}%`);
      cell.className = value > 0.5 ? "dark" : "";
    }));
  }
  picture.frame.classList.add("movable");
  return { element: h("div.row.glass", {}, picture.element, table), show };
}

// --- Latent dimension ----------------------------------------------------------------------

async function latentView(room) {
  const dims = namesOf(room, "latent/").map((name) => Number(name.split("/")[1]));
  if (!dims.length) throw new Missing("The models latent/… did not come with this explorer.");
  const models = await Promise.all(dims.map((d) => room.model(`latent/${d}`)));
  const pca = await room.pca();
  const errors = room.payload.errors;
  const known = errors && {
    autoencoder: await unpacked(errors.autoencoder),
    PCA: await unpacked(errors.PCA),
  };

  let at = Math.max(dims.indexOf(2), 0);
  const yours = new Picture(room, "Yours");
  const drawn = new Picture(room, "Autoencoder");
  const straight = new Picture(room, "PCA");
  const place = h("p.finding", { "aria-live": "polite" });
  const d = slider("latent dimension d", {
    min: 0,
    max: dims.length - 1,
    value: at,
    words: (n) => String(dims[n]),
    change: (n) => choose(n),
  });
  const strips = ["autoencoder", "PCA"].map((name) => new Strip(room, name, dims.map(String), choose, "d = "));
  const chart = new Chart("Error against latent dimension", dims.map(String));

  function choose(n) {
    at = n;
    d.set(n);
    update(room.desk.image);
    room.settleSoon();
  }

  function update(image) {
    yours.show(image, image ? "" : NOBODY);
    const own = image && models[at].reconstruct(image);
    const linear = image && pca.reconstruct(image, dims[at]);
    drawn.show(own, image ? `error ${short(meanSquaredError(own, image))}` : "");
    straight.show(linear, image ? `error ${short(meanSquaredError(linear, image))}` : "");
    strips.forEach((strip) => strip.mark(at));
  }

  /** Real errors of a digit at the n-th d: evenly spaced quantiles. */
  const real = (kind, n, digit) => {
    const count = errors.autoencoder.shape[2];
    return known[kind].subarray((n * 10 + digit) * count, (n * 10 + digit + 1) * count);
  };

  function settle(image, meant) {
    const all = { autoencoder: [], PCA: [] };
    dims.forEach((size, n) => {
      const own = image && models[n].reconstruct(image);
      const linear = image && pca.reconstruct(image, size);
      strips[0].show(n, own, "");
      strips[1].show(n, linear, "");
      if (!image) return;
      all.autoencoder.push(meanSquaredError(own, image));
      all.PCA.push(meanSquaredError(linear, image));
      if (n !== at) return;
      drawn.show(own, `error ${short(all.autoencoder[n])}; ${reading(room, own)}`);
      straight.show(linear, `error ${short(all.PCA[n])}; ${reading(room, linear)}`);
    });
    yours.show(image, image ? reading(room, image) : NOBODY);
    chart.element.hidden = !image;
    place.textContent = "";
    if (!image) return;
    let band = null;
    if (known && meant !== null && errors.dims.join() === dims.join()) {
      const count = errors.autoencoder.shape[2];
      const quantile = (n, share) => real("autoencoder", n, meant)[Math.round(share * (count - 1))];
      band = { low: dims.map((_, n) => quantile(n, 0.05)), high: dims.map((_, n) => quantile(n, 0.95)) };
      const below = (kind) => percent(shareBelow(real(kind, at, meant), all[kind][at]));
      place.textContent =
        `Of the real test digits ${meant}, ${below("autoencoder")} are drawn with a smaller error than yours `
        + `by the autoencoder with d = ${dims[at]}, and ${below("PCA")} by PCA. The band of the curve is `
        + "where nine of ten of them lie.";
    }
    const lines = [
      { name: "autoencoder", kind: "solid", values: all.autoencoder },
      { name: "PCA", kind: "dashed", values: all.PCA },
    ];
    chart.show(lines, band, at,
      `At d = ${dims[at]}: autoencoder ${short(all.autoencoder[at])}, PCA ${short(all.PCA[at])}.`);
  }

  const element = h(
    "div",
    {},
    d.element,
    h("div.row", {}, yours.element, drawn.element, straight.element),
    place,
    ...strips.map((strip) => strip.element),
    chart.element,
  );
  return { element, update, settle };
}

/** The names of all models there are that begin with some letters, sorted by number. */
function namesOf(room, start) {
  const names = new Set([...Object.keys(room.payload.models ?? {}), ...shared().models.keys()]);
  const number = (name) => Number(name.slice(start.length));
  return [...names].filter((name) => name.startsWith(start)).sort((a, b) => number(a) - number(b));
}

// --- Plane ---------------------------------------------------------------------------------

async function planeView(room) {
  const model = await room.model("latent/2");
  const { plane } = room.payload;
  if (!plane) throw new Missing("The plane's points did not come with this explorer.");
  const points = await unpacked(plane.points);
  const { labels } = plane;
  const ends = [0, 1].map((axis) => {
    const sorted = labels.map((_, n) => points[2 * n + axis]).sort((a, b) => a - b);
    const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
    const [low, high] = [at(0.01), at(0.99)];
    return [low - 0.06 * (high - low), high + 0.06 * (high - low)];
  });

  const side = 840;
  const canvas = h("canvas.map", {
    width: side, height: side, tabindex: 0, role: "application", "aria-roledescription": "map",
    "aria-label": "The plane of the two numbers. Drag the point, or move it with the arrow keys.",
  });
  const yours = new Picture(room, "Yours");
  const there = new Picture(room, "Drawn at the point");
  const around = h("p.finding", { "aria-live": "polite" });
  const sliders = [0, 1].map((axis) => {
    const [min, max] = ends[axis];
    return slider(`number ${axis + 1}, ${axis ? "up" : "across"}`, {
      min, max, step: (max - min) / 200, value: (min + max) / 2, words: short,
      change: (value) => go(axis ? [point[0], value] : [value, point[1]]),
    });
  });
  const back = button("Back to my digit", () => {
    if (own) go(own);
  });
  let point = ends.map(([low, high]) => (low + high) / 2);
  let own = null; // the code of the drawing
  let cloud = null; // the points, painted once for each set of colours

  const toCanvas = ([x, y]) => [
    (side * (x - ends[0][0])) / (ends[0][1] - ends[0][0]),
    (side * (ends[1][1] - y)) / (ends[1][1] - ends[1][0]),
  ];
  const colour = (digit) => room.css(`--digit-${digit}`);

  function paintCloud() {
    cloud = new OffscreenCanvas(side, side);
    const pen = cloud.getContext("2d");
    pen.fillStyle = room.css("--paper");
    pen.fillRect(0, 0, side, side);
    pen.globalAlpha = 0.75;
    const colours = DIGITS.map(colour);
    labels.forEach((label, n) => {
      const [x, y] = toCanvas([points[2 * n], points[2 * n + 1]]);
      pen.fillStyle = colours[label];
      pen.beginPath();
      pen.arc(x, y, 4, 0, 2 * Math.PI);
      pen.fill();
    });
    // A name for each cloud, at its median, so that nothing hangs on the colours alone.
    pen.globalAlpha = 1;
    pen.font = "700 36px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineWidth = 8;
    pen.lineJoin = "round";
    const middles = DIGITS.map((digit) => {
      const mine = labels.map((label, n) => (label === digit ? n : -1)).filter((n) => n >= 0);
      return toCanvas([0, 1].map((axis) => {
        const sorted = mine.map((n) => points[2 * n + axis]).sort((a, b) => a - b);
        return sorted[sorted.length >> 1];
      }));
    });
    pen.strokeStyle = room.css("--paper");
    pen.fillStyle = room.css("--text");
    apart(middles, 40).forEach(([x, y], digit) => {
      pen.strokeText(String(digit), x, y);
      pen.fillText(String(digit), x, y);
    });
  }

  function paint() {
    if (!cloud) paintCloud();
    const pen = canvas.getContext("2d");
    pen.drawImage(cloud, 0, 0);
    const ring = (place, radius, width, stroke) => {
      const [x, y] = toCanvas(place).map((value) => clamp(value, radius, side - radius));
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.lineWidth = width;
      pen.strokeStyle = stroke;
      pen.stroke();
    };
    if (own) {
      ring(own, 9, 9, room.css("--paper"));
      ring(own, 9, 4, room.css("--text"));
    }
    ring(point, 20, 11, room.css("--paper"));
    ring(point, 20, 6, room.css("--accent"));
  }
  room.painters.add(() => {
    cloud = null;
    paint();
  });

  function go(next) {
    point = next.map((value, axis) => clamp(value, ...ends[axis]));
    sliders.forEach((each, axis) => each.set(point[axis]));
    there.show(model.decode(Float32Array.from(point)), "");
    paint();
    room.settleSoon();
  }
  const follow = (event) => {
    const box = canvas.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width;
    const y = (event.clientY - box.top) / box.height;
    go([mix(...ends[0], x), mix(ends[1][1], ends[1][0], y)]);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    follow(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) follow(event);
  });
  canvas.addEventListener("keydown", (event) => {
    const step = KEYS[event.key];
    if (!step) return;
    event.preventDefault();
    const by = event.shiftKey ? 0.005 : 0.02;
    go(point.map((value, axis) => value + (axis ? -1 : 1) * by * step[axis] * (ends[axis][1] - ends[axis][0])));
  });

  function update(image) {
    const before = own?.join();
    own = image ? [...model.encode(image)] : null;
    yours.show(image, image ? "" : NOBODY);
    back.disabled = !own;
    // The point follows the drawing; a point that was dragged stays until the drawing changes.
    if (own && own.join() !== before) go(own);
    else if (!there.values) go(point);
    else paint();
  }

  function settle(image) {
    yours.show(image, image ? reading(room, image) : NOBODY);
    there.show(there.values, reading(room, there.values));
    const scale = ends.map(([low, high]) => high - low);
    const near = labels
      .map((label, n) => [Math.hypot((points[2 * n] - point[0]) / scale[0], (points[2 * n + 1] - point[1]) / scale[1]), label])
      .sort((a, b) => a[0] - b[0])
      .slice(0, 15);
    const counts = DIGITS.map((digit) => near.filter(([, label]) => label === digit).length);
    const most = argmax(counts);
    around.textContent = `Of the 15 real digits nearest to the point, ${counts[most]} are ${most}.`;
  }

  const element = h(
    "div.split",
    {},
    h("div.mapbox", {}, canvas, h("p.quiet", {}, "Each dot is a real test digit; the numbers stand where its like lie. Large ring: the point. Small ring: your digit.")),
    h("div", {}, h("div.row", {}, yours.element, there.element), ...sliders.map((each) => each.element), back, around),
  );
  return { element, update, settle };
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

// --- Code ----------------------------------------------------------------------------------

async function codeView(room) {
  const dims = namesOf(room, "latent/")
    .map((name) => Number(name.split("/")[1]))
    .filter((d) => d >= 1 && d <= 10 && room.codes(`latent/${d}`));
  if (!dims.length) throw new Missing("The models latent/1 to latent/10 did not come with this explorer.");
  let model = null;
  let quantiles = [];
  let own = null;
  const yours = new Picture(room, "Yours");
  const copy = new Picture(room, "Its reconstruction");
  const free = new Picture(room, "With your numbers");
  const box = h("div.codes");
  let sliders = [];
  const draw = () => {
    free.show(model.decode(Float32Array.from(sliders, (each) => each.value)), "");
    room.settleSoon();
  };
  const set = (code) => {
    sliders.forEach((each, n) => {
      const [low, high] = range([...quantiles[n], code[n]]); // a stranger's code may lie outside
      each.limit(low, high, (high - low) / 200 || 1);
      each.set(code[n]);
    });
    draw();
  };
  async function open(d) {
    const packed = room.codes(`latent/${d}`);
    const [next, all] = await Promise.all([room.model(`latent/${d}`), unpacked(packed)]);
    if (size.select.value !== String(d)) return; // another one was chosen meanwhile
    model = next;
    const count = packed.shape[1];
    quantiles = Array.from({ length: d }, (_, n) => all.subarray(n * count, (n + 1) * count));
    sliders = quantiles.map((known, n) =>
      slider(`number ${n + 1}`, {
        min: known[0],
        max: known[count - 1],
        step: (known[count - 1] - known[0]) / 200 || 1,
        value: known[count >> 1],
        words: (value) => `above ${percent(shareBelow(known, value))} of real codes`,
        change: draw,
      }),
    );
    box.replaceChildren(...sliders.map((each) => each.element));
    own = null;
    update(room.desk.image);
  }
  const middle = () => set(quantiles.map((known) => known[known.length >> 1]));
  const back = button("Back to my digit", () => own && set(own));
  const size = choice("numbers in the code", dims.map((d) => [String(d), String(d)]), String(dims.at(-1)),
    (value) => open(Number(value)));

  function update(image) {
    if (!model) return;
    const before = own?.join();
    own = image ? [...model.encode(image)] : null;
    back.disabled = !own;
    yours.show(image, image ? "" : NOBODY);
    copy.show(own && model.decode(Float32Array.from(own)), "");
    if (own && own.join() !== before) set(own);
    else if (!free.values) middle();
  }
  function settle(image) {
    if (!model) return;
    yours.show(image, image ? reading(room, image) : NOBODY);
    copy.show(copy.values, image ? `error ${short(meanSquaredError(copy.values, image))}; ${reading(room, copy.values)}` : "");
    free.show(free.values, reading(room, free.values));
  }
  const element = h(
    "div",
    {},
    size.element,
    h("div.row", {}, yours.element, copy.element, free.element),
    h("div.tools.left", {}, back, button("To the median code", middle)),
    box,
  );
  await open(dims.at(-1));
  return { element, update, settle };
}

// --- Morph ---------------------------------------------------------------------------------

async function morphView(room) {
  const dims = namesOf(room, "latent/").map((name) => Number(name.split("/")[1])).filter((d) => d >= 1);
  if (!dims.length) throw new Missing("The models latent/… did not come with this explorer.");
  const digits = await room.digits();
  const own = (digit) => digits.filter(({ label }) => label === digit);
  const steps = 9;
  let model = null;
  const size = dims.includes(16) ? 16 : dims.at(-1);

  /** One end: the reader's drawing, or a test digit. */
  function end(name, start) {
    const picture = new Picture(room, name);
    const state = { source: start, turn: 0, image: null };
    const select = choice(name, [["", "my drawing"], ...DIGITS.map((n) => [String(n), `a test digit ${n}`])], start,
      (value) => {
        Object.assign(state, { source: value, turn: 0 });
        update(room.desk.image);
      });
    const another = button("another", () => {
      state.turn++;
      update(room.desk.image);
    }, { "aria-label": `${name}: another digit of this kind` });
    return {
      element: h("div.end", {}, picture.element, select.element, another),
      picture,
      take(image) {
        another.disabled = state.source === "";
        const all = state.source === "" ? [] : own(Number(state.source));
        this.image = state.source === "" ? image : all[state.turn % all.length].image;
        picture.show(this.image, this.image ? "" : NOBODY);
      },
      image: null,
    };
  }
  const from = end("From", "");
  const to = end("To", "8");
  const share = slider("how far", {
    min: 0, max: 100, value: 50, words: (value) => `${value} %`, change: () => draw(),
  });
  const through = new Picture(room, "Through the code");
  const pixelwise = new Picture(room, "Pixel by pixel");
  const labels = Array.from({ length: steps }, (_, n) => `${Math.round((100 * n) / (steps - 1))} %`);
  const jump = (n) => {
    share.set((100 * n) / (steps - 1));
    draw();
  };
  const strips = ["through the code, and what the judge reads", "pixel by pixel, and what the judge reads"].map((name) => new Strip(room, name, labels, jump));
  const dimension = choice("numbers in the code", dims.map((d) => [String(d), String(d)]), String(size), async (value) => {
    const next = await room.model(`latent/${value}`);
    if (dimension.select.value !== value) return; // another one was chosen meanwhile
    model = next;
    update(room.desk.image);
  });
  model = await room.model(`latent/${size}`);

  const pixels = (at) => from.image.map((value, p) => mix(value, to.image[p], at));
  const codes = () => [model.encode(from.image), model.encode(to.image)];
  const decoded = ([a, b], at) => model.decode(a.map((value, n) => mix(value, b[n], at)));

  function draw() {
    const ready = from.image && to.image;
    const at = share.value / 100;
    through.show(ready && decoded(codes(), at), "");
    pixelwise.show(ready && pixels(at), "");
    room.settleSoon();
  }
  function update(image) {
    from.take(image);
    to.take(image);
    draw();
  }
  function settle() {
    const ready = from.image && to.image;
    const both = ready && codes();
    for (let n = 0; n < steps; n++) {
      const at = n / (steps - 1);
      const rows = ready ? [decoded(both, at), pixels(at)] : [null, null];
      rows.forEach((values, row) => strips[row].show(n, values, values && room.judge ? `“${argmax([...room.judge.read(values)])}”` : ""));
    }
    through.show(through.values, reading(room, through.values));
    pixelwise.show(pixelwise.values, reading(room, pixelwise.values));
  }
  const element = h(
    "div",
    {},
    h("div.row.ends", {}, from.element, to.element),
    share.element,
    h("div.row", {}, through.element, pixelwise.element),
    dimension.element,
    ...strips.map((strip) => strip.element),
  );
  return { element, update, settle };
}

// --- Ten alarms ----------------------------------------------------------------------------

const BLUR = (() => {
  const weights = [-3, -2, -1, 0, 1, 2, 3].map((x) => Math.exp(-(x ** 2) / 2)); // one pixel
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / sum);
})();

/** A picture through a Gaussian blur of one pixel; at the border it is mirrored. */
function blurred(picture) {
  const mirror = (place) => (place < 0 ? -place : place >= SIDE ? 2 * SIDE - 2 - place : place);
  const across = new Float32Array(PIXELS);
  const both = new Float32Array(PIXELS);
  for (let n = -3; n <= 3; n++) {
    const weight = BLUR[n + 3];
    for (let x = 0; x < SIDE; x++) {
      const from = mirror(x + n);
      for (let y = 0; y < SIDE; y++) across[y * SIDE + x] += weight * picture[y * SIDE + from];
    }
  }
  for (let n = -3; n <= 3; n++) {
    const weight = BLUR[n + 3];
    for (let y = 0; y < SIDE; y++) {
      const from = mirror(y + n) * SIDE;
      for (let x = 0; x < SIDE; x++) both[y * SIDE + x] += weight * across[from + x];
    }
  }
  return both;
}

/** The sum of squares. */
function squared(values) {
  let sum = 0;
  for (let n = 0; n < values.length; n++) sum += values[n] * values[n];
  return sum;
}

/** The codes that a detector knows: is a new one among them? */
class CodeDistance {
  /** @param {Float32Array} scaling (d, r) @param {Float32Array} codes scaled ones, (N, r) */
  constructor(scaling, codes, directions) {
    Object.assign(this, { scaling, codes, directions });
  }

  /** The mean distance to the five nearest known codes. */
  distance(code) {
    const r = this.directions;
    const scaled = new Float32Array(r);
    for (let i = 0; i < code.length; i++) {
      for (let n = 0; n < r; n++) scaled[n] += code[i] * this.scaling[i * r + n];
    }
    const nearest = new Array(5).fill(Infinity); // squared distances, rising
    for (let at = 0; at < this.codes.length; at += r) {
      let sum = 0;
      // Most codes are too far away before all directions have been looked at.
      for (let n = 0; n < r && sum < nearest[4]; n++) {
        const apart = scaled[n] - this.codes[at + n];
        sum += apart * apart;
      }
      if (sum >= nearest[4]) continue;
      let place = 4;
      for (; place > 0 && nearest[place - 1] > sum; place--) nearest[place] = nearest[place - 1];
      nearest[place] = sum;
    }
    return nearest.reduce((sum, value) => sum + Math.sqrt(value), 0) / 5;
  }
}

/** Every score of a picture by one detector, as `aelib.detection.all_scores` has them. */
function anomalyScores(image, drawn, seenBlurred, distance) {
  const difference = drawn.map((value, p) => value - image[p]);
  const share = squared(blurred(difference)) / squared(seenBlurred);
  return {
    mse: squared(difference) / PIXELS,
    share: squared(difference) / squared(image),
    "blurred share": share,
    "blurred share and code": share * distance ** 2,
  };
}

const SCORE_WORDS = {
  mse: "mean squared error",
  share: "error as a share of the ink",
  "blurred share": "the same through a blur",
  "blurred share and code": "through a blur, times how unusual the code is",
};

async function alarmsView(room) {
  const { alarms } = room.payload;
  if (!alarms) throw new Missing("The alarms' thresholds did not come with this explorer.");
  const detectors = await Promise.all(
    DIGITS.map(async (digit) => {
      const { scaling, codes } = alarms.known[digit];
      return {
        model: await room.model(`digit/${digit}`),
        known: new CodeDistance(await unpacked(scaling), await unpacked(codes), codes.shape[1]),
      };
    }),
  );
  const [quantiles, limits, flagged] = await Promise.all(
    [alarms.quantiles, alarms.limits, alarms.flagged].map(unpacked),
  );
  const { scores, allowed, counts } = alarms;
  const fine = alarms.quantiles.shape[2];
  let score = scores.at(-1);
  let at = allowed.indexOf(0.05);
  let chosen = 8;
  const row = (digit) => digit * scores.length + scores.indexOf(score);
  const limit = (digit, n) => 10 ** limits[row(digit) * allowed.length + n];
  const marks = [0.01, 0.05, 0.1, 0.2].map((share) => allowed.indexOf(share));

  const cards = DIGITS.map((digit) => {
    const drawn = new Picture(room, "drawn", "tiny");
    const error = new Picture(room, "error", "tiny");
    const place = h("span.quiet");
    const verdict = h("b");
    const chips = marks.map((n) => h("span.chip", {}, percent(allowed[n])));
    const element = h(
      "button.card",
      { type: "button", onclick: () => choose(digit) },
      h("span.head", {}, h("span.dot", { style: `--own: var(--digit-${digit})` }), `Model ${digit}`, verdict),
      h("span.pair", {}, drawn.element, error.element),
      place,
      h("span.chips", {}, ...chips),
    );
    return { drawn, error, place, verdict, chips, element, found: null };
  });
  const summary = h("p.finding.strong", { "aria-live": "polite" });
  const share = slider("false alarms allowed", {
    min: 0,
    max: allowed.length - 1,
    value: at,
    words: (n) => `${percent(allowed[n])} of normal validation images`,
    change: (n) => {
      at = n;
      judge();
      onTest();
    },
  });
  const which = choice("score", scores.map((name) => [name, SCORE_WORDS[name] ?? name]), score, (value) => {
    score = value;
    judge();
    onTest();
  });
  const bars = h("div.chart");
  const caught = h("p.finding", { "aria-live": "polite" });
  const model = choice("on the test set: the model of", DIGITS.map((n) => [String(n), String(n)]), String(chosen), (value) =>
    choose(Number(value)));
  new ResizeObserver(() => onTest()).observe(bars);

  function choose(digit) {
    chosen = digit;
    model.select.value = String(digit);
    cards.forEach((card, n) => card.element.setAttribute("aria-pressed", String(n === digit)));
    onTest();
  }

  /** Say which detectors flag the picture. */
  function judge() {
    const alarmed = [];
    cards.forEach((card, digit) => {
      const found = card.found?.[score];
      const flags = found !== undefined && found > limit(digit, at);
      if (flags) alarmed.push(digit);
      card.verdict.textContent = found === undefined ? "" : flags ? "! flags" : "✓ passes";
      card.verdict.className = flags ? "alarm" : "calm";
      const own = quantiles.subarray(row(digit) * fine, (row(digit) + 1) * fine);
      const below = found === undefined ? 0 : shareBelow(own, Math.log10(found));
      card.place.textContent = found === undefined ? "" : below === 1
        ? `stranger than every real ${digit}`
        : `stranger than ${below > 0.99 ? "over 99 %" : percent(below)} of real ${digit}s`;
      marks.forEach((n, mark) => {
        const on = found !== undefined && found > limit(digit, n);
        const words = percent(allowed[n]);
        card.chips[mark].classList.toggle("on", on);
        card.chips[mark].title = `${on ? "flags" : "passes"} with ${words} false alarms allowed`;
      });
      const strict = marks.filter((n) => found > limit(digit, n)).map((n) => percent(allowed[n]));
      const words = `${flags ? "flags" : "passes"}; ${card.place.textContent}; flags at ${strict.join(", ") || "none of 1 to 20 %"}`;
      card.element.setAttribute("aria-label", `Model ${digit}${found === undefined ? "" : `: ${words}`}`);
    });
    if (!cards[0].found) {
      summary.textContent = "Ten models wait for a digit.";
      return;
    }
    const calm = DIGITS.filter((digit) => !alarmed.includes(digit));
    const list = (digits) => digits.join(", ").replace(/, (\d)$/, " and $1");
    const of = (digits) => `the model${digits.length > 1 ? "s" : ""} of ${list(digits)}`;
    summary.textContent = !calm.length
      ? "All ten models flag it: nobody knows this."
      : !alarmed.length
        ? "No model flags it."
        : `${alarmed.length} of 10 flag it. It passes as normal for ${of(calm)}.`;
  }

  /** Show what the chosen detector flags on the test set. */
  function onTest() {
    const start = (row(chosen) * allowed.length + at) * 10;
    const found = [...flagged.subarray(start, start + 10)].map(Math.round);
    const own = found[chosen];
    const strangers = found.reduce((a, b) => a + b) - own;
    const others = counts.reduce((a, b) => a + b) - counts[chosen];
    const number = (value) => value.toLocaleString("en");
    caught.textContent = `It flags ${number(strangers)} of ${number(others)} strangers (hits: ${percent(strangers / others)}) `
      + `and ${number(own)} of ${number(counts[chosen])} real ${chosen}s (false alarms: ${percent(own / counts[chosen], 1)}).`;
    const width = Math.min(bars.clientWidth, 620);
    if (!width) return;
    const height = 150;
    const base = height - 22;
    const picture = svg("svg", { width, height, role: "img", "aria-label": `Share of each digit's test images that the model of ${chosen} flags: ${found.map((n, digit) => `${digit}: ${percent(n / counts[digit])}`).join(", ")}` });
    found.forEach((n, digit) => {
      const part = n / counts[digit];
      const wide = (width / 10) * 0.62;
      const x = ((digit + 0.5) * width) / 10;
      const top = base - part * (base - 20);
      picture.append(
        svg("rect", {
          x: x - wide / 2, y: top, width: wide, height: Math.max(base - top, 1),
          style: `${digit === chosen ? "fill: none; stroke-dasharray: 3 2; stroke-width: 2; stroke" : "fill"}: var(--digit-${digit})`,
        }),
        text(x, top - 5, width < 420 ? percent(part).replace(" %", "") : percent(part), "middle"),
        text(x, height - 5, String(digit), "middle", digit === chosen ? "chosen" : ""),
      );
    });
    bars.replaceChildren(picture);
  }

  function update(image) {
    const seen = image && blurred(image);
    cards.forEach((card, digit) => {
      const { model: own, known } = detectors[digit];
      if (!image) {
        card.found = null;
        card.drawn.show(null, "");
        card.error.show(null, "");
        return;
      }
      const code = own.encode(image);
      const drawn = own.decode(code);
      card.found = anomalyScores(image, drawn, seen, known.distance(code));
      card.drawn.show(drawn, "");
      card.error.show(drawn.map((value, p) => value - image[p]), "", true);
    });
    judge();
  }

  const element = h(
    "div",
    {},
    share.element,
    which.element,
    summary,
    h("div.cards", {}, ...cards.map((card) => card.element)),
    h("p.quiet", {}, "Error: red is ink that the model invented, blue is ink that it left out. The chips: who flags it with 1, 5, 10 and 20 % false alarms allowed. “Real” here: validation images of the model's own digit."),
    model.element,
    caught,
    bars,
    h("p.quiet", {}, "Share of each digit's 10,000 test images that is flagged, in percent; the dashed bar is the model's own digit, where every flag is a false alarm."),
  );
  choose(chosen);
  return { element, update };
}

// --- The stamp -----------------------------------------------------------------------------

/** A square of numbers to edit: a click takes the next of 0, ½, 1; arrow keys move by ¼. */
function editor(name, change) {
  const element = h("div.editor", { role: "group", "aria-label": name });
  let values = [];
  const put = (cell, n) => {
    cell.textContent = short(values[n]).replace("-", "−");
    shade(cell, values[n], 1);
    const side = Math.sqrt(values.length);
    cell.setAttribute("aria-label", `${name}, row ${Math.floor(n / side) + 1}, column ${(n % side) + 1}: ${values[n]}`);
  };
  return {
    element,
    show(next) {
      values = [...next];
      const side = Math.sqrt(values.length);
      element.style.setProperty("--side", side);
      element.replaceChildren(...values.map((_, n) => {
        const set = (value) => {
          values[n] = clamp(value, -2, 2);
          put(cell, n);
          change([...values]);
        };
        const cell = button("", () => set({ 0: 0.5, 0.5: 1 }[values[n]] ?? 0));
        cell.addEventListener("keydown", (event) => {
          const by = { ArrowUp: 0.25, ArrowDown: -0.25 }[event.key];
          if (!by) return;
          event.preventDefault();
          set(values[n] + by);
        });
        put(cell, n);
        return cell;
      }));
    },
  };
}

/** Give a cell the colour of its number: ink above 0, the colour of missing ink below. */
function shade(cell, value, full) {
  const share = clamp(Math.abs(value) / full, 0, 1);
  cell.style.setProperty("--share", `${Math.round(100 * share)}%`);
  cell.style.setProperty("--to", value < 0 ? "var(--missing)" : "var(--ink)");
  cell.classList.toggle("dark", share > 0.5);
}

async function stampView() {
  const across = 5;
  let kernel = 3;
  let stride = 2;
  let weight = new Array(9).fill(1);
  let input = new Array(across * across).fill(1);
  const stamp = editor("kernel", (values) => {
    weight = values;
    press();
  });
  const field = editor("input", (values) => {
    input = values;
    press();
  });
  const table = h("div.output", { role: "img" });
  const finding = h("p.finding", { "aria-live": "polite" });
  const again = (make) => () => {
    weight = make();
    stamp.show(weight);
    press();
  };
  const square = (value) => Array.from({ length: kernel * kernel }, (_, n) => value(Math.floor(n / kernel), n % kernel));
  const tent = (place) => 1 - Math.abs(place - (kernel - 1) / 2) / ((kernel + 1) / 2);
  const presets = {
    "all ones": () => square(() => 1),
    tent: () => square((y, x) => Math.round(100 * tent(y) * tent(x)) / 100),
    random: () => square(() => Math.round(20 * (2 * Math.random() - 1)) / 20),
  };
  const inputs = {
    "flat field": () => 1,
    "one point": (n) => (n === 12 ? 1 : 0),
    "a rising edge": (n) => (n % across) / (across - 1),
  };
  const size = slider("kernel", {
    min: 1, max: 6, value: kernel, words: (value) => `${value} × ${value}`,
    change: (value) => {
      kernel = value;
      again(presets["all ones"])();
    },
  });
  const step = slider("stride", {
    min: 1, max: 4, value: stride,
    change: (value) => {
      stride = value;
      press();
    },
  });
  const pressed = slider("stamps pressed", {
    min: 0, max: across * across, value: across * across,
    words: (value) => `${value} of ${across * across}`, change: () => press(),
  });

  function press() {
    const count = pressed.value;
    const output = transposedConvolution(
      { data: Float32Array.from(input, (value, n) => (n < count ? value : 0)), channels: 1, side: across },
      { inputs: 1, outputs: 1, kernel, stride, padding: [0, 0], weight, bias: [0] },
    );
    const { side, data } = output;
    const full = Math.max(...data.map(Math.abs), 1e-9);
    table.style.setProperty("--side", side);
    table.classList.toggle("mute", side > 13);
    table.setAttribute("aria-label", `output, ${side} by ${side} pixels, from ${short(Math.min(...data))} to ${short(Math.max(...data))}`);
    table.replaceChildren(...Array.from(data, (value) => {
      const cell = h("span", {}, short(value).replace("-", "−"));
      shade(cell, value, full);
      return cell;
    }));
    finding.textContent = `${words()} The output has (${across} − 1) × ${stride} + ${kernel} = ${side} pixels a side.`;
  }

  /** What the kernel and the stride mean for a flat field. */
  function words() {
    if (kernel < stride) return "The kernel is smaller than the stride: some pixels are drawn by nobody.";
    const sums = new Array(stride * stride).fill(0);
    weight.forEach((value, n) => {
      sums[(Math.floor(n / kernel) % stride) * stride + ((n % kernel) % stride)] += value;
    });
    const [low, high] = range(sums);
    const even = kernel % stride === 0
      ? "The kernel is a multiple of the stride: every pixel inside gets as many stamps."
      : "The kernel is no multiple of the stride: some pixels get more stamps than others.";
    return high - low < 1e-6
      ? `${even} And a flat input comes out flat inside: what lands on each pixel adds up to ${short(low)}.`
      : `${even} A flat input comes out as a grid: what lands on a pixel adds up to between ${short(low)} and ${short(high)}.`;
  }

  const element = h(
    "div",
    {},
    h("div.two", {}, size.element, step.element),
    h("div.row.stamps", {},
      h("figure.picture", {}, field.element, h("figcaption", {}, h("b", {}, "Input"))),
      h("span.sign", { "aria-hidden": "true" }, "×"),
      h("figure.picture", {}, stamp.element, h("figcaption", {}, h("b", {}, "Kernel, the stamp"))),
      h("span.sign", { "aria-hidden": "true" }, "="),
      h("figure.picture.result", {}, table, h("figcaption", {}, h("b", {}, "Output")))),
    h("div.presets", {}, h("span.quiet", {}, "input:"), ...Object.entries(inputs).map(([name, value]) =>
      button(name, () => {
        input = Array.from({ length: across * across }, (_, n) => value(n));
        field.show(input);
        press();
      }))),
    h("div.presets", {}, h("span.quiet", {}, "kernel:"), ...Object.entries(presets).map(([name, make]) => button(name, again(make)))),
    pressed.element,
    finding,
  );
  field.show(input);
  stamp.show(weight);
  press();
  return { element };
}

// --- Six decoders --------------------------------------------------------------------------

const KIND_WORDS = {
  transpose: "kernel 3, stride 2: the original's",
  transpose_k4: "kernel 4, stride 2",
  nearest: "repeat pixels, then convolve",
  bilinear: "mix pixels, then convolve",
  pixel_shuffle: "convolve, then weave",
  pixel_shuffle_icnr: "the same, started evenly",
};

async function decodersView(room) {
  const kinds = Object.keys(KIND_WORDS);
  const dims = [2, 16].filter((d) => kinds.some((kind) => room.has(`up/${kind}/${d}`)));
  if (!dims.length) throw new Missing("The models up/… did not come with this explorer.");
  let models = {};
  const yours = new Picture(room, "Yours");
  const pictures = Object.fromEntries(kinds.map((kind) => [kind, new Picture(room, kind)]));
  let errorMap = false;
  async function open(d) {
    const there = kinds.filter((kind) => room.has(`up/${kind}/${d}`));
    const found = await Promise.all(there.map((kind) => room.model(`up/${kind}/${d}`)));
    if (size.select.value !== String(d)) return; // another one was chosen meanwhile
    models = Object.fromEntries(there.map((kind, n) => [kind, found[n]]));
    update(room.desk.image);
  }
  const size = choice("numbers in the code", dims.map((d) => [String(d), String(d)]), String(dims[0]), (value) => open(Number(value)));
  const what = choice("show", [["", "what they draw"], ["error", "their error maps"]], "", (value) => {
    errorMap = value === "error";
    update(room.desk.image);
  });
  let drawn = {};
  function update(image) {
    yours.show(image, image ? "" : NOBODY);
    drawn = {};
    for (const kind of kinds) {
      const picture = pictures[kind];
      if (!models[kind]) picture.show(null, "this model did not come with the explorer");
      else if (!image) picture.show(null, KIND_WORDS[kind]);
      else {
        drawn[kind] = models[kind].reconstruct(image);
        const shown = errorMap ? drawn[kind].map((value, p) => value - image[p]) : drawn[kind];
        picture.show(shown, `${KIND_WORDS[kind]}; error ${short(meanSquaredError(drawn[kind], image))}`, errorMap);
      }
    }
    room.settleSoon();
  }
  function settle(image) {
    if (!image) return;
    yours.show(image, reading(room, image));
    for (const [kind, values] of Object.entries(drawn)) {
      const words = `${KIND_WORDS[kind]}; error ${short(meanSquaredError(values, image))}; ${reading(room, values)}`;
      pictures[kind].show(pictures[kind].values, words, errorMap);
    }
  }
  const element = h(
    "div",
    {},
    h("div.two", {}, size.element, what.element),
    h("div.row.six", {}, yours.element, ...kinds.map((kind) => pictures[kind].element)),
  );
  await open(dims[0]);
  return { element, update, settle };
}

const VIEWS = {
  draw: {
    title: "Draw",
    first: "draw a small 7 into a corner. Then break things: make the pen thin, and look at the numbers.",
    make: drawView,
  },
  latent: {
    title: "Latent dimension",
    first: "draw a 2 of your own and move d from 0 upwards. From which d on is it yours?",
    make: latentView,
  },
  plane: {
    title: "Plane",
    first: "draw a 4, then drag the point slowly towards the 9s. Where does the judge change its mind?",
    make: planeView,
  },
  code: {
    title: "Code",
    first: "take a test digit 3 and move one number at a time. Does any of them mean one thing only?",
    make: codeView,
  },
  morph: {
    title: "Morph",
    first: "draw a 3 and go half way to the 8. Then do the same with other numbers in the code.",
    make: morphView,
  },
  alarms: {
    title: "Ten alarms",
    first: "draw a 7, see who flags it, and then give it a bar through the middle.",
    make: alarmsView,
  },
  stamp: {
    title: "Stamp",
    first: "set the kernel to 4, and the grid is gone. Then give the kernel random numbers.",
    make: stampView,
    padless: true,
  },
  decoders: {
    title: "Six decoders",
    first: "draw an 8 and look along its edges. Then shift or turn it, and compare again.",
    make: decodersView,
  },
};

// === 9 Mounting ============================================================================

const TOO_OLD = "This browser is too old for the explorer: it needs one from 2023 or later.";
const RESTING = 70; // milliseconds without a change, after which views settle

/**
 * Bring an explorer to life inside an element.
 * @param {HTMLElement} host @param {object} payload @param {Desk} [desk] its own, if it has one
 * @returns {Promise<() => void>} how to end it
 */
export async function mount(host, payload, desk = shared().desk) {
  host.dataset.aelib = "mounted";
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  if (typeof DecompressionStream === "undefined" || typeof OffscreenCanvas === "undefined") {
    root.replaceChildren(h("slot"), h("p", { role: "alert" }, TOO_OLD)); // the still stays
    return () => {};
  }
  // Jupyter's own shortcuts must not take the keys that are meant for a slider or the pad.
  host.dataset.lmSuppressShortcuts = "true";
  const keep = (event) => event.stopPropagation();
  host.addEventListener("keydown", keep);

  const room = new Room(host, payload, desk);
  room.followers = new Set();
  root.replaceChildren(h("style", {}, payload.style ?? ""));
  room.dress();
  const scene = payload.frames ? frames(room, payload.frames) : await stage(room);
  root.append(scene.element);
  room.dress();

  const dress = () => room.dress();
  const media = ["(prefers-color-scheme: dark)", "print"].map((query) => matchMedia(query));
  for (const each of media) each.addEventListener("change", dress);
  const watcher = new MutationObserver(dress);
  for (const element of [document.documentElement, document.body]) {
    watcher.observe(element, { attributes: true });
  }
  return () => {
    for (const each of media) each.removeEventListener("change", dress);
    watcher.disconnect();
    host.removeEventListener("keydown", keep);
    scene.end?.();
  };
}

/** The pad and the views beside it. */
async function stage(room) {
  const { desk, payload } = room;
  let trouble = "";
  try {
    room.judge = room.has("judge") ? await room.model("judge") : null;
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    trouble = `${error.message} Nobody reads your digit. `;
  }
  room.verdict = h("div.verdict");
  const verdict = h("p", { role: "status" });
  const meaning = choice("meant as", [["", "as read"], ...DIGITS.map((n) => [String(n), String(n)])], "",
    (value) => {
      desk.meant = value === "" ? null : Number(value);
      desk.changed();
    });
  room.verdict.append(verdict, meaning.element);

  const views = payload.views.map((name) => ({ name, ...(VIEWS[name] ?? unknown(name)) }));
  const pad = views.length && views.every((view) => view.padless) ? null : await makePad(room);
  let current = null;
  let resting = 0;
  let seen = true;

  const { ink: inks } = payload.digits ?? {};
  const usual = inks ? `; nine of ten real digits: ${percent(inks[0])} to ${percent(inks[1])}` : "";

  const settle = () => {
    const { image, drawing } = desk;
    const shares = room.judge && image ? room.judge.read(image) : null;
    const read = shares && argmax([...shares]);
    const label = drawing.base && !drawing.strokes.length ? drawing.base.label : null;
    const ink = image && image.reduce((a, b) => a + b) / PIXELS;
    verdict.textContent = !image
      ? "Nothing is drawn yet."
      : `${shares ? `The judge reads ${read}, ${sureness(shares[read])}. ` : trouble}Ink: ${percent(ink)}${usual}.`;
    meaning.select.value = desk.meant ?? "";
    current?.view?.settle?.(image, desk.meant ?? label ?? read);
  };
  room.settleSoon = () => {
    clearTimeout(resting);
    resting = setTimeout(settle, RESTING);
  };
  const update = () => {
    if (!seen) return; // what nobody looks at is not computed; it is when it comes into sight
    pad?.update();
    for (const follow of room.followers) follow();
    current?.view?.update?.(desk.image);
    room.settleSoon();
  };

  const panels = views.map((view) => {
    const panel = h("section.view", { "aria-label": view.title });
    return { ...view, panel, view: null };
  });
  const open = async (chosen) => {
    current = chosen;
    element.classList.toggle("padless", Boolean(chosen.padless) || !pad);
    for (const each of panels) each.panel.hidden = each !== chosen;
    if (!chosen.view) {
      chosen.panel.replaceChildren(h("p.quiet", { role: "status" }, "Unpacking …"));
      try {
        chosen.view = await chosen.make(room);
        chosen.panel.replaceChildren(
          h("h3", {}, chosen.title),
          h("p.first", {}, h("b", {}, "Try first: "), chosen.first),
          chosen.view.element,
        );
      } catch (error) {
        if (!(error instanceof Missing)) throw error;
        chosen.view = {};
        chosen.panel.replaceChildren(h("h3", {}, chosen.title), h("p.missing", { role: "alert" }, error.message));
      }
    }
    update();
  };
  const tabs = views.length > 1 ? tabList(panels, open) : null;
  const element = h("div.explorer", {}, tabs?.element ?? "");
  const main = h("div.main", {}, ...(pad ? [pad.element] : []), h("div.views", {}, ...panels.map(({ panel }) => panel)));
  element.append(main);
  const wanted = payload.page ? location.hash.slice(1) : "";
  element.classList.toggle("alone", !panels.length);
  if (panels.length) await open(panels.find(({ name }) => name === wanted) ?? panels[0]);
  else update();
  tabs?.mark(current);

  const watcher = new IntersectionObserver(([entry]) => {
    const before = seen;
    seen = entry.isIntersecting;
    if (seen && !before) update();
  }, { rootMargin: "200px" });
  watcher.observe(room.host);
  const stop = desk.listen(update);
  return {
    element,
    end() {
      stop();
      watcher.disconnect();
      clearTimeout(resting);
    },
  };
}

/** A view that this module does not know says so. */
const unknown = (name) => ({
  title: name,
  first: "",
  make() {
    throw new Missing(`There is no view ${name}; there are: ${Object.keys(VIEWS).join(", ")}.`);
  },
});

/** Tabs, one for each view; arrow keys go from one to the next. */
function tabList(panels, open) {
  const tabs = panels.map((panel, n) => {
    panel.panel.setAttribute("role", "tabpanel");
    return h("button", {
      type: "button",
      role: "tab",
      onclick: () => show(panels[n]),
    }, panel.title);
  });
  const mark = (chosen) => panels.forEach((panel, n) => {
    tabs[n].setAttribute("aria-selected", String(panel === chosen));
    tabs[n].tabIndex = panel === chosen ? 0 : -1;
  });
  const show = (panel) => {
    mark(panel);
    open(panel);
  };
  const element = h("div.tabs", { role: "tablist", "aria-label": "Views" }, ...tabs);
  element.addEventListener("keydown", (event) => {
    const now = tabs.findIndex((tab) => tab.tabIndex === 0);
    const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = (to + tabs.length) % tabs.length;
    show(panels[next]);
    tabs[next].focus();
  });
  return { element, mark };
}

/** Given pictures, one at a time, with a slider. */
function frames(room, { name, labels, pictures, alts, start }) {
  const image = h("img", {});
  const show = (n) => {
    image.src = `data:image/png;base64,${pictures[n]}`;
    image.alt = alts[n];
  };
  const handle = slider(name, {
    min: 0, max: labels.length - 1, value: start, words: (n) => labels[n], change: show,
  });
  show(start);
  return { element: h("div.explorer.frames", {}, handle.element, image) };
}

/** Mount every explorer of the document that waits for it, each with its own payload. */
export function mountWaiting() {
  for (const host of document.querySelectorAll('[data-aelib="waiting"]')) {
    host.dataset.aelib = "mounted";
    const start = async () => {
      const script = host.querySelector('script[type="application/json"]');
      await mount(host, JSON.parse(script.textContent));
    };
    start().catch((error) => {
      const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
      const words = `The explorer could not start: ${error.message}`;
      root.replaceChildren(h("slot"), h("p", { role: "alert" }, words)); // the still stays
    });
  }
}

/** anywidget: a drawing pad whose drawing goes to Python. */
export default {
  async render({ model, el }) {
    const desk = new Desk();
    const payload = { ...model.get("payload"), style: model.get("sheet") };
    const tell = () => {
      model.set("pixels", desk.image ? [...desk.image] : []);
      model.save_changes();
    };
    let resting = 0;
    const stop = desk.listen(() => {
      clearTimeout(resting);
      resting = setTimeout(tell, RESTING);
    });
    const host = h("div");
    el.append(host);
    const end = await mount(host, payload, desk);
    return () => {
      stop();
      end();
    };
  },
};
