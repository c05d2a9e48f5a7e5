import gzip
import shutil

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from torchvision.transforms import ToTensor

from aelib import AelibError, data, metrics
from aelib.data import Digits, as_drawings, as_images


@pytest.fixture(scope="module")
def pixels(splits):
    """Twelve test images as bytes, (12, 28, 28)."""
    return splits.test.images[:12].clone()


# --- The door -------------------------------------------------------------------------


FORMS = {
    "bytes": lambda x: x,
    "float32": lambda x: x[:, None] / 255,
    "float64 without a channel": lambda x: x.double() / 255,
    "float16": lambda x: x[:, None].half() / 255,
    "NumPy bytes": lambda x: x.numpy(),
    "NumPy float64": lambda x: x.numpy() / 255,
    "channels last": lambda x: (x[:, None] / 255).contiguous(memory_format=torch.channels_last),
    "with a gradient": lambda x: (x[:, None] / 255).requires_grad_(),
}


@pytest.mark.parametrize("form", FORMS)
def test_images_may_come_in_many_forms_and_are_never_changed(form, pixels):
    given = FORMS[form](pixels.clone())
    kept = given.clone().detach() if isinstance(given, torch.Tensor) else torch.tensor(given)
    for door in (as_images, as_drawings, lambda x: Digits(x, torch.arange(12) % 10).floats()):
        found = door(given)
        assert found.shape == (12, 1, 28, 28) and found.dtype == torch.float32
        assert torch.allclose(found, pixels[:, None] / 255, atol=1e-3 if form == "float16" else 0)
        found.zero_()  # it is memory of its own
        assert torch.equal(torch.as_tensor(given), kept)


def grey(*shape, dtype=torch.float32):
    return torch.full(shape, 0.5).to(dtype)


