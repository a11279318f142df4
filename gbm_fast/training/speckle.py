"""The batches of a restorer's training: clean images, looks, and speckle of that many looks."""

import math

import numpy as np
import torch
from torch import Tensor

from gbm_fast.runtime.random import Stream, first_uniforms, key
from gbm_fast.settings.training import TrainConfig
from gbm_fast.training.batches import Batches, TrainingData

_LEAST = 1e-30  # a draw of few looks may be none of float32


def speckle_events(
    seed: int, stream: Stream, index: int, items: range, looks: Tensor, shape: tuple[int, ...]
) -> Tensor:
    """Draws of Gamma(L, rate L), float32 (len(items), *shape), L of each item from `looks` (n,).

    Item j is a function of (seed, stream, index, j, L): NumPy's gamma numbers of Philox, from the
    counter j * 2^128 on.
    """
    drawn = np.empty((len(items), *shape), np.float32)
    for row, item, count in zip(drawn, items, looks.tolist(), strict=True):
        source = np.random.Philox(key=key(seed, stream, index), counter=[0, 0, item, 0])
        row[:] = np.random.Generator(source).standard_gamma(count, shape) / count
    return torch.from_numpy(drawn).clamp_(min=_LEAST)


class SpeckleData(TrainingData):
    """Batches whose t are looks, evenly spread in log L, and whose z are draws of mean 1."""

    def __init__(self, config: TrainConfig, batches: Batches) -> None:
        self._config, self._batches = config, batches
        self._ahead = None

    def _draw_times(self, step: int) -> tuple[Tensor, Tensor]:
        config = self._config
        uniform = first_uniforms(config.seed, Stream.TIMES, step, config.batch_size)
        low, high = math.log(config.least_looks), math.log(config.most_looks)
        return (low + (high - low) * uniform).exp(), torch.ones_like(uniform)

    def _draw_noise(self, step: int, items: range, t: Tensor) -> Tensor:
        shape = self._batches.event_shape
        return speckle_events(self._config.seed, Stream.SPECKLE, step, items, t, shape)

    def describe(self, step: int, item: int) -> str:
        """One item of batch `step` in words, for messages."""
        config = self._config
        what = self._batches.describe(config.seed, step, config.batch_size, item)
        return f"number {item} ({what}, {float(self._draw_times(step)[0][item]):.3g} looks)"
