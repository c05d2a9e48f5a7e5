"""What notebook 3 claims, held to the recorded values and to the data."""

import re

import nbformat
import pytest
import torch

from aelib import detection, hangul, intervals, metrics, strokes, zoo
from aelib.data import DIGITS
from aelib.workshop import letters, remarks

from .prose import RESULTS, ROOT, THREE, agree, quoted, says
from .recorded import SCORES, STRANGERS, detector, per_model, simple

BEST = detection.WITH_CODE


@pytest.fixture(scope="module")
def relative(variance):
    return per_model("test_mse_per_digit").mean(1) / variance


@pytest.fixture(scope="module")
def ink(splits, test_images):
    by_quarter = strokes.by_quarter(test_images)
    return torch.stack([by_quarter[splits.test.labels == digit].mean(0) for digit in DIGITS])


# --- Drawing strangers ------------------------------------------------------------------


def test_own_digits_and_strangers(relative):
    says(THREE, "a tenth of its own digit's variance unexplained, and two thirds of a stranger's")
    assert 0.08 < relative.diagonal().mean() < 0.12
    assert 0.6 < relative[STRANGERS].mean() < 0.7
    says(THREE, "The 1, though not every model manages;")
    columns = torch.stack([relative[:, d][torch.arange(10) != d] for d in DIGITS])
    assert columns.mean(1).argmin() == 1
    best = (relative + torch.eye(10).double() * 9).argmin(1)
    assert int((best != 1).sum()) - 1 == 4, "the 1 model has no 1 among its strangers"
    says(THREE, "and the 1 model, which knows one simple stroke, is the worst.")
    rows = torch.stack([relative[d][torch.arange(10) != d] for d in DIGITS]).mean(1)
    assert rows.argmax() == 1 and rows.sort().values[-1] > 1.2 * rows.sort().values[-2]


def test_kept_or_converted(splits):
    shares = (per_model("confusion") / splits.test.counts()[:, None]).mean(1)
    kept = shares.diagonal(dim1=1, dim2=2)[STRANGERS].mean()
    converted = torch.stack([shares[d, :, d] for d in DIGITS])[STRANGERS].mean()
    says(THREE, "Three in five strangers are still read as themselves, one in five")
    assert 0.56 < kept < 0.62 and 0.17 < converted < 0.23
    says(THREE, "Mostly 3, and hardly ever 0.")
    assert shares[0, 3, 3] > 0.7 and shares[0, 3, 0] < 0.1


def test_a_strangers_code_lies_farther_off(splits, test_images):
    says(THREE, "A stranger's code lies farther off")
    for digit, at_least in ((1, 4), (8, 1.4)):
        model, own = zoo.load(f"digit/{digit}"), splits.test.labels == digit
        known = detection.CodeDistance(metrics.encode(model, splits.train.only(digit).floats()))
        distance = known.distance(metrics.encode(model, test_images))
        assert distance[~own].median() > at_least * distance[own].median()


def test_the_9_model_draws_the_upper_loop_of_the_8_and_it_is_not_chance(splits, ink):
    errors = per_model("by_quarter")
    upper = strokes.wrong_in_region(errors, ink, {8: remarks.TOP})
    lower = strokes.wrong_in_region(errors, ink, {8: remarks.BOTTOM})
    (count,) = quoted(THREE, "**Many images.** # eights, not ten.")
    assert int(count) == splits.test.counts()[8]
    says(THREE, "Five trainings agree to two points.")
    assert len(upper[9]) == 5 and upper[9].max() - upper[9].min() < 0.02
    says(THREE, "Of the nine models that have never seen an 8, it is the best.")
    says(
        THREE,
        "At the upper half it is the best, just ahead of the 3 model; at the lower it is in the "
        "middle.",
    )
    place, models, best, gap = remarks.contest(upper, 9)
    assert (place, models, best) == (1, 9, 3)
    says(THREE, "comes close: a point behind, only just, and the luck of the images is not")
    assert gap.verdict(0.02) == "lower" and gap.high > -0.005
    assert gap.mean == pytest.approx(-0.01, abs=0.003)
    says(THREE, "At the bottom its model is only in the middle.")
    assert 4 <= remarks.contest(lower, 9)[0] <= 6


