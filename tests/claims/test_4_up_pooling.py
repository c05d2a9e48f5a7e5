"""What notebook 4 claims, held to the recorded values and to the data."""

import pytest
import torch

from aelib import intervals, metrics, zoo
from aelib.checkerboards import checkerboard_score

from .prose import FOUR, README, agree, quoted, says
from .recorded import KINDS, up

GRIDS, FOG = ["transpose", "transpose_k4", "pixel_shuffle"], ["nearest", "bilinear"]
FEATURES = {"kNN": "knn_accuracy", "linear": "probe_accuracy"}


def against_transpose(key, dims, digit=..., relative=True):
    """The differences of the five other kinds to transpose, by kind and d."""
    gaps = {}
    for d in dims:
        base = up("transpose", d, key)[:, digit] if digit is not ... else up("transpose", d, key)
        scale = base.mean() if relative else 1
        for kind in KINDS[1:]:
            other = up(kind, d, key)[:, digit] if digit is not ... else up(kind, d, key)
            gaps[kind, d] = intervals.paired_difference(other / scale, base / scale)
    return gaps


def test_the_score_of_real_digits_and_of_an_invisible_checkerboard(test_images):
    place = torch.arange(28)
    board = ((place[:, None] + place) % 2 * 2 - 1).float()
    scores = [checkerboard_score(test_images + s * board) for s in (0, 0.01)]
    agree(quoted(FOUR, "An invisible ± 1 % raises it from # to #,"), scores)
    agree(quoted(FOUR, "fine detail of its own and scores #;"), scores[:1])
    agree(quoted(README, "close to that of real digits (#)"), scores[:1])
    ink = checkerboard_score(test_images + 0.1 * board * test_images)
    says(FOUR, "it takes ± 10 % to double the score")
    assert 1.8 < ink / scores[0] < 2.5


def test_when_checkerboards_vanish():
    says(FOUR, "With the course's recipe, in the first epoch, 430 steps.")
    says(FOUR, "From 500, or from 2,700, to less than 1.")
    says(FOUR, "No, in none of the six.")
    for d in zoo.UP_DIMS:
        for kind in KINDS:
            steps, values = zoo.watched(f"up/{kind}/{d}")
            after = values.mean(0)[steps.index(430) :]
            assert after.min() > 0.65 and after.max() < 1
            if kind in GRIDS:
                assert values.mean(0)[0] > 100
    starts = {kind: zoo.watched(f"up/{kind}/16")[1].mean(0)[0] for kind in KINDS}
    assert 450 < starts["transpose"] < 550 and 450 < starts["transpose_k4"] < 550
    assert 2600 < starts["pixel_shuffle"] < 2800
    assert all(starts[kind] < 1 for kind in FOG) and starts["pixel_shuffle_icnr"] < 1e-6


def test_icnr_gets_a_grid_with_bold_steps():
    says(FOUR, "it starts without any grid, has one of strength 100 after twenty of the recipe")
    steps, bold = zoo.watched("up/pixel_shuffle_icnr/16")
    says(FOUR, "(At *d* = 2 its mean never goes far above 1.)")
    assert zoo.watched("up/pixel_shuffle_icnr/2")[1].mean(0).max() < 1.2
    others = [zoo.watched(f"up/{kind}/16")[1].mean(0)[steps.index(20)] for kind in GRIDS]
    at_20 = bold.mean(0)[steps.index(20)]
    assert 80 < at_20 < 130 and min(others) / 1.3 < at_20 < 1.3 * max(others)


def test_scores_at_the_end(test_images):
    says(FOUR, "At *d* = 16 all six end slightly *above* real digits, the two resizes as well")
    real = checkerboard_score(test_images)
    for kind in KINDS:
        gap = intervals.one_sample_difference(up(kind, 16, "checkerboard"), real)
        assert gap.low > 0 and 0.03 <= round(gap.mean, 2) <= 0.04
        assert abs(up(kind, 2, "checkerboard").mean() - real) < 0.07


def test_phases_are_even_at_the_end(test_images):
    says(FOUR, "the largest and the smallest error of a phase are less than 2 % apart")
    says(FOUR, "the ink agrees to a thousandth of full black")

    def phases(x):
        return torch.stack([x[..., r::2, c::2].mean() for r in (0, 1) for c in (0, 1)])

    for kind in KINDS:
        drawn = metrics.reconstruct(zoo.load(f"up/{kind}/16"), test_images)
        error, ink = phases((drawn - test_images).square()), phases(drawn - test_images)
        assert (error.max() - error.min()) / error.mean() < 0.02
        assert ink.max() - ink.min() < 0.001


