"""The data sets that packages ship, digits and photographs; the container; the choice by name."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits as sklearn_digits

from gbm_fast.data import DATASETS, ImageData, load_dataset, positive_from_integers
from gbm_fast.data.natural_patches import cut_patches
from tests.support.fixtures import Patch


@pytest.fixture(scope="module")
def digits() -> ImageData:
    return load_dataset("digits")


def test_digits_are_scikit_learns_with_every_fifth_one_held_out(digits: ImageData) -> None:
    bunch = sklearn_digits()
    assert len(digits.train_images) == 1438 and len(digits.test_images) == 359
    for k in range(359):
        assert digits.test_images[k, 0].tolist() == bunch.images[5 * k + 4].tolist()
        assert int(digits.test_labels[k]) == bunch.target[5 * k + 4]
    rest = [i for i in range(1797) if i % 5 != 4]
    assert digits.train_images[:, 0].tolist() == bunch.images[rest].tolist()
    assert digits.train_labels.tolist() == bunch.target[rest].tolist()


def test_digits_describe_themselves_and_have_every_class_in_both_splits(digits: ImageData) -> None:
    assert digits.train_images.dtype == torch.uint8 and digits.train_labels.dtype == torch.int64
    assert (digits.channels, digits.image_size, digits.num_classes) == (1, (8, 8), 10)
    assert digits.class_names == tuple("0123456789")
    assert digits.max_value == 16 == int(digits.train_images.max())
    x = positive_from_integers(digits.train_images, digits.max_value)
    assert float(x.min()) == 1.0 and float(x.max()) == 2.0
    assert int(digits.train_labels.bincount(minlength=10).min()) >= 100
    assert int(digits.test_labels.bincount(minlength=10).min()) >= 20


def test_digits_need_no_directory(tmp_path: Path) -> None:
    data = load_dataset("digits", data_dir=tmp_path / "nowhere", download=False)
    assert len(data.test_images) == 359
    assert list(tmp_path.iterdir()) == []


def test_names_are_known_to_load_dataset_or_the_known_ones_are_listed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown data set 'imagenet'") as error:
        load_dataset("imagenet")
    assert all(name in str(error.value) for name in DATASETS)
    for name in set(DATASETS) - {"digits", "natural-patches", "folder", "npy"}:
        with pytest.raises(ValueError, match=f"^{name} needs "):
            load_dataset(name, data_dir=tmp_path, download=False)
    for name in ("folder", "npy"):
        with pytest.raises(ValueError, match=f"{name}.* is your own: say where with --data-dir"):
            load_dataset(name)


REFUSED: list[tuple[str, Callable, str]] = [
    ("test_labels", lambda y: y[:-1], "digits, test split: labels must be int64 of shape"),
    ("class_names", lambda names: names[:7], "labels run from 0 to 9, but there are 7 classes"),
    ("class_names", lambda names: (*names[:9], "4"), "digits: two classes are called '4'"),
    ("class_names", lambda names: (*names[:9], ""), "digits: class 9 is called '': class_names"),
    ("class_names", lambda names: (" ", *names[1:]), "digits: class 0 is called ' '"),
    ("train_images", lambda x: x[:, 0], "grey levels 0..16 must be a non-empty torch.uint8"),
    ("train_images", lambda x: x.float(), "found torch.float32"),
    ("train_images train_labels", lambda x: x[:0], "non-empty"),
    ("test_images", lambda x: x[..., :7], r"train images are \(1, 8, 8\) and test images"),
    ("max_value", lambda most: most - 1, "brightest pixel is 16, above .* 15"),
]


@pytest.mark.parametrize(("parts", "change", "message"), REFUSED)
def test_parts_that_do_not_fit_each_other_are_refused(
    digits: ImageData, parts: str, change: Callable, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        replace(digits, **{part: change(getattr(digits, part)) for part in parts.split()})


def pixels_of(patches: np.ndarray) -> set[int]:
    """The numbers written into the first two channels."""
    return set((patches[:, 0].astype(int) * 256 + patches[:, 1]).ravel().tolist())


def test_no_pixel_is_on_both_sides_of_the_split() -> None:
    """A photograph of 150 x 400 pixels that carry their own numbers: 2 x 6 blocks.
    Test blocks: (2 row + column) % 5 == 4, so columns 4 of row 0 and 2 of row 1."""
    numbers = np.arange(150 * 400).reshape(150, 400)
    photograph = np.stack([numbers // 256, numbers % 256, 0 * numbers], axis=-1).astype(np.uint8)
    train, test = cut_patches(photograph)
    assert (train.shape, test.shape) == ((250, 3, 32, 32), (50, 3, 32, 32))
    assert pixels_of(train) & pixels_of(test) == set()
    wanted = {*numbers[:64, 256:320].ravel().tolist(), *numbers[64:128, 128:192].ravel().tolist()}
    assert pixels_of(test) == wanted
    assert np.array_equal(train[0], photograph[:32, :32].transpose(2, 0, 1))
    assert np.array_equal(train[6], photograph[8:40, 8:40].transpose(2, 0, 1))


def test_seven_scenes_in_colour() -> None:
    data = load_dataset("natural-patches")
    assert data.train_images.shape == (8100, 3, 32, 32)
    assert data.test_images.shape == (1975, 3, 32, 32)
    assert data.num_classes == len(data.class_names) == 7
    for labels in (data.train_labels, data.test_labels):
        assert labels.bincount().min() >= 125
    # The sky of the rocket is blue, the cat is not.
    pictures = [data.train_images[data.train_labels == k].float() for k in (5, 1)]
    means = torch.stack([each.mean((0, 2, 3)) for each in pictures])
    assert data.class_names[5] == "rocket" and data.class_names[1] == "cat"
    assert means[0, 2] > means[0, 0] and means[1, 2] < means[1, 0]


def test_a_photograph_that_cannot_be_read_is_one_sentence(monkeypatch: Patch) -> None:
    def lost() -> np.ndarray:
        raise OSError("cat.png: no such file")

    monkeypatch.setattr("skimage.data.chelsea", lost)
    with pytest.raises(ValueError, match=r"cannot be read \(cat.png: no such file\): install"):
        load_dataset("natural-patches")


@pytest.mark.parametrize("name", ["digits", "natural-patches"])
def test_too_little_memory_is_one_sentence(monkeypatch: Patch, name: str) -> None:
    def full() -> ImageData:
        raise MemoryError

    monkeypatch.setattr(f"gbm_fast.data.load.load_{name.replace('-', '_')}", full)
    with pytest.raises(ValueError, match=f"the images of {name} .* do not fit into the memory"):
        load_dataset(name)


def test_without_scikit_image_the_message_names_it(monkeypatch: Patch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.data", None)
    with pytest.raises(ValueError, match="pip install scikit-image"):
        load_dataset("natural-patches")
