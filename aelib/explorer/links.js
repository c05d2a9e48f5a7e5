// Which pixels of a layer's output look at which pixels of its input, and through which weight.

const KNOWN = new Map(); // what was asked for once is asked for often

/**
 * The links of a layer, for maps of a side: [output pixel, input pixel, tap], where a tap is a place in
 * its kernel, or in `factors` if its weights are fixed. @returns {{side: number, links: number[][], factors?: number[]}}
 */
export function linksOf(layer, from) {
  const { kind, kernel, stride, padding, size } = layer;
  const key = [kind, kernel, stride, padding, size, from].join();
  if (!KNOWN.has(key)) KNOWN.set(key, (FIXED[kind] ?? ofKernel)(from, size, layer));
  return KNOWN.get(key);
}

/**
 * A kernel lies on the finer maps and moves by `stride` with every pixel of the coarser ones. A convolution
 * goes from fine to coarse, a transposed one from coarse to fine; a linear layer has a single pixel.
 */
function ofKernel(from, _, { kind, kernel = 1, stride = 1, padding = [0, 0] }) {
  const isTransposed = kind === "transposed convolution";
  const added = padding[0] + padding[1];
  const side = isTransposed ? (from - 1) * stride + kernel - added : Math.floor((from + added - kernel) / stride) + 1;
  const [coarse, fine] = isTransposed ? [from, side] : [side, from];
  const links = [];
  const inside = (place) => place >= 0 && place < fine;
  for (let pixel = 0; pixel < coarse * coarse; pixel++) {
    const [top, left] = [Math.floor(pixel / coarse), pixel % coarse].map((at) => at * stride - padding[0]);
    for (let tap = 0; tap < kernel * kernel; tap++) {
      const [y, x] = [top + Math.floor(tap / kernel), left + (tap % kernel)];
      if (!inside(y) || !inside(x)) continue;
      links.push(isTransposed ? [y * fine + x, pixel, tap] : [pixel, y * fine + x, tap]);
    }
  }
  return { side, links };
}

const FIXED = {
  /** The nearest pixel is repeated. */
  nearest(from, side) {
    const source = (place) => Math.floor((place * from) / side);
    return { side, factors: [1], links: eachPixel(side, (y, x) => [source(y) * from + source(x), 0]) };
  },

  /** The four nearest pixels are mixed, as PyTorch enlarges. */
  bilinear(from, side) {
    const places = Array.from({ length: side }, (_, n) => {
      const exact = Math.max(((n + 0.5) * from) / side - 0.5, 0);
      const before = Math.min(Math.floor(exact), from - 1);
      return [[before, 1 - exact + before], [Math.min(before + 1, from - 1), exact - before]];
    });
    const factors = [];
    const corner = (one, other) => eachPixel(side, (y, x) => {
      const [[down, ofDown], [across, ofAcross]] = [places[y][one], places[x][other]];
      return [down * from + across, factors.push(ofDown * ofAcross) - 1];
    });
    return { side, factors, links: [corner(0, 0), corner(0, 1), corner(1, 0), corner(1, 1)].flat() };
  },

  /** Four maps, one after the other, are woven into one of twice the side, cut to `side`. */
  "pixel shuffle"(from, side) {
    const links = eachPixel(side, (y, x) => [((2 * (y % 2) + (x % 2)) * from + (y >> 1)) * from + (x >> 1), 0]);
    return { side, factors: [1], links };
  },
};

const eachPixel = (side, link) => Array.from({ length: side * side }, (_, p) => [p, ...link(Math.floor(p / side), p % side)]);
