"""Multiplicative denoising score matching, M-DSM (torch).

    loss = E_{X_0, z}  lambda(v) / 2  | h_target - h_model(X_t, t) |^2
    X_t = X_0 * exp(m + sqrt(v) z),    h_target = x * grad log p(x_t | x_0) = -1 - z / sqrt(v)

Eqs. (15) and (16) of version 2; sheet A15, A16 (the target in terms of z: sheet R4). Here `x0` is
(batch, *event), the squared norm runs over the event, and the mean over the batch.

The variance of h_target is 1 / v, so the unweighted loss of the paper is dominated by the smallest
times: its mean square over a uniform grid grows like log N, half of it from a few steps (sheet
E9). lambda = v makes each time's target have variance 1. The training command's default is
`PreconditionedWeighting`, which in addition gives a preconditioned denoiser a target of unit
variance at *every* noise level, including v much larger than the data's variance.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from gbm_fast.checks import positive_number, require_same_shape
from gbm_fast.process import Process, Time
from gbm_fast.shapes import expand_like

Weighting = Callable[[Tensor], Tensor]
"""lambda: log-variances v, 0-d or (batch,), to weights of the same shape."""


class MDSMLoss(NamedTuple):
    """The loss and its terms: 0-d, (batch,), and twice (batch, *event)."""

    loss: Tensor
    per_sample: Tensor
    h_model: Tensor
    h_target: Tensor


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
        return v * (1 + v / self.log_std**2)


def m_dsm(
    model: Callable[[Tensor, Time], Tensor],
    x0: Tensor,
    t: Time,
    z: Tensor,
    process: Process,
    weighting: Weighting = unweighted,
) -> MDSMLoss:
    """The M-DSM loss of a batch.

    model      callable (x, t) -> h of the shape of x
    x0         (batch, *event), positive data
    t          a number, or (batch,), in (0, horizon]: at t = 0 the target is 0 / 0 (sheet E9)
    z          standard normal draws of the shape of x0
    weighting  v(t) -> lambda, `unweighted` as in the paper by default

    Raises ValueError for t = 0, a non-positive or non-finite x0, or shapes that differ.
    """
    v = process.log_var(t)
    if not bool((v > 0).all()):
        raise ValueError("the loss is singular at t = 0, where v = 0: sample t above 0.")
    x_t = process.sample(x0, t, z)
    h_target = -1 - z / expand_like(v.sqrt(), x0).to(x0)
    h_model = model(x_t, t)
    require_same_shape(x_t, h_model, "the model's score")
    squared = (h_target - h_model).square().flatten(1).sum(1)
    per_sample = weighting(v).to(x0) * 0.5 * squared
    return MDSMLoss(per_sample.mean(), per_sample, h_model, h_target)
