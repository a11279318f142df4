"""Looks estimated from images of known speckle."""

import numpy as np
import pytest
import torch

import gbm_fast as gbm
from tests.support.cases import generator


def scene(side: int = 192) -> np.ndarray:
    """Even areas with edges, a slope, and a textured quarter."""
    row, column = np.mgrid[:side, :side] / side
    even = 40.0 + 160.0 * ((column * 5).astype(int) % 2) + 30.0 * row
    texture = np.exp(generator("texture of a scene").normal(0, 0.5, (side, side)))
    return np.where((row > 0.5) & (column > 0.5), even * texture, even)


@pytest.mark.parametrize("looks", [1.0, 2.5, 4.0, 10.0, 30.0])
def test_the_looks_of_a_scene_are_found(looks: float) -> None:
    """Within 15 %; amplitude taken for intensity gives about four times as many."""
    speckle = generator(f"speckle {looks}").standard_gamma(looks, (192, 192)) / looks
    y = torch.from_numpy(scene() * speckle)[None]
    assert gbm.estimate_looks(y) == pytest.approx(looks, rel=0.15)
    assert gbm.estimate_looks(y.sqrt()) > 2.5 * looks


def test_units_and_missing_pixels_change_little() -> None:
    y = torch.from_numpy(scene() * generator("one look").standard_gamma(1, (192, 192)))[None]
    found = gbm.estimate_looks(y)
    assert gbm.estimate_looks(y * 1e-9) == pytest.approx(found, rel=1e-9)
    y[:, :40] = torch.nan
    assert gbm.estimate_looks(y) == pytest.approx(found, rel=0.15)


def test_an_image_without_blocks_is_refused() -> None:
    for shape in ((1, 6, 100), (1, 20, 20)):
        with pytest.raises(ValueError, match=r"say how many it has with --looks\."):
            gbm.estimate_looks(torch.ones(shape))