REFUSED = {
    "one image": (grey(28, 28), r"images\[None\]"),
    "a number": (torch.tensor(0.5), r"got \(\)"),
    "Keras's order": (grey(2, 28, 28, 1), r"\(N, 1, 28, 28\), got \(2, 28, 28, 1\)"),
    "flat rows": (grey(2, 784), r"images.reshape\(-1, 1, 28, 28\)"),
    "colour": (grey(2, 3, 28, 28), "aelib.data.prepare"),
    "another size": (grey(2, 1, 32, 32), "aelib.data.prepare"),
    "whole numbers": (255 * torch.ones(2, 28, 28, dtype=torch.int64), r"int64.*\.to\(torch.uint8"),
    "bool": (torch.ones(2, 28, 28, dtype=torch.bool), r"got torch.bool.*\.float\(\)"),
    "a mask of bytes": (torch.eye(28).to(torch.uint8)[None], r"a mask of 0 and 1 \.float\(\)"),
    "NaN": (grey(2, 1, 28, 28).index_fill(0, torch.tensor([1]), torch.nan), "nan"),
    "infinite": (grey(2, 1, 28, 28) / 0, "inf"),
    "0 to 255": (255 * grey(2, 1, 28, 28), r"from 127.5 to 127.5. Divide floats up to 255 by 255"),
    "-1 to 1": (-2 * grey(2, 1, 28, 28), "add 1 to those from -1"),
    "a negative": (1 - 0.5 * torch.eye(28)[None], "most pixels are ink.*1 - images"),
    "a negative in bytes": (255 - torch.eye(28)[None].byte(), "255 - bytes"),
    "the original's": (-grey(2, 28, 28), "add 0.5 to those from -0.5"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_would_give_a_wrong_number_is_refused_with_the_remedy(kind):
    given, said = REFUSED[kind]
    doors = [as_images, lambda x: Digits(x, torch.zeros(len(x)).long())]
    # What was drawn may be of a model that has learnt nothing yet, and draws one grey.
    for door in doors if "negative" in kind else [*doors, as_drawings]:
        with pytest.raises((ValueError, TypeError), match=said if given.ndim else None):
            door(given)


@pytest.mark.parametrize("change", [lambda x: x - 0.5, lambda x: 2 * x - 1, lambda x: 255 * x])
def test_real_digits_of_another_range_are_no_drawings(change, pixels):
    with pytest.raises(ValueError, match="paper at 0 and ink at 1"):
        as_drawings(change(pixels / 255))


def test_drawings_may_leave_the_range_of_images_and_images_may_not(splits):
    linear = metrics.LinearAutoencoder(splits.val, 8)
    drawn = linear.reconstruct(splits.val[:50].floats(), 8)
    assert drawn.min() < 0 and torch.equal(as_drawings(drawn), drawn)
    with pytest.raises(ValueError, match=r"clamp\(0, 1\)"):
        as_images(drawn)
    assert as_images(torch.empty(0, 28, 28)).shape == as_drawings(np.empty((0, 1, 28, 28))).shape


def test_a_dark_picture_is_no_mask(pixels):
    noisy = torch.zeros(3, 28, 28, dtype=torch.uint8)
    assert as_images(noisy).max() == 0
    noisy[:, :2, :3] = 1
    assert as_images(noisy).max() == pytest.approx(1 / 255)
    dark = torch.randint(2, (28, 28), generator=torch.Generator().manual_seed(0)).byte()
    digits = Digits(torch.stack([pixels[0], dark]), [7, 3])  # nor is a darker one among others
    assert [x.max().item() < 0.01 for x, _ in data.batches(digits, 1)] == [False, True]


# --- Digits ---------------------------------------------------------------------------


def test_floats_of_ones_own_are_not_divided_again(pixels):
    own = pixels[:, None] / 255
    digits = Digits(own, torch.zeros(12, dtype=torch.long))
    assert torch.equal(digits.floats(), own)
    assert torch.equal(next(data.batches(digits, 12))[0], own)
    both = data.join(digits, Digits(pixels, torch.ones(12, dtype=torch.uint8)))
    assert torch.equal(both.floats(), torch.cat([own, own]))


@pytest.mark.parametrize(
    "labels",
    [torch.arange(11) % 10, torch.zeros(12), torch.arange(12) - 1, np.full(12, 14)],
)
def test_labels_that_do_not_belong_to_the_images_are_refused(labels, pixels):
    with pytest.raises(ValueError, match="one whole number from 0 to 9 for each of the 12 images"):
        Digits(pixels, labels)


@pytest.mark.parametrize(
    ("index", "places"),
    [
        (-1, [11]), (torch.tensor(3), [3]), (slice(2, 5), [2, 3, 4]), ([1, 1], [1, 1]),
        (np.arange(12) > 9, [10, 11]), ([], []),
    ],
)  # fmt: skip
def test_a_part_of_digits_is_digits(index, places, pixels):
    part = Digits(pixels, torch.arange(12) % 10)[index]
    assert torch.equal(part.images, pixels[places]) and part.images.shape[1:] == (28, 28)
    assert part.labels.tolist() == [place % 10 for place in places]


def test_only_thinned_and_first_of_each(splits):
    subset = splits.test.only(0, 1)
    assert subset.labels.unique().tolist() == [0, 1] and len(subset) == 980 + 1135
    before, after = splits.train.counts(), splits.train.thinned(0, keep_every=10).counts()
    assert after[0] == -(-before[0] // 10) and torch.equal(after[1:], before[1:])
    first = splits.test.first_of_each()
    assert splits.test.labels[first].tolist() == list(range(10))
    assert all(digit not in splits.test.labels[:place] for digit, place in enumerate(first))


def test_batches_hold_every_image_once_with_its_own_label_anew_each_time_and_are_copies():
    images = torch.arange(100, 120, dtype=torch.uint8)[:, None, None].expand(-1, 28, 28)
    digits, order = Digits(images, torch.arange(20) % 10), torch.Generator().manual_seed(0)
    orders = []
    for generator in (None, order, order):
        found = list(data.batches(digits, 8, generator))
        assert [len(y) for _, y in found] == [8, 8, 4]
        x, y = (torch.cat(part) for part in zip(*found, strict=True))
        orders.append((x[:, 0, 0, 0] * 255).round().long())
        assert torch.equal(orders[-1].sort().values, torch.arange(100, 120))
        assert torch.equal(orders[-1] % 10, y)
        found[0][0].zero_(), found[0][1].zero_()
    assert torch.equal(digits.labels, torch.arange(20) % 10) and digits.images.all()
    assert not torch.equal(orders[1], orders[2])


# --- The files of MNIST ---------------------------------------------------------------


def test_the_splits_have_their_sizes_and_hold_every_image_once(splits):
    assert [len(part) for part in splits] == [55_000, 5_000, 10_000]
    assert splits.train.images.dtype == torch.uint8
    whole = torch.cat([splits.train.images, splits.val.images]).sum((1, 2), dtype=torch.long)
    raw = gzip.decompress((data.PACKED_FOLDER / "train-images-idx3-ubyte.gz").read_bytes())
    published = torch.frombuffer(bytearray(raw[16:]), dtype=torch.uint8).view(60_000, -1)
    assert torch.equal(whole.sort().values, published.sum(1, dtype=torch.long).sort().values)


def test_the_split_is_stratified_and_fixed(splits):
    full = data.join(splits.train, splits.val).counts()
    assert full.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert ((splits.val.counts() - full / 12).abs() <= 1).all()
    assert torch.equal(data.load_mnist().val.images, splits.val.images)


def test_torchvision_gives_the_same_images_and_mends_its_files(splits, tmp_path, monkeypatch):
    monkeypatch.setenv("AELIB_CACHE", str(tmp_path))
    for damage in (lambda path: None, lambda path: path.write_bytes(path.read_bytes()[:-1])):
        dataset = data.torchvision_mnist(train=False, transform=ToTensor())
        x, y = next(iter(DataLoader(dataset, batch_size=100)))
        assert torch.equal(x, as_images(splits.test.images[:100]))
        assert torch.equal(y, splits.test.labels[:100])
        raw = tmp_path / "MNIST" / "raw"
        assert sorted(path.name for path in raw.iterdir()) == sorted(data.FILES)
        damage(raw / "t10k-labels-idx1-ubyte")


@pytest.mark.parametrize("damage", [lambda b: b[:-10], lambda b: b[:50] + b"x" + b[51:], None])
def test_a_damaged_file_is_never_used(tmp_path, monkeypatch, damage):
    folder = tmp_path / "mnist"
    shutil.copytree(data.PACKED_FOLDER, folder)
    monkeypatch.setattr(data, "PACKED_FOLDER", folder)
    path = folder / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes())) if damage else path.unlink()
    with pytest.raises(AelibError, match=r"t10k-images.*missing or altered: 'git checkout"):
        data.load_mnist()


def test_the_variable_names_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AELIB_CACHE", str(tmp_path))
    assert data.cache_folder() == tmp_path
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AELIB_CACHE", "~/course")
    assert data.cache_folder() == tmp_path / "course"
    monkeypatch.setenv("AELIB_CACHE", "")
    assert data.cache_folder().name == "aelib"


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "new" / "file"
    data.write(path, b"old")
    data.write(path, b"new")
    assert path.read_bytes() == b"new" and list(path.parent.iterdir()) == [path]

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(data.os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        data.write(path, b"half")
    assert path.read_bytes() == b"new"