def test_the_verdict_on_error():
    gaps = against_transpose("test_mse", (16, 2))
    words = intervals.verdicts(gaps, margin=0.03)
    says(FOUR, "two decoders are **level** if the whole 95 % interval of their difference lies")
    says(FOUR, "**transposed convolution and nearest resize are level**, at both sizes")
    assert words["nearest", 16] == words["nearest", 2] == "level"
    says(FOUR, "`transpose_k4` and the two pixel shuffles, by 4 to 6 %")
    for kind in ("transpose_k4", "pixel_shuffle", "pixel_shuffle_icnr"):
        assert words[kind, 16] == "lower"
        assert 0.035 < -gaps[kind, 16].mean < 0.065
    says(
        FOUR,
        "On its own, bilinear's interval excludes zero; corrected for ten comparisons it does not",
    )
    assert gaps["bilinear", 16].low > 0 and words["bilinear", 16] == "undecided"
    says(FOUR, "At *d* = 2 all five are level with `transpose`.")
    assert {words[kind, 2] for kind in KINDS[1:]} == {"level"}


def test_the_originals_own_losses(test_images):
    floor = (test_images - 0.5).clamp(max=0).square().mean().item()
    rest = {
        (kind, d): zoo.values(f"original/{kind}/{d}", "val_loss").amin(1) - floor
        for kind in ("transpose", "nearest")
        for d in (2, 16)
    }
    says(FOUR, "After its 50 epochs, too, the grid is gone.")
    for kind, d in rest:
        assert zoo.values(f"original/{kind}/{d}", "checkerboard").max() < 1
    found = {}
    for d in (2, 16):
        base = rest["transpose", d].mean()
        found[d] = intervals.paired_difference(
            rest["nearest", d] / base, rest["transpose", d] / base
        )
    says(FOUR, "At *d* = 16 three seeds say no more than **undecided**")
    words = intervals.verdicts(found, 0.03)
    assert words[16] == "undecided"
    says(FOUR, "at *d* = 2 the resize is **lower**, by one per cent.")
    says(FOUR, "where they do, they win over *level*")
    says(FOUR, "undecided (at *d* = 2 the resize is lower by one per cent)")
    assert words[2] == "lower" and found[2].mean == pytest.approx(-0.01, abs=0.003)
    agree(quoted(FOUR, "The original's # agrees with ours."), [0.21219929 - floor])
    agree(quoted(FOUR, "Its # for resize + convolution"), [0.21273543 - floor])
    (above,) = quoted(FOUR, "lies # % above our mean")
    agree([above], [100 * ((0.21273543 - floor) / rest["nearest", 16].mean() - 1)])
    assert rest["transpose", 16].max() - 0.00443 < 2e-5 and rest["nearest", 16].max() < 0.0045


def test_threes_and_sixes():
    error = {
        digit: intervals.verdicts(against_transpose("test_mse_per_digit", (2,), digit), 0.03)
        for digit in (3, 6)
    }
    says(FOUR, "For the **6** the errors are level, or nearly so, and how often it is read right")
    assert list(error[6].values()).count("level") >= 4
    largest = [
        max(-gap.low, gap.high) for gap in against_transpose("test_mse_per_digit", (2,), 6).values()
    ]
    assert max(largest) < 0.035
    read = {
        digit: against_transpose("read_right_per_digit", (2,), digit, relative=False)
        for digit in (3, 6)
    }
    for digit in (3, 6):
        assert "higher" not in intervals.verdicts(read[digit]).values()
        assert "lower" not in intervals.verdicts(read[digit]).values()
    assert list(intervals.verdicts(read[6], 0.02).values()).count("undecided") > 2, "mostly"
    says(FOUR, "For the **3** most intervals are too wide for any word.")
    words = [*error[3].values(), *intervals.verdicts(read[3], 0.02).values()]
    assert words.count("undecided") > len(words) / 2
    says(FOUR, "With `transpose` it is read right eleven points more often than with `nearest`")
    gap = read[3]["nearest", 2]
    assert -100 * gap.mean == pytest.approx(11, abs=0.5)
    agree(
        quoted(FOUR, "the interval reaches from # points below to # above"),
        [-100 * gap.low, 100 * gap.high],
    )


def test_features_in_the_codes():
    gaps = {
        (name, *place): gap
        for name, key in FEATURES.items()
        for place, gap in against_transpose(key, (16, 2), relative=False).items()
    }
    words = intervals.verdicts(gaps, margin=0.01)
    says(FOUR, "corrected for twenty comparisons no difference survives")
    says(FOUR, "Nor does any for the straight cuts.")
    assert not {"lower", "higher"} & set(words.values())
    says(FOUR, "two to four points better with `transpose` than with `nearest` or `bilinear`")
    for kind in FOG:
        assert gaps["kNN", kind, 2].high < 0
        assert 2 < -100 * gaps["kNN", kind, 2].mean < 4
    says(FOUR, "At *d* = 16 nearest neighbours do equally well on all six: **level**.")
    assert {words["kNN", kind, 16] for kind in KINDS[1:]} == {"level"}
