"""What README and RESULTS say in words, held to the recorded values and to the data.

The tables themselves are held by tests/workshop/test_readme.py.
"""

import json
import re

import pytest
import torch

from aelib import detection, intervals, zoo
from aelib.checkerboards import checkerboard_score
from aelib.workshop import claims
from aelib.workshop.readme import LOST, OWN_SIZE

from .prose import README, RESULTS, ROOT, agree, quoted, says, text_of
from .recorded import DIMS, KINDS, STRANGERS, detector, latent, per_model, simple

ROWS = claims.ROWS.strip().split("\n\n")


def test_readme_is_short_and_gives_no_answers_away():
    assert len(README.split()) <= 900
    says(README, "The answers are not on this page")
    assert "lower" not in README and "AUROC" not in README


def test_links_lead_to_headings_and_to_experiments_that_there_are():
    scripts = "".join(path.read_text("utf-8") for path in ROOT.glob("aelib/explorer/**/*.js"))
    for text in (README, RESULTS, text_of("TROUBLESHOOTING.md")):
        for name, heading in re.findall(r"\]\((notebooks/\w+\.ipynb)#([^)]+)\)", text):
            assert re.search(
                rf"^##+ {re.escape(heading.replace('-', ' '))}$",
                text_of(name).replace("-", " "),
                re.M,
            ), heading
        for setup in re.findall(r"train\?setup=(\w+)", text):
            assert re.search(rf"^  {setup}: \[", scripts, re.M), setup
    for number in re.findall(r"[1-4]\.\d+", " ".join(row.split("|")[3] for row in ROWS)):
        (name,) = ROOT.glob(f"notebooks/{number[0]}_*.ipynb")
        assert re.search(rf"^## {re.escape(number)} ", text_of(name), re.M), number


def test_what_is_said_of_every_size(mean_error, pca):
    says(RESULTS, "Every number lowers the error, and from the first one on the autoencoder lies")
    means = [latent(d).mean() for d in DIMS]
    assert means == sorted(means, reverse=True)
    assert all(latent(d).max() < pca[d] for d in DIMS[1:])
    agree(quoted(RESULTS, "The autoencoder falls from # to #"), [mean_error, means[-1]])
    says(RESULTS, "Pictures show seed 0, which is typical.")
    for d in DIMS[1:]:
        errors = latent(d)
        assert abs(errors[0] - errors.mean()) < 2 * errors.std(), d


def test_what_the_verdicts_on_one_number_rest_on(variance):
    says(RESULTS, "but 6 and 9 are read, too")
    counts = zoo.values("latent/1", "confusion_per_judge")
    read = counts.diagonal(dim1=2, dim2=3) / counts.sum(3)
    kept = (read >= 0.75).double().mean((0, 1)) >= 0.95  # the rule of PLAN.md
    assert kept.nonzero().flatten().tolist() == [0, 1, 6, 9]
    says(RESULTS, "Digit 1 has the lowest error, also relative to its own variance.")
    error = [latent(d, "test_mse_per_digit").mean(0) for d in (0, 1)]
    assert error[1].argmin() == (error[1] / variance).argmin() == 1
    says(RESULTS, "Digit 0 has neither; its error falls the most.")
    assert (error[0] - error[1]).argmax() == 0
    says(
        RESULTS, "with one number the 2, 8 and 9 are lost, too, beside the 4; with two the 4, 8 and"
    )
    for d, lost in ((1, [2, 4, 8, 9]), (2, [4, 8, 9])):
        counts = zoo.values(f"range/course/{d}", "confusion_per_judge")
        right = (counts.diagonal(dim1=2, dim2=3) / counts.sum(3)).flatten(0, 1)
        share = (right <= LOST).double().mean(0)
        assert (share >= 0.95).nonzero().flatten().tolist() == lost
    assert right.mean(0)[2] == pytest.approx(0.25, abs=0.03)
    numbers = quoted(RESULTS, "range, # in 100 are ones, with the course's own models #.)")
    for number, run in zip(numbers, ("range/course/1", "latent/1"), strict=True):
        read_as_1 = zoo.values(run, "confusion_per_judge").sum((0, 1))[:, 1]
        agree([number], [100 * read_as_1[1] / read_as_1.sum()])
    threes = [
        zoo.values(f"{run}/1", "read_right_per_digit")[:, 3].mean()
        for run in ("original/transpose", "range/course")
    ]
    agree(quoted(RESULTS, "the recipes differ more, for the 3 by #."), [threes[0] - threes[1]])
    says(RESULTS, "drawings loses the 8 and the 9, but not the 0, the 2 and the 6.")
    key = "read_right_cut_per_judge"  # only newer runs have it
    cut = torch.tensor([run[key] for run in zoo.results("latent/1") if key in run]).mean((0, 1))
    assert cut[[8, 9]].max() < 0.1 and cut[[0, 2, 6]].min() > 0.75
    assert zoo.values("range/course/1", "read_right_per_digit").mean(0)[[0, 2, 6]].max() < 0.4
    says(RESULTS, "and its codes say so, too.")
    shifted, own = (
        zoo.values(f"{run}/1", "knn_accuracy").mean() for run in ("range/course", "latent")
    )
    assert own - shifted > 0.2
    says(RESULTS, "in the plane 0, 1, 2 and 6 have a place of their own, 4 and 9 share one")
    overlap = zoo.values("latent/2", "class_overlap").mean(0).fill_diagonal_(0).amax(1)
    assert overlap[[0, 1, 2, 6]].max() < 0.1 < 0.25 < overlap[[3, 5, 7, 8]].min()
    assert overlap[[3, 5, 7, 8]].max() < 0.6 < overlap[4] == overlap[9]
    says(RESULTS, "Those that overlap most are 4 and 9, and 3, 5 and 8, the last three by about a")
    overlap = zoo.values("latent/2", "class_overlap").mean(0)
    assert all(0.28 < overlap[a, b] < overlap[4, 9] for a, b in ((3, 5), (3, 8), (5, 8)))


