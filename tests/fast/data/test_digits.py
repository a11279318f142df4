"""The digits inside scikit-learn, the container, and the choice of a data set by name."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from sklearn.datasets import load_digits as sklearn_digits

from gbm_fast.data import DATASETS, ImageData, load_dataset, positive_from_integers


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


TRAIN = ("train_images", "train_labels")
REFUSED: list[tuple[Callable[[ImageData], dict[str, object]], str]] = [
    (
        lambda d: {"test_labels": d.test_labels[:-1]},
        "digits, test split: labels must be int64 of shape",
    ),
    (
        lambda d: {"class_names": d.class_names[:7]},
        "labels run from 0 to 9, but there are 7 classes",
    ),
    (
        lambda d: {"train_images": d.train_images[:, 0]},
        "grey levels 0..16 must be a non-empty torch.uint8",
    ),
    (lambda d: {"train_images": d.train_images.float()}, "found torch.float32"),
    (lambda d: {part: getattr(d, part)[:0] for part in TRAIN}, "non-empty"),
    (
        lambda d: {"test_images": d.test_images[..., :7]},
        r"train images are \(1, 8, 8\) and test images",
    ),
    (lambda d: {"max_value": 15}, "brightest pixel is 16, above .* 15"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_parts_that_do_not_fit_each_other_are_refused(
    digits: ImageData, change: Callable[[ImageData], dict[str, object]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        replace(digits, **change(digits))
