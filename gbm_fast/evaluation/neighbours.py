"""The nearest training images of generated ones, as a figure and as shares (Appendix G.1).

Near in the pixels, where a copy is seen even if the features know nothing of it, and in the
features, where a copy that was moved or faded is.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gbm_fast.data import ImageData
from gbm_fast.data.pictures import save_panels
from gbm_fast.evaluation.features import FeatureExtractor
from gbm_fast.evaluation.memorisation import Memorisation, NearestImages

FIGURE_NAME = "neighbours.png"
_MOST_SHOWN = 64
Array = NDArray[np.float64]


def with_pixels(extractor: FeatureExtractor) -> FeatureExtractor:
    """The features of `extractor`, and behind them the pixels, (n, dim + C * H * W)."""
    channels, height, width = extractor.image_shape
    network = extractor.network

    def both(images: Tensor) -> Tensor:
        return torch.cat([network(images).double(), images.flatten(1).double()], dim=1)

    return replace(extractor, dim=extractor.dim + channels * height * width, network=both)


def save_neighbours(
    path: Path,
    rows: Array,
    data: ImageData,
    extractor: FeatureExtractor,
    in_features: NearestImages,
) -> Memorisation:
    """Draw the first images beside the training images nearest to them; the shares in pixels.

    rows: of `with_pixels(extractor)`, (N, dim + C * H * W), N >= 2; in_features: of the features
    of the training and test images (`Evaluator.nearest`). Raises ValueError for fewer
    than three test images.
    """
    features, pixels = np.split(rows, [extractor.dim], axis=1)
    shown = min(len(rows), _MOST_SHOWN)
    sets = [data.positive(images) for images in (data.train_images, data.test_images)]
    in_pixels = NearestImages(*(images.flatten(1).double().numpy() for images in sets))
    images = torch.from_numpy(pixels[:shown]).float().reshape(shown, *extractor.image_shape)
    panels = [("generated", images)]
    for label, nearest, given in (
        ("nearest training images, by pixels", in_pixels, pixels),
        (f"by {extractor.name}", in_features, features),
    ):
        panels.append((label, sets[0][torch.from_numpy(nearest.of(given[:shown]))]))
    title = f"Generated images and the training images nearest to them, {data.name}"
    save_panels(path, panels, data.grey_levels(), title)
    return in_pixels(pixels)
