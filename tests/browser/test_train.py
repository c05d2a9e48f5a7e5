"""The view in which a network learns."""

import re

import pytest
import torch

from aelib import AelibError, zoo
from aelib.explorer.payload import payload_of

from .pages import html_of

NO_WORKERS = "Object.defineProperty(globalThis, 'Worker', { value: undefined });"
NO_SIMD = "WebAssembly.Memory = null;"
STEP = re.compile(r"step (\d+), error ([\d.]+) on test digits")


@pytest.fixture(scope="module")
def lesson():
    return payload_of(["train"])


def step(on):
    """The step and the error that the status line says."""
    found = STEP.search(on.page.locator("p.strong").inner_text())
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


def test_it_learns_pauses_steps_and_goes_back_in_time(show, lesson):
    on = show(lesson)
    on.says("step 0, error")
    first = step(on)[1]
    on.press("Take a test digit 4")
    on.press("Two numbers")
    after(on, 150)
    on.press("Pause")
    on.page.wait_for_timeout(300)
    paused, error = step(on)
    assert error < 0.6 * first
    on.press("One step")
    on.says(f"step {paused + 1}, error")
    assert on.slide("back in time", "Home") == "step 0"
    on.says("step 0, error")
    assert step(on)[1] == first
    on.press("Play")
    after(on, paused + 10)
    assert on.page.locator("canvas.map").is_visible()


def test_what_was_learnt_is_saved_for_python_and_loaded_again(show, lesson, splits, tmp_path):
    on = show(lesson)
    on.page.get_by_label("numbers in the code").select_option("3")
    on.press("Play")
    after(on, 40)
    on.press("Pause")
    on.page.wait_for_timeout(300)
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
    on.page.locator('input[type="file"]').set_input_files(path)
    on.says("This is the network of your file.")
    on.says(re.compile("step 0, error"))
    on.page.wait_for_timeout(300)
    assert step(on)[1] == pytest.approx(error, rel=0.02)
    path.write_bytes(b"nothing of the kind")
    on.page.locator('input[type="file"]').set_input_files(path)
    on.says("This file is not a network that was saved here.")
    with pytest.raises(AelibError, match="is not a network"):
        zoo.read(path)


def test_no_digit_and_steps_that_are_too_large_are_said(show, lesson):
    on = show(lesson)
    for digit in range(10):
        on.press(f"Learn from the digit {digit}")
    on.says("Choose at least one digit")
    assert on.page.get_by_role("button", name="Play", exact=True).is_disabled()
    on.press("Only zeros")
    after(on, 5)
    assert not on.page.get_by_text("Choose at least one digit").is_visible()


@pytest.mark.parametrize("missing", [NO_WORKERS, NO_WORKERS + NO_SIMD], ids=["worker", "simd"])
def test_without_workers_it_learns_between_frames(visit, lesson, tmp_path, missing):
    path = tmp_path / "page.html"
    page = html_of(lesson).replace("<head>", f"<head><script>{missing}</script>")
    path.write_text(page, encoding="utf-8")
    on = visit(path.as_uri())
    on.says("step 0, error")
    on.page.evaluate("""() => {
      globalThis.longest = 0;
      let last = performance.now();
      const frame = () => {
        const now = performance.now();
        globalThis.longest = Math.max(globalThis.longest, now - last);
        last = now;
        requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
    }""")
    on.press("Two numbers")
    after(on, 4)
    assert on.page.evaluate("longest") < 250  # milliseconds; below 50 on a machine at rest


def test_the_trained_network_is_used_in_the_other_views(show):
    on = show(payload_of(["train", "plane"], dims=[2]))
    on.press("Take a test digit 4")
    on.press("Two numbers")
    after(on, 40)
    on.press("Pause")
    on.press("Use it in the other views")
    on.says("Give the course's network back")
    on.tab("Plane")
    own = on.ink("Drawn")
    on.tab("Train")
    on.press("Give the course's network back")
    on.tab("Plane")
    on.page.wait_for_timeout(200)
    assert on.ink("Drawn") != own
