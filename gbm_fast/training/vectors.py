"""The vectors of a table as batches."""

from dataclasses import replace
from functools import cached_property
from typing import Any

import torch

from gbm_fast.data.own.vectors import VectorData
from gbm_fast.data.statistics import DataStatistics, data_statistics
from gbm_fast.data.types import Events
from gbm_fast.training.batches import Batches
from gbm_fast.training.order import batch_indices


class VectorBatches(Batches):
    """The states of a table's training vectors, float32, in shuffled epochs.

    Args:
        data: the table.

    Raises ValueError where all numbers of a column are alike.
    """

    def __init__(self, data: VectorData) -> None:
        self._data = data
        self.event_shape = (len(data.columns),)
        self.max_value, self.num_classes = None, 0
        self.scale, self.columns = data.scale, data.columns
        self.log_mean, self.log_std = 0.0, 1.0  # what the scale makes of them

    @cached_property
    def statistics(self) -> DataStatistics:
        """What the samplers' starts need of the table."""
        x = self._data.positive(self._data.train)[..., None, None]  # columns as channels
        found = data_statistics(x, torch.zeros(len(x), dtype=torch.int64), 1)
        return replace(found, class_averages=found.class_averages[..., 0, 0])

    def facts(self) -> dict[str, Any]:
        """What a checkpoint says of the table; plain JSON."""
        hashes = {"train_sha256": self._data.train_sha256, "test_sha256": self._data.test_sha256}
        return super().facts() | hashes | {"columns": list(self.columns)}

    def draw(self, seed: int, step: int, batch_size: int, items: range) -> Events:
        """The `items` of batch `step`, (len(items), d), on the CPU."""
        indices = batch_indices(seed, step, batch_size, len(self._data.train))
        chosen = indices[items.start : items.stop]
        return Events(self._data.positive(self._data.train[chosen]), None)

    def describe(self, seed: int, step: int, batch_size: int, item: int) -> str:
        """What one item of a batch is, for messages."""
        indices = batch_indices(seed, step, batch_size, len(self._data.train))
        return f"training vector {int(indices[item])}"
