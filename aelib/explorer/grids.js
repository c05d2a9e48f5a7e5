// Arithmetic on grids of numbers, as SciPy has it: {data, width, height}, line by line.
// A box of one is [left, top, right, bottom].

/** A grid of numbers, each from its place. */
export function gridOf(width, height, at, Kind = Float32Array) {
  const data = new Kind(width * height);
  for (let p = 0; p < data.length; p++) data[p] = at(p);
  return { data, width, height };
}

/** Another grid of the same size. */
export const mapped = ({ data, width, height }, change, Kind = data.constructor) => gridOf(width, height, (p) => change(data[p], p), Kind);
export const longer = ({ width, height }) => Math.max(width, height);
export const total = (values) => values.reduce((sum, value) => sum + value, 0);

/** A quantile of rising numbers, as NumPy has it: between two of them it is interpolated. */
export function quantile(rising, share) {
  const [at, low] = [share * (rising.length - 1), Math.floor(share * (rising.length - 1))];
  return rising[low] + (at - low) * (rising[Math.min(low + 1, rising.length - 1)] - rising[low]);
}

/** Where the ink of a grid balances, across and down: 0 is the middle of the first pixel. */
export function centreOf({ data, width }) {
  let [ink, across, down] = [0, 0, 0];
  data.forEach((value, p) => {
    ink += value;
    across += value * (p % width);
    down += value * Math.floor(p / width);
  });
  return [across / ink, down / ink];
}

/** The means of blocks of step x step pixels; the last ones may be smaller. */
export function shrunk({ data, width, height }, step) {
  const [w, h] = [Math.ceil(width / step), Math.ceil(height / step)];
  return gridOf(w, h, (p) => {
    const [left, top] = [(p % w) * step, Math.floor(p / w) * step];
    const [right, bottom] = [Math.min(width, left + step), Math.min(height, top + step)];
    let sum = 0;
    for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += data[y * width + x];
    return sum / ((bottom - top) * (right - left));
  });
}

/** The largest (sign 1) or least (sign -1) value within `across` columns and `down` rows of each pixel. */
export function extreme(grid, across, down, sign = 1) {
  let { data, width, height } = grid;
  for (const reach of [across, down]) { // along lines; what comes out is written across, and so on its side
    const to = new data.constructor(data.length);
    const line = new Float64Array(width + 2 * reach);
    for (let y = 0; y < height; y++) {
      line.fill(-Infinity);
      for (let x = 0; x < width; x++) line[x + reach] = sign * data[y * width + x];
      for (let size = 1; size <= 2 * reach; size *= 2) { // each now is the largest of the next `size`
        const more = Math.min(size, 2 * reach + 1 - size);
        for (let x = 0; x + more < line.length; x++) if (line[x + more] > line[x]) line[x] = line[x + more];
      }
      for (let x = 0; x < width; x++) to[x * height + y] = sign * line[x];
    }
    [data, width, height] = [to, height, width];
  }
  return { data, width, height };
}

/** Connected pixels get a number each, from 1, in the order in which one meets them line by line. */
export function labelled({ data, width, height }, corners = true) {
  const label = new Int32Array(data.length);
  const stack = [];
  let count = 0;
  const meet = (p) => {
    if (!data[p] || label[p]) return;
    label[p] = count;
    stack.push(p);
  };
  for (let start = 0; start < data.length; start++) {
    if (!data[start] || label[start]) continue;
    count++;
    for (meet(start); stack.length;) {
      const p = stack.pop();
      const [x, y] = [p % width, Math.floor(p / width)];
      for (let v = Math.max(y - 1, 0); v <= Math.min(y + 1, height - 1); v++) {
        for (let u = Math.max(x - 1, 0); u <= Math.min(x + 1, width - 1); u++) {
          if (corners || u === x || v === y) meet(v * width + u);
        }
      }
    }
  }
  return { data: label, width, height, count };
}

/** The box of each number in a grid of labels. */
export function boxesOf({ data, width, count }) {
  const boxes = Array.from({ length: count }, () => [Infinity, Infinity, 0, 0]);
  data.forEach((number, p) => {
    if (!number) return;
    const [box, x, y] = [boxes[number - 1], p % width, Math.floor(p / width)];
    boxes[number - 1] = [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x + 1), Math.max(box[3], y + 1)];
  });
  return boxes;
}

export function rimOf({ data, width, height }) {
  const sides = Array.from({ length: height }, (_, y) => [data[y * width], data[(y + 1) * width - 1]]);
  return Float32Array.from([...data.subarray(0, width), ...data.subarray(-width), ...sides.flat()]);
}

/** What is in a box; beyond the edges there are zeros. */
export function cropped({ data, width, height }, [left, top, right, bottom]) {
  const part = gridOf(right - left, bottom - top, () => 0, data.constructor);
  for (let y = Math.max(top, 0); y < Math.min(bottom, height); y++) {
    const row = data.subarray(y * width + Math.max(left, 0), y * width + Math.min(right, width));
    part.data.set(row, (y - top) * part.width + Math.max(-left, 0));
  }
  return part;
}

export const padded = (given, by) => cropped(given, [-by, -by, given.width + by, given.height + by]);

/** How far from each pixel the nearest one lies that is 0: first along columns, then across them. */
export function distances({ data, width, height }) {
  const column = Float64Array.from(data, (value) => (value ? width + height : 0));
  for (let p = width; p < data.length; p++) column[p] = Math.min(column[p], column[p - width] + 1);
  for (let p = data.length - width - 1; p >= 0; p--) column[p] = Math.min(column[p], column[p + width] + 1);
  return column.map((own, p) => {
    let [least, x] = [own ** 2, p % width];
    for (let d = 1; d * d < least; d++) { // what is further away is not nearer
      if (x >= d) least = Math.min(least, d * d + column[p - d] ** 2);
      if (x + d < width) least = Math.min(least, d * d + column[p + d] ** 2);
    }
    return Math.sqrt(least);
  });
}

/** As many times the pixels a side, straight lines between the old ones. */
export function enlarged({ data, width, height }, times) {
  const [w, h] = [width * times, height * times];
  const place = (n, length) => {
    const at = length > 1 ? (n * (length - 1)) / (length * times - 1) : 0;
    return [Math.floor(at), Math.min(Math.floor(at) + 1, length - 1), at - Math.floor(at)];
  };
  return gridOf(w, h, (p) => {
    const [[left, right, across], [above, below, down]] = [place(p % w, width), place(Math.floor(p / w), height)];
    const along = (y) => (1 - across) * data[y * width + left] + across * data[y * width + right];
    return (1 - down) * along(above) + down * along(below);
  }, data.constructor);
}
