"""The data of a training as batches: batch `step` of a seed is a function of (seed, step) alone.

A run that is continued needs no position in its data, and each of several processes takes its own
items of a batch that is the same for any number of them. Events are positive; the moments are
those of all their logarithms taken together, which is what a `ScoreModel` standardises by. Where a
training is class-conditional the same events have labels.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import asdict
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gbm_fast.data import ImageData, positive_from_integers
from gbm_fast.data.positive import LogScale, state_from_pixels
from gbm_fast.data.statistics import DataStatistics, data_statistics, law_statistics
from gbm_fast.data.types import Events
from gbm_fast.process import Process
from gbm_fast.runtime.files import tensors_sha256
from gbm_fast.runtime.random import Stream, first_uniforms, normal_events
from gbm_fast.settings.training import NoiseName, Symmetries, TrainConfig
from gbm_fast.targets import LogNormal, LogNormalMixture
from gbm_fast.targets.components import drawn_classes, draws_from
from gbm_fast.training.order import batch_indices
from gbm_fast.training.pieces import Pieces
from gbm_fast.training.times import build_importance, build_times


class Batches(ABC):
    """What a training asks of its data."""

    event_shape: tuple[int, ...]
    """Shape of one event: (channels, height, width), or (d,)."""
    log_mean: float
    """Mean of the logarithms of all elements."""
    log_std: float
    """Their standard deviation."""
    max_value: int | None
    """The largest grey level; None where the events have none."""
    scale: LogScale | None = None
    """The scale of events in units of their own; None of grey levels, and of a law."""
    columns: tuple[str, ...] = ()
    """What the numbers of a vector are called; empty for other events."""
    num_classes: int
    """Classes of the labels; 0 where the events have none."""
    class_names: tuple[str, ...] = ()
    """What the classes of the data are called, in the order of their numbers; empty: by number."""
    law: LogNormalMixture | None = None
    """The law that events are drawn from; None where they are images."""

    @cached_property
    @abstractmethod
    def statistics(self) -> DataStatistics:
        """What the samplers' starts need of the data."""

    @abstractmethod
    def draw(self, seed: int, step: int, batch_size: int, items: range) -> Events:
        """The `items` of batch `step`, positive, (len(items), *event_shape), on the CPU."""

    @abstractmethod
    def describe(self, seed: int, step: int, batch_size: int, item: int) -> str:
        """What one item of a batch is, for messages."""

    def facts(self) -> dict[str, Any]:
        """What a checkpoint says of its data: shape, levels, moments, classes; plain JSON."""
        names = ("max_value", "log_mean", "log_std", "num_classes")
        facts = {"event_shape": list(self.event_shape)} | {n: getattr(self, n) for n in names}
        scale = None if self.scale is None else asdict(self.scale)
        return facts | {"class_names": list(self.class_names), "scale": scale}

    def require_same(self, facts: dict[str, Any]) -> None:
        """Raise ValueError unless `facts`, read from a checkpoint, are those of these data.

        The moments of the same images differ between machines by the order of a sum alone.
        """
        for name, now in self.facts().items():
            # Older checkpoints lack some: they had no classes, and laws that a name fixed.
            then = ({"num_classes": 0} | facts).get(name, now)
            if name == "train_sha256" and then != now:
                raise ValueError(
                    "the checkpoint is of other training images or labels than these: put them "
                    "back (--data-dir), or choose another run folder."
                )
            if name in ("test_sha256", "scale"):  # no step sees those, and these follow the images
                continue
            close = isinstance(now, float) and math.isclose(then, now, rel_tol=1e-9)
            if then != now and not close:
                raise ValueError(
                    f"the checkpoint is of other data ({name} {then}, now {now}): put them back, "
                    "or choose another run folder."
                )


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
        images = self._states(self._pieces.tiled(self._data.train_images))
        labels, classes = self._data.train_labels, self._data.num_classes
        labels = labels.repeat_interleave(len(images) // len(labels))
        return data_statistics(images, labels, classes, self._noise)

    def _states(self, images: Tensor) -> Tensor:
        """The states of images, by the scale of the batches."""
        return self._data.positive(images) if self.scale is None else self.scale.states(images)

    def facts(self) -> dict[str, Any]:
        hashes = {"train_sha256": self._data.train_sha256, "test_sha256": self._data.test_sha256}
        return super().facts() | hashes

    def draw(self, seed: int, step: int, batch_size: int, items: range) -> Events:
        indices = batch_indices(seed, step, batch_size, len(self._data.train_images))
        chosen = indices[items.start : items.stop]
        images = self._data.train_images[chosen]
        x = self._states(self._pieces.drawn(images, seed, step, items))
        labels = self._data.train_labels[chosen] if self.num_classes else None
        if self._noise == "additive":
            x = x.double()  # exp is rounded as late as the trainer rounds
        return Events(state_from_pixels(x, self._noise), labels)

    def describe(self, seed: int, step: int, batch_size: int, item: int) -> str:
        indices = batch_indices(seed, step, batch_size, len(self._data.train_images))
        return f"training image {int(indices[item])}"


def as_mixture(law: LogNormal | LogNormalMixture) -> LogNormalMixture:
    """A law as a mixture, of one component where it is a `LogNormal`."""
    if isinstance(law, LogNormalMixture):
        return law
    return LogNormalMixture(law.log_mean.new_ones(1), law.log_mean[None], law.log_cov[None])


def law_tensors(law: LogNormalMixture) -> dict[str, Tensor]:
    """The parameters of a law by name, on the CPU."""
    return {n: getattr(law, n).cpu() for n in ("weights", "log_means", "log_covs")}


def law_draws(
    law: LogNormalMixture,
    seed: int,
    index: int,
    count: int,
    streams: tuple[Stream, Stream] = (Stream.COMPONENT, Stream.LAW),
) -> tuple[Tensor, Tensor]:
    """Draws of a law (count, d) and the component that each is from, int64 (count,).

    streams   what the components and what the normal numbers are drawn from, at `index`
    """
    chosen = drawn_classes(law.weights, first_uniforms(seed, streams[0], index, count))
    z = normal_events(seed, streams[1], [index], range(count), (law.d,))[0]
    return draws_from(law, chosen, z), chosen


class LawBatches(Batches):
    """Endless independent draws of a law, float64, with its exact moments.

    Args:
        law: the law.
        with_labels: whether the batches have the component of a mixture that each draw is from.

    Raises ValueError for labels that are wanted of a law with one component.
    """

    law: LogNormalMixture

    def __init__(self, law: LogNormal | LogNormalMixture, with_labels: bool = False) -> None:
        if with_labels and isinstance(law, LogNormal):
            raise ValueError(
                "a class-conditional training needs a law with components, whose numbers are the "
                "labels: choose a lognormal-mixture-..., or leave --class-conditional out."
            )
        self.event_shape = (law.d,)
        self.max_value = None
        self.law = law = as_mixture(law)
        self.num_classes = len(law.weights) if with_labels else 0
        mean = law.weights @ law.log_means.mean(1)
        squares = law.log_means.square() + law.log_covs.diagonal(dim1=1, dim2=2)
        self.log_mean = float(mean)
        self.log_std = float((law.weights @ squares.mean(1) - mean.square()).sqrt())

    @cached_property
    def statistics(self) -> DataStatistics:
        return law_statistics(self.law)

    def facts(self) -> dict[str, Any]:
        return super().facts() | {"law_sha256": tensors_sha256(law_tensors(self.law))}

    def draw(self, seed: int, step: int, batch_size: int, items: range) -> Events:
        rows = slice(items.start, items.stop)
        # The whole batch: the last digits of products may depend on how many are made.
        x, labels = law_draws(self.law, seed, step, batch_size)
        return Events(x[rows], labels[rows] if self.num_classes else None)

    def describe(self, seed: int, step: int, batch_size: int, item: int) -> str:
        (value,) = self.draw(seed, step, batch_size, range(item, item + 1)).x.tolist()
        return f"the draw {value}"


class Batch(NamedTuple):
    """Some items of a batch: x0, z (n, *event), t and the weights of the loss (n,).

    labels   int64 (n,), the classes of x0, or the number of classes for an item that is learned
             without its own; None where the training is not class-conditional
    """

    x0: Tensor
    t: Tensor
    z: Tensor
    weights: Tensor
    labels: Tensor | None

    def part(self, rows: slice) -> "Batch":
        """These rows of everything."""
        labels = None if self.labels is None else self.labels[rows]
        return Batch(self.x0[rows], self.t[rows], self.z[rows], self.weights[rows], labels)

    def pinned(self) -> "Batch":
        """In memory from which a GPU copies while the CPU goes on."""
        x0, t, z, weights = (part.pin_memory() for part in self[:4])
        labels = None if self.labels is None else self.labels.pin_memory()
        return Batch(x0, t, z, weights, labels)


class TrainingData:
    """The batches of a training with their times and noise, on the CPU.

    One batch may be drawn ahead, while a device is at work.
    """

    def __init__(self, config: TrainConfig, batches: Batches, process: Process) -> None:
        self._config, self._batches, self._process = config, batches, process
        self._times = build_times(config, process, batches.log_std)
        self._importance = build_importance(config, process, batches.log_std)
        self._ahead: tuple[int, range, Batch] | None = None

    def _draw_times(self, step: int) -> tuple[Tensor, Tensor]:
        """Times and weights of the whole batch, float64 (batch,)."""
        config = self._config
        uniform = first_uniforms(config.seed, Stream.TIMES, step, config.batch_size)
        if self._importance is None:
            return self._times(uniform), torch.ones_like(uniform)
        r, weights = self._importance(uniform)
        return self._times(r), weights

    def _draw_noise(self, step: int, items: range, t: Tensor) -> Tensor:
        """The noise of the `items` of batch `step` at their times t, float32 (n, *event)."""
        shape = self._batches.event_shape
        return normal_events(self._config.seed, Stream.NOISE, [step], items, shape)[0]

    def draw(self, step: int, items: range) -> Batch:
        """The `items` of batch `step`: x0 as the data are, z float32, t and weights float64."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[:2] == (step, items):
            return ahead[2]
        config, rows = self._config, slice(items.start, items.stop)
        t, weights = self._draw_times(step)
        z = self._draw_noise(step, items, t[rows])
        x0, labels = self._batches.draw(config.seed, step, config.batch_size, items)
        return Batch(x0, t[rows], z, weights[rows], self._told(step, rows, labels))

    def _told(self, step: int, rows: slice, labels: Tensor | None) -> Tensor | None:
        """The labels that the network is told: for some items the number that stands for none."""
        config = self._config
        if labels is None or not config.label_dropout:
            return labels
        drawn = first_uniforms(config.seed, Stream.LABEL_DROPOUT, step, config.batch_size)[rows]
        return labels.masked_fill(drawn < config.label_dropout, self._batches.num_classes)

    def draw_ahead(self, step: int, items: range, pin: bool = False) -> None:
        """Draw these items now, in pinned memory if wanted, for the next call of `draw`."""
        batch = self.draw(step, items)
        self._ahead = step, items, batch.pinned() if pin else batch

    def describe(self, step: int, item: int) -> str:
        """One item of batch `step` in words, for messages."""
        config = self._config
        what = self._batches.describe(config.seed, step, config.batch_size, item)
        t, _ = self._draw_times(step)
        noise = float(self._process.log_var(t[item])) ** 0.5
        return f"number {item} ({what}, noise level {noise:.3g})"
