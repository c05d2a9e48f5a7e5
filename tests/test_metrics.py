import math

import numpy as np
import pytest
import torch
from torch import nn

from aelib import detection, metrics, zoo
from aelib.models import Autoencoder


def test_mse_per_image_is_the_mean_over_pixels():
    a, b = torch.zeros(2, 1, 28, 28), torch.zeros(2, 1, 28, 28)
    b[1, 0, 0, :28] = 1
    assert metrics.mse_per_image(a, b).tolist() == pytest.approx([0, 1 / 28])
    with pytest.raises(ValueError, match="same shape"):
        metrics.mse_per_image(a, b[:1])


def test_mean_per_digit_is_nan_where_there_is_nothing():
    result = metrics.mean_per_digit(torch.tensor([1.0, 3.0, 5.0]), torch.tensor([0, 0, 7]))
    assert result[0] == 2 and result[7] == 5 and math.isnan(result[1])


def test_a_model_with_an_offset_gets_its_own_range(few):
    plain, shifted = Autoencoder(2).eval(), Autoencoder(2, offset=0.5).eval()
    shifted.load_state_dict(plain.state_dict())
    x = few.floats()
    assert metrics.reconstruct(plain, x).shape == x.shape
    assert metrics.reconstruct(shifted, x).shape == x.shape
    with torch.inference_mode():
        assert torch.equal(metrics.encode(shifted, x), shifted.encoder(x - 0.5))


class Reader(nn.Module):
    """Reads the digit from the brightest of the first ten pixels."""

    def forward(self, x):
        assert x.min() >= 0 and x.max() <= 1
        return x[:, 0, 0, :10]


def test_reading_clips_and_reads(few):
    x = torch.zeros(3, 1, 28, 28)
    x[0, 0, 0, 4], x[1, 0, 0, 9], x[2, 0, 0, 0] = 2.0, 0.5, 1.0
    x[2, 0, 0, 1] = -3.0
    assert metrics.read_digits(Reader(), x).tolist() == [4, 9, 0]


def test_confusion_counts_truth_by_row():
    table = metrics.confusion(torch.tensor([3, 3, 5]), torch.tensor([3, 8, 5]))
    assert table[3, 3] == 1 and table[3, 8] == 1 and table[5, 5] == 1 and table.sum() == 3


