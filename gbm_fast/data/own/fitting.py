"""Images of any size made one size: `--image-size S`.

The shorter side becomes S pixels, by means over the area that a new pixel covers (bilinear with
antialiasing), and what the longer side has more is cut off at both ends alike.
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

Pixels = TypeVar("Pixels", bound=NDArray)


def fitted(pixels: Pixels, size: int | None) -> Pixels:
    """An image (C, H, W) as (C, size, size), of its dtype; as it is where `size` is None.

    Integers are rounded.
    """
    if size is None or pixels.shape[1:] == (size, size):
        return pixels
    height, width = pixels.shape[1:]
    scale = size / min(height, width)
    scaled = max(size, round(height * scale)), max(size, round(width * scale))
    numbers = torch.from_numpy(pixels.astype(np.float64))[None]
    if scaled != (height, width):
        numbers = F.interpolate(numbers, scaled, mode="bilinear", antialias=True)
    top, left = (scaled[0] - size) // 2, (scaled[1] - size) // 2
    cut = numbers[0, :, top : top + size, left : left + size].numpy()
    if pixels.dtype.kind in "ui":
        cut = np.rint(cut)
    return cut.astype(pixels.dtype)  # type: ignore[return-value]


class Sizes:
    """The sizes of the images that were fitted, to be told."""

    def __init__(self, size: int | None) -> None:
        self._size, self._seen = size, set[tuple[int, int]]()

    def fit(self, pixels: Pixels) -> Pixels:
        """`fitted`, with the size noted."""
        self._seen.add((pixels.shape[1], pixels.shape[2]))
        return fitted(pixels, self._size)

    def tell(self, say: Callable[[str], None], where: str) -> None:
        """One line, where an image was changed."""
        size = self._size
        if size is None or self._seen == {(size, size)}:
            return
        low, high = min(self._seen), max(self._seen)
        spread = f"{low[0]} x {low[1]}"
        if low != high:
            spread += f" to {high[0]} x {high[1]} ({len(self._seen)} sizes)"
        say(
            f"{where}: images of {spread} pixels (height x width) are scaled so that the shorter "
            f"side has {size}, and cut in the middle to {size} x {size}"
        )