# --- Strokes --------------------------------------------------------------------------


def test_the_five_remarks_on_handwriting(splits):
    rows = {row.split()[1]: row for row in remarks.regions(splits)}
    says(RESULTS, "the remark on the 3 is confirmed by both measures")
    assert rows["3"].count("1 of 9") == rows["3"].count("lower") == 2
    says(RESULTS, "the 1 model is better at straight strokes than at other things, though still")
    assert "5 of 7" in rows["1"] and "higher | 1 of 7" in rows["1"] and rows["1"].endswith("lower")
    says(RESULTS, "for 0, 7 and 9 one measure sees a better rival; by the other the 0 is level")
    for digit, word in (("0", "level"), ("7", "undecided"), ("9", "undecided")):
        assert "higher" in rows[digit] and word in rows[digit]
    says(RESULTS, "Of five models the 0 model closes the fewest loops.")
    loops = remarks.per_model("loops").mean(1)[[0, 2, 6, 8, 9]][..., remarks.OPEN].mean(-1)
    assert (loops.argmin(0) == 0).all(), "at all three limits"
    says(THREE, "only one, on the 3, is confirmed by every measure")


def test_strokes_that_are_known():
    pairs = zoo.measured("hangul")["pairs"]
    gaps = {
        pair["larger"] + pair["base"]: intervals.Interval(*pair["difference"]) for pair in pairs
    }
    assert len(gaps) == 8 and set(intervals.verdicts(gaps, 0.05).values()) == {"higher"}
    says(THREE, "**In all eight rows the known strokes come out better**")
    low, high = quoted(THREE, "come out better**, by # to # of their ink.")
    means = [gap.mean for gap in gaps.values()]
    agree([low, high], [min(means), max(means)])
    says(THREE, "**It is more than the bar.**")
    assert all(pair["against_others"][1] > 0 for pair in pairs)
    others = [pair["others"] for pair in pairs]
    agree(
        quoted(THREE, "For unrelated models the difference is # to +#."),
        [min(others), max(others)],
    )
    linear = [pair["pca"] for pair in pairs]
    agree(
        quoted(THREE, "PCA of the smaller letter behaves alike: # to #, but # for hieut."),
        [sorted(linear)[1], max(linear), min(linear)],
    )
    assert [p["larger"] for p in pairs if p["pca"] < p["others"]] == ["hieut"]
    adds = {pair["larger"] + pair["base"]: intervals.Interval(*pair["adds"]) for pair in pairs}
    words = list(intervals.verdicts(adds, 0.05).values())
    assert words.count("higher") == words.count("undecided") == 4
    says(RESULTS, "the first claim holds in all eight pairs")
    says(RESULTS, "Models of unrelated letters show it less, in half the pairs within the margin")
    assert sum(other > 0.05 for other in others) == 4
    says(RESULTS, "is clear in four pairs and undecided in four.")


def test_to_the_ieung_model_a_mieum_is_a_ring_with_corners():
    says(RESULTS, "with all five seeds mieum, a ring with corners, is what the ieung model draws")
    wrong = zoo.values("hangul/ieung", "wrong_per_letter")
    order = [[hangul.NAMES[n] for n in seed] for seed in wrong.argsort(1)[:, :3].tolist()]
    assert order == 5 * [["ieung", "mieum", "hieut"]]


def test_the_measure_in_the_notebook_is_the_workshops():
    notebook = nbformat.read(ROOT / "notebooks/3_digit_features.ipynb", as_version=4)
    cell = next(c for c in notebook.cells if c.source.startswith("def share_drawn"))
    names = {"torch": torch}
    exec(cell.source.split("\n\n\n")[0], names)
    _, covers = hangul.draw("chieut", 20)
    drawn = torch.rand(20, 1, 28, 28, generator=torch.Generator().manual_seed(0)) - 0.2
    ours, theirs = (f(drawn, covers / 255) for f in (letters.share_drawn, names["share_drawn"]))
    assert torch.equal(ours, theirs)


# --- Finding strangers ------------------------------------------------------------------


