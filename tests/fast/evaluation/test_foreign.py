"""Images of other programs: PNG folders and .npy arrays become [1, 2], others are refused."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gbm_fast.evaluation.foreign import read_images
from tests.support.tiny_data import tiny_data

GREY = tiny_data()
COLOUR = tiny_data(channels=3)


def save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def levels(*shape: int) -> np.ndarray:
    """uint8 pixels that are all different, as far as 256 levels go."""
    return (np.arange(np.prod(shape)) * 7 % 256).astype(np.uint8).reshape(shape)


def test_png_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    pixels = levels(3, 9, 8)
    for name, image in zip(("b/1.png", "a/2.png", "c.png"), pixels, strict=True):
        save(tmp_path / name, image)
    (tmp_path / "notes.txt").write_text("not an image")
    expected = 1 + torch.from_numpy(pixels[[1, 0, 2]]).float()[:, None] / 255
    assert torch.equal(read_images(tmp_path, GREY), expected)


def test_colour_files_keep_their_channels(tmp_path: Path) -> None:
    pixels = levels(9, 8, 3)
    save(tmp_path / "0.png", pixels)
    expected = 1 + torch.from_numpy(pixels).permute(2, 0, 1).float()[None] / 255
    assert torch.equal(read_images(tmp_path, COLOUR), expected)


def test_a_grey_picture_saved_as_colour_is_grey(tmp_path: Path) -> None:
    pixels = levels(9, 8)
    save(tmp_path / "0.png", np.stack([pixels] * 3, axis=2))
    expected = 1 + torch.from_numpy(pixels).float()[None, None] / 255
    assert torch.equal(read_images(tmp_path, GREY), expected)


def test_sixteen_bits_are_kept(tmp_path: Path) -> None:
    """Levels that differ in their lower byte stay apart, from files and from arrays."""
    pixels = (np.arange(72, dtype=np.uint16) + 40_000).reshape(9, 8)
    save(tmp_path / "png" / "0.png", pixels)
    expected = 1 + torch.from_numpy(pixels).float()[None, None] / 65535
    assert torch.equal(read_images(tmp_path / "png", GREY), expected)
    np.savez(tmp_path / "x.npz", images=pixels[None])
    deep = dataclasses.replace(
        GREY,
        max_value=65535,
        train_images=GREY.train_images.to(torch.uint16),
        test_images=GREY.test_images.to(torch.uint16),
    )
    assert torch.equal(read_images(tmp_path / "x.npz", deep), expected)
    with pytest.raises(ValueError, match="outside 0..255"):
        read_images(tmp_path / "x.npz", GREY)


@pytest.mark.parametrize("shape", [(4, 9, 8), (4, 1, 9, 8)])
def test_arrays_of_floats_and_of_grey_levels(tmp_path: Path, shape: tuple[int, ...]) -> None:
    pixels = levels(*shape)
    np.save(tmp_path / "levels.npy", pixels)
    np.save(tmp_path / "floats.npy", 1 + pixels / 255.0)
    expected = 1 + torch.from_numpy(pixels).float().reshape(4, 1, 9, 8) / 255
    assert torch.equal(read_images(tmp_path / "levels.npy", GREY), expected)
    floats = read_images(tmp_path / "floats.npy", GREY)
    assert floats.dtype == torch.float32
    assert torch.allclose(floats, expected, rtol=0, atol=2e-7)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((4, 8, 9)), "has shape"),
        (np.ones((4, 3, 9, 8)), "has shape"),
        (np.ones((9, 8)), "has shape"),
        (np.ones((4, 9, 8), dtype=np.int64), "int64"),
        (np.array([["a", None]], dtype=object), "cannot be read"),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    with pytest.raises(ValueError, match=message):
        read_images(tmp_path / "x.npy", GREY)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (levels(8, 9), r"shape \(1, 8, 9\)"),
        (levels(9, 8, 3), r"shape \(3, 9, 8\)"),
        (levels(9, 8, 4), "mode RGBA"),
    ],
)
def test_other_pictures_are_refused(tmp_path: Path, array: np.ndarray, message: str) -> None:
    save(tmp_path / "7.png", array)
    with pytest.raises(ValueError, match=rf"7\.png .*{message}"):
        read_images(tmp_path, GREY)


def test_grey_pictures_are_no_colour_images(tmp_path: Path) -> None:
    save(tmp_path / "7.png", levels(9, 8))
    with pytest.raises(ValueError, match=r"the data set has \(3, 9, 8\)"):
        read_images(tmp_path, COLOUR)


def test_truncated_files_and_wrong_paths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no .png or .tif"):
        read_images(tmp_path, GREY)
    with pytest.raises(ValueError, match="neither a folder"):
        read_images(tmp_path / "absent.npy", GREY)
    np.save(tmp_path / "x.npy", np.ones((40, 9, 8)))
    (tmp_path / "x.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:500])
    with pytest.raises(ValueError, match="cannot be read as a .npy"):
        read_images(tmp_path / "x.npy", GREY)
    save(tmp_path / "pictures" / "0.png", levels(9, 8))
    whole = (tmp_path / "pictures" / "0.png").read_bytes()
    for length in (60, 5):
        (tmp_path / "pictures" / "0.png").write_bytes(whole[:length])
        with pytest.raises(ValueError, match="cannot be read as an image"):
            read_images(tmp_path / "pictures", GREY)
