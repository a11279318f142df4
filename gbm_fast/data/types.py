"""What data are in memory: an image data set, and events with their classes.

Images are stored as the integers of the files, u in {0, ..., max_value}, 8 or 16 bits wide; the
positive numbers x = 1 + u / max_value in [1, 2] that the diffusion works on are made by
`gbm_fast.data.positive_from_integers` (Section 6 of version 1; claim E24), which keeps
every pixel away from zero, which geometric Brownian motion can neither leave nor reach.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from gbm_fast.data.positive import level_dtype, level_range
from gbm_fast.runtime.files import tensors_sha256


@dataclass(frozen=True, eq=False)
class ImageData:
    """Train and test images of one data set, on the CPU.

    name: what tables and file names call it: one of `gbm_fast.data.DATASETS`, or that and the
        name of the user's folder or file
    train_images, test_images: (n, channels, height, width), values 0..max_value; uint8 where
        max_value <= 255, else uint16, which takes two bytes a pixel but has few operations in
        torch (indexing and conversion, no min or max)
    train_labels, test_labels: int64, (n,), values 0..num_classes-1
    max_value: the largest grey level the format allows (255 or 65535; 16 for `digits`)
    class_names: one name per class, in the order of the labels; all different and none empty

    Raises ValueError on a wrong dtype or shape, an empty split, unequal numbers of images and
    labels, a label outside the classes, names that do not tell the classes apart, or a pixel
    above max_value.
    """

    name: str
    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    max_value: int
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        self._check_names()
        self._check_split("train", self.train_images, self.train_labels)
        self._check_split("test", self.test_images, self.test_labels)
        if self.train_images.shape[1:] != self.test_images.shape[1:]:
            raise ValueError(
                f"{self.name}: train images are {tuple(self.train_images.shape[1:])} and test "
                f"images {tuple(self.test_images.shape[1:])} (channels, height, width): both "
                "splits must come from the same data set."
            )

    @cached_property
    def train_sha256(self) -> str:
        """SHA-256 of the training images and labels: what a training is of."""
        return self._sha256(self.train_images, self.train_labels)

    @cached_property
    def test_sha256(self) -> str:
        """SHA-256 of the test images and labels: what distances are measured to."""
        return self._sha256(self.test_images, self.test_labels)

    def _sha256(self, images: Tensor, labels: Tensor) -> str:
        kind = f"{self.max_value} {self.num_classes}".encode()
        return tensors_sha256({"images": images, "labels": labels}, kind)

    @property
    def channels(self) -> int:
        """Channels of an image: 1 for grey, 3 for colour."""
        return int(self.train_images.shape[1])

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return int(self.train_images.shape[2]), int(self.train_images.shape[3])

    @property
    def num_classes(self) -> int:
        """Number of classes of the labels."""
        return len(self.class_names)

    def _check_names(self) -> None:
        for place, name in enumerate(self.class_names):
            if not isinstance(name, str) or not name.strip():
                raise ValueError(
                    f"{self.name}: class {place} is called {name!r}: class_names must be texts "
                    "that are not empty."
                )
            if name in self.class_names[:place]:
                raise ValueError(
                    f"{self.name}: two classes are called {name!r}: class_names must all be "
                    "different."
                )

    def _check_split(self, split: str, images: Tensor, labels: Tensor) -> None:
        where = f"{self.name}, {split} split"
        dtype = level_dtype(self.max_value)
        if images.dtype != dtype or images.ndim != 4 or images.numel() == 0:
            raise ValueError(
                f"{where}: images with grey levels 0..{self.max_value} must be a non-empty "
                f"{dtype} tensor of shape (n, channels, height, width), found {images.dtype} "
                f"{tuple(images.shape)}."
            )
        if labels.dtype != torch.int64 or labels.shape != images.shape[:1]:
            raise ValueError(
                f"{where}: labels must be int64 of shape ({len(images)},), one per image, found "
                f"{labels.dtype} {tuple(labels.shape)}."
            )
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= self.num_classes:
            raise ValueError(
                f"{where}: labels run from {low} to {high}, but there are {self.num_classes} "
                f"classes (0 to {self.num_classes - 1}): the label file belongs to other data."
            )
        _, brightest = level_range(images)
        if brightest > self.max_value:
            raise ValueError(
                f"{where}: the brightest pixel is {brightest}, above the format's "
                f"largest grey level {self.max_value}."
            )


class Events(NamedTuple):
    """Events x (n, *event), positive where they are data, and their classes.

    labels   int64 (n,), from 0; None where the events have no class, or none that matters
    """

    x: Tensor
    labels: Tensor | None
