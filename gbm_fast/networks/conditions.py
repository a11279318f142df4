"""How a network is told the noise level: maps from the log-variance v to its second argument.

v has any shape, and the result has the same: 0-d or (batch,) for one evaluation, (rows,) where a
sampler prepares all of its rows at once.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

Condition = Callable[[Tensor], Tensor]
"""v -> the network's second argument, of the shape of v."""


def log_variance(v: Tensor) -> Tensor:
    """log(v) / 4, for networks that take any noise level and so serve every process."""
    return v.log() / 4


class LevelIndex(nn.Module):
    """The index of the level of a training grid that is nearest to v in log v, an int64 each.

    For networks with parameters of their own for each of N levels (`NCSNDeeper`). Only these
    parameters are those of the nearest level: the network's input and the parameterisation use v
    itself. So v between two levels is served, with a score that jumps half-way between them.

    Args:
        log_vars: v of the levels (N,), increasing and positive: for the paper's grid sigma^2 k / N
            with k = 1..N, so that level k has index k - 1.

    Raises ValueError for levels that are not so, and from `forward` for a v below the first or
    above the last level by more than rounding (1e-5 v): the network has not seen it.
    """

    def __init__(self, log_vars: Tensor) -> None:
        super().__init__()
        levels = log_vars.double()
        if levels.ndim != 1 or len(levels) == 0 or not bool((levels > 0).all()):
            raise ValueError("log_vars must be positive numbers (N,), with N of 1 or more.")
        if not bool((levels.diff() > 0).all()):
            raise ValueError("log_vars must increase from level to level.")
        self.low, self.high = float(levels[0]), float(levels[-1])
        # Half-way between neighbours in log v; no part of a checkpoint, since the settings fix it.
        edges = (levels[1:] * levels[:-1]).sqrt().float()
        self.register_buffer("edges", edges, persistent=False)

    def forward(self, v: Tensor) -> Tensor:
        least, greatest = (float(part) for part in v.aminmax())
        if not (self.low * (1 - 1e-5) <= least and greatest <= self.high * (1 + 1e-5)):
            raise ValueError(
                f"the network has levels for v in [{self.low:g}, {self.high:g}] and was asked for "
                f"v in [{least:g}, {greatest:g}]: sample within the levels of its training."
            )
        return torch.bucketize(v.float(), self.get_buffer("edges"))
