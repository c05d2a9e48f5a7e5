import gzip
import multiprocessing
import os
import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader
from torchvision.transforms import ToTensor

from aelib import data, files
from aelib.files import FileError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(files.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_splits_have_their_sizes_and_hold_every_image_once(splits):
    assert [len(part) for part in splits] == [55_000, 5_000, 10_000]
    assert splits.train.images.dtype == torch.uint8
    whole = torch.cat([splits.train.images, splits.val.images]).sum((1, 2), dtype=torch.long)
    raw = gzip.decompress((data.PACKED_FOLDER / "train-images-idx3-ubyte.gz").read_bytes())
    published = torch.frombuffer(bytearray(raw[16:]), dtype=torch.uint8).view(60_000, -1)
    assert torch.equal(whole.sort().values, published.sum(1, dtype=torch.long).sort().values)


def test_the_split_is_stratified_and_fixed(splits):
    full = data.join(splits.train, splits.val).counts()
    assert torch.equal(
        full, torch.tensor([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949])
    )
    assert ((splits.val.counts() - full / 12).abs() <= 1).all()
    again = data.load_mnist()
    assert torch.equal(again.val.images, splits.val.images)


def test_only_keeps_the_digits_asked_for(splits):
    subset = splits.test.only(0, 1)
    assert subset.labels.unique().tolist() == [0, 1]
    assert len(subset) == 980 + 1135


@pytest.mark.parametrize("digits", [(10,), (-1,), (), (0, 11)])
def test_only_names_a_digit_that_does_not_exist(splits, digits):
    with pytest.raises(ValueError, match="0 to 9"):
        splits.test.only(*digits)


def test_only_refuses_to_return_nothing(splits):
    with pytest.raises(ValueError, match="no image of digit"):
        splits.test.only(0).only(1)


def test_thinned_keeps_a_tenth_of_one_digit_and_all_of_the_others(splits):
    before, after = splits.train.counts(), splits.train.thinned(0, keep_every=10).counts()
    assert after[0] == -(-before[0] // 10)
    assert torch.equal(after[1:], before[1:])
    with pytest.raises(ValueError, match="keep_every"):
        splits.train.thinned(0, keep_every=0)


@settings(max_examples=30, deadline=None)
@given(size=st.integers(1, 60), batch=st.integers(1, 70), shuffled=st.booleans())
def test_batches_hold_every_image_once_with_its_own_label(size, batch, shuffled):
    # From 100 up: bytes of 0 and 1 alone are refused as a mask.
    images = torch.arange(100, 100 + size, dtype=torch.uint8)[:, None, None].expand(-1, 28, 28)
    digits = data.Digits(images, torch.arange(size) % 10)
    generator = torch.Generator().manual_seed(0) if shuffled else None
    found = list(data.batches(digits, batch, generator))
    assert all(x.shape == (len(y), 1, 28, 28) and len(y) <= batch for x, y in found)
    x, y = (torch.cat(part) for part in zip(*found, strict=True))
    places = (x[:, 0, 0, 0] * 255).round().long() - 100
    assert torch.equal(places.sort().values, torch.arange(size))
    assert torch.equal(places % 10, y)


def test_batches_are_shuffled_anew_each_time_by_a_generator(few):
    generator = torch.Generator().manual_seed(0)
    first, second = (next(data.batches(few, 50, generator))[1] for _ in range(2))
    assert not torch.equal(first, second)


def test_batches_refuse_what_cannot_work_at_the_call(few):
    with pytest.raises(ValueError, match="batch_size must be a whole number from 1 up, got 0"):
        data.batches(few, 0)
    with pytest.raises(ValueError, match="the set of digits is empty"):
        data.batches(few[:0], 10)


def test_the_first_of_each_digit_is_found(splits):
    first = splits.test.first_of_each()
    assert splits.test.labels[first].tolist() == list(range(10))
    assert all(digit not in splits.test.labels[:place] for digit, place in enumerate(first))
    with pytest.raises(ValueError, match=r"no image of digit \[4\]"):
        splits.test[splits.test.labels != 4].first_of_each()


def test_torchvision_gives_the_same_images(splits, cache):
    dataset = data.torchvision_mnist(train=False, transform=ToTensor())
    x, y = next(iter(DataLoader(dataset, batch_size=100)))
    assert torch.equal(x, data.to_float(splits.test.images[:100]))
    assert torch.equal(y, splits.test.labels[:100])


def test_the_variable_names_the_cache(cache):
    assert data.unpack_mnist() == cache
    assert sorted(path.name for path in (cache / "MNIST" / "raw").iterdir()) == sorted(data.FILES)


def test_an_altered_unpacked_file_is_named_with_both_checksums(cache):
    data.unpack_mnist()
    path = cache / "MNIST" / "raw" / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(data.DataError) as caught:
        data.torchvision_mnist()
    message = str(caught.value)
    assert str(path) in message and "delete it" in message
    assert data.FILES[path.name].unpacked in message
    path.unlink()
    data.unpack_mnist()  # the remedy works


@pytest.mark.parametrize("damage", [lambda b: b[:-10], lambda b: b[:50] + b"x" + b[51:]])
def test_a_damaged_packed_file_is_never_used(tmp_path, monkeypatch, damage):
    folder = tmp_path / "mnist"
    shutil.copytree(data.PACKED_FOLDER, folder)
    monkeypatch.setattr(data, "PACKED_FOLDER", folder)
    path = folder / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(data.DataError, match="SHA-256") as caught:
        data.load_mnist()
    assert str(path) in str(caught.value) and "git checkout" in str(caught.value)


def test_a_missing_packed_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "PACKED_FOLDER", tmp_path)
    with pytest.raises(data.DataError, match=r"train-labels-idx1-ubyte\.gz is missing"):
        data.load_mnist()


def test_unpacking_needs_nothing_of_the_package_folder_but_reading(tmp_path, monkeypatch, cache):
    folder = tmp_path / "mnist"
    shutil.copytree(data.PACKED_FOLDER, folder)
    before = sorted(folder.iterdir())
    folder.chmod(0o555)
    monkeypatch.setattr(data, "PACKED_FOLDER", folder)
    data.unpack_mnist()
    folder.chmod(0o755)
    assert sorted(folder.iterdir()) == before


def _unpack(folder: str) -> int:
    os.environ[files.CACHE_VARIABLE] = folder
    return len(data.torchvision_mnist(train=False))


def test_several_processes_may_start_at_once(cache):
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        assert pool.map(_unpack, [str(cache)] * 4) == [10_000] * 4
    assert len(list((cache / "MNIST" / "raw").iterdir())) == 4  # no temporary file stays


def test_the_notice_lies_beside_the_data():
    notice = (Path(data.PACKED_FOLDER) / "README.md").read_text(encoding="utf-8")
    assert "CC BY-SA 3.0" in notice and "LeCun" in notice


@pytest.mark.parametrize("packed", [True, False])
def test_a_folder_in_the_place_of_a_file_is_named(packed, tmp_path, monkeypatch, cache):
    if packed:
        monkeypatch.setattr(data, "PACKED_FOLDER", tmp_path)
        path = tmp_path / "train-labels-idx1-ubyte.gz"
    else:
        path = cache / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    path.mkdir(parents=True)
    with pytest.raises(
        FileError, match=r"could not be read: .* Remedy: (restore|delete) it"
    ) as caught:
        data.load_mnist() if packed else data.unpack_mnist()
    assert str(path) in str(caught.value)
