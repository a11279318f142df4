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

import torch
from torch import Tensor

from gbm_fast.data.positive import LogScale
from gbm_fast.data.statistics import DataStatistics, law_statistics
from gbm_fast.data.types import Events
from gbm_fast.process import Process
from gbm_fast.runtime.files import tensors_sha256
from gbm_fast.runtime.random import Stream, first_uniforms, normal_events
from gbm_fast.settings.training import TrainConfig
from gbm_fast.targets import LogNormal, LogNormalMixture
from gbm_fast.targets.components import drawn_classes, draws_from
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
