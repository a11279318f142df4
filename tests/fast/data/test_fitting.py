"""Images of any size made one size."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gbm_fast as gbm
from gbm_fast.data.own.fitting import fitted
from tests.support.cases import generator


def test_a_constant_stays_and_a_slope_stays_a_slope() -> None:
    """In the middle: at the ends there is nothing beyond to take a mean of."""
    assert (fitted(np.full((3, 50, 80), 7, np.uint8), 20) == 7).all()
    slope = np.broadcast_to(np.arange(80.0), (1, 40, 80))
    found = fitted(slope, 20)  # halved, then 10 cut off at each end
    assert found.shape == (1, 20, 20)
    assert np.allclose(found[0, 5], 20.5 + 2 * np.arange(20))


@pytest.mark.parametrize("shape", [(30, 30), (31, 47), (200, 33), (10, 12)])
def test_every_size_becomes_the_one_asked_for(shape: tuple[int, int]) -> None:
    assert fitted(np.ones((1, *shape), np.float32), 16).shape == (1, 16, 16)


def test_what_fits_is_not_touched() -> None:
    image = generator("fits").integers(0, 255, (3, 16, 16), dtype=np.uint16)
    assert fitted(image, 16) is image and fitted(image, None) is image


def test_a_folder_of_many_sizes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(12):
        pixels = np.full((20 + number, 40, 3), 10 * number, np.uint8)
        pixels[:, :, 0] = 200
        Image.fromarray(pixels).save(tmp_path / f"{number:02d}.png")
    with pytest.raises(ValueError, match="pass --image-size to make them one size"):
        gbm.load_dataset("folder", tmp_path)
    data = gbm.load_dataset("folder", tmp_path, image_size=8)
    assert data.image_size == (8, 8) and data.channels == 3
    assert (data.train_images[3, 1] == 30).all()
    said = capsys.readouterr().err
    assert "images of 20 x 40 to 31 x 40 (12 sizes) pixels (height x width) are scaled" in said


def test_an_array_in_units_of_its_own(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", generator("units").gamma(1, 5, (12, 30, 20)))
    data = gbm.load_dataset("npy", tmp_path / "a.npy", image_size=10)
    assert data.image_size == (10, 10) and data.max_value is None
