"""Pieces of images, and their mirror images: what a training makes of one image again and again.

Which place and which symmetry an item of a batch has is a function of (seed, step, item).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gbm_fast.runtime.random import Stream, integers, words
from gbm_fast.settings.training import Symmetries

_TURNS = {"none": 1, "mirror": 2, "all": 8}


@dataclass(frozen=True)
class Pieces:
    """Square pieces of side `crop`, or whole images where it is None, under some symmetries.

    image_size   (height, width) of the images

    Raises ValueError for pieces larger than the images, and for quarter turns of what is not
    square.
    """

    image_size: tuple[int, int]
    crop: int | None = None
    symmetries: Symmetries = "none"

    def __post_init__(self) -> None:
        if self.crop is not None and self.crop > min(self.image_size):
            raise ValueError(
                f"crop {self.crop} is larger than images of {self.image_size}: pass a smaller one."
            )
        height, width = self.size
        if self.symmetries == "all" and height != width:
            raise ValueError(
                f"symmetries all turns images by quarters, and these are {height} x {width}: pass "
                "--symmetries mirror, or --crop for square pieces."
            )

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of a piece."""
        return self.image_size if self.crop is None else (self.crop, self.crop)

    def drawn(self, images: Tensor, seed: int, step: int, items: range) -> Tensor:
        """Pieces of images (n, C, H, W), the `items` of batch `step`: (n, C, *size)."""
        if self.crop is None and self.symmetries == "none":
            return images
        blocks = words(seed, Stream.CROP, [step], items.start, len(items)).reshape(-1, 4)
        rows, columns = (
            integers(blocks[:, axis], side - piece + 1)
            for axis, (side, piece) in enumerate(zip(self.image_size, self.size, strict=True))
        )
        turns = integers(blocks[:, 2], _TURNS[self.symmetries])
        height, width = self.size
        cut = [
            _turned(image[:, row : row + height, column : column + width], turn)
            for image, row, column, turn in zip(
                images, rows.tolist(), columns.tolist(), turns.tolist(), strict=True
            )
        ]
        return torch.stack(cut)

    def tiled(self, images: Tensor) -> Tensor:
        """All pieces (n * pieces an image, C, *size) that lie side by side from the upper left."""
        if self.crop is None:
            return images
        count, channels = images.shape[:2]
        height, width = self.size
        parts = images.unfold(2, height, height).unfold(3, width, width)
        return parts.permute(0, 2, 3, 1, 4, 5).reshape(-1, channels, height, width)


def _turned(image: Tensor, turn: int) -> Tensor:
    """One of the eight symmetries: the lowest bit mirrors, the others are quarter turns."""
    mirrored = image.flip(-1) if turn % 2 else image
    return mirrored.rot90(turn // 2, (-2, -1)) if turn > 1 else mirrored
