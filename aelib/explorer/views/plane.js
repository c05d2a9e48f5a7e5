// Plane: where the two numbers of a code lie, what the decoder draws all over it, and films through it.

import { CLOUD, MapOfPlane, namesOf, paintDots, paintNames, paintRing } from "../cloud.js";
import { NOBODY, judgement, makeDrawing } from "../drawing.js";
import { Picture, paintInto } from "../explorer.js";
import { Film } from "../film.js";
import { DIGITS, SIDE, argmax, clamp, pictureOf, range, rounded } from "../measures.js";
import { unpacked } from "../network.js";
import { KEYS, VIEWS, button, choice, h, placeOn, short, slider } from "../page.js";
import { Shelf } from "../shelf.js";
import { say } from "../words.js";

const TILES = 14; // drawings along each side of the ground
const AT_ONCE = 20; // of them, in a frame
const NEAR = 10; // pixels on the screen from which a dot answers to the pointer

async function planeView(explorer) {
  const shelf = new Shelf(explorer.payload);
  const model = await shelf.model("latent/2");
  const { plane } = shelf.own?.name === "latent/2" ? shelf.own : explorer.payload;
  const points = await unpacked(plane?.points);
  const images = plane.images ? await unpacked(plane.images) : null; // as bright as 1, or as their levels
  const brightest = images && range(images)[1];
  const { labels } = plane;
  const dots = labels.map((_, n) => [points[2 * n], points[2 * n + 1]]);
  const map = new MapOfPlane(points);
  const drawnAt = (place) => model.decode(Float32Array.from(place));

  const canvas = h("canvas.map", {
    width: CLOUD, height: CLOUD, tabindex: 0, role: "application", "aria-roledescription": say`map`,
    "aria-label": say`The plane of the two numbers. Drag the point, or move it with the arrow keys. Plus and minus zoom, Space adds the point to a path.`,
  });
  const yours = new Picture(explorer, say`Yours`);
  const there = new Picture(explorer, say`Drawn at the point`);
  const real = new Picture(explorer, say`A real digit`);
  const around = h("p.finding", { "aria-live": "polite" });
  const sliders = [say`number 1, across`, say`number 2, up`].map((name, axis) => {
    const [min, max] = map.ends[axis];
    return slider(name, {
      min, max, step: (max - min) / 200, value: (min + max) / 2, words: short,
      change: (value) => go(axis ? [point[0], value] : [value, point[1]]),
    });
  });
  let point = map.point([0.5, 0.5]);
  let own = null; // the code of the drawing
  let hovered = null; // the dot under the pointer
  let path = []; // codes
  let tracing = false; // whether a drag draws a path
  let wished = null; // a place that an address asks for
  let [dotted, names, places, tiles] = [null, [], [], null];
  const ground = new OffscreenCanvas(TILES * SIDE, TILES * SIDE);
  const layer = new OffscreenCanvas(CLOUD, CLOUD); // the dots

  // --- The map.

  /** The map shows another part, in another way or in other colours. */
  function renew() {
    places = dots.map((dot) => map.toCanvas(dot));
    dotted = null;
    hovered = null;
    const pen = ground.getContext("2d");
    pen.clearRect(0, 0, ground.width, ground.height);
    tiles = Array.from({ length: TILES ** 2 }, (_, n) => n);
    requestAnimationFrame(layTiles);
    paint();
    explorer.settleSoon();
  }

  /** Lay some tiles of the ground; the middle comes first. */
  function layTiles() {
    const mine = tiles;
    const pen = ground.getContext("2d");
    const pixels = new ImageData(SIDE, SIDE);
    for (const n of mine.splice(0, AT_ONCE)) {
      const [column, row] = [n % TILES, Math.floor(n / TILES)];
      const drawn = drawnAt(map.fromCanvas((column + 0.5) / TILES, (row + 0.5) / TILES));
      paintInto(pixels, drawn, SIDE, (value) => explorer.shade(value));
      pen.putImageData(pixels, column * SIDE, row * SIDE);
    }
    paint();
    if (mine.length && element.isConnected) requestAnimationFrame(() => mine === tiles && layTiles());
  }

  function paint() {
    const pen = canvas.getContext("2d");
    if (!dotted) {
      dotted = layer.getContext("2d");
      dotted.clearRect(0, 0, CLOUD, CLOUD);
      paintDots(explorer, dotted, places, labels);
      names = namesOf(places, labels);
    }
    pen.fillStyle = explorer.css("--paper");
    pen.fillRect(0, 0, CLOUD, CLOUD);
    pen.globalAlpha = 0.42;
    pen.drawImage(ground, 0, 0, CLOUD, CLOUD);
    pen.globalAlpha = 1;
    pen.drawImage(layer, 0, 0);
    if (path.length) {
      [[10, "--paper"], [5, "--second"]].forEach(([lineWidth, colour]) => {
        Object.assign(pen, { lineWidth, lineCap: "round", lineJoin: "round", strokeStyle: explorer.css(colour) });
        pen.beginPath();
        for (const place of path) pen.lineTo(...map.toCanvas(place));
        pen.stroke();
      });
    }
    if (shownDot() !== null) paintRing(explorer, canvas, places[shownDot()], 9, [7, 3], "--second");
    if (own) paintRing(explorer, canvas, map.toCanvas(own), 11, [8, 4], "--text");
    paintRing(explorer, canvas, map.toCanvas(point), 20, [9, 5], "--accent");
    paintNames(explorer, pen, names); // above the rings: whose cloud it is can be read
  }
  explorer.painters.add(renew);

  /** The dot next to a place of the canvas, no further than so many of its pixels; null if there is none. */
  function dotAt([x, y], most) {
    const far = places.map((place) => Math.hypot(place[0] - x, place[1] - y));
    const n = argmax(far.map((each) => -each));
    return far[n] <= most ? n : null;
  }
  const shownDot = () => hovered ?? dotAt(map.toCanvas(point), 40);

  function showReal() {
    const n = shownDot();
    const words = n === null ? say`none near the point` : hovered === null ? say`a ${labels[n]}, nearest to the point` : say`a ${labels[n]}, under the pointer`;
    real.show(n !== null && images ? pictureOf(images, n).map((value) => value / brightest) : null, words);
  }

  function go(next) {
    point = next.map((value, axis) => clamp(value, ...map.ends[axis]));
    sliders.forEach((each, axis) => each.set(point[axis]));
    const [x, y] = map.toCanvas(point).map((at) => at / CLOUD);
    if (x < 0 || y < 0 || x > 1 || y > 1) { // the map goes along
      const [left, low, side] = map.part;
      map.look([left + (clamp(x, 0.9, Infinity) - 0.9 + clamp(x, -Infinity, 0.1) - 0.1) * side,
        low - (clamp(y, 0.9, Infinity) - 0.9 + clamp(y, -Infinity, 0.1) - 0.1) * side, side]);
      renew();
    }
    there.show(drawnAt(point), "");
    paint();
    showReal();
    explorer.settleSoon();
  }

  // --- Pointers: one moves the point or draws a path, two zoom; up and down the page scrolls.

  const fingers = new Map();
  const spread = () => {
    const [a, b] = [...fingers.values()].map(({ now }) => now);
    return { far: Math.hypot(a[0] - b[0], a[1] - b[1]), middle: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2] };
  };
  const follow = (place, begins) => {
    const code = map.fromCanvas(...place);
    if (tracing) path = begins ? [code] : [...path, code];
    go(code);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const place = placeOn(event);
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { first: place, now: place, moves: event.pointerType === "mouse" || tracing });
    if (fingers.size === 1 && (event.pointerType === "mouse" || tracing)) follow(place, true);
  });
  canvas.addEventListener("pointermove", (event) => {
    const place = placeOn(event);
    const finger = fingers.get(event.pointerId);
    if (!finger) {
      const { width } = canvas.getBoundingClientRect();
      const under = dotAt(place.map((at) => at * CLOUD), (NEAR * CLOUD) / width);
      if (under === hovered) return;
      hovered = under;
      paint();
      showReal();
      return;
    }
    if (fingers.size === 2) {
      const before = spread();
      finger.now = place;
      const { far, middle } = spread();
      const [left, low, side] = map.part;
      map.look([left - (middle[0] - before.middle[0]) * side, low + (middle[1] - before.middle[1]) * side, side]);
      map.zoom(before.far / far, ...middle);
      renew();
      return;
    }
    finger.now = place;
    const [dx, dy] = [0, 1].map((axis) => Math.abs(place[axis] - finger.first[axis]));
    finger.moves ||= dx > 0.02 && dx > dy;
    if (finger.moves) follow(place, false);
  });
  canvas.addEventListener("pointerup", (event) => {
    const finger = fingers.get(event.pointerId);
    if (finger && fingers.size === 1 && !finger.moves) follow(finger.now, true); // a tap
    if (finger && tracing) endPath();
  });
  for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(kind, ({ pointerId }) => fingers.delete(pointerId));
  }
  canvas.addEventListener("pointerleave", () => {
    hovered = null;
    paint();
    showReal();
  });
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // two fingers on a trackpad that pinch; else the page scrolls
    event.preventDefault();
    map.zoom(Math.exp(event.deltaY / 100), ...placeOn(event));
    renew();
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const zooms = { "+": 0.5, "=": 0.5, "-": 2 }[event.key];
    if (KEYS[event.key]) {
      const [dx, dy] = KEYS[event.key];
      const step = (event.shiftKey ? 0.005 : 0.02) * map.part[2];
      const [across, up] = map.share(point);
      go(map.point([across + dx * step, up - dy * step]));
    } else if (zooms && !event.ctrlKey && !event.metaKey) zoom(zooms);
    else if (event.key === " ") {
      path = [...path, point];
      endPath();
    } else return;
    event.preventDefault();
  });
  const zoom = (by) => {
    map.zoom(by, ...map.toCanvas(point).map((at) => clamp(at / CLOUD, 0, 1)));
    renew();
  };

  // --- The film along a path.

  const film = new Film(explorer, map, drawnAt, go);
  function endPath() {
    trace.setAttribute("aria-pressed", "false");
    canvas.classList.remove("tracing");
    tracing = false;
    film.show(path);
    paint();
  }

  // --- What the pen changes.

  function update(image) {
    const before = own?.join();
    own = image ? [...model.encode(image)] : null;
    yours.show(image, image ? "" : NOBODY);
    back.disabled = !own;
    // The point follows the drawing; a point that was dragged stays until the drawing changes.
    if (wished) go(wished);
    else if (own && own.join() !== before) go(own);
    else if (!there.values) go(point);
    else paint();
    wished = null;
  }

  function settle(image) {
    yours.show(image, image ? judgement(explorer, image) : NOBODY);
    there.show(there.values, judgement(explorer, there.values));
    const [across, up] = map.share(point);
    const near = dots
      .map((dot, n) => {
        const [x, y] = map.share(dot);
        return [Math.hypot(x - across, y - up), labels[n]];
      })
      .sort((a, b) => a[0] - b[0])
      .slice(0, 15);
    const counts = DIGITS.map((digit) => near.filter(([, label]) => label === digit).length);
    const most = argmax(counts);
    around.textContent = say`Of the 15 real digits nearest to the point, ${counts[most]} are ${most}.`;
    wider.disabled = whole.disabled = map.part[2] === 1;
  }

  const scale = choice(say`scale`, [["lies", say`as it lies`], ["rank", say`by rank`]], "lies", (value) => {
    map.byRank = value === "rank";
    renew();
  });
  const closer = button("+", () => zoom(0.5), { "aria-label": say`Zoom in` });
  const wider = button("−", () => zoom(2), { "aria-label": say`Zoom out` });
  const whole = button(say`All`, () => zoom(16), { "aria-label": say`The whole plane` });
  const trace = button(say`Draw a path`, () => {
    tracing = !tracing;
    trace.setAttribute("aria-pressed", String(tracing));
    canvas.classList.toggle("tracing", tracing);
  }, { "aria-pressed": "false" });
  const back = button(say`Back to my digit`, () => own && go(own));
  const element = h("div.split.place", {},
    h("div.mapbox", {}, canvas, h("div.tools.left", {}, closer, wider, whole, scale.element, trace),
      h("p.quiet", {}, say`Below the dots lies what the decoder draws at each place. Each dot is a real test digit; a number stands where its like lie. Large ring: the point; small ring: your digit.`)),
    h("div.rest", {}, h("div.row", {}, yours.element, there.element, real.element), around, ...sliders.map((each) => each.element), back, film.element),
  );
  return {
    element, update, settle,
    state: () => ({
      ...(own?.join() === point.join() ? {} : { z: point.map(rounded).join() }),
      ...(map.byRank ? { scale: "rank" } : {}),
      ...(map.part[2] < 1 ? { zoom: map.part.map(rounded).join() } : {}),
    }),
    restore(wishes) {
      scale.select.value = wishes.pick("scale", ["lies", "rank"]) ?? "lies";
      map.byRank = scale.select.value === "rank";
      map.look(wishes.numbers("zoom", 3, 0, 1) ?? [0, 0, 1]);
      wished = wishes.numbers("z", 2, -1e4, 1e4) ?? null;
      renew();
    },
  };
}

VIEWS.plane = {
  title: say`Plane`, make: planeView, drawing: makeDrawing, height: [807, 1603],
  first: say`draw a 4, then drag the point slowly towards the 9s. Where does the judge change its mind? Then draw a path from the 1s to the 0s.`,
};
