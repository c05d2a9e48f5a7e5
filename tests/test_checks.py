"""A reader's own data: every form of it that is taken, and every other one refused by name."""

import copy
import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn

from aelib import (
    baselines,
    checkerboards,
    checks,
    data,
    detection,
    intervals,
    metrics,
    models,
    optim,
    plotting,
    strokes,
    tables,
    training,
    zoo,
)
from aelib.data import Digits
from aelib.models import Autoencoder, Judge

NAN = float("nan")


@pytest.fixture(scope="module")
def pixels(splits):
    """Twelve test images as bytes, (12, 28, 28)."""
    return splits.test.images[:12].clone()


@pytest.fixture(scope="module")
def model():
    with training.seeded(0):
        return Autoencoder(3).eval()


@pytest.fixture(scope="module")
def judge():
    return zoo.judge()


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


# Every form in which the same images may come.
FORMS = {
    "bytes": lambda x: x,
    "bytes with a channel": lambda x: x[:, None],
    "float32": lambda x: x[:, None] / 255,
    "float32 without a channel": lambda x: x / 255,
    "float64": lambda x: x[:, None].double() / 255,
    "float16": lambda x: x[:, None].half() / 255,
    "NumPy bytes": lambda x: x.numpy(),
    "NumPy float32": lambda x: x[:, None].numpy() / np.float32(255),
    "NumPy float64": lambda x: x.numpy() / 255,
    "NumPy big-endian": lambda x: (x.numpy() / 255).astype(">f4"),
    "NumPy read-only": lambda x: read_only(x.numpy()),
    "NumPy upside down and back": lambda x: x.numpy()[::-1].copy()[::-1],
    "every second of twice as many": lambda x: x.repeat_interleave(2, 0)[::2],
    "transposed and back": lambda x: (x.mT.contiguous().mT / 255)[:, None],
    "channels last": lambda x: (x[:, None] / 255).contiguous(memory_format=torch.channels_last),
    "with a gradient": lambda x: (x[:, None] / 255).requires_grad_(),
    "inference tensor": lambda x: inference(x[:, None] / 255),
}


def inference(x):
    with torch.inference_mode():
        return x.clone()


@pytest.fixture(scope="module")
def takers(pixels, model, judge):
    """Every public function that takes images, as a function of them alone."""
    plain = data.to_float(pixels)
    known = Digits(pixels, torch.arange(12) % 10)
    return {
        "to_float": data.to_float,
        "Digits": lambda x: Digits(x, known.labels).floats(),
        "batches": lambda x: next(data.batches(Digits(x, known.labels), 12))[0],
        "mean_image": lambda x: baselines.mean_image(Digits(x, known.labels)),
        "reconstruct": lambda x: metrics.reconstruct(model, x),
        "encode": lambda x: metrics.encode(model, x),
        "read_digits": lambda x: metrics.read_digits(judge, x),
        "mse_per_image": lambda x: metrics.mse_per_image(plain.flip(0), x),
        "mse_per_image of": lambda x: metrics.mse_per_image(x, plain.flip(0)),
        "LinearAutoencoder": lambda x: baselines.LinearAutoencoder(Digits(x, known.labels), 3).mean,
        "PCA's encode": lambda x: baselines.LinearAutoencoder(known, 3).encode(x, 2),
        "PCA's reconstruct": lambda x: baselines.LinearAutoencoder(known, 3).reconstruct(x, 2),
        "intrinsic_dimension": lambda x: torch.tensor(metrics.intrinsic_dimension(x)),
        "blurred": detection.blurred,
        "anomaly_scores": lambda x: detection.anomaly_scores(plain.flip(0), x, "blurred share"),
        "anomaly_scores of": lambda x: detection.anomaly_scores(x, plain.flip(0), "share"),
        "all_scores": lambda x: detection.all_scores(plain.flip(0), x)["mse"],
        "NearestImage": lambda x: baselines.NearestImage(known).reconstruct(x),
        "has_loop": strokes.has_loop,
        "breadth": strokes.breadth,
        "by_quarter": strokes.by_quarter,
        "checkerboard_score": lambda x: torch.tensor(checkerboards.checkerboard_score(x)),
        "montage": lambda x: torch.from_numpy(plotting.montage([x])),
        "image_grid": lambda x: shown(plotting.image_grid([x])),
        "evaluate": lambda x: torch.tensor(training.evaluate(model, Digits(x, known.labels))),
    }


def shown(ax):
    return torch.from_numpy(np.asarray(ax.images[0].get_array(), dtype=np.float64))


@pytest.fixture(scope="module")
def answers(takers, pixels):
    """What each of them gives for the bytes of MNIST."""
    return {name: take(pixels).double() for name, take in takers.items()}


@pytest.mark.parametrize("form", FORMS)
def test_images_may_come_in_many_forms_and_are_never_changed(form, pixels, takers, answers):
    for name, take in takers.items():
        given = FORMS[form](pixels.clone())
        kept = copy.deepcopy(given if isinstance(given, np.ndarray) else given.detach())
        found = take(given)
        close = {"rtol": 0.03, "atol": 0.03} if form == "float16" else {"rtol": 1e-4, "atol": 1e-5}
        assert torch.allclose(found.detach().double(), answers[name], **close), name
        assert kept.dtype == given.dtype and (np.asarray(kept) == plain_array(given)).all(), name


def plain_array(values):
    return values.detach().numpy() if isinstance(values, torch.Tensor) else values


def grey(shape, dtype=torch.float32):
    return torch.full(shape, 0.5).to(dtype)


# What no function can take, with a part of what is said.
REFUSED = {
    "a list": ([[0.0] * 28] * 28, "must be a torch tensor or a NumPy array, got list"),
    "nothing": (None, "got NoneType"),
    "one image": (grey((28, 28)), r"images\[None\]"),
    "a number": (torch.tensor(0.5), r"got \(\)"),
    "Keras's order": (grey((2, 28, 28, 1)), r"channel comes second"),
    "flat rows": (grey((2, 784)), r"images.reshape\(-1, 1, 28, 28\)"),
    "colour": (grey((2, 3, 28, 28)), r"prepare.*help\(aelib.models\)"),
    "another size": (grey((2, 1, 32, 32)), r"prepare.*help\(aelib.models\)"),
    "whole numbers": (torch.ones(2, 28, 28, dtype=torch.int64), r"got torch.int64.*uint8"),
    "NumPy whole numbers": (np.ones((2, 28, 28), dtype=np.int32), r"got torch.int32.*uint8"),
    "bool": (torch.ones(2, 28, 28, dtype=torch.bool), "got torch.bool"),
    "complex": (torch.ones(2, 28, 28, dtype=torch.complex64), "got torch.complex64"),
    "eight bits": (torch.full((2, 28, 28), 0.5).to(torch.float8_e5m2), r"float8_e5m2; \.float\(\)"),
    "a mask of bytes": (torch.eye(28).to(torch.uint8)[None], r"only 0 and 1.*with \.float\(\)"),
    "text": (np.array([["a"] * 28] * 28)[None], "must hold numbers"),
    "not a number": (grey((2, 1, 28, 28)).index_fill(0, torch.tensor([1]), NAN), "nan|NaN"),
    "infinite": (grey((2, 1, 28, 28)) / 0, "inf"),
}
OUT_OF_RANGE = {
    "0 to 255": (
        255 * grey((2, 1, 28, 28)),
        r"\[0, 1\], got values from 127.5.*divide them by 255",
    ),
    "-1 to 1": (-2 * grey((2, 1, 28, 28)), r"\[0, 1\], got values from -1 to -1"),
    "the original's": (-grey((2, 28, 28)), r"got values from -0.5 to -0.5: add 0.5"),
}
ANY_SIZE = {"checkerboard_score"}
ANY_RANGE = {  # these take drawings, which may leave [0, 1], as PCA's do
    "read_digits", "mse_per_image", "mse_per_image of", "anomaly_scores of", "blurred",
    "by_quarter", "checkerboard_score", "montage", "image_grid", "PCA's encode",
    "PCA's reconstruct", "intrinsic_dimension",
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED | OUT_OF_RANGE)
def test_other_images_are_refused_by_name(kind, takers):
    given, said = (REFUSED | OUT_OF_RANGE)[kind]
    for name, take in takers.items():
        if kind in OUT_OF_RANGE and name in ANY_RANGE:
            continue
        if name in ANY_SIZE and kind == "another size":
            continue
        with pytest.raises(ValueError, match=said):
            take(given)
            pytest.fail(f"{name} takes {kind}")


