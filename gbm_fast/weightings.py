"""The weights lambda of the losses in `objectives`, as functions of the log-variance v (torch).

The variance of the M-DSM target is 1 / v, so the unweighted loss of the paper is dominated by the
smallest times: its mean square over a uniform grid grows like log N, half of it from a few steps
(sheet E9). lambda = v makes each time's target have variance 1. The training command's default is
`PreconditionedWeighting`, which in addition gives a preconditioned denoiser a target of unit
variance at *every* noise level, including v much larger than the data's variance.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gbm_fast.checks import positive_number
from gbm_fast.process import Process

Weighting = Callable[[Tensor], Tensor]
"""lambda: log-variances v, 0-d or (batch,), to weights of the same shape."""


def unweighted(v: Tensor) -> Tensor:
    """lambda = 1: the loss as the paper prints it."""
    return torch.ones_like(v)


def variance_weighting(v: Tensor) -> Tensor:
    """lambda = v: a regression of the noise z with equal weight at every time (sheet R4)."""
    return v


@dataclass(frozen=True)
class PreconditionedWeighting:
    """lambda = v (1 + v / log_std^2): the EDM weighting for data of log-deviation log_std > 0.

    In terms of the denoiser the weight is (v + log_std^2) / (v log_std^2), which gives a
    preconditioned network a target of unit variance at every time (Karras et al. 2022).
    """

    log_std: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "log_std", positive_number(self.log_std, "log_std"))

    def __call__(self, v: Tensor) -> Tensor:
        """lambda at log-variances v >= 0, of their shape."""
        return v * (1 + v / self.log_std**2)


@dataclass(frozen=True)
class LikelihoodWeighting:
    """lambda = sigma(t)^2 at the t with v(t) = v: the weighting of the divergence (sheet R20).

    With it the integral of M-ESM over [0, T] bounds what a wrong score costs,

        KL(p_0 || p_model) <= KL(p_T || start) + integral over [0, T] of M-ESM dt,

    where the model runs the reverse SDE exactly. The same integral of M-DSM diverges at 0 as that
    of 1 / t does (sheet R4): start above t = 0, and draw times with a density like 1 / t.

    process  any process; v in [0, v(T)], ValueError otherwise
    """

    process: Process

    def __call__(self, v: Tensor) -> Tensor:
        """lambda at log-variances v, of their shape."""
        return self.process.diffusion(self.process.time_at_log_var(v)).square()
