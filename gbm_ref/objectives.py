"""Multiplicative denoising score matching (M-DSM).

    loss = E_{X_0, z}  lambda(v) / 2  | h_target - h_model(X_t, t) |^2
    X_t = X_0 * exp(m + sqrt(v) z),    h_target = x * grad log p(x_t | x_0) = -1 - z / sqrt(v)

Eqs. (15) and (16) of version 2; sheet A15, A16 (the target in terms of z: sheet R4). The variance
of h_target is 1 / v, so the unweighted loss of the paper is dominated by the smallest times
(sheet E9); lambda = v makes it finite.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.process import Process
from gbm_ref.steps import Score

Weighting = Callable[[float], float]


class MDSMLoss(NamedTuple):
    """The loss and its terms: a number, (...), (..., d) and (..., d)."""

    loss: float
    per_sample: Array
    h_model: Array
    h_target: Array


def unweighted(v: float) -> float:
    """lambda = 1: the loss as the paper prints it."""
    return 1.0


def variance_weighting(v: float) -> float:
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
        object.__setattr__(self, "log_std", _checks.positive_number(self.log_std, "log_std"))

    def __call__(self, v: float) -> float:
        return v * (1.0 + v / self.log_std**2)


def m_dsm(
    model: Score,
    x0: Values,
    t: float,
    z: Values,
    process: Process,
    weighting: Weighting = unweighted,
) -> MDSMLoss:
    """The M-DSM loss of a batch at one time.

    model      callable (x, t) -> h of the shape of x
    x0         (..., d), positive data; the mean is taken over the leading axes
    t          a number in (0, horizon]: at t = 0 the target is 0 / 0 (sheet E9)
    z          standard normal draws of the shape of x0
    weighting  v(t) -> lambda, `unweighted` as in the paper by default

    Raises ValueError for t = 0, a non-positive x0 or shapes that differ.
    """
    start = _checks.positive_array(x0, "x0")
    if start.ndim == 0 or start.size == 0:
        raise ValueError(f"x0 must have shape (..., d) and hold data, got {start.shape}")
    noise = _checks.like(z, start, "z", "x0")
    v = process.log_var(t)
    if v == 0.0:
        raise ValueError("the loss is singular at t=0, where v=0: sample t above 0")
    x_t = process.sample(start, t, noise)
    h_target = -1.0 - noise / math.sqrt(v)
    h_model = _checks.like(model(x_t, float(t)), x_t, "the model's score", "x0")
    per_sample = np.asarray(weighting(v) * 0.5 * np.sum((h_target - h_model) ** 2, axis=-1))
    return MDSMLoss(float(np.mean(per_sample)), per_sample, h_model, h_target)
