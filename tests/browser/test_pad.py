"""The eraser: what it took away is gone, and as large as it was."""

import numpy as np

from .pages import STROKES

INSIDE = "globalThis.inside = { prepared: (strokes) => prepare(strokes)?.image ?? null };"


def drawn(paths, erases=False, size=1.0, corner=(0.0, 0.0)):
    place = [[[corner[n] + size * p[n] for n in (0, 1)] for p in path] for path in paths]
    return [{"points": points, "erases": erases} for points in place]


def test_what_the_eraser_took_away_counts_no_more(show, content):
    on = show(content | {"views": ["draw"]}, more=INSIDE)

    def prepared(*strokes):
        all_of_them = [stroke for some in strokes for stroke in some]
        image = on.page.evaluate("(strokes) => inside.prepared(strokes)", all_of_them)
        return image and np.array(image).reshape(28, 28)

    three = drawn(STROKES[3], size=0.4)
    slip = drawn([[(0.8, 0.8), (0.9, 0.9)]])
    rubbed = drawn([[(0.78, 0.78), (0.92, 0.92)]], erases=True)
    assert np.abs(prepared(three, slip, rubbed) - prepared(three)).max() < 1e-6
    assert np.abs(prepared(three, slip) - prepared(three)).max() > 0.5
    assert prepared(slip, rubbed) is None  # nothing is left
    assert prepared(slip, rubbed, slip) is not None  # what comes later stays
    # A hole is as large, beside its digit, whatever is drawn afterwards.
    hole = drawn([[(0.2, 0.2), (0.2, 0.2)]], erases=True)
    line = drawn([[(0.05, 0.95), (0.95, 0.95)]])
    lost = [
        1 - np.sum(prepared(three, hole, *more)) / np.sum(prepared(three, *more))
        for more in ((), (line,))
    ]
    assert 0.02 < lost[1] < lost[0]


def test_the_erasers_size_is_seen_before_it_is_used(visit, whole):
    on = visit(whole)
    pixels = "(canvas) => canvas.toDataURL()"
    pad = on.page.locator("canvas.pad")
    on.draw(STROKES[7])
    before = pad.evaluate(pixels)
    on.press("Eraser")
    ring = pad.evaluate(pixels)
    assert ring != before
    pad.hover(position={"x": 40, "y": 40})
    assert pad.evaluate(pixels) not in (before, ring)
    on.press("Pen")
    assert pad.evaluate(pixels) == before