def test_a_picture_that_is_black_but_for_some_noise_is_no_mask():
    noisy = torch.zeros(3, 28, 28, dtype=torch.uint8)
    assert data.to_float(noisy).max() == 0
    noisy[:, :2, :3] = 1
    assert data.to_float(noisy).max() == pytest.approx(1 / 255)


def test_a_dark_picture_among_others_is_no_mask(pixels):
    dark = torch.randint(2, (28, 28), generator=torch.Generator().manual_seed(0)).byte()
    digits = Digits(torch.stack([pixels[0], dark]), [7, 3])
    assert len(digits[1]) == 1 and digits[1].floats().max() == pytest.approx(1 / 255)
    assert [x.max().item() < 0.01 for x, _ in data.batches(digits, 1)] == [False, True]


# Ranges that one often meets, with what to do; drawings may leave [0, 1], but not like this.
OTHER_RANGES = {
    "0 to 255": (lambda x: 255 * x, r"divide them by 255"),
    "-0.5 to 0.5": (lambda x: x - 0.5, "if paper is -0.5, add 0.5"),
    "-1 to 1": (lambda x: 2 * x - 1, "if it is -1, add 1 and divide by 2"),
    "standardised": (lambda x: (x - 0.1307) / 0.3081, r"clamp\(0, 1\)"),
}
CLIPPED = (
    "read_digits", "montage", "image_grid", "anomaly_scores of", "PCA's encode",
    "PCA's reconstruct",
)  # fmt: skip
AVERAGED = ("mse_per_image", "mse_per_image of")  # for models with an offset, too


@pytest.mark.parametrize("kind", OTHER_RANGES)
def test_images_of_another_range_are_not_clipped_or_averaged_without_a_word(kind, pixels, takers):
    change, remedy = OTHER_RANGES[kind]
    given = change(pixels[:, None] / 255)
    for name in CLIPPED + AVERAGED * (kind == "0 to 255"):
        with pytest.raises(ValueError, match=f"must have paper at 0 and full ink at 1.*{remedy}"):
            takers[name](given)
            pytest.fail(f"{name} takes {kind}")


def test_drawings_may_leave_the_range_of_images(splits, judge):
    linear = baselines.LinearAutoencoder(splits.val, 32)
    images = splits.val[:200].floats()
    for d in (0, 1, 8, 32):
        drawn = linear.reconstruct(images, d)
        for each in (drawn, *drawn[:, None]):
            assert len(metrics.read_digits(judge, each)) == len(each)
        plotting.montage([drawn])
    wild = (3 * torch.randn(4, 1, 28, 28)).requires_grad_()
    metrics.mse_per_image(1e6 * wild, images[:4]).mean().backward()
    assert wild.grad.isfinite().all(), "a loss that has run away is a number still"
    assert metrics.mse_per_image(images, images - 0.5).mean() == pytest.approx(0.25)


def test_floats_of_ones_own_are_not_divided_again(pixels):
    own = pixels[:, None].float() / 255
    for x in (own, own.double(), own.numpy()):
        assert data.to_float(x).max() == own.max() > 0.99
    digits = Digits(own, torch.zeros(12, dtype=torch.long))
    for _ in range(3):
        assert torch.equal(digits.floats(), own)
        assert torch.equal(next(data.batches(digits, 12))[0], own)


def test_what_comes_back_is_memory_of_its_own(pixels, model):
    own = pixels[:, None].float() / 255
    for name, take in (
        ("to_float", data.to_float),
        ("Digits", lambda x: Digits(x, torch.zeros(12, dtype=torch.long)).floats()),
        ("batches", lambda x: next(data.batches(Digits(x, torch.zeros(12).long()), 12))[0]),
        (
            "NearestImage",
            lambda x: baselines.NearestImage(Digits(x, torch.zeros(12).long())).images,
        ),
    ):
        given = own.clone()
        take(given).zero_()
        assert torch.equal(given, own), name
    linear = baselines.LinearAutoencoder(Digits(own, torch.zeros(12).long()), 3)
    before = linear.reconstruct(own, 2)
    linear.mean.zero_(), linear.components.zero_(), linear.encode(own, 2).zero_()
    assert torch.equal(linear.reconstruct(own, 2), before)


def test_no_images_give_nothing_or_are_refused(pixels, model, judge):
    none = pixels[:0]
    assert metrics.reconstruct(model, none).shape == (0, 1, 28, 28)
    assert metrics.encode(model, none).shape == (0, 3)
    assert metrics.read_digits(judge, none).shape == (0,)
    assert detection.anomaly_scores(none, none).shape == (0,)
    assert strokes.has_loop(none).shape == strokes.breadth(none).shape == (0,)
    empty = Digits(none, torch.zeros(0))
    assert len(empty) == 0 and empty.counts().sum() == 0
    for fails in (
        lambda: baselines.mean_image(empty),
        lambda: baselines.LinearAutoencoder(empty),
        lambda: baselines.NearestImage(empty),
        lambda: training.evaluate(model, empty),
        lambda: data.batches(empty, 3),
        lambda: metrics.intrinsic_dimension(none),
        lambda: plotting.montage([none]),
        lambda: data.join(),
    ):
        with pytest.raises(ValueError, match=r"no images|empty|at least|nothing"):
            fails()


# --- Digits ---------------------------------------------------------------------------


def test_images_and_labels_must_be_as_many(pixels):
    with pytest.raises(ValueError, match="12 images but 11 labels"):
        Digits(pixels, torch.zeros(11, dtype=torch.long))