def test_misses_and_false_alarms_against_the_size_of_the_code(splits):
    counts = splits.test.counts()

    def rates(experiment, score):
        """False alarms and misses of seed 0 in %, means of ten detectors."""
        found = [zoo.record(f"{experiment}/{d}")["detector"][score] for d in DIGITS]
        flagged = torch.tensor([one["flagged_per_digit"] for one in found]).double()
        passed = (counts - flagged).fill_diagonal_(0).sum(1) / (10_000 - counts)
        return [100 * float(part.mean()) for part in (flagged.diagonal() / counts, passed)]

    sizes = ("trial/d8", "digit", "trial/d32")
    plain, best = ([rates(name, score) for name in sizes] for score in ("mse", BEST))
    (percent,) = quoted(THREE, "The false alarms stay at # %, since the threshold moves along.")
    agree(6 * [percent], [alarms for alarms, _ in plain + best])
    agree(
        quoted(THREE, "the misses rise, by the plain error from # to # %."),
        [missed for _, missed in plain[1:]],
    )
    assert best[2][1] > 1.3 * best[1][1]
    says(THREE, "A wider code lets a model draw strangers, too.")
    errors = [[zoo.record(f"{e}/{d}")["test_mse_per_digit"] for d in DIGITS] for e in sizes[1:]]
    few, many = torch.tensor(errors)
    own = many.diagonal().sum() / few.diagonal().sum()
    assert many[STRANGERS].sum() / few[STRANGERS].sum() < own < 0.7
    says(THREE, "But the fourth score, and the sizes of code and PCA, were picked on validation")
    tries = {
        (name, score): sum(
            zoo.record(f"{name}/{d}")["detector"][score]["val_auroc"] for d in DIGITS
        )
        for name in sizes
        for score in SCORES
    }
    assert max(tries, key=tries.get) == ("digit", BEST)


def test_detectors():
    found = [c for c in zoo.measured("one_class_comparisons") if c["second"][0].startswith("PCA")]
    gaps = {tuple(c["second"]): intervals.Interval(*c["interval"]) for c in found}
    for comparison in found:
        kind, score = comparison["second"]
        assert comparison["first"] == ["autoencoder", score]
        ours, theirs = 100 * detector(score).mean(0), sum(simple(kind, score)) / 10
        differences = torch.tensor(comparison["seeds"], dtype=torch.float64)
        torch.testing.assert_close(differences, ours - theirs, rtol=0, atol=0.05)  # trained anew
        assert gaps[kind, score].low < intervals.Interval(*comparison["images_only"]).low
    says(THREE, "The intervals below count the luck of the seeds and of the test images;")
    words = intervals.verdicts(gaps, margin=0.5)
    says(THREE, 'the margin for "level" is half a point,')
    says(THREE, "With the plain error the network is a point better,")
    assert words["PCA", "mse"] == words["PCA", "share"] == "higher"
    assert gaps["PCA", "mse"].mean == pytest.approx(1, abs=0.15)
    says(THREE, "half a point against PCA's best size.")
    recorded = zoo.measured("one_class_baselines")
    sizes = [kind for kind in recorded[0] if kind.startswith("PCA")]
    best = max(sizes, key=lambda kind: sum(digit[kind]["mse"]["val_auroc"] for digit in recorded))
    assert best == "PCA 24"
    assert words["PCA 24", "mse"] == "higher"
    assert gaps["PCA 24", "mse"].mean == pytest.approx(0.5, abs=0.1)
    says(THREE, "With blur and code added the two are level on average, but by digit up to a point")
    assert words["PCA", BEST] == "level"
    by_digit = 100 * detector(BEST).mean(1) - torch.tensor(simple("PCA", BEST))
    assert 0.9 < by_digit.max() < 1.3 and by_digit.min() < -0.4
    says(THREE, "with sixteen numbers each, the network is ten points ahead of PCA.")
    assert gaps["PCA", detection.CODE_ALONE].mean == pytest.approx(10, abs=1)
    says(THREE, "1 is the easiest, 8 the hardest")
    assert detector("mse").mean(1).argmax() == 1 and detector("mse").mean(1).argmin() == 8
    says(THREE, "With the plain error the autoencoder; with the fourth score PCA is as good.")
    rivals = [sum(simple(kind, "mse")) / 10 for kind in ("PCA", "PCA 24", "nearest image")]
    assert 100 * detector("mse").mean(0).min() > max(rivals)