def test_what_models_of_one_digit_and_their_alarms_do():
    says(RESULTS, "three of five are still read as themselves, one in five as the model's own")
    shares = per_model("confusion").mean(1)
    shares = shares / shares.sum(2, keepdim=True)
    assert shares.diagonal(dim1=1, dim2=2)[STRANGERS].mean() == pytest.approx(0.6, abs=0.03)
    own = torch.stack([shares[m, :, m] for m in range(10)])[STRANGERS]
    assert own.mean() == pytest.approx(0.2, abs=0.03)
    says(RESULTS, "The network's plain error is a point ahead of PCA's with as many numbers,")
    assert 0.75 < 100 * detector("mse").mean() - sum(simple("PCA", "mse")) / 10 < 1.25
    says(RESULTS, "and half a point ahead of PCA's at its own best size.")
    sizes = ("PCA 8", "PCA", OWN_SIZE, "PCA 32", "PCA 48")
    digits = zoo.measured("one_class_baselines")
    on_val = {name: sum(digit[name]["mse"]["val_auroc"] for digit in digits) for name in sizes}
    assert max(on_val, key=on_val.get) == OWN_SIZE
    assert 0.4 < 100 * detector("mse").mean() - sum(simple(OWN_SIZE, "mse")) / 10 < 0.6
    says(RESULTS, "by digit they differ by up to a point, both ways.")
    says(
        RESULTS, "with sixteen numbers each, the network is ten points ahead; PCA with 48 is within"
    )
    alone = detection.CODE_ALONE
    assert 9.5 < 100 * detector(alone).mean() - sum(simple("PCA", alone)) / 10 < 11.5
    assert 100 * detector(alone).mean() - sum(simple("PCA 48", alone)) / 10 < 2
    spans = quoted(RESULTS, "it misses # to # % of the strangers, the plain error # to # %.")
    for (low, high), score in zip((spans[:2], spans[2:]), (alone, "mse"), strict=True):
        flagged = detector(score, "flagged_per_digit")  # (model, seed, digit)
        strangers = (flagged * STRANGERS[:, None]).sum(2)
        counts = per_model("confusion")[0, 0].sum(1)
        missed = 100 * (1 - strangers / (10_000 - counts)[:, None]).mean(0)
        agree([low, high], [missed.min(), missed.max()])
    best = detection.WITH_CODE
    gaps = 100 * detector(best).mean(1) - torch.tensor(simple("PCA", best))
    assert abs(gaps.mean()) < 0.1 and gaps.min() < -0.3 and 0.9 < gaps.max() < 1.3


def test_what_is_said_of_six_ways_to_enlarge(test_images):
    words = intervals.verdicts(claims.against_transpose("test_mse"), 3)
    says(RESULTS, "`nearest` at *d* = 16 is level by a hundredth of a point")
    assert words["nearest", 16] == "level"
    assert 2.985 < claims.against_transpose("test_mse")["nearest", 16].high < 3
    says(RESULTS, "kinds with more weights do a little better at *d* = 16, and take more time.")
    costs = zoo.measured("costs")["upsampling"]
    for kind in KINDS[1:]:
        more = costs[kind]["parameters"] > costs["transpose"]["parameters"]
        assert (words[kind, 16] == "lower") == more, kind
        assert not more or costs[kind]["cost"] > 1.05
    agree(quoted(RESULTS, "close to that of real digits, #."), [checkerboard_score(test_images)])
    place = torch.arange(28)
    board = ((place[:, None] + place) % 2 * 2 - 1).float()
    assert checkerboard_score(test_images + 0.01 * board) == pytest.approx(claims.FAINT, abs=0.01)


def test_a_notebook_takes_what_results_says():
    benchmark = json.loads((zoo.CHECKPOINTS / "benchmark.json").read_text())
    seconds, megabytes = zip(*benchmark["sections"]["notebooks"]["rows"].values(), strict=True)
    assert max(seconds) < 120
    says(RESULTS, "A notebook runs in half a minute to two minutes")
    says(text_of("notebooks/1_dataset.ipynb"), "half a minute for the cells")
    says(text_of("notebooks/3_digit_features.ipynb"), "two for the cells")
    agree(quoted(RESULTS, "takes at most about # GB of memory"), [max(megabytes) / 1000])
