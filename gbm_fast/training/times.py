"""The laws that training times are drawn from, and importance sampling on top of them.

A law is a map t(r) from uniform numbers r (`build_times`). The loss is an expectation over r,
uniform on [0, 1), of a function of the time t(r). Drawing r with another density q and dividing by
q(r) leaves the expectation as it is; the variance is least for q in proportion to the root mean
square of the loss there. Here q is constant on each of n cells of [0, 1), in proportion to the
loss of the best linear denoiser at the cell's centre,

    lambda(v) s^2 / (v (v + s^2)),

s the deviation of the log data (half of it, times the number of pixels, is the expected loss). For
the paper's loss, lambda = 1 and v = sigma^2 k / N, that is nearly 1 / k. A tenth of q is spread
evenly, so that no loss is multiplied by more than ten.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from gbm_fast.objectives import (
    Weighting,
)
from gbm_fast.process import Process
from gbm_fast.settings.training import TrainConfig, noise_range
from gbm_fast.training.build import build_weighting

_EVEN_SHARE = 0.1


class ImportanceSampler:
    """From uniform numbers to numbers of density q on [0, 1), and their weights 1 / q.

    Args:
        expected: the loss expected at each cell's centre, (n,), positive up to a factor.
    """

    def __init__(self, expected: Tensor) -> None:
        share = expected.double() / expected.double().sum()
        self._share = (1 - _EVEN_SHARE) * share + _EVEN_SHARE / len(share)
        self._edges = self._share.cumsum(0)

    def __call__(self, uniform: Tensor) -> tuple[Tensor, Tensor]:
        """(r, 1 / q(r)) for `uniform` numbers in [0, 1), all float64 (batch,)."""
        count = len(self._share)
        cell = torch.searchsorted(self._edges, uniform, right=True).clamp(max=count - 1)
        share = self._share[cell]
        within = (uniform - (self._edges[cell] - share)) / share
        # Rounding must not lead out of the cell: for times k / N a cell is one k.
        inside = within.clamp(0, 1 - 1e-9)
        return (cell + inside) / count, 1 / (count * share)


def importance_sampler(
    times: Callable[[Tensor], Tensor],
    process: Process,
    weighting: Weighting,
    log_std: float,
    cells: int,
) -> ImportanceSampler:
    """The sampler for a law of times, given as a map from [0, 1), and a weighting of the loss."""
    v = process.log_var(times((torch.arange(cells, dtype=torch.float64) + 0.5) / cells))
    return ImportanceSampler(weighting(v) * log_std**2 / (v * (v + log_std**2)))


# The log-normal law of training noise levels (the shape is EDM's, Karras et al. 2022): its median
# in units of the data's log_std, and its deviation in log sqrt(v), wider than EDM's 1.2 because
# samplers also start from some 40 log_std.
_MEDIAN_LEVEL, _LEVEL_DEVIATION = 0.7, 1.6


def build_times(
    config: TrainConfig, process: Process, log_std: float
) -> Callable[[Tensor], Tensor]:
    """A map from uniform numbers in [0, 1), (batch,), to training times in (0, horizon].

    uniform      t = k horizon / N with k in 1..N, the paper's (k = 0 is singular: claim E9), or in
                 1..N-1 where the target is of the next level
    log-uniform  log sqrt(v) uniform over the run's noise range
    log-normal   log sqrt(v) normal round 0.7 log_std with deviation 1.6, cut to that range
    """
    low, high = (math.log(std) for std in noise_range(config))

    def uniform(r: Tensor) -> Tensor:
        levels = config.num_steps - (config.target_level == "next")
        index = (r.double() * levels).floor() + 1
        return index / config.num_steps * process.horizon

    def log_uniform(r: Tensor) -> Tensor:
        return process.time_at_log_var((2 * (low + (high - low) * r.double())).exp())

    def log_normal(r: Tensor) -> Tensor:
        normal = torch.distributions.Normal(
            torch.tensor(math.log(_MEDIAN_LEVEL * log_std), dtype=torch.float64), _LEVEL_DEVIATION
        )
        edges = normal.cdf(torch.tensor([low, high], dtype=torch.float64))
        level = normal.icdf(edges[0] + (edges[1] - edges[0]) * r.double()).clamp(low, high)
        return process.time_at_log_var((2 * level).exp())

    match config.times:
        case "uniform":
            return uniform
        case "log-uniform":
            return log_uniform
        case "log-normal":
            return log_normal


def target_times(config: TrainConfig, process: Process, t: Tensor) -> Tensor | None:
    """The times of the targets of data at `t`; None where they are these."""
    if config.target_level == "same":
        return None
    return (t + process.horizon / config.num_steps).clamp(max=process.horizon)


def build_importance(
    config: TrainConfig, process: Process, log_std: float
) -> ImportanceSampler | None:
    """The importance sampling of the times, where it is asked for; a cell a step of the grid."""
    if not config.importance:
        return None
    times, weighting = build_times(config, process, log_std), build_weighting(config, log_std)
    return importance_sampler(times, process, weighting, log_std, config.num_steps)
