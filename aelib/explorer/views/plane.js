// Plane: where the two numbers of a code lie, what the decoder draws all over it, and films through it.

import { packedStrokes, unpackedStrokes } from "../address.js";
import { CLOUD, MapOfPlane, paintDots, paintNames, paintRing, strokeWay } from "../cloud.js";
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

const apart = ([x, y], [u, v]) => Math.hypot(x - u, y - v);

async function planeView(explorer) {
  const shelf = new Shelf(explorer.payload);
  const model = await shelf.model("latent/2");
  const { plane } = shelf.own?.name === "latent/2" ? shelf.own : explorer.payload;
  const [points, images] = await Promise.all([plane.points, plane.images].map(unpacked));
  const brightest = range(images)[1]; // 1, or the last of their levels
  const { labels } = plane;
  const dots = labels.map((_, n) => [points[2 * n], points[2 * n + 1]]);
  const map = new MapOfPlane(dots);
  const drawnAt = (code) => model.decode(Float32Array.from(code));

  const canvas = h("canvas.map", {
    width: CLOUD, height: CLOUD, tabindex: 0, role: "application", "aria-roledescription": say`map`,
    "aria-label": say`The plane of the two numbers. Drag the point, or move it with the arrow keys. Plus and minus zoom, Space adds the point to a path.`,
  });
  const [yours, there, real] = [say`Yours`, say`Drawn at the point`, say`A real digit`].map((name) => new Picture(explorer, name));
  const around = h("p.finding", { "aria-live": "polite" });
  const sliders = [say`number 1, across`, say`number 2, up`].map((name, axis) => {
    const [min, max] = map.ends[axis];
    return slider(name, {
      min, max, step: (max - min) / 200, value: (min + max) / 2, words: short,
      change: (value) => go(point.with(axis, value)),
    });
  });
  let point = map.point([0.5, 0.5]);
  let own = null; // the code of the drawing
  let hovered = null; // the dot under the pointer
  let path = []; // codes
  let wished = null; // a place that an address asks for
  let tiles = []; // of the ground, those that are to be laid
  let places = dots.map((dot) => map.toCanvas(dot));
  const ground = new OffscreenCanvas(TILES * SIDE, TILES * SIDE);
  const layer = new OffscreenCanvas(CLOUD, CLOUD); // the ground and the dots: they stay while the point moves

  // --- The map.

  /** The map shows another part, in another scale or in other colours. */
  function renew() {
    places = dots.map((dot) => map.toCanvas(dot));
    ground.getContext("2d").clearRect(0, 0, ground.width, ground.height);
    tiles = Array.from({ length: TILES ** 2 }, (_, n) => n);
    requestAnimationFrame(layTiles);
    paintLayer();
    explorer.settleSoon();
  }
  explorer.pictures.add({ paint: renew });

  /** Lay some tiles of the ground. */
  function layTiles() {
    const mine = tiles;
    const pixels = new ImageData(SIDE, SIDE);
    for (const n of mine.splice(0, AT_ONCE)) {
      const place = [n % TILES, Math.floor(n / TILES)];
      const drawn = drawnAt(map.fromCanvas(place.map((at) => ((at + 0.5) * CLOUD) / TILES)));
      paintInto(pixels, drawn, SIDE, (value) => explorer.shade(value));
      ground.getContext("2d").putImageData(pixels, ...place.map((at) => at * SIDE));
    }
    paintLayer();
    if (mine.length && element.isConnected) requestAnimationFrame(() => mine === tiles && layTiles());
  }

  function paintLayer() {
    paintDots(explorer, layer.getContext("2d"), places, labels, (pen) => {
      pen.globalAlpha = 0.42;
      pen.drawImage(ground, 0, 0, CLOUD, CLOUD);
    });
    paint();
  }

  function paint() {
    const pen = canvas.getContext("2d");
    const way = new Path2D();
    for (const code of path) way.lineTo(...map.toCanvas(code));
    pen.drawImage(layer, 0, 0);
    strokeWay(explorer, pen, way, [10, 5], "--second");
    if (shownDot() !== null) paintRing(explorer, canvas, places[shownDot()], 9, [7, 3], "--second");
    if (own) paintRing(explorer, canvas, map.toCanvas(own), 11, [8, 4], "--text");
    paintRing(explorer, canvas, map.toCanvas(point), 20, [9, 5], "--accent");
    paintNames(explorer, pen, places, labels); // above the rings: whose cloud it is can be read
  }

  /** How far each dot is from a place of the canvas. */
  const away = (from) => places.map((place) => apart(place, from));
  /** The dot next to a place, no further than so many pixels; null if there is none. */
  function dotAt(place, most) {
    const far = away(place);
    const n = far.indexOf(Math.min(...far));
    return far[n] <= most ? n : null;
  }
  const shownDot = () => hovered ?? dotAt(map.toCanvas(point), 40);

  function show() {
    paint();
    const n = shownDot();
    const words = n === null ? say`none near the point` : hovered === null ? say`a ${labels[n]}, nearest to the point` : say`a ${labels[n]}, under the pointer`;
    real.show(n === null ? null : pictureOf(images, n).map((value) => value / brightest), words);
  }

  function go(next) {
    point = next.map((value, axis) => clamp(value, map.marks[axis][0], map.marks[axis].at(-1)));
    sliders.forEach((each, axis) => each.set(point[axis]));
    const [x, y] = map.toCanvas(point).map((at) => at / CLOUD - 0.5);
    if (Math.max(Math.abs(x), Math.abs(y)) > 0.5) { // the map goes along
      const [left, low, side] = map.part;
      map.look([left + x * side, low - y * side, side]);
      renew();
    }
    there.show(drawnAt(point), "");
    show();
    explorer.settleSoon();
  }

  function zoom(by, place = map.toCanvas(point)) {
    map.zoom(by, place);
    renew();
  }

  function hover(dot) {
    if (dot === hovered) return;
    hovered = dot;
    show();
  }

  // --- Pointers: one moves the point or draws a path, two zoom; up and down the page scrolls.

  const fingers = new Map(); // of each that is down: where it began, where it is, and whether it moves the point
  const placeOf = (event) => placeOn(event).map((at) => CLOUD * at);
  const isTracing = () => trace.getAttribute("aria-pressed") === "true";
  const follow = (place, begins) => {
    const code = map.fromCanvas(place);
    if (isTracing()) path = begins ? [code] : [...path, code];
    go(code);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const place = placeOf(event);
    canvas.setPointerCapture(event.pointerId);
    const moves = event.pointerType === "mouse" || isTracing();
    fingers.set(event.pointerId, { first: place, now: place, moves });
    if (fingers.size === 1 && moves) follow(place, true);
  });
  canvas.addEventListener("pointermove", (event) => {
    const place = placeOf(event);
    const finger = fingers.get(event.pointerId);
    if (!finger) return hover(dotAt(place, (NEAR * CLOUD) / canvas.clientWidth));
    const other = [...fingers.values()].find((each) => each !== finger);
    const before = finger.now;
    finger.now = place;
    if (other) {
      finger.moves = other.moves = true; // neither is a tap any more
      return zoom(apart(before, other.now) / apart(place, other.now), other.now);
    }
    const [dx, dy] = [0, 1].map((axis) => Math.abs(place[axis] - finger.first[axis]));
    finger.moves ||= dx > 0.02 * CLOUD && dx > dy;
    return finger.moves && follow(place, false);
  });
  canvas.addEventListener("pointerup", ({ pointerId }) => {
    const finger = fingers.get(pointerId);
    if (finger && fingers.size === 1 && !finger.moves) follow(finger.now, true); // a tap
    if (finger && isTracing()) endPath();
  });
  canvas.addEventListener("lostpointercapture", ({ pointerId }) => fingers.delete(pointerId));
  canvas.addEventListener("pointerleave", () => hover(null));
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // two fingers on a trackpad that pinch; else the page scrolls
    event.preventDefault();
    zoom(Math.exp(event.deltaY / 100), placeOf(event));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const zooms = { "+": 0.5, "=": 0.5, "-": 2 }[event.key];
    if (KEYS[event.key]) {
      const step = (event.shiftKey ? 0.005 : 0.02) * CLOUD;
      go(map.fromCanvas(map.toCanvas(point).map((at, axis) => at + step * KEYS[event.key][axis])));
    } else if (zooms && !event.ctrlKey && !event.metaKey) zoom(zooms);
    else if (event.key === " ") {
      path = [...path, point];
      endPath();
    } else return;
    event.preventDefault();
  });

  // --- The film along a path, which plays unless the system asks for no motion.

  const film = new Film(explorer, map, drawnAt, go);
  function trail(on) {
    trace.setAttribute("aria-pressed", String(on));
    canvas.classList.toggle("tracing", on);
  }
  function endPath() {
    trail(false);
    film.show(path);
    if (path.length < 2) paint();
    else if (matchMedia("(prefers-reduced-motion: reduce)").matches) film.seek(0);
    else film.play();
  }

  // --- What the pen changes.

  function update(image) {
    const before = own?.join();
    own = image ? [...model.encode(image)] : null;
    yours.show(image, image ? "" : NOBODY);
    back.disabled = !own;
    // The point follows the drawing; a point that was dragged stays until the drawing changes.
    const isNew = own && own.join() !== before;
    if (wished || isNew || !there.values) go(wished ?? (isNew ? own : point));
    else paint();
    wished = null;
  }

  function settle(image) {
    yours.show(image, image ? judgement(explorer, image) : NOBODY);
    there.show(there.values, judgement(explorer, there.values));
    const far = away(map.toCanvas(point));
    const near = far.map((_, n) => n).sort((a, b) => far[a] - far[b]).slice(0, 15).map((n) => labels[n]);
    const counts = DIGITS.map((digit) => near.filter((label) => label === digit).length);
    const most = argmax(counts);
    around.textContent = say`Of the 15 real digits nearest to the point, ${counts[most]} are ${most}.`;
    wider.disabled = whole.disabled = map.part[2] === 1;
  }

  const scale = choice(say`scale`, [["lies", say`as it lies`], ["rank", say`by rank`]], "lies", (value) => {
    map.scale(value === "rank");
    renew();
    go(point);
  });
  const closer = button("+", () => zoom(0.5), { "aria-label": say`Zoom in` });
  const wider = button("−", () => zoom(2), { "aria-label": say`Zoom out` });
  const whole = button(say`All`, () => zoom(16), { "aria-label": say`The whole plane` });
  const trace = button(say`Draw a path`, () => trail(!isTracing()), { "aria-pressed": "false" });
  const back = button(say`Back to my digit`, () => go(own));
  const element = h("div.split.place", {},
    h("div.mapbox", {}, canvas, h("div.tools.left", {}, closer, wider, whole, scale.element, trace),
      h("p.quiet", {}, say`Below the dots lies what the decoder draws at each place. Each dot is a real test digit; a number stands where its like lie. Large ring: the point; small ring: your digit.`)),
    h("div.rest", {}, h("div.row", {}, yours.element, there.element, real.element), around, ...sliders.map((each) => each.element), back, film.element),
  );
  return {
    element, update, settle,
    state: () => ({
      ...(own?.join() !== point.join() && { z: point.map(rounded).join() }),
      ...(scale.select.value !== "lies" && { scale: scale.select.value }),
      ...(map.part[2] < 1 && { zoom: map.part.map(rounded).join() }),
      ...(path.length > 1 && { path: packedStrokes([{ points: path.map((code) => map.share(code).map((at) => clamp(at, 0, 1))) }]) }),
    }),
    restore(wishes) {
      scale.select.value = wishes.pick("scale", ["lies", "rank"]) ?? "lies";
      map.scale(scale.select.value === "rank");
      map.look(wishes.numbers("zoom", 3, 0, 1) ?? [0, 0, 1]);
      wished = wishes.numbers("z", 2, -1e4, 1e4) ?? null;
      path = wishes.read("path", unpackedStrokes)?.[0].points.map((shares) => map.point(shares)) ?? [];
      film.show(path);
      renew();
    },
  };
}

VIEWS.plane = {
  title: say`Plane`, make: planeView, drawing: makeDrawing, height: [817, 1637],
  first: say`draw a 4, then drag the point slowly towards the 9s. Where does the judge change its mind? Then draw a path from the 1s to the 0s.`,
};
