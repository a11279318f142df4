"""Patches of photographs: what they are, and that no pixel is on both sides of the split."""

import sys

import numpy as np
import pytest
import torch

from gbm_fast.data import load_dataset
from gbm_fast.data.natural_patches import cut_patches


def pixels_of(patches: np.ndarray) -> set[int]:
    """The numbers written into the first two channels."""
    numbers = patches[:, 0].astype(int) * 256 + patches[:, 1]
    return set(numbers.ravel().tolist())


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
    means = torch.stack(
        [data.train_images[data.train_labels == k].float().mean((0, 2, 3)) for k in (5, 1)]
    )
    assert data.class_names[5] == "rocket" and data.class_names[1] == "cat"
    assert means[0, 2] > means[0, 0] and means[1, 2] < means[1, 0]


def test_without_scikit_image_the_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.data", None)
    with pytest.raises(ValueError, match="pip install scikit-image"):
        load_dataset("natural-patches")
