"""An array file as a data set: three layouts, two depths, and a message for everything else."""

from pathlib import Path

import numpy as np
import pytest
import torch

from gbm_fast.data import load_dataset

GREY = (np.arange(20 * 5 * 6) * 7 % 256).reshape(20, 5, 6).astype(np.uint8)
COLOUR = (np.arange(20 * 3 * 5 * 6) * 641 % 65536).reshape(20, 3, 5, 6).astype(np.uint16)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (GREY, GREY[:, None]),
        (GREY[:, None], GREY[:, None]),
        (GREY[..., None], GREY[:, None]),
        (COLOUR, COLOUR),
        (COLOUR.transpose(0, 2, 3, 1), COLOUR),
        (COLOUR.astype(">u2"), COLOUR),
        (np.asfortranarray(COLOUR), COLOUR),
    ],
)
def test_layouts_and_depths(tmp_path: Path, stored: np.ndarray, expected: np.ndarray) -> None:
    np.save(tmp_path / "my set.npy", stored)
    data = load_dataset("npy", tmp_path / "my set.npy")
    is_test = np.arange(20) % 10 == 9
    assert np.array_equal(data.train_images.numpy(), expected[~is_test])
    assert np.array_equal(data.test_images.numpy(), expected[is_test])
    assert data.max_value == (255 if expected.dtype == np.uint8 else 65535)
    assert (data.name, data.class_names) == ("npy-my-set", ("image",))
    assert int(data.train_labels.sum()) == 0 and data.train_labels.dtype == torch.int64


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (GREY.astype(np.int64), "holds int64: save the grey levels as uint8"),
        (GREY > 3, "holds bool: save"),
        (GREY / 255, r"holds float64: save .* np.rint\(65535"),
        (np.where(GREY == 0, np.nan, GREY - 9.0), "not finite and [1-9]"),
        (GREY[:9], r"holds 9 image\(s\)"),
        (GREY[0], "has shape"),
        (GREY[..., :3], "looks like one image with 3 channels"),
        (GREY.reshape(20, 1, 10, 3), "may be the second number or the last"),
        (GREY.reshape(20, 3, 5, 2), None),
        (np.zeros((20, 5, 6, 4), np.uint8), "drop the alpha channel"),
        (np.zeros((20, 5, 6, 7), np.uint8), r"a set of images is \(n, h, w\)"),
        (np.array([["a", None]], dtype=object), "cannot be read as a .npy array"),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, array: np.ndarray, message: str | None) -> None:
    """None: nothing is wrong with it, as a planted good one among the bad."""
    path = tmp_path / "x.npy"
    np.save(path, array, allow_pickle=True)
    if message is None:
        load_dataset("npy", path)
        return
    with pytest.raises(ValueError, match=message) as error:
        load_dataset("npy", path)
    assert str(path) in str(error.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        load_dataset("npy", tmp_path / "x.npy")
    with pytest.raises(ValueError, match="is a directory"):
        load_dataset("npy", tmp_path)
    np.savez(tmp_path / "x.npz", GREY)
    with pytest.raises(ValueError, match="is an archive of arrays"):
        load_dataset("npy", tmp_path / "x.npz")
    np.save(tmp_path / "x.npy", GREY)
    (tmp_path / "x.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:300])
    with pytest.raises(ValueError, match="cannot be read as a .npy array"):
        load_dataset("npy", tmp_path / "x.npy")