@pytest.mark.parametrize(
    "labels",
    [
        [*range(10), 0, 1],
        np.arange(12, dtype=np.uint8) % 10,
        torch.arange(12, dtype=torch.int16) % 10,
    ],
)
def test_labels_may_be_whole_numbers_of_any_kind(labels, pixels):
    digits = Digits(pixels, labels)
    assert digits.labels.dtype == torch.int64
    assert digits.labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert digits.counts().tolist() == [2, 2, 1, 1, 1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (torch.zeros(12), "whole numbers from 0 to 9, got torch.float32"),
        (torch.arange(12), "from 0 to 9, got values from 0 to 11"),
        (torch.arange(12) - 1, "got values from -1 to 10"),
        (torch.zeros(12, dtype=torch.bool), "got torch.bool"),
        (torch.zeros(12, 10), r"shape \(N,\), got \(12, 10\)"),
        (None, "got NoneType"),
    ],
)
def test_other_labels_are_refused(labels, said, pixels):
    with pytest.raises(ValueError, match=said):
        Digits(pixels, labels)


@pytest.mark.parametrize(
    ("index", "chosen"),
    [
        (3, [3]),
        (-1, [11]),
        (np.int64(2), [2]),
        (torch.tensor(5), [5]),
        (slice(2, 4), [2, 3]),
        ([1, 0], [1, 0]),
        ([], []),
        (np.array([4, 6], dtype=np.uint8), [4, 6]),
        (torch.tensor([7, 8], dtype=torch.int32), [7, 8]),
        (torch.arange(12) == 9, [9]),
        (np.arange(12) > 9, [10, 11]),
        ([True] + 11 * [False], [0]),
        (slice(None, None, -1), list(range(11, -1, -1))),
        (slice(9, 2, -3), [9, 6, 3]),
    ],
)
def test_a_part_of_digits_is_digits_whatever_the_index(index, chosen, pixels):
    labels = torch.arange(12) % 10
    part = Digits(pixels, labels)[index]
    assert isinstance(part, Digits)
    assert torch.equal(part.images, pixels[chosen]) and torch.equal(part.labels, labels[chosen])


@pytest.mark.parametrize(
    ("index", "error"),
    [
        (12, IndexError),
        (-13, IndexError),
        ([0, 12], IndexError),
        (torch.ones(11, dtype=torch.bool), IndexError),
        ("3", TypeError),
        (True, TypeError),
        (1.0, TypeError),
        ((0, 1), TypeError),
        (None, TypeError),
        (torch.zeros(2), TypeError),
        (torch.zeros(2, 2, dtype=torch.long), TypeError),
        ([True, 0], TypeError),
        ([0, np.True_], TypeError),
    ],
)
def test_an_index_that_cannot_be_is_refused(index, error, pixels):
    with pytest.raises(error, match=r"12|index"):
        Digits(pixels, torch.arange(12) % 10)[index]


def test_iterating_over_digits_gives_one_image_at_a_time_and_ends(pixels):
    pieces = list(Digits(pixels, torch.arange(12) % 10))
    assert [piece.labels.tolist() for piece in pieces] == [[n % 10] for n in range(12)]
    assert all(piece.images.shape == (1, 28, 28) for piece in pieces)


def test_joining_bytes_and_floats_keeps_both_right(pixels):
    labels = torch.zeros(12, dtype=torch.long)
    both = data.join(Digits(pixels, labels), Digits(pixels / 255, labels))
    assert torch.allclose(both.floats()[:12], both.floats()[12:])


@pytest.mark.parametrize("digit", [np.int64(3), torch.tensor(3), np.uint8(3)])
def test_digits_may_be_whole_numbers_of_any_kind(digit, few):
    assert few.only(digit).labels.unique().tolist() == [3]
    assert few.thinned(digit, np.int32(10)).counts()[3] == 2


@pytest.mark.parametrize("digit", [True, 3.0, "3", None, 10, -1, NAN])
def test_what_is_no_digit_is_named(digit, few):
    with pytest.raises(ValueError, match=r"from 0 to 9, got"):
        few.only(digit)
    with pytest.raises(ValueError, match=r"from 0 to 9, got"):
        few.thinned(digit, 2)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "7", None])
def test_what_is_no_number_of_images_is_named(wrong, few):
    with pytest.raises(ValueError, match="batch_size must be a whole number from 1 up, got"):
        data.batches(few, wrong)
    with pytest.raises(ValueError, match="keep_every must be a whole number from 1 up, got"):
        few.thinned(1, wrong)
    for field in ("epochs", "batch_size"):
        with pytest.raises(ValueError, match=f"{field} must be a whole number from 1 up, got"):
            optim.Recipe(**({"epochs": 1, "batch_size": 1, "adam_lr": 1e-3} | {field: wrong}))


def test_a_seed_in_the_place_of_a_generator_is_refused(few):
    for wrong in (0, 1, np.random.default_rng(0)):
        with pytest.raises(ValueError, match=r"torch\.Generator"):
            data.batches(few, 10, wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"adam_lr": 0},
        {"adam_lr": NAN},
        {"adam_lr": "fast"},
        {"muon_lr": -0.1},
        {"muon_lr": float("inf")},
        {"weight_decay": -1},
        {"warmup": NAN},
        {"muon_scale": "big"},
        {"muon_scale": ["original"]},
        {"adam_lr": torch.tensor([0.1, 0.2])},
    ],
)
def test_a_rate_that_cannot_be_is_refused_by_name(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"{name} must"):
        optim.Recipe(**({"epochs": 1, "batch_size": 8, "adam_lr": 1e-3} | wrong))


def test_rates_may_be_numbers_of_any_kind():
    rates = dict(adam_lr=torch.tensor(0.5), muon_lr=np.float32(0.25), warmup=np.array(0.5))
    recipe = optim.Recipe(1, 8, **rates, weight_decay=torch.tensor(0))
    assert recipe == optim.Recipe(1, 8, adam_lr=0.5, muon_lr=0.25, warmup=0.5)
    assert {type(getattr(recipe, name)) for name in (*rates, "weight_decay")} == {float}


@pytest.mark.parametrize("name", ["muon_lr", "warmup"])
def test_what_may_be_none_says_what_none_means(name):
    with pytest.raises(ValueError, match=rf"{name} must .*, got 0; None (trains|keeps)"):
        optim.Recipe(1, 8, 1e-3, **{name: 0})


@pytest.mark.parametrize("lr", [NAN, -1, float("inf"), "fast"])
def test_muons_own_rate_is_held_to_the_same(lr):
    with pytest.raises(ValueError, match="lr must be 0 or more"):
        optim.KernelMuon([nn.Parameter(torch.zeros(2, 2))], lr, "original")
    with pytest.raises(ValueError, match="scale must be one of"):
        optim.KernelMuon([nn.Parameter(torch.zeros(2, 2))], 0.1, ["original"])


# --- Looking changes nothing ------------------------------------------------------------


