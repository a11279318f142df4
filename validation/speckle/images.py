"""The study's test images and their speckle, which is the same in every run.

Images are the central squares of scikit-image's camera, coins and astronaut, grey levels 0..255 in
float64 (colour by its luma, rounded). Speckle of L looks is

    y = x G,    G ~ Gamma(L, 1) / L

of a generator whose seed is the first 16 bytes of SHA-256 of "despeckling NAME L" (`seed_of`), L
written without a trailing ".0". So zeros stay zeros, and y = 0 says that x = 0.
"""

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
NAMES = ("camera", "coins", "astronaut")
SIDE, PEAK = 256, 255.0
UNIFORM = (slice(2, 32), slice(200, 230))
"""The sky of camera's crop, where the equivalent number of looks is measured."""


class Seen(NamedTuple):
    """An image, its speckle's looks, and what is seen."""

    name: str
    looks: float
    truth: Array
    noisy: Array


def truth(name: str, side: int = SIDE) -> Array:
    """The central square of a test image; ValueError where it is smaller."""
    import skimage.data
    from skimage.color import rgb2gray

    if name not in NAMES:
        raise ValueError(f"there is no test image {name}: choose from {', '.join(NAMES)}.")
    image = np.asarray({n: getattr(skimage.data, n) for n in NAMES}[name]())
    grey = np.round(rgb2gray(image) * 255) if image.ndim == 3 else image
    height, width = grey.shape
    if min(height, width) < side:
        raise ValueError(f"{name} has {height} x {width} pixels: a square of {side} is not in it.")
    top, left = (height - side) // 2, (width - side) // 2
    return grey[top : top + side, left : left + side].astype(np.float64)


def seed_of(name: str, looks: float) -> int:
    """The seed of an image's speckle."""
    text = f"despeckling {name} {looks:g}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")


def speckled(image: Array, name: str, looks: float) -> Array:
    """The image with speckle of L looks."""
    rng = np.random.default_rng(seed_of(name, looks))
    return image * rng.standard_gamma(looks, image.shape) / looks


def case(name: str, looks: float, side: int = SIDE) -> Seen:
    """A test image with its speckle."""
    clean = truth(name, side)
    return Seen(name, looks, clean, speckled(clean, name, looks))


def filled(image: Array) -> Array:
    """The image with its least positive number in place of zeros, which have no logarithm."""
    positive = image > 0
    if not positive.any():
        raise ValueError("the image has no positive pixel.")
    return np.where(positive, image, image[positive].min())
