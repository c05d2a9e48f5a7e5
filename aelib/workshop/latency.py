"""How soon the explorer's pictures follow the pointer, measured in a real browser.

From a pointer event to the moment at which the pictures of the open view have been drawn.
Readings, rows of pictures and curves follow when the pen rests and are not part of it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aelib import AelibError

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
# Milliseconds at the 95th percentile. Ten models work in the one view, six in the other.
GOALS = {"alarms": 50.0, "decoders": 50.0}
GOAL = 16.0  # for one model
MOVES = 60  # pointer events of one stroke

# The first listener runs before the pad's own, the last one after it.
WATCH = """() => {
  globalThis.times = [];
  let start = 0;
  addEventListener('pointermove', () => { start = performance.now(); }, true);
  const { shadowRoot } = document.querySelector('[data-aelib]');
  shadowRoot.querySelector('canvas.pad').addEventListener('pointermove', () => {
    times.push(performance.now() - start);
  });
}"""


class NoBrowserError(AelibError):
    """There is no browser to measure in."""


def browser_path() -> str:
    """Return the path of a Chromium on this machine; raises NoBrowserError without one.

    It counts as none, too, where Playwright is missing, which drives it.
    """
    if importlib.util.find_spec("playwright") is None:
        raise NoBrowserError("Playwright, which drives a browser, is not installed")
    for name in BROWSERS:
        if path := shutil.which(name):
            return path
    raise NoBrowserError(f"none of the browsers {', '.join(BROWSERS)} is installed")


def explorer_latency(
    page: Path, views: Sequence[str], strokes: int = 5
) -> dict[str, dict[str, float]]:
    """Return for each view how long its pictures take, in milliseconds: "median" and "p95".

    page: an `explorer.html`. The browser and all its processes share one core. Raises
    NoBrowserError where there is none.
    """
    executable = browser_path()
    from playwright.sync_api import sync_playwright

    cores = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else None
    if cores:
        os.sched_setaffinity(0, {min(cores)})  # the browser inherits it
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable, args=list(OPTIONS))
            found = {}
            for view in views:
                tab = browser.new_page(viewport={"width": 1280, "height": 900})
                tab.goto(f"{page.resolve().as_uri()}#{view}")
                pad = tab.locator("canvas.pad")
                pad.wait_for()
                tab.get_by_text("Try first:").wait_for()
                tab.evaluate(WATCH)
                box = pad.bounding_box()
                assert box is not None
                for stroke in range(strokes):
                    turns = np.linspace(0, (2 + stroke) * np.pi, MOVES)
                    reach = np.linspace(0.1, 0.38, MOVES)
                    xs = box["x"] + box["width"] * (0.5 + reach * np.cos(turns))
                    ys = box["y"] + box["height"] * (0.5 + reach * np.sin(turns))
                    tab.mouse.move(xs[0], ys[0])
                    tab.mouse.down()
                    for x, y in zip(xs[1:], ys[1:], strict=True):
                        tab.mouse.move(x, y)
                    tab.mouse.up()
                times = np.array(tab.evaluate("times"))
                middle, p95 = np.quantile(times, [0.5, 0.95])
                found[view] = {"median": round(float(middle), 2), "p95": round(float(p95), 2)}
                tab.close()
            browser.close()
            return found
    finally:
        if cores:
            os.sched_setaffinity(0, cores)