class Noisy(nn.Module):
    """Draws random numbers even in eval mode, has a frozen part, and gradients."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4))
        self.end = nn.Sequential(nn.Dropout(0.5), nn.Conv2d(4, 1, 1), nn.Sigmoid())

    def encode(self, x):
        return self.conv(x).mean((2, 3)) + torch.rand(len(x), 4)

    def decode(self, z):
        return (torch.sigmoid(z.mean(1)) * torch.rand(len(z)))[:, None, None, None].expand(
            -1, 1, 28, 28
        )

    def forward(self, x):
        return self.end(self.conv(x) + torch.rand(len(x), 4, 1, 1))


LOOKS = {
    "evaluate": lambda model, few: training.evaluate(model, few),
    "reconstruct": lambda model, few: metrics.reconstruct(model, few.images),
    "encode": lambda model, few: metrics.encode(model, few.images),
    "decode": lambda model, few: metrics.decode(model, torch.zeros(3, 4)),
    "plotting": lambda model, few: plotting.decoded_plane(
        Flat(model), torch.linspace(-1, 1, 3), torch.linspace(-1, 1, 3)
    ),
}


class Flat(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def decode(self, z):
        return self.model.decode(z.repeat(1, 2))


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("kind", [Noisy, lambda: Autoencoder(4)])
def test_looking_never_changes_a_model(look, kind, few):
    torch.manual_seed(0)
    model = kind().train()
    next(iter(model.children())).eval()  # a part that its owner has frozen
    model.requires_grad_(True)
    x = few.floats()
    (model(x) - x).square().mean().backward()
    before = copy.deepcopy(model)
    modes = [layer.training for layer in model.modules()]
    gradients = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    random = torch.get_rng_state()
    result = LOOKS[look](model, few)
    assert [layer.training for layer in model.modules()] == modes
    for name, value in model.state_dict().items():
        assert torch.equal(value, before.state_dict()[name]), name
    after = [p.grad for p in model.parameters() if p.grad is not None]
    assert len(after) == len(gradients) and all(map(torch.equal, after, gradients))
    assert torch.equal(torch.get_rng_state(), random)
    if isinstance(result, torch.Tensor):
        assert not result.requires_grad and not result.is_inference(), "nothing to learn from"


def test_a_model_left_in_train_mode_is_judged_as_in_eval_mode(few):
    for kind, look in (
        (lambda: Autoencoder(4), lambda m: metrics.reconstruct(m, few.floats())),
        (lambda: Autoencoder(4), lambda m: metrics.encode(m, few.floats())),
        (lambda: Autoencoder(4), lambda m: metrics.decode(m, torch.ones(3, 4))),
        (Judge, lambda m: metrics.read_digits(m, few.floats())),
    ):
        with training.seeded(0):
            model = kind()
        expected = look(copy.deepcopy(model).eval())
        assert torch.equal(look(model.train()), expected)
        assert torch.equal(look(model), expected), "the second look sees the same model"
        assert model.training


def test_a_look_that_fails_puts_the_mode_back(few):
    model = Autoencoder(4).train()
    with pytest.raises(ValueError, match="images must"):
        metrics.reconstruct(model, torch.zeros(3, 3))
    with pytest.raises(ZeroDivisionError):
        training.evaluate(model, few, loss=lambda *_: 1 / 0)
    assert all(layer.training for layer in model.modules())


class Overwriting(nn.Module):
    """Changes what enters it, as a first layer like nn.ReLU(inplace=True) does."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x):
        x -= 0.5
        return self.scale * x + 0.25

    def encode(self, x):
        return x.sub_(0.5).flatten(1)

    def decode(self, z):
        return z.mul_(0).view(-1, 1, 28, 28)


def test_a_model_that_changes_what_enters_it_is_held_against_the_true_images(few):
    x = few.floats()
    for offset in (0.0, 0.5):
        model = Overwriting()
        model.offset = offset
        for loss in (training.reconstruction_loss, training.denoising_loss(0.0)):
            assert training.evaluate(model, few, loss) == pytest.approx(0.0625)
            assert loss(model, x, few.labels).item() == pytest.approx(0.0625)
            assert torch.equal(x, few.floats()), "the caller's images are as they were"
            history = training.fit(
                model, few, few, optim.Recipe(1, 200, 1e-9), loss=loss, progress=False
            )
            assert history.train_loss[0] == pytest.approx(0.0625)


def test_no_function_lets_a_model_change_the_callers_numbers(few):
    model, x, codes = Overwriting(), few.floats(), torch.ones(3, 784)
    metrics.reconstruct(model, x)
    metrics.encode(model, x)
    metrics.decode(model, codes)

    class Reads(nn.Sequential):
        def forward(self, x):
            return x.mul_(0).flatten(1)[:, :10]

    metrics.read_digits(Reads(), x)
    training.classification_loss(Reads(), x, few.labels)
    assert torch.equal(x, few.floats()) and torch.equal(codes, torch.ones(3, 784))


def lazy():
    return nn.Sequential(
        nn.Flatten(), nn.LazyLinear(784), nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28))
    )


@pytest.mark.parametrize(
    "use",
    [
        lambda model, few: training.evaluate(model, few),
        lambda model, few: metrics.reconstruct(model, few.images),
        lambda model, few: training.fit(
            model, few, few, optim.Recipe(1, 100, 1e-3), progress=False
        ),
        lambda model, few: optim.make_optimizers(model, optim.COURSE),
    ],
    ids=["evaluate", "reconstruct", "fit", "make_optimizers"],
)
def test_a_network_that_has_no_shape_yet_is_refused_and_stays_as_it_is(use, few):
    model = lazy()
    with pytest.raises(ValueError, match=r"model's 1\.weight has no shape yet.*model\(images\)"):
        use(model, few)
    assert type(model[1]) is nn.LazyLinear
    model(few.floats())  # the remedy
    use(nn.Sequential(model, nn.Flatten(), nn.Linear(784, 784), nn.Unflatten(1, (1, 28, 28))), few)


@pytest.mark.parametrize("bad", [NAN, float("inf")])
def test_a_loss_that_is_no_number_is_said_and_not_returned(bad, few):
    class Spoilt(nn.Module):
        def forward(self, x):
            return x * bad

    with pytest.raises(ValueError, match=r"loss on these images is nan: what the model returns"):
        training.evaluate(Spoilt(), few)


# --- A reader's own network -------------------------------------------------------------


def sequential():
    with training.seeded(0):
        return nn.Sequential(models.Encoder(4), models.Decoder(4))


def test_a_network_of_ones_own_needs_no_more_than_images_to_images(few):
    ours, own = Autoencoder(4), sequential()
    ours.encoder.load_state_dict(own[0].state_dict())
    ours.decoder.load_state_dict(own[1].state_dict())
    assert training.evaluate(own, few) == training.evaluate(ours, few)
    assert torch.equal(metrics.reconstruct(own, few.images), metrics.reconstruct(ours, few.images))


def test_a_model_without_weights_can_be_looked_at(few):
    assert training.evaluate(nn.Identity(), few) == 0
    assert torch.equal(metrics.reconstruct(nn.Identity(), few.images), few.floats())


