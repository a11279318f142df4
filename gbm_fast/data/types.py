"""What data are in memory: an image data set, and events with their classes.

Images are stored as the integers of the files, u in {0, ..., max_value}, 8 or 16 bits wide; the
positive numbers x = 1 + u / max_value in [1, 2] that the diffusion works on are made by
`gbm_fast.data.positive_from_integers` (Section 6 of version 1; claim E24), which keeps
every pixel away from zero, which geometric Brownian motion can neither leave nor reach. Images of
positive numbers in units of their own are stored as they are, and only their scale is taken out
(`gbm_fast.data.positive`).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from gbm_fast.checks import require_positive
from gbm_fast.data.positive import (
    LogScale,
    level_dtype,
    level_range,
    positive_from_integers,
    scale_of_images,
)
from gbm_fast.runtime.files import tensors_sha256


@dataclass(frozen=True, eq=False)
class ImageData:
    """Train and test images of one data set, on the CPU.

    name: what tables and file names call it: one of `gbm_fast.data.DATASETS`, or that and the
        name of the user's folder or file
    train_images, test_images: (n, channels, height, width), values 0..max_value; uint8 where
        max_value <= 255, else uint16, which takes two bytes a pixel but has few operations in
        torch (indexing and conversion, no min or max); of images in units of their own float32
        and positive, with any number of channels
    train_labels, test_labels: int64, (n,), values 0..num_classes-1
    max_value: the largest grey level the format allows (255 or 65535; 16 for `digits`); None for
        images in units of their own
    class_names: one name per class, in the order of the labels; all different and none empty

    Raises ValueError on a wrong dtype or shape, an empty split, unequal numbers of images and
    labels, a label outside the classes, names that do not tell the classes apart, a pixel above
    max_value, or one in units of its own that is not positive and finite.
    """

    name: str
    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    max_value: int | None
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

    @cached_property
    def scale(self) -> LogScale | None:
        """The scale of the training images in units of their own; None of grey levels.

        Raises ValueError where all their pixels are alike.
        """
        return None if self.max_value is not None else scale_of_images(self.train_images)

    def positive(self, images: Tensor) -> Tensor:
        """The state x of images of this data set, float32, of their shape.

        In [1, 2] of grey levels; of units of their own by the scale of the training images.
        """
        if self.max_value is None:
            assert self.scale is not None
            return self.scale.states(images)
        return positive_from_integers(images, self.max_value)

    def grey_levels(self) -> int:
        """`max_value`; ValueError for images in units of their own, which have no grey levels."""
        if self.max_value is None:
            raise ValueError(
                f"{self.name} is in units of its own, for which there are no features to measure "
                "distances with: compare its marginals with gbm_fast.marginal_distances."
            )
        return self.max_value

    @property
    def channels(self) -> int:
        """Channels of an image: 1 for grey, 3 for colour; of other data as many as they have."""
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
        levels = self.max_value is not None
        dtype = level_dtype(self.max_value) if self.max_value is not None else torch.float32
        if images.dtype != dtype or images.ndim != 4 or images.numel() == 0:
            kind = f"with grey levels 0..{self.max_value}" if levels else "in units of their own"
            raise ValueError(
                f"{where}: images {kind} must be a non-empty {dtype} tensor of shape "
                f"(n, channels, height, width), found {images.dtype} {tuple(images.shape)}."
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
        if self.max_value is None:
            require_positive(images, f"{where}: images")
            return
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
