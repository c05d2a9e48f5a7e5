// anywidget: a drawing pad whose drawing goes to Python, and what Python answers.

import { Desk } from "./desk.js";
import { makeDrawing } from "./drawing.js";
import { Picture } from "./explorer.js";
import { mount } from "./mount.js";
import { VIEWS, h, slider } from "./page.js";
import { say } from "./words.js";

/** A slider, if Python wants one, and the pictures that Python answers with. */
function answersView(explorer) {
  const { python } = explorer.payload;
  const said = h("p.quiet", { role: "status" });
  const row = h("div.row");
  const values = python.get("values");
  const handle = values.length && slider(python.get("name"), {
    min: 0, max: values.length - 1, value: python.get("choice"), words: (n) => values[n], change: () => ask(),
  });
  let sent = null; // the picture that Python knows
  let timers = [];
  const sayLater = (wait, words) => setTimeout(() => {
    said.textContent = words;
  }, wait);

  function ask() {
    if (python.get("asked") > python.get("answered")) return; // busy; `show` comes back to it
    sent = explorer.desk.image;
    python.set("pixels", sent ? [...sent] : []);
    if (handle) python.set("choice", handle.value);
    python.set("asked", python.get("asked") + 1);
    python.save_changes();
    timers = [
      sayLater(500, say`Python is busy …`),
      sayLater(5000, say`No answer yet: Python is busy, or has stopped. Then run this cell again.`),
    ];
  }
  function show() {
    timers.forEach(clearTimeout);
    said.textContent = "";
    row.replaceChildren(...python.get("answer").map(({ title, words, pixels }) => {
      const picture = new Picture(explorer, title);
      picture.show(pixels, words);
      return picture.element;
    }));
    if (sent !== explorer.desk.image || (handle && handle.value !== python.get("choice"))) ask();
  }
  python.on("change:answered", show);
  show();
  const settle = (image) => {
    if (image !== sent) ask();
  };
  return { element: h("div", {}, handle ? handle.element : "", row, said), settle };
}

VIEWS.pad = { make: answersView, drawing: makeDrawing, height: [0, 0] };

export default {
  render({ model, el }) {
    const payload = { ...model.get("payload"), views: ["pad"], style: model.get("sheet"), python: model };
    const host = h("div");
    el.append(host);
    mount(host, payload, new Desk()); // not awaited: until then there is no place for it
  },
};