@pytest.mark.parametrize("function", ["encode", "decode"])
def test_what_needs_a_code_says_so(function, few):
    given = few.images if function == "encode" else torch.zeros(2, 4)
    with pytest.raises(ValueError, match=f"needs a model with a method {function}, .*Sequential"):
        getattr(metrics, function)(sequential(), given)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (lambda x: x.flatten(1), r"\(200, 784\)"),
        (lambda x: x[:, 0], r"\(200, 28, 28\)"),
        (lambda x: x.mean((1, 2, 3), keepdim=True), r"\(200, 1, 1, 1\)"),
        (lambda x: (x, x), "tuple"),
        (lambda x: None, "NoneType"),
    ],
)
def test_what_is_no_image_of_the_same_shape_is_refused_before_it_is_averaged(output, said, few):
    class Wrong(nn.Module):
        def forward(self, x):
            return output(x)

    for look in (
        lambda: training.evaluate(Wrong(), few),
        lambda: training.evaluate(Wrong(), few, training.denoising_loss(0.1)),
        lambda: metrics.reconstruct(Wrong(), few.images),
    ):
        with pytest.raises(ValueError, match=f"must return images.*{said}"):
            look()


def test_what_is_no_model_is_named(few):
    for look in (
        lambda: training.evaluate("latent/2", few),
        lambda: metrics.reconstruct(None, few.images),
        lambda: training.fit("latent/2", few, few, optim.ORIGINAL),
        lambda: training.fit(Autoencoder, few, few, optim.ORIGINAL),
    ):
        with pytest.raises(ValueError, match=r"model must be a torch\.nn\.Module, got"):
            look()


def test_codes_that_cannot_be_are_refused(few):
    model = Autoencoder(4)
    for codes, said in (
        (torch.zeros(4), r"\(N, 4\), got \(4,\)"),
        (torch.zeros(2, 3), r"\(N, 4\), got \(2, 3\)"),
        (torch.zeros(2, 4, dtype=torch.long), "floats, got torch.int64"),
        (torch.full((2, 4), NAN), "8 of 8 numbers in codes are NaN"),
        ("code", "got str"),
    ):
        with pytest.raises(ValueError, match=said):
            metrics.decode(model, codes)
    expected = metrics.decode(model, torch.ones(2, 4))
    for codes in (np.ones((2, 4)), torch.ones(2, 4, dtype=torch.float64), [[1.0] * 4] * 2):
        assert torch.equal(metrics.decode(model, codes), expected)


@pytest.mark.parametrize("dim", [np.int64(3), torch.tensor(3)])
def test_a_latent_dimension_may_be_a_whole_number_of_any_kind(dim):
    assert Autoencoder(dim).latent_dim == 3 and type(Autoencoder(dim).latent_dim) is int


@pytest.mark.parametrize("dim", [-1, 2.0, True, "2", None])
def test_other_latent_dimensions_are_refused(dim, few):
    with pytest.raises(ValueError, match="latent_dim must be a whole number from 0 up"):
        Autoencoder(dim)
    with pytest.raises(ValueError, match="latent_dim must be a whole number from 0 to 3"):
        baselines.LinearAutoencoder(few, 3).encode(few.images, dim)


@pytest.mark.parametrize("offset", [NAN, -0.1, 1, 1.1, None, "0.5", True])
def test_an_offset_that_cannot_be_is_refused(offset):
    with pytest.raises(ValueError, match="offset must lie from 0 up to, not including, 1, got"):
        Autoencoder(2, offset=offset)


@pytest.mark.parametrize("offset", [nn.Parameter(torch.tensor(NAN)), "0.5", torch.zeros(784), None])
def test_an_offset_of_ones_own_must_be_a_number(offset, few):
    class Own(nn.Conv2d):
        pass

    model = Own(1, 1, 3, padding=1)
    model.offset = offset
    for look in (
        lambda: metrics.reconstruct(model, few.images),
        lambda: training.evaluate(model, few),
        lambda: training.evaluate(model, few, training.denoising_loss(0.1)),
    ):
        with pytest.raises(
            ValueError, match=r"the model's offset, .* must be a finite number, got"
        ):
            look()


def test_an_offset_is_applied_by_every_loss_alike(few):
    model = Autoencoder(2, offset=0.5).eval()
    plain = training.evaluate(model, few)
    assert training.evaluate(model, few, training.denoising_loss(0.3)) == plain


# --- Numbers of many images ---------------------------------------------------------------

SCORES = torch.tensor([0.1, 0.2, 0.3, 0.4])
NORMAL = torch.tensor([True, True, False, False])
DIGIT = torch.tensor([1, 1, 2, 3])
AGGREGATES = {
    "threshold": lambda s: detection.threshold(s, 0.5),
    "auroc": lambda s: detection.auroc(s, NORMAL),
    "roc": lambda s: detection.roc(s, NORMAL)[1],
    "flagged_per_digit": lambda s: detection.flagged_per_digit(s, DIGIT, 0.25),
    "mean_per_digit": lambda s: metrics.mean_per_digit(s, DIGIT)[1:4],
    "paired_difference": lambda s: torch.tensor(
        intervals.paired_difference(s, [0.0, 0.1, 0.1, 0.1]).mean
    ),
}


@pytest.mark.parametrize("name", AGGREGATES)
def test_numbers_may_come_in_many_forms(name):
    expected = torch.as_tensor(AGGREGATES[name](SCORES)).double()
    for given in (
        SCORES.double(),
        SCORES.numpy(),
        SCORES.tolist(),
        SCORES.clone().requires_grad_(),
    ):
        found = torch.as_tensor(AGGREGATES[name](given)).double()
        assert torch.allclose(found, expected, rtol=1e-6)


def test_losses_may_come_as_a_list_of_tensors_with_gradients():
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        given = list(SCORES.to(dtype, copy=True).requires_grad_())
        mean = metrics.mean_per_digit(given, DIGIT)
        assert torch.allclose(mean[1:4], metrics.mean_per_digit(SCORES.to(dtype), DIGIT)[1:4])


@pytest.mark.parametrize("name", AGGREGATES)
def test_true_among_numbers_is_no_number(name):
    for given in ([0.1, True, 0.3, 0.4], [0.1, 0.2, np.True_, 0.4], [*SCORES[:3], NORMAL[0]]):
        with pytest.raises(ValueError, match=r"must hold numbers.*True and False are none"):
            AGGREGATES[name](given)


@pytest.mark.parametrize("name", AGGREGATES)
@pytest.mark.parametrize("bad", [NAN, float("inf"), -float("inf")])
def test_a_single_number_that_is_none_is_never_averaged_away(name, bad):
    given = SCORES.clone()
    given[2] = bad
    with pytest.raises(ValueError, match=r"1 of 4 .*NaN or infinite"):
        AGGREGATES[name](given)


@pytest.mark.parametrize("name", [name for name in AGGREGATES if name != "threshold"])
def test_numbers_of_another_length_are_refused(name):
    for given in (SCORES[:3], torch.cat([SCORES, SCORES]), SCORES[:, None], torch.tensor(0.1)):
        with pytest.raises(ValueError, match=r"shape|length"):
            AGGREGATES[name](given)


