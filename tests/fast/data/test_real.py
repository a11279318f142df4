"""The published MNIST and Fashion-MNIST files, where the variable GBM_DATA points to them."""

import os
from pathlib import Path

import pytest

from gbm_fast.data import load_dataset
from gbm_fast.data.idx import load_idx_family
from gbm_fast.data.sources import FASHION_MNIST, MNIST, IdxSource


@pytest.fixture
def data_dir() -> Path:
    if not os.environ.get("GBM_DATA"):
        pytest.skip("GBM_DATA is not set: real MNIST files are not available")
    return Path(os.environ["GBM_DATA"])


def test_fashion_mnist_is_complete_and_balanced(data_dir: Path) -> None:
    data = load_dataset("fashion-mnist", data_dir=data_dir, download=False)
    assert data.train_labels.bincount().tolist() == [6000] * 10
    assert data.test_labels.bincount().tolist() == [1000] * 10
    assert tuple(data.train_images.shape) == (60_000, 1, 28, 28)
    assert data.train_labels[:5].tolist() == [9, 0, 0, 3, 0]


def test_mnist_from_the_environment_starts_with_five_zero_four(data_dir: Path) -> None:
    data = load_dataset("mnist", download=False)
    assert data.train_labels[:3].tolist() == [5, 0, 4]
    assert tuple(data.test_images.shape) == (10_000, 1, 28, 28)
    assert data.test_labels.bincount()[1] == 1135


@pytest.mark.parametrize(("source", "other"), [(MNIST, FASHION_MNIST), (FASHION_MNIST, MNIST)])
def test_one_in_the_place_of_the_other_is_found_by_the_checksum(
    data_dir: Path, tmp_path: Path, source: IdxSource, other: IdxSource
) -> None:
    (tmp_path / source.folder).symlink_to(data_dir.resolve() / other.folder)
    with pytest.raises(ValueError, match="expected MD5 .* found"):
        load_idx_family(source, tmp_path, download=False)
