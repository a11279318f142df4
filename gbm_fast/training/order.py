"""Which images a batch has: positions in an endless row of shuffled epochs."""

from functools import lru_cache

import torch
from torch import Tensor

from gbm_fast.runtime.random import Stream, permutation


# Two, since a batch may be the end of one epoch and the beginning of the next.
@lru_cache(maxsize=2)
def _epoch_order(seed: int, epoch: int, num_images: int) -> Tensor:
    """The shuffled images of one epoch, (num_images,); shared by the callers, never written to."""
    return permutation(seed, Stream.ORDER, epoch, num_images)


def batch_indices(seed: int, step: int, batch_size: int, num_images: int) -> Tensor:
    """The images of batch `step`, positions in an endless row of shuffled epochs; (batch,)."""
    positions = torch.arange(step * batch_size, (step + 1) * batch_size)
    epochs = positions // num_images
    indices = torch.empty_like(positions)
    for epoch in epochs.unique().tolist():
        chosen = epochs == epoch
        indices[chosen] = _epoch_order(seed, epoch, num_images)[positions[chosen] % num_images]
    return indices