def test_alarms(splits):
    counts = splits.test.counts()
    flagged = detector(BEST, "flagged_per_digit").mean(1)  # (model, digit)
    false = flagged.diagonal() / counts
    says(THREE, "Only roughly 5 %; and the 8 model lets 1s pass.")
    assert false.min() > 0.03 and false.max() < 0.07
    passed = (counts - flagged).fill_diagonal_(0)
    missed, strangers = passed.sum(1), 10_000 - counts
    says(THREE, "it lets nearly one stranger in six pass, and two thirds of these are ones.")
    assert 6 < strangers[8] / missed[8] < 6.7 and 0.62 < passed[8, 1] / missed[8] < 0.72
    (auroc,) = quoted(THREE, "The 8 model's AUROC of # sounds nearly perfect")
    agree([auroc], [100 * detector(BEST).mean(1)[8]])


# --- The exercises: what the answers say is what the solutions print ----------------------


def printed(start):
    """The percentages that a cell prints in its lines, by the words before them."""
    notebook = nbformat.read(ROOT / "notebooks/3_digit_features.ipynb", as_version=4)
    cell = next(c for c in notebook.cells if start in c.source)
    text = "".join(output.get("text", "") for output in cell.outputs)
    return {
        found[1].strip(" :"): float(found[2])
        for found in re.finditer(r"^(.+?)\s+(?:0\.\d+ +)?([\d.]+)%", text, re.MULTILINE)
    }


def test_the_answers_to_the_exercises():
    found = printed("noise = torch.rand")
    says(THREE, "All of the noise and all mirrored threes, but fewer than half of the flipped")
    assert found["noise"] == found["mirrored"] == 100 and 40 < found["flipped"] < 50
    found = printed('for score in ("mse", BEST)')
    agree(quoted(THREE, "Answer</summary># and # %."), [found["mse"], found[BEST]])
    found = printed("val, normal =")
    powers = [found[f"share times distance to the power {power}"] for power in (1, 2, 4)]
    says(THREE, "from the first to the fourth power little changes")
    assert max(powers) - min(powers) < 0.4
    says(THREE, "Without the code the score is worse. The sum is as bad as the distance alone")
    without = found["share times distance to the power 0"]
    assert without < min(powers)
    assert abs(found["share plus squared distance"] - found["distance alone"]) < 0.3
    assert found["distance alone"] < without
    found = []
    for stroke in ("45,15 90,60", "35,75 95,75"):
        images, covers = hangul.draw(f"15,5 15,90 95,90 | {stroke}", 200)
        drawn = metrics.reconstruct(zoo.load("hangul/nieun"), images)
        found.append(100 * letters.share_drawn(drawn, covers / 255).nanmean(0))
    agree(quoted(THREE, "Here the corner is drawn to # %, the slash to # %"), found[0])
    agree(quoted(THREE, "<code>35,75 95,75</code>, and # % of it survives."), found[1][1:])


def test_the_blur_and_the_dice():
    notebook = nbformat.read(ROOT / "notebooks/3_digit_features.ipynb", as_version=4)
    cell = next(c for c in notebook.cells if "def outlives" in c.source)
    own, strangers = re.search(r"PCA +(\d+)% +(\d+)%", cell.outputs[0].text).groups()
    said = quoted(THREE, "survives the blur (# %) than of a badly drawn own digit's (# %).")
    agree(said, [strangers, own])
    found = printed("dice = {")
    says(THREE, "a twenty-fifth of the textbook's")
    source = next(c.source for c in notebook.cells if "def variational_loss" in c.source)
    (pull,) = (float(n) for n in re.findall(r"(0\.0\d+) \* pull", source))
    assert 2 / 784 / pull == pytest.approx(25, abs=1)
    says(THREE, "In this run the plain one wins both, and the variational one still lies far below")
    assert found["plain"] > found["variational"]
    cell = next(c for c in notebook.cells if "dice = {" in c.source)
    errors = re.findall(r"0\.\d+", "".join(o.get("text", "") for o in cell.outputs))
    pca, plain, variational = map(float, errors)
    assert plain < variational < 0.8 * pca and variational < 1.05 * plain
