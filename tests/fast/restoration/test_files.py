"""Images in and out: numbers, depth, tags, missing pixels."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from gbm_fast.data.codecs import read_image
from gbm_fast.restoration.files import encoded, read, write

GEO = [
    (42113, 2, 6, "-9999", True),
    (33550, 12, 3, (10.0, 10.0, 0.0), True),
    (33922, 12, 6, (0.0, 0.0, 0.0, 5e5, 4e6, 0.0), True),
    (34735, 3, 4, (1, 1, 0, 0), True),
]


def tags(path: Path) -> dict[int, object]:
    with tifffile.TiffFile(path) as tiff:
        layout = (273, 279, 278, 256, 257, 277, 258, 339, 262, 284, 259)
        return {tag.code: tag.value for tag in tiff.pages.first.tags if tag.code not in layout}


def test_a_float_tiff_comes_back_with_its_tags_and_missing_pixels(tmp_path: Path) -> None:
    path = tmp_path / "radar.tif"
    pixels = np.linspace(0.1, 9.0, 30, dtype=np.float32).reshape(5, 6)
    pixels[0, :2] = -9999
    tifffile.imwrite(
        path, pixels, extratags=GEO, description="a scene", metadata=None, software="someone",
        resolution=(300, 300), resolutionunit=2,
    )  # fmt: skip
    image = read(path)
    assert image.values.shape == (1, 5, 6) and int(image.values.isnan().sum()) == 2
    made = write(image, tmp_path, "estimate", image.values, exact=False)
    assert made.name == "radar-estimate.tif"
    assert tags(made) == tags(path) and {33550, 33922, 34735, 270, 282, 305} <= tags(made).keys()
    assert np.array_equal(tifffile.imread(made), pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_numbers_of_a_tiff_have_the_type_that_they_had(tmp_path: Path, dtype: type) -> None:
    path = tmp_path / "a.tiff"
    tifffile.imwrite(path, np.arange(12, dtype=dtype).reshape(3, 4))
    image = read(path)
    write(image, tmp_path, "x", image.values + 0.4, exact=False)
    found = tifffile.imread(tmp_path / "a-x.tiff")
    expected = np.arange(12).reshape(3, 4) + (0.4 if np.dtype(dtype).kind == "f" else 0)
    assert found.dtype == dtype and np.allclose(found, expected)


@pytest.mark.parametrize("shape", [(4, 5), (2, 40, 50), (40, 50, 2)])
def test_arrays_keep_their_axes(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    np.save(tmp_path / "a.npy", array)
    image = read(tmp_path / "a.npy")
    write(image, tmp_path, "x", image.values, exact=False)
    found = np.load(tmp_path / "a-x.npy")
    assert found.dtype == array.dtype and np.array_equal(found, array)


@pytest.mark.parametrize(("mode", "most"), [("L", 255), ("I;16", 65535)])
def test_pictures_keep_their_depth_and_are_cut_to_it(tmp_path: Path, mode: str, most: int) -> None:
    kind = np.uint8 if most == 255 else np.uint16
    levels = np.array([[0, 1, 7], [most - 1, most, 3]], kind)
    Image.fromarray(levels).save(tmp_path / "a.png")
    image = read(tmp_path / "a.png")
    path = write(image, tmp_path, "x", image.values * 1.5, exact=False)
    expected = np.clip(np.rint(levels * 1.5), 0, most)
    found = read_image(path)
    assert found.dtype == kind and np.array_equal(found[0], expected)
    beside = write(image, tmp_path, "d", image.values / 3, exact=True)
    assert beside.suffix == ".tif" and tifffile.imread(beside).dtype == np.float32


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,2\n")
    with pytest.raises(ValueError, match=r"is none of \.png"):
        read(tmp_path / "a.csv")
    np.save(tmp_path / "c.npy", np.ones((4, 4), complex))
    with pytest.raises(ValueError, match=r"save the intensity, abs\(z\)\*\*2"):
        read(tmp_path / "c.npy")


def test_missing_pixels_of_an_array_stay_missing(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[1.0, np.nan], [0.0, 2.0]]))
    image = read(tmp_path / "a.npy")
    (tmp_path / "b.npy").write_bytes(encoded(image, image.values, exact=False))
    assert np.array_equal(np.load(tmp_path / "b.npy"), np.load(tmp_path / "a.npy"), equal_nan=True)
    assert torch.isnan(image.values).sum() == 1