def plane(gap):
    """Codes of ten digits: 0 and 1 are `gap` apart, the others far away from both."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(10).repeat(60)
    centres = 50 * torch.arange(10.0)[:, None].expand(10, 2).clone()
    centres[1] = centres[0] + torch.tensor([gap, 0.0])
    return centres[labels] + torch.randn(600, 2, generator=generator), labels


def test_class_overlap_is_one_for_mixed_and_zero_for_separate_digits():
    codes, labels = plane(gap=0)
    mixed = metrics.class_overlap(codes, labels)
    assert mixed[0, 1] == pytest.approx(1, abs=0.1) and mixed[2, 3] == 0
    assert torch.equal(mixed, mixed.T) and (mixed.diagonal() == 1).all()
    apart = metrics.class_overlap(*plane(gap=20))
    assert apart[0, 1] == 0


def test_class_overlap_does_not_depend_on_the_scale_of_an_axis():
    codes, labels = plane(gap=1)
    stretched = codes * torch.tensor([100.0, 0.01])
    assert torch.allclose(
        metrics.class_overlap(codes, labels), metrics.class_overlap(stretched, labels)
    )


def test_plane_values_name_their_subsets():
    codes, labels = plane(gap=0)
    found = metrics.plane_values(codes, labels, codes, labels)
    assert set(found["knn_subsets"]) == {"0 1", "0 1 2", "0 1 6", "0 1 2 3 4 5 6 7 8 9"}
    assert found["knn_subsets"]["0 1"] < 0.75 < found["knn_accuracy"]


def test_intrinsic_dimension_finds_the_dimension_of_a_sheet():
    generator = np.random.default_rng(0)
    sheet = torch.from_numpy(generator.random((2000, 3))) @ torch.randn(3, 784).double()
    assert metrics.intrinsic_dimension(sheet.view(-1, 1, 28, 28)) == pytest.approx(3, abs=0.4)


def test_a_linear_probe_needs_straight_cuts():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(400) % 2
    apart = torch.randn(400, 2, generator=generator) + 8 * labels[:, None]
    angle = 2 * math.pi * torch.rand(400, generator=generator)
    rings = torch.stack([angle.cos(), angle.sin()], 1) * (1 + 3 * labels[:, None])
    assert metrics.probe_accuracy(apart, labels, apart, labels) == 1
    assert metrics.probe_accuracy(rings, labels, rings, labels) < 0.7
    assert metrics.knn_accuracy(rings, labels, rings, labels) == 1


def test_codes_are_decoded_as_the_model_does(few):
    model = Autoencoder(2).eval()
    codes = torch.randn(5, 2)
    drawn = metrics.decode(model, codes)
    assert torch.equal(drawn, model.decode(codes)) and not drawn.requires_grad
    assert metrics.decode(Autoencoder(0).eval(), torch.zeros(3, 0)).shape == (3, 1, 28, 28)


def test_judges_agree_or_they_do_not():
    right = torch.zeros(2, 3, 10)
    right[:, :, 0] = 0.9
    right[:, :, 1] = torch.tensor([0.9, 0.9, 0.5])
    right[:, :, 2] = torch.tensor([[0.6, 0.4, 0.5], [0.5, 0.5, 0.4]])
    right[:, :, 3] = torch.tensor([0.1, 0.2, 0.6])
    words = metrics.agreement(right)
    assert words[:5] == ["read", "disputed", "between", "disputed", "lost"]


def test_shares_read_right_follow_from_the_counts():
    counts = torch.zeros(4, 10, 10)
    counts[:, 0, 0], counts[:, 0, 8] = 3, 1
    counts[:, range(1, 10), range(1, 10)] = 2
    right = metrics.right_per_digit(counts)
    assert right.shape == (4, 10) and right[0, 0] == 0.75 and right[2, 1:].min() == 1


def test_a_judgement_needs_seeds_judges_and_two_limits_in_order():
    with pytest.raises(ValueError, match=r"shape \(seeds, judges, 10\)"):
        metrics.agreement(torch.zeros(5, 10))
    with pytest.raises(ValueError, match="lost < read"):
        metrics.agreement(torch.zeros(5, 5, 10), read=0.2, lost=0.3)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (torch.full((10, 10), math.nan), "100 of 100 numbers in confusion are NaN"),
        (-torch.ones(10, 10), "each number in confusion must be 0 or more, got -1"),
        (torch.ones(10, 10) + 0j, "must be real"),
        (torch.eye(10).bool(), "must be numbers, got torch.bool"),
        (torch.ones(10), r"shape \(10, 10\), got \(10,\)"),
    ],
)
def test_what_are_no_counts_gives_no_shares(counts, said):
    with pytest.raises(ValueError, match=said):
        metrics.right_per_digit(counts)


@pytest.mark.parametrize("factor", [100, -1])
def test_shares_in_per_cent_are_not_taken_for_shares(factor):
    with pytest.raises(ValueError, match="each number in right must lie in 0 to 1, got"):
        metrics.agreement(factor * torch.full((2, 2, 10), 0.9))


def test_codes_of_no_numbers_tell_nothing():
    none, labels = torch.zeros(100, 0), torch.arange(100) % 10
    for measure in (metrics.knn_accuracy, metrics.probe_accuracy, metrics.plane_values):
        with pytest.raises(ValueError, match="codes must hold one number or more each, got d = 0"):
            measure(none, labels, none, labels)
    with pytest.raises(ValueError, match="got d = 0"):
        metrics.class_overlap(none, labels)


class Draws(nn.Module):
    def __init__(self, output):
        super().__init__()
        self.output = output

    def decode(self, z):
        return self.output(z)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (lambda z: (z, z), "got tuple"),
        (lambda z: None, "got NoneType"),
        (lambda z: z.new_zeros(len(z), 784), r"got \(3, 784\)"),
        (lambda z: z.new_zeros(1, 1, 28, 28), r"got \(1, 1, 28, 28\)"),
        (lambda z: z.new_zeros(len(z), 1, 28, 28).long(), r"got torch\.int64"),
    ],
)
def test_what_is_no_image_a_code_is_refused(output, said):
    with pytest.raises(ValueError, match=rf"decode must return images .*\(3, 1, 28, 28\), {said}"):
        metrics.decode(Draws(output), torch.zeros(3, 2))


def test_a_code_too_large_for_its_type_is_not_drawn():
    with pytest.raises(ValueError, match="numbers in codes are NaN or infinite"):
        metrics.decode(Autoencoder(2), torch.full((3, 2), 1e300, dtype=torch.float64))


def test_a_nearly_blank_image_at_the_end_is_no_mask(splits):
    images = torch.zeros(metrics.BATCH + 1, 28, 28, dtype=torch.uint8)
    images[:-1] = splits.test.images[: metrics.BATCH]
    images[-1, 5:20, 5:20] = 1
    model = zoo.load("latent/8")
    codes = metrics.encode(model, images)
    assert torch.allclose(codes, metrics.encode(model, images.float() / 255), atol=1e-5)
    assert len(metrics.reconstruct(model, images)) == len(images)


def test_codes_of_changing_size_are_refused(splits):
    class Narrowing(nn.Module):
        def encode(self, x):
            return x.flatten(1)[:, 400 : (404 if len(x) == metrics.BATCH else 401)]

    with pytest.raises(ValueError, match=r"\(4,\) for some images, and \(1,\) for others"):
        metrics.encode(Narrowing(), splits.test.images[: metrics.BATCH + 50])


@pytest.mark.parametrize("kind", [np.uint16, np.uint32, np.uint64, np.int8])
def test_whole_numbers_of_any_kind_are_scores(kind):
    scores, labels = np.array([1, 2, 3], kind), torch.tensor([0, 0, 1])
    assert metrics.mean_per_digit(scores, labels)[:2].tolist() == [1.5, 3]
    assert detection.threshold(scores) == 3
    counts = np.arange(100).astype(kind).reshape(10, 10)
    assert metrics.right_per_digit(counts)[1].item() == pytest.approx(11 / 145)
