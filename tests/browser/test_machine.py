"""The machine: its arithmetic is PyTorch's; and the plane: its ground, its dots, its film."""

import re

import numpy as np
import pytest
import torch
from packed import inflated, unpack_array, unpack_integers

from aelib import zoo
from aelib.explorer.packing import WEIGHTED, folded, output_first
from aelib.explorer.payload import payload_of

CELLS = "(rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent))"
TYPED = str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789")


@pytest.fixture(scope="module")
def small():
    return payload_of(["machine", "plane"], dims=(2, 16))


def packed_network(content, name):
    """The network that the browser runs, in PyTorch: batch norms folded, weights as packed."""
    model, packed = folded(zoo.load(name)), content["models"][name]
    layers = [layer for layer in model.modules() if isinstance(layer, WEIGHTED)]
    outputs = sum(len(output_first(layer)) for layer in layers)
    count = sum(layer.weight.numel() for layer in layers)
    raw = inflated(packed["data"])
    floats = torch.from_numpy(np.frombuffer(raw, "<f4", 2 * outputs).copy()).double()
    integers = torch.from_numpy(unpack_integers(raw[8 * outputs :], count, packed["bits"]))
    for layer in layers:
        weight = output_first(layer)
        scale, bias, floats = floats.split(
            [len(weight), len(weight), len(floats) - 2 * len(weight)]
        )
        own, integers = integers.tensor_split([weight.numel()])
        scaled = (own - 2 ** (packed["bits"] - 1)).view(len(weight), -1) * scale[:, None]
        weight.copy_(scaled.view(weight.shape))
        layer.bias.data.copy_(bias)
    return model, layers


def shown(on):
    """The numbers at the ends of the lens's lines, by their words."""
    lines = {}
    rows = on.page.locator(".sums tr").evaluate_all(CELLS)
    for words, *_, value in rows:
        digits, _, power = value.translate(TYPED).partition(" · 10")
        lines[words] = float(digits) * 10 ** int(power or 0)
    return lines


@pytest.mark.parametrize("address", ["d=16", "d=2", "d=16&up=nearest"])
def test_the_arithmetic_of_a_pixel_is_pytorchs(show, small, splits, address):
    d, _, up = address.removeprefix("d=").partition("&up=")
    model, layers = packed_network(small, f"up/{up}/{d}" if up else f"latent/{d}")
    sums = []
    for layer in layers:
        layer.register_forward_hook(lambda _, __, out: sums.append(out.flatten()))
    digit = splits.test.only(3).floats()[1:2].double()
    with torch.no_grad():
        drawn = model(digit).flatten()
    generator = torch.Generator().manual_seed(0)
    on = show(small | {"page": True}, place=f"#machine?test=3.2&{address}", reduced_motion="reduce")
    for stage, values in enumerate(sums):
        # A corner, where a window is cut off, and anywhere.
        for n in (0, int(torch.randint(len(values), (), generator=generator))):
            place = f"#machine?test=3.2&{address}&at={stage + 1}.{n + 1}"
            on.page.evaluate("(place) => { location.hash = place; }", place)
            expected = float(values[n])
            on.page.locator(f'.lens[data-at="{stage + 1}.{n + 1}"]').wait_for()
            on.page.wait_for_timeout(200)  # until the address is written anew
            lines = shown(on)
            assert lines["sum"] == pytest.approx(expected, rel=1e-4, abs=1e-4), (stage, n)
            parts = list(lines.values())[: list(lines).index("sum")]
            assert abs(sum(parts) - expected) < 1e-3 * (1 + sum(map(abs, parts))), "they add up"
            ends = {4: expected, len(sums) - 1: float(drawn[n % 784])}.get(stage, max(expected, 0))
            assert list(lines.values())[-1] == pytest.approx(ends, rel=1e-4, abs=1e-4)


def test_bars_and_keys_move_what_is_drawn_and_looked_at(show, small):
    on = show(small | {"page": True}, place="#machine?d=2", reduced_motion="reduce")
    on.press("Take a test digit 3")
    on.says("The judge reads 3")
    drawing = on.page.locator(".whole canvas").nth(1)
    seen = "(canvas) => canvas.toDataURL()"
    before = drawing.evaluate(seen)
    assert on.slide("number 1", "End").endswith("above 100\u00a0% of real codes")
    on.says(re.compile("^Number 1$"))
    assert drawing.evaluate(seen) != before
    on.page.wait_for_function("location.hash.includes('z=')")
    on.press("Back to my digit")
    assert drawing.evaluate(seen) == before
    on.page.get_by_role("application", name=re.compile("^Encoder, 16 maps")).focus()
    on.page.keyboard.press("ArrowRight")
    title = on.page.locator(".lens b")
    assert title.inner_text() == "Map 1, row 1, column 2"
    for _ in range(6):
        on.page.keyboard.press("ArrowRight")
    assert title.inner_text() == "Map 2, row 1, column 1"
    on.page.get_by_label("numbers in the code").select_option("16")
    on.page.get_by_role("slider", name="number 16").wait_for()


def test_the_plane_shows_its_dots_and_a_film_along_a_path(show, small, splits):
    on = show(small | {"page": True}, place="#plane?z=0,0", reduced_motion="reduce")
    on.press("Take a test digit 1")
    on.says(re.compile(r"^an? \d, nearest to the point"))
    plane = on.page.locator("canvas.map")
    on.page.get_by_label("scale").select_option("rank")
    on.press("Draw a path")
    box = plane.bounding_box()
    on.page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.5 * box["height"])
    on.page.mouse.down()
    on.page.mouse.move(box["x"] + 1.02 * box["width"], box["y"] + 0.4 * box["height"], steps=5)
    on.page.mouse.up()
    on.press("Zoom in")
    on.says("along the path")
    begin = on.ink("Drawn at the point")
    assert on.slide("how far along the path", "End") == "100\u00a0%"
    assert on.ink("Drawn at the point") != begin
    on.page.get_by_role("button", name=re.compile("^along the path, 1")).click()
    assert on.ink("Drawn at the point") == begin
    on.page.wait_for_timeout(200)  # until the address is written anew
    link = on.page.evaluate("location.href")
    assert len(link.partition("path=")[2].partition("&")[0]) < 30
    on.open("about:blank", pad=False).open(link)
    on.says("along the path")
    again = on.ink("Drawn at the point")
    assert max(abs(a - b) for a, b in zip(again, begin, strict=True)) < 12, "z is rounded"
    # A finger that goes up or down scrolls the page, and only that.
    assert plane.evaluate("(e) => getComputedStyle(e).touchAction") == "pan-y"
    image = unpack_array(small["plane"]["images"])[7] / 7
    assert (image - splits.test.floats()[7, 0]).abs().max() < 0.08, "a dot's picture is its digit"
