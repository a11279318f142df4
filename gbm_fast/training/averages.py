"""The moving average of a network's weights."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Weights = tuple[Tensor, ...] | list[Tensor]


def _ramped(decay: float) -> Callable[[Weights, Weights, Tensor | int], None]:
    @torch.no_grad()
    def update(averaged: Weights, current: Weights, count: Tensor | int) -> None:
        n = int(count)
        weight = 1 - min(decay, (1 + n) / (10 + n))
        torch._foreach_lerp_(averaged, current, weight)

    return update


def moving_average(model: nn.Module, decay: float) -> AveragedModel:
    """The average of `model`'s weights, in eval mode: the first update copies them.

    After n updates the next one keeps the share min(decay, (1 + n) / (10 + n)), so that the first
    weights do not linger.
    """
    average = AveragedModel(model, multi_avg_fn=_ramped(decay), use_buffers=False)
    average.eval()
    return average