def test_normal_must_be_yes_or_no():
    assert detection.auroc(SCORES, NORMAL.numpy()) == detection.auroc(SCORES, NORMAL) == 1
    for wrong in (NORMAL.long(), NORMAL.float(), [1, 1, 0, 0]):
        with pytest.raises(ValueError, match="normal must be bool"):
            detection.auroc(SCORES, wrong)


@pytest.mark.parametrize("share", [NAN, -0.1, 1.1, "5 %", None, True])
def test_a_share_of_false_alarms_that_cannot_be_is_refused(share):
    with pytest.raises(ValueError, match="false_alarms must lie in 0 to 1"):
        detection.threshold(SCORES, share)


def test_a_threshold_that_is_no_number_reports_nobody_and_is_refused():
    with pytest.raises(ValueError, match="limit must be a number, got nan"):
        detection.flagged_per_digit(SCORES, DIGIT, NAN)
    with pytest.raises(ValueError, match="no normal images"):
        detection.threshold(SCORES[:0])


def test_what_is_read_must_be_digits():
    good = torch.tensor([1, 2, 3])
    assert metrics.confusion(good.numpy(), good.tolist())[1, 1] == 1
    for wrong in (torch.tensor([1, 2, 10]), torch.tensor([1, 2, -1]), torch.rand(3)):
        with pytest.raises(ValueError, match="from 0 to 9"):
            metrics.confusion(good, wrong)
    with pytest.raises(ValueError, match="3"):
        metrics.confusion(good, good[:2])


def test_codes_and_labels_must_belong_together():
    torch.manual_seed(0)
    codes, labels = torch.rand(40, 2), torch.arange(40) % 2
    good = (codes, labels, codes, labels)
    for function in (metrics.knn_accuracy, metrics.probe_accuracy):
        expected = function(*good)
        assert function(*(x.numpy() for x in good)) == expected
        assert function(codes.clone().requires_grad_(), *good[1:]) == expected
        for place, wrong, said in (
            (0, codes[:39], "39 codes but 40 labels"),
            (1, labels[:39], "40 codes but 39 labels"),
            (2, torch.rand(40, 3), r"\(N, 2\), got \(40, 3\)"),
            (0, codes.masked_fill(codes > 0.9, NAN), "NaN or infinite"),
            (2, codes[:0], "no test codes"),
        ):
            given = list(good)
            given[place] = wrong
            if place == 2 and not len(wrong):
                given[3] = labels[:0]
            with pytest.raises(ValueError, match=said):
                function(*given)
    few_codes = codes[:10], labels[:10], codes, labels
    with pytest.raises(ValueError, match="at least 15 codes, got 10"):
        metrics.knn_accuracy(*few_codes)


def test_the_overlap_of_classes_names_a_digit_with_too_few_codes():
    codes, labels = torch.rand(100, 2), torch.arange(100) % 10
    assert metrics.class_overlap(codes, labels).shape == (10, 10)
    with pytest.raises(ValueError, match=r"at least 8 codes of each digit, got 0 of digit 5"):
        metrics.class_overlap(codes[labels != 5], labels[labels != 5])


@pytest.mark.parametrize(
    "given", [([1.0], [2.0]), ([1, 2], [1, 2, 3]), ([], []), ([[1, 2]], [[1, 2]])]
)
def test_a_paired_difference_needs_pairs(given):
    with pytest.raises(ValueError, match=r"equal length|shape"):
        intervals.paired_difference(*given)


# --- Checkerboards, pictures ------------------------------------------------------------


@pytest.mark.parametrize("wrong", [0, 2.0, True, None, "3"])
def test_sizes_must_be_whole_numbers(wrong):
    for place in range(3):
        given = [5, 3, 2]
        given[place] = wrong
        with pytest.raises(ValueError, match="must be a whole number from 1 up"):
            checkerboards.coverage(*given)
    assert len(checkerboards.coverage(np.int64(3), np.int64(3), np.int64(2))) == 7


def test_a_score_of_colour_or_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"\(N, 1, H, W\), got \(2, 3, 28, 28\)"):
        checkerboards.checkerboard_score(torch.rand(2, 3, 28, 28))
    for wrong in (True, 2.0, 3, "2", None):
        with pytest.raises(ValueError, match="period must be 2 or 4, got"):
            checkerboards.checkerboard_score(torch.rand(2, 1, 28, 28), period=wrong)
    assert checkerboards.checkerboard_score(torch.rand(2, 1, 28, 28), np.int64(2)) > 0


def test_points_need_two_numbers_and_a_digit_each():
    for codes, labels, said in (
        (torch.rand(5, 3), torch.zeros(5).long(), r"\(N, 2\), got \(5, 3\)"),
        (torch.rand(5, 2), torch.zeros(4).long(), "5 codes but 4 labels"),
        (torch.full((5, 2), NAN), torch.zeros(5).long(), "NaN"),
    ):
        with pytest.raises(ValueError, match=said):
            plotting.scatter_codes(codes, labels)


def test_checks_name_what_is_allowed():
    with pytest.raises(ValueError, match="from 1 to 8, got 9"):
        checks.whole_number("jobs", 9, 1, 8)
    assert checks.whole_number("jobs", np.uint8(8), 1, 8) == 8


# --- What other functions take, beside images -------------------------------------------------


def odd_tensors(values):
    """The same numbers in forms that hold them in another way, or not at all."""
    return {
        "on the device meta": values.to("meta"),
        "sparse": values.to_sparse(),
        "masked": np.ma.masked_array(values.numpy(), values.numpy() > 0),
    }


@pytest.mark.parametrize("form", ["on the device meta", "sparse", "masked"])
def test_numbers_that_are_not_there_are_refused_by_name(form, pixels, takers):
    images = odd_tensors(pixels[:, None] / 255)[form]
    said = {"on the device meta": "meta", "sparse": "to_dense", "masked": "masked array"}[form]
    for name, take in takers.items():
        with pytest.raises(ValueError, match=said):
            take(images)
            pytest.fail(f"{name} takes {form} images")
    scores = odd_tensors(torch.rand(12))[form]
    with pytest.raises(ValueError, match=f"scores.*{said}"):
        detection.threshold(scores)


