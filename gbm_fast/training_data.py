"""What a step of training draws: data, times, noise, weights and labels, from (seed, step).

All of a batch's times and noise are drawn in every process, which costs little, and then cut: a
part of them drawn alone would be other numbers. So a batch is the same for any number of
processes.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from gbm_fast.batches import Batches
from gbm_fast.build import build_importance, build_times
from gbm_fast.config import TrainConfig
from gbm_fast.noise import Stream, generator
from gbm_fast.process import Process


class Batch(NamedTuple):
    """Some items of a batch: x0, z (n, *event), t and the weights of the loss (n,).

    labels   int64 (n,), the classes of x0; None where the training is not class-conditional
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

    def _draw_times(self, source: torch.Generator) -> tuple[Tensor, Tensor]:
        """Times and weights of the whole batch, float64 (batch,)."""
        uniform = torch.rand(self._config.batch_size, generator=source, dtype=torch.float64)
        if self._importance is None:
            return self._times(uniform), torch.ones_like(uniform)
        r, weights = self._importance(uniform)
        return self._times(r), weights

    def draw(self, step: int, items: range) -> Batch:
        """The `items` of batch `step`: x0 as the data are, z float32, t and weights float64."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[:2] == (step, items):
            return ahead[2]
        config, rows = self._config, slice(items.start, items.stop)
        source = generator(config.seed, Stream.BATCH, step)
        t, weights = self._draw_times(source)
        z = torch.randn((config.batch_size, *self._batches.event_shape), generator=source)
        x0, labels = self._batches.draw(config.seed, step, config.batch_size, items)
        return Batch(x0, t[rows], z[rows], weights[rows], labels)

    def draw_ahead(self, step: int, items: range, pin: bool = False) -> None:
        """Draw these items now, in pinned memory if wanted, for the next call of `draw`."""
        batch = self.draw(step, items)
        self._ahead = step, items, batch.pinned() if pin else batch

    def describe(self, step: int, item: int) -> str:
        """One item of batch `step` in words, for messages."""
        config = self._config
        what = self._batches.describe(config.seed, step, config.batch_size, item)
        t, _ = self._draw_times(generator(config.seed, Stream.BATCH, step))
        noise = float(self._process.log_var(t[item])) ** 0.5
        return f"number {item} ({what}, noise level {noise:.3g})"
