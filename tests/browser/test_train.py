"""The view in which a network learns."""

import re

import pytest
import torch

from aelib import AelibError, zoo
from aelib.explorer.payload import payload_of

from .pages import html_of

NO_WORKERS = "Object.defineProperty(globalThis, 'Worker', { value: undefined });"
NO_SIMD = "WebAssembly.Memory = null;"
COUNTS_RESTS = """
globalThis.Worker = class extends Worker {
  constructor(...how) {
    super(...how);
    this.addEventListener("message", ({ data }) => (globalThis.rests += data.kind === "rests"));
  }
};
"""
STEP = re.compile(r"step (\d+), error ([\d.]+) on test digits")


@pytest.fixture(scope="module")
def lesson():
    return payload_of(["train"])


def status(on):
    return on.page.locator("p.strong")


def step(on):
    """The step and the error that the status line says."""
    found = STEP.search(status(on).inner_text())
    return int(found[1]), float(found[2])


def after(on, steps):
    on.page.wait_for_function(
        """(steps) => {
          const { shadowRoot } = document.querySelector('[data-aelib]');
          const found = /step (\\d+)/.exec(shadowRoot.querySelector('p.strong').textContent);
          return found && Number(found[1]) >= steps;
        }""",
        arg=steps,
    )


def rest(on):
    """Pause, and wait until the worker has told its last."""
    on.page.evaluate("rests = 0")
    on.press("Pause")
    on.page.wait_for_function("rests > 0")


def test_it_learns_pauses_steps_and_goes_back_in_time(show, lesson):
    on = show(lesson, more=COUNTS_RESTS)
    on.says("step 0, error")
    first = step(on)[1]
    on.press("Take a test digit 4")
    on.press("Two numbers")
    after(on, 60)
    rest(on)
    paused, error = step(on)
    assert error < 0.9 * first
    on.press("One step")
    on.says(f"step {paused + 1}, error")
    assert on.slide("back in time", "Home") == "step 0"
    on.says("step 0, error")
    assert step(on)[1] == first
    on.press("Play")
    after(on, paused + 10)
    assert on.page.locator("canvas.map").is_visible()


def test_what_was_learnt_is_saved_for_python_and_loaded_again(show, lesson, splits, tmp_path):
    on = show(lesson, more=COUNTS_RESTS)
    on.page.get_by_label("numbers in the code").select_option("3")
    on.press("Play")
    after(on, 40)
    rest(on)
    with on.page.expect_download() as download:
        on.press("Save to a file")
    path = tmp_path / "mine.safetensors"
    download.value.save_as(path)
    model = zoo.read(path)
    images = splits.test[:192].floats()
    with torch.no_grad():
        error = (model(images) - images).square().mean().item()
    assert error == pytest.approx(step(on)[1], rel=0.02)
    on.press("Start again")
    on.says("step 0, error")
    untrained = status(on).inner_text()
    on.page.locator('input[accept=".safetensors"]').set_input_files(path)
    on.says("This is the network of your file.")
    status(on).filter(has_not_text=untrained).filter(has_text="step 0, error").wait_for()
    assert step(on)[1] == pytest.approx(error, rel=0.02)
    path.write_bytes(b"nothing of the kind")
    on.page.locator('input[accept=".safetensors"]').set_input_files(path)
    on.says("This file is not a network that was saved here.")
    with pytest.raises(AelibError, match="is not a network"):
        zoo.read(path)


def plainly(lesson, path, missing, more=""):
    """A page without something that browsers have, as a URL."""
    page = html_of(lesson, more=more).replace("<head>", f"<head><script>{missing}</script>")
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


def test_no_digit_and_steps_that_are_too_large_are_said(visit, lesson, tmp_path):
    runaway = "const { error } = Trainee.prototype; Trainee.prototype.error = () => NaN;"
    mended = "globalThis.mend = () => { Trainee.prototype.error = error; };"
    on = visit(plainly(lesson, tmp_path / "page.html", NO_WORKERS, more=runaway + mended))
    on.press("Learn from the digit 0")
    on.press("Play")
    on.says("After 0 steps the error is no number any more")
    assert on.page.get_by_role("button", name="Play", exact=True).is_disabled()
    on.page.evaluate("mend()")
    on.press("Start again")
    on.press("One step")
    on.says("step 1, error 0.")
    for digit in range(1, 10):
        on.press(f"Learn from the digit {digit}")
    on.says("Choose at least one kind")
    assert on.page.get_by_role("button", name="Play", exact=True).is_disabled()


@pytest.mark.parametrize("missing", [NO_WORKERS, NO_WORKERS + NO_SIMD], ids=["worker", "simd"])
def test_without_workers_it_learns_between_frames(visit, lesson, tmp_path, missing):
    on = visit(plainly(lesson, tmp_path / "page.html", missing))
    on.press("Two numbers")
    after(on, 4)


def test_a_link_sets_everything_up(visit, lesson, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(html_of(lesson | {"page": True}), encoding="utf-8")
    on = visit(f"{path.as_uri()}#train?setup=zeros&kind=nearest&d=77")
    on.says("It sees nothing but zeros.")
    on.says("what it says of d is left out")
    on.says("step 0, error")
    assert on.page.get_by_label("way of up-sampling").input_value() == "nearest"
    on.press("Learn from the digit 1")
    on.page.wait_for_function("location.hash.startsWith('#train?d=16&kind=nearest&digits=0,1')")
    on.page.goto(f"{path.as_uri()}#train?digits=nieun,siot")
    on.says("on test letters")
    on.says("new")  # a letter that it does not learn from


def test_the_trained_network_is_used_in_the_other_views(show):
    on = show(payload_of(["train", "plane", "machine"], dims=[2]))
    on.press("Take a test digit 4")
    on.press("Two numbers")
    after(on, 40)
    on.press("Pause")
    on.press("Use it in the other views")
    on.says("Give the course's network back")
    on.tab("Plane")
    own = on.ink("Drawn")
    on.tab("Machine")  # it shows every layer's maps: nothing may go wrong
    on.tab("Train")
    on.press("Give the course's network back")
    on.tab("Plane")
    on.changes("Drawn", own)
