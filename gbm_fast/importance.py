"""Importance sampling of the training times.

The loss is an expectation over r, uniform on [0, 1), of a function of the time t(r). Drawing r
with another density q and dividing by q(r) leaves the expectation as it is; the variance is least
for q in proportion to the root mean square of the loss there. Here q is constant on each of n
cells of [0, 1), in proportion to the loss of the best linear denoiser at the cell's centre,

    lambda(v) s^2 / (v (v + s^2)),

s the deviation of the log data (half of it, times the number of pixels, is the expected loss). For
the paper's loss, lambda = 1 and v = sigma^2 k / N, that is nearly 1 / k. A tenth of q is spread
evenly, so that no loss is multiplied by more than ten.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from gbm_fast.objectives import Weighting
from gbm_fast.process import Process

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