@pytest.mark.parametrize("given", ["tensor", "array", "pair", "TensorDataset", None])
def test_what_is_no_digits_is_refused_and_the_way_to_make_them_named(given, pixels, model):
    labels = torch.zeros(12, dtype=torch.long)
    others = {
        "tensor": pixels,
        "array": pixels.numpy(),
        "pair": (pixels, labels),
        "TensorDataset": torch.utils.data.TensorDataset(pixels, labels),
        None: None,
    }
    whole, recipe = Digits(pixels, labels), optim.Recipe(1, 4, adam_lr=1e-3)
    for take in (
        lambda x: training.evaluate(model, x),
        lambda x: training.fit(Autoencoder(2), x, whole, recipe, progress=False),
        lambda x: training.fit(Autoencoder(2), whole, x, recipe, progress=False),
        lambda x: data.batches(x, 4),
        lambda x: data.join(whole, x),
        baselines.mean_image,
        lambda x: baselines.class_variance(x, whole),
        lambda x: baselines.LinearAutoencoder(x, 2),
        baselines.NearestImage,
    ):
        with pytest.raises(ValueError, match=r"must be Digits, got \w+; Digits\(images, labels\)"):
            take(others[given])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_in_another_precision_are_refused_with_the_remedy(dtype, pixels, judge):
    own = nn.Sequential(nn.Conv2d(1, 1, 1)).to(dtype)
    digits = Digits(pixels, torch.zeros(12, dtype=torch.long))
    other_judge = copy.deepcopy(judge).to(dtype)
    for take in (
        lambda: metrics.reconstruct(own, pixels),
        lambda: metrics.read_digits(other_judge, pixels),
        lambda: training.evaluate(own, digits),
        lambda: training.fit(own, digits, digits, optim.Recipe(1, 4, 1e-3), progress=False),
    ):
        with pytest.raises(ValueError, match=r"must be float32, got .*model.float\(\) makes"):
            take()
    with pytest.raises(ValueError, match="on the device meta"):
        metrics.reconstruct(nn.Conv2d(1, 1, 1, device="meta"), pixels)


