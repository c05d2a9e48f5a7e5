import numpy as np
import pytest
import torch

from aelib import detection, zoo
from aelib.data import Splits
from aelib.models import UPSAMPLING, Autoencoder
from aelib.training import seeded
from aelib.workshop import comparing, measuring


def test_measuring_a_model_gives_numbers_that_agree_with_each_other(few):
    torch.manual_seed(0)
    own = Splits(few, few, few), [zoo.judge(), zoo.judge(1)]
    found = measuring.measure_digits(Autoencoder(2).eval(), *own)
    assert found["test_mse"] == pytest.approx(np.mean(found["test_mse_per_digit"]))
    table = measuring.confusion(torch.tensor([3, 3, 5]), torch.tensor([3, 8, 5]))
    assert table[3, 3] == table[3, 8] == table[5, 5] == 1 and table.sum() == 3  # truth by row
    confusion = torch.tensor(found["confusion"])
    assert confusion.sum() == len(few)
    assert found["read_right"] == pytest.approx(confusion.diagonal().sum().item() / len(few))
    assert "class_overlap" in found
    for key, whole in (("error_by_phase", found["test_mse"]), ("residual_by_phase", None)):
        phases = torch.tensor(found[key])
        assert phases.shape == (2, 2)
        assert whole is None or phases.mean().item() == pytest.approx(whole)
    model = Autoencoder(3).eval()
    plain, probed = (measuring.measure_digits(model, *own, with_codes=c) for c in (False, True))
    assert not {"class_overlap", "probe_accuracy"} & set(plain)
    assert 0 <= probed["probe_accuracy"] <= 1 and 0 <= probed["knn_accuracy"] <= 1
    line = measuring.measure_digits(Autoencoder(1).eval(), *own)
    assert 0 <= line["knn_accuracy"] <= 1 and "class_overlap" not in line
    assert np.mean(line["place_per_digit"]) == pytest.approx(50, abs=15)
    assert np.shape(line["read_right_cut_per_judge"]) == (2, 10)


def test_a_one_digit_model_is_measured_as_a_detector(splits):
    few = Splits(splits.train[::50], splits.val[::10], splits.test[::20])
    with seeded(0):
        found = measuring.measure_digits(Autoencoder(3).eval(), few, [zoo.judge()], only=4)
    assert set(found["detector"]) == {*detection.SCORES, detection.WITH_CODE, detection.CODE_ALONE}
    for values in found["detector"].values():
        assert 0 <= values["auroc"] <= 1 and len(values["flagged_per_digit"]) == 10
    by_quarter = torch.tensor(found["by_quarter"]).mean(1)
    assert torch.allclose(by_quarter, torch.tensor(found["test_mse_per_digit"]).float(), rtol=1e-4)
    assert len(found["has_loop"]) == len(found["breadth"]) == 10
    assert [len(shares) for shares in found["loops"]] == [10, 10, 10]
    assert found["loops"][-1] == found["has_loop"]


def test_baseline_detectors_have_the_protocol_of_the_models(splits):
    few = Splits(splits.train[::20], splits.val[::10], splits.test[::20])
    found = measuring.measure_baselines(few, 1)
    sizes = [f"PCA {d}" for d in comparing.OTHER_DIMS]
    assert list(found) == ["ink", "mean image", "PCA", *sizes, "nearest image"]
    assert set(found["PCA"]) == {*detection.SCORES, detection.WITH_CODE, detection.CODE_ALONE}
    assert set(found["nearest image"]) == set(detection.SCORES)
    assert found["nearest image"]["mse"]["auroc"] > 0.98, "a 1 is easy"
    assert found["ink"]["ink"]["auroc"] > 0.85, "and it has little ink"


def test_costs_are_relative_to_transpose():
    costs, recipes = measuring.measure_costs(rounds=1).values()
    assert list(costs) == list(UPSAMPLING) and costs["transpose"]["cost"] == 1
    decoders = {kind: Autoencoder(16, kind).decoder for kind in UPSAMPLING}
    for kind, decoder in decoders.items():
        assert costs[kind]["parameters"] == sum(p.numel() for p in decoder.parameters())
    assert set(recipes) == {"adam", "muon"} and min(recipes.values()) > 0


def test_what_is_recorded_of_a_detector_comes_from_its_own_digits_scores(few):
    parts = Splits(few, few, few)
    strange = (few.labels != 3).double() + torch.linspace(0, 0.5, len(few))
    found = measuring.detector_values(parts, 3, {"a": strange}, {"a": strange})["a"]
    assert found["auroc"] == found["val_auroc"] == 1
    assert found["threshold"] < 0.5 and sum(found["flagged_per_digit"]) == 180
