"""The training images of a data set as batches."""

from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gbm_fast.data import ImageData, positive_from_integers
from gbm_fast.data.positive import LogScale, state_from_pixels
from gbm_fast.data.statistics import DataStatistics, data_statistics
from gbm_fast.data.types import Events
from gbm_fast.settings.training import NoiseName, Symmetries
from gbm_fast.training.batches import Batches
from gbm_fast.training.order import batch_indices
from gbm_fast.training.pieces import Pieces


def _log_moments(data: ImageData, noise: NoiseName) -> tuple[float, float]:
    """Mean and deviation of the logarithms of all states, by counting the grey levels.

    All images as float64 would take eight times their memory, in every process. In units of their
    own they are 0 and 1 (`LogScale`). Raises ValueError where all pixels have one level.
    """
    if data.max_value is None:
        return 0.0, 1.0
    counts = np.zeros(data.max_value + 1)
    for images in data.train_images.split(4096):
        counts += np.bincount(images.numpy().ravel(), minlength=len(counts))
    if np.count_nonzero(counts) == 1:
        raise ValueError(
            f"all pixels of the training images of {data.name} are {int(counts.argmax())}: there "
            "is nothing to learn; use other images."
        )
    levels = positive_from_integers(torch.arange(len(counts)), data.max_value)
    logs = state_from_pixels(levels.double(), noise).log().numpy()
    mean = float(counts @ logs / counts.sum())
    variance = counts @ (logs - mean) ** 2 / (counts.sum() - 1)
    return mean, float(variance**0.5)


def _require_classes(data: ImageData) -> int:
    """The number of classes of a class-conditional training on `data`, each with an image."""
    if data.num_classes < 2:
        raise ValueError(
            f"a class-conditional training needs labels, and all images of {data.name} are of one "
            "class: use a data set with classes (a folder with a sub-folder for each), or leave "
            "--class-conditional out."
        )
    empty = (data.train_labels.bincount(minlength=data.num_classes) == 0).nonzero()
    if len(empty):
        raise ValueError(
            f"{data.name} has no training image of the class {data.class_names[int(empty[0])]!r}: "
            "a class-conditional training needs some of each."
        )
    return data.num_classes


class ImageBatches(Batches):
    """The states of a data set's training images, float32, in shuffled epochs.

    Args:
        data: the data set.
        with_labels: whether the batches have the images' labels, 0..num_classes-1.
        noise: multiplicative, of the images mapped to [1, 2], or additive, of exp of these; gamma,
            of images in units of their own, of which the mean of the logarithm alone is taken out.
        crop: the side of the pieces that batches have in place of whole images.
        symmetries: which turned and mirrored images are as good as the images themselves.

    Raises ValueError for labels that are wanted of data with one class, or with a class that has
    no training image, for images of which all pixels are equal, and for additive noise on images
    in units of their own.
    """

    def __init__(
        self,
        data: ImageData,
        with_labels: bool = False,
        noise: NoiseName = "multiplicative",
        crop: int | None = None,
        symmetries: Symmetries = "none",
    ) -> None:
        if noise == "additive" and data.max_value is None:
            raise ValueError(
                f"noise additive is for grey levels, and {data.name} is in units of its own: "
                "leave noise out."
            )
        if noise == "gamma" and data.max_value is not None:
            raise ValueError(
                f"noise gamma is for intensities, and {data.name} has grey levels: pass --range "
                "data, and --zeros floor where there are zeros."
            )
        self._data, self._noise = data, noise
        self._pieces = Pieces(data.image_size, crop, symmetries)
        self.scale = data.scale
        self.num_classes = _require_classes(data) if with_labels else 0
        self.event_shape = (data.channels, *self._pieces.size)
        self.class_names = data.class_names
        self.max_value = data.max_value
        self.log_mean, self.log_std = _log_moments(data, noise)
        if noise == "gamma" and self.scale is not None:
            # Speckle of a power of the intensities is no gamma: the deviation is left in.
            self.log_std = self.scale.log_stds[0]
            self.scale = LogScale(self.scale.log_means, (1.0,) * data.channels)

    @cached_property
    def statistics(self) -> DataStatistics:
        """Of all training images, or of the pieces of them that lie side by side."""
        images = self._states(self._pieces.tiled(self._data.train_images))
        labels, classes = self._data.train_labels, self._data.num_classes
        labels = labels.repeat_interleave(len(images) // len(labels))
        return data_statistics(images, labels, classes, self._noise)

    def _states(self, images: Tensor) -> Tensor:
        """The states of images, by the scale of the batches."""
        return self._data.positive(images) if self.scale is None else self.scale.states(images)

    def facts(self) -> dict[str, Any]:
        """As of every data set, with the hashes of images and labels."""
        hashes = {"train_sha256": self._data.train_sha256, "test_sha256": self._data.test_sha256}
        return super().facts() | hashes

    def draw(self, seed: int, step: int, batch_size: int, items: range) -> Events:
        """The `items` of batch `step`: images in shuffled epochs, or pieces of them."""
        indices = batch_indices(seed, step, batch_size, len(self._data.train_images))
        chosen = indices[items.start : items.stop]
        images = self._data.train_images[chosen]
        x = self._states(self._pieces.drawn(images, seed, step, items))
        labels = self._data.train_labels[chosen] if self.num_classes else None
        if self._noise == "additive":
            x = x.double()  # exp is rounded as late as the trainer rounds
        return Events(state_from_pixels(x, self._noise), labels)

    def describe(self, seed: int, step: int, batch_size: int, item: int) -> str:
        """The number of a training image."""
        indices = batch_indices(seed, step, batch_size, len(self._data.train_images))
        return f"training image {int(indices[item])}"