class Says(nn.Module):
    """A network that returns what `answer` makes of its input."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, x):
        return self.answer(x)

    encode = forward


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: x,  # an autoencoder: the largest of one channel is always 0
        lambda x: (x.flatten(1)[:, :10], None),
        lambda x: x.flatten(1)[:, :9],
        lambda x: x.flatten(1)[:1, :10],
        lambda x: x.flatten(1)[:, :10].long(),
        lambda x: None,
    ],
)
def test_a_judge_must_score_ten_digits(answer, pixels):
    with pytest.raises(ValueError, match=r"the judge must return a tensor of floats \(12, 10\)"):
        metrics.read_digits(Says(answer), pixels)


def test_a_judge_whose_scores_are_no_numbers_reads_nothing(pixels, judge):
    spoilt = copy.deepcopy(judge)
    next(spoilt.parameters()).data[:] = NAN
    with pytest.raises(ValueError, match="judge's scores are NaN"):
        metrics.read_digits(spoilt, pixels)


@pytest.mark.parametrize(
    "answer", [lambda x: x, lambda x: (x.flatten(1), x.flatten(1)), lambda x: x[:1].flatten(1)]
)
def test_codes_must_be_one_row_an_image(answer, pixels):
    with pytest.raises(ValueError, match=r"encode must return a tensor of floats \(12, d\), got"):
        metrics.encode(Says(answer), pixels)


def test_drawings_must_be_real_numbers_and_come_out_as_float32(pixels):
    with pytest.raises(ValueError, match=r"images of the shape that it is given.*complex64"):
        metrics.reconstruct(Says(lambda x: x + 0j), pixels)
    assert metrics.reconstruct(Says(lambda x: x.double()), pixels).dtype == torch.float32


NUMBERS = {
    "radius": lambda x: detection.blurred(grey((1, 28, 28)), x),
    "blur": lambda x: baselines.NearestImage(Digits(grey((1, 28, 28)), [3]), x),
    "ink": lambda x: strokes.has_loop(grey((1, 28, 28)), x),
    "false_alarms": lambda x: detection.threshold([0.1, 0.2], x),
    "limit": lambda x: detection.flagged_per_digit([0.1, 0.2], [3, 4], x),
    "read": lambda x: metrics.agreement(torch.rand(1, 1, 10), read=x),
    "noise": training.denoising_loss,
    "offset": lambda x: Autoencoder(2, offset=x),
    "margin": lambda x: intervals.Interval(0.0, -1.0, 1.0).verdict(x),
    "constant": lambda x: intervals.one_sample_difference([1.0, 2.0], x),
    "p of 'a'": lambda x: intervals.holm({"a": intervals.Interval(1.0, 0.5, 1.5, x)}),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_setting_that_is_no_number_is_refused_by_name(name):
    for value in (NAN, "0.1", True, [0.1], 1j, torch.ones(2)):
        with pytest.raises(ValueError, match=f"{name} must"):
            NUMBERS[name](value)
    for value in (np.float32(0.3), np.float64(0.3), torch.tensor(0.3), np.array(0.3)):
        NUMBERS[name](value)


def test_an_interval_without_a_p_has_no_place_in_holms_order():
    some = {"a": intervals.Interval(1.0, 0.5, 1.5), "b": intervals.Interval(1.0, 0.5, 1.5, 1e-9)}
    with pytest.raises(ValueError, match="p of 'a' must lie in 0 to 1, got nan"):
        intervals.holm(some)


def test_statistics_of_numbers_that_are_none_are_refused(splits):
    good, bad = torch.rand(5), torch.tensor([0.1, NAN, 0.2])
    for take in (
        lambda: intervals.seeds_and_images(bad, good),
        lambda: intervals.seeds_and_images(good, bad),
        lambda: intervals.rank(bad.expand(3, 3), 0, [1]),
        lambda: tables.plus_minus(bad),
        lambda: metrics.agreement(torch.full((2, 2, 10), NAN)),
        lambda: strokes.wrong_in_region(
            torch.full((10, 1, 10, 4), NAN), torch.ones(10, 4), {2: [0]}
        ),
    ):
        with pytest.raises(ValueError, match="NaN or infinite"):
            take()
    with pytest.raises(ValueError, match="own must be a whole number from 0 to 2, got -1"):
        intervals.rank(torch.rand(3, 3), -1, [1])
    with pytest.raises(ValueError, match="no ink in the region"):
        strokes.wrong_in_region(torch.ones(10, 1, 10, 4), torch.zeros(10, 4), {2: [0]})
    with pytest.raises(ValueError, match="equally far away"):
        metrics.intrinsic_dimension(torch.eye(784).view(-1, 28, 28)[:60])


def test_the_spread_of_an_array_is_that_of_a_tensor():
    values = torch.tensor([1.0, 2.0, 4.0])
    for same in (values.numpy(), values.tolist(), values.int().numpy()):
        assert tables.plus_minus(same) == tables.plus_minus(values) == "2.3333 ± 1.5275"


def test_figures_take_arrays_and_refuse_what_they_would_draw_wrongly():
    ten, square = torch.rand(10), torch.rand(10, 10)
    good = {
        "bars": (lambda x: plotting.bars_per_digit(x, "y"), ten),
        "matrix": (plotting.matrix, square),
        "small matrix": (plotting.small_matrix, square),
        "dots": (lambda x: plotting.dots_per_digit({2: x}, "x"), torch.rand(3, 10)),
        "seeds": (lambda x: plotting.seeds_per_model({"a": x}, "y"), torch.rand(10, 3)),
        "errors": (lambda x: plotting.error_by_dim([1, 2], x), torch.rand(2, 3)),
        "power": (plotting.power_map, torch.rand(28, 28) + 0.1),
        "steps": (lambda x: plotting.score_by_step({"a": ([0, 1], x)}), torch.rand(3, 2)),
        "roc": (lambda x: plotting.roc_curves({"a": (x, x)}), ten.sort().values),
        "coverage": (plotting.coverage, ten),
        "histograms": (lambda x: plotting.histograms_per_digit(x, list(range(10)), "x"), ten),
        "points": (lambda x: plotting.redrawn_points(x, {"a": x}), torch.rand(5, 2)),
    }
    for name, (draw, values) in good.items():
        for same in (values.numpy(), values.tolist(), values.clone().requires_grad_()):
            draw(same)
            plt.close("all")
        for bad in (values[None, ..., None], values[:0], values * math.inf, None, "abc"):
            with pytest.raises(ValueError, match=r"must|there are|infinite"):
                draw(bad)
                pytest.fail(f"{name} draws {bad}")


@pytest.mark.parametrize("bad", [2**63, -(2**63) - 1, 10**30])
def test_a_seed_must_fit_into_64_bits(bad, few):
    with pytest.raises(ValueError, match="seed must be a whole number from"):
        training.fit(Autoencoder(2), few, few, optim.Recipe(1, 100, 1e-3), seed=bad, progress=False)
    with pytest.raises(ValueError, match="seed must be"), training.seeded(bad):
        pass


@pytest.mark.parametrize("seed", [-1, 2**63 - 1, -(2**63), np.int64(3), np.uint64(2**62)])
def test_every_seed_of_64_bits_works_and_means_the_same_each_time(seed, few):
    recipe, losses = optim.Recipe(1, 100, 1e-3), []
    for _ in range(2):
        with training.seeded(seed):
            model = Autoencoder(2)
        losses += training.fit(model, few, few, recipe, seed=seed, progress=False).val_loss
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"loss": None}, "loss must be a function"),
        ({"loss": lambda model, x, labels: 0.5}, "loss must return one number in a tensor"),
        ({"loss": lambda model, x, labels: model(x) - x}, "loss must return one number"),
        ({"loss": lambda model, x, labels: x.mean()}, "loss must depend on the weights"),
        ({"after_epoch": 3}, "after_epoch must be a function or None, got 3"),
        ({"watch": [0, 1]}, "watch must be a Watch or None"),
        ({"state_file": 3}, "state_file must be a path or None, got 3"),
        ({"device": "gpu"}, "device must be one that torch has here, got 'gpu'"),
        ({"device": "meta"}, "device must be one that computes"),
    ],
)
def test_an_option_that_cannot_be_is_refused_before_training(options, said, few):
    model = Autoencoder(2)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=said):
        training.fit(model, few, few, optim.Recipe(1, 100, 1e-3), progress=False, **options)
    trained = {name for name, _ in model.named_parameters()}
    assert all(torch.equal(before[name], model.state_dict()[name]) for name in trained)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((len, 5), "steps must be a list of whole numbers, got 5"),
        ((len, [0, -1]), "each of the steps must be a whole number from 0 up, got -1"),
        ((len, "12"), "each of the steps must be a whole number"),
        ((len, [0.5]), "each of the steps must be a whole number"),
        (("x", (0,)), "measure must be a function of a model, got 'x'"),
    ],
)
def test_a_watch_that_cannot_be_is_refused_when_it_is_made(given, said):
    with pytest.raises(ValueError, match=said):
        training.Watch(*given)


def test_a_look_that_gives_no_number_is_named(few):
    for found in (None, "much", torch.zeros(2)):
        watch = training.Watch(lambda model, found=found: found, (0,))
        with pytest.raises(ValueError, match=r"watch\.measure must return a number, got"):
            training.fit(
                *(Autoencoder(2), few, few, optim.Recipe(1, 100, 1e-3)), progress=False, watch=watch
            )


def test_labels_that_a_classifier_does_not_know_are_named(few):
    class Scores(nn.Sequential):
        def forward(self, x):
            return super().forward(x)[0]

    for model, found in (
        (nn.Sequential(nn.Flatten(), nn.Linear(784, 5)), r"\(200, 5\)"),
        (Scores(nn.Flatten(), nn.Linear(784, 10)), r"\(10,\)"),
        (nn.Flatten(0), r"\(156800,\)"),
    ):
        with pytest.raises(ValueError, match=rf"\(200, 10\), got {found}: the labels go up to 9"):
            training.evaluate(model, few, training.classification_loss)
    five = few.only(0, 1, 2, 3, 4)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 5))
    assert training.evaluate(model, five, training.classification_loss) > 0


def test_fit_trains_inside_inference_mode_what_was_made_outside(few):
    recipe, histories = optim.Recipe(1, 100, 1e-3), []
    for inside in (True, False):
        with training.seeded(0):
            model = Autoencoder(2)
        with torch.inference_mode(inside):
            histories.append(training.fit(model, few, few, recipe, progress=False))
    assert histories[0].val_loss == histories[1].val_loss
    with torch.inference_mode():
        model = Autoencoder(2)
        with pytest.raises(ValueError, match=r"made inside torch\.inference_mode.*make it outside"):
            training.fit(model, few, few, recipe, progress=False)


def test_fit_leaves_the_arithmetic_of_the_caller_as_it_was(few):
    tiny = torch.tensor(1e-39)
    for wanted in (True, False):
        torch.set_flush_denormal(wanted)
        try:
            training.fit(Autoencoder(2), few, few, optim.Recipe(1, 100, 1e-3), progress=False)
            assert bool(tiny * 1 == 0) == wanted
        finally:
            torch.set_flush_denormal(False)


@pytest.mark.parametrize(
    ("bounds", "taken", "refused", "said"),
    [
        ({}, (-1e300, 0, np.float32(2)), (math.inf, -math.inf, math.nan, True, "1"), "finite"),
        ({"low": 0}, (0, 7.5), (-1e-9, math.inf, math.nan), "0 or more"),
        ({"low": 0, "open_low": True}, (1e-9,), (0, math.inf), "above 0"),
        ({"low": 0, "high": 1}, (0, 1), (1.01, math.nan), "in 0 to 1"),
        ({"low": 0, "high": 1, "open_high": True}, (0, 0.99), (1, 1.0), "not including, 1"),
        ({"low": -math.inf, "high": math.inf}, (math.inf, -math.inf), (math.nan, None), "a number"),
    ],
)
def test_a_number_lies_where_it_is_allowed_to(bounds, taken, refused, said):
    for value in taken:
        assert checks.real_number("it", value, **bounds) == value
    for value in refused:
        with pytest.raises(ValueError, match=f"it must .*{said}.*, got "):
            checks.real_number("it", value, **bounds)


@pytest.mark.parametrize("wrong", [math.inf, -math.inf])
def test_nan_may_be_let_in_and_infinity_not_with_it(wrong):
    assert checks.numbers_of("rows", [[math.nan, 1.0]], "models", 2, nan=True).isnan().any()
    with pytest.raises(ValueError, match="infinite"):
        checks.numbers_of("rows", [[wrong, 1.0]], "models", 2, nan=True)
