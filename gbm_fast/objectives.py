"""Multiplicative score matching: denoising (M-DSM), explicit (M-ESM) and implicit (torch).

    M-DSM     E_{X_0, z}  lambda / 2 | h_target - h_model(X_t, t) |^2,  h_target = -1 - z / sqrt(v)
    M-ESM     E_{X_t}     lambda / 2 | h(X_t, t) - h_model(X_t, t) |^2
    implicit  E_{X_t}     lambda sum_i { h_i^2 / 2 + h_i + x_i d_i h_i }     (h the model)

with X_t = X_0 * exp(m + sqrt(v) z), h = x * grad log p_t and h_target = x * grad log p(x_t | x_0):
eqs. (14) to (16) of version 2; claims A14 to A16, R4, R18. They differ by constants that do not
depend on the model, so their gradients agree (Theorem 4.1 of version 2; the implicit form by
parts, if x_i p h_i vanishes at the ends). Data are (batch, *event), squared norms and sums run
over the event, means over the batch, and `loss` is the mean of `per_sample`, which carries the
weight lambda. Differentiable in the model's parameters and in the data.

The weights are functions of the log-variance v. The variance of the M-DSM target is 1 / v, so the
unweighted loss of the paper is dominated by the smallest times: its mean square over a uniform
grid grows like log N, half of it from a few steps (claim E9). lambda = v makes each time's target
have variance 1. The training command's default is `PreconditionedWeighting`, which in addition
gives a preconditioned denoiser a target of unit variance at *every* noise level, including v much
larger than the data's variance.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from gbm_fast.checks import (
    has_values,
    like,
    positive_number,
    require_positive,
    require_tensor,
)
from gbm_fast.process import Process, Time
from gbm_fast.process.coordinates import log_vars
from gbm_fast.scores import ScoreFunction, conditional_hyvarinen_score, exact_score
from gbm_fast.shapes import expand_like
from gbm_fast.targets import Target

Weighting = Callable[[Tensor], Tensor]
"""lambda: log-variances v, 0-d or (batch,), to weights of the same shape."""


def unweighted(v: Tensor) -> Tensor:
    """lambda = 1: the loss as the paper prints it."""
    return torch.ones_like(v)


def variance_weighting(v: Tensor) -> Tensor:
    """lambda = v: a regression of the noise z with equal weight at every time (claim R4)."""
    return v


def squared_variance_weighting(v: Tensor) -> Tensor:
    """lambda = v^2: what the loss of the authors' code amounts to (claim coded-weight)."""
    return v**2


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
    """lambda = sigma(t)^2 at the t with v(t) = v: the weighting of the divergence (claim R20).

    With it the integral of M-ESM over [0, T] bounds what a wrong score costs,

        KL(p_0 || p_model) <= KL(p_T || start) + integral over [0, T] of M-ESM dt,

    where the model runs the reverse SDE exactly. The same integral of M-DSM diverges at 0 as that
    of 1 / t does (claim R4): start above t = 0, and draw times with a density like 1 / t.

    process  any process; v in [0, v(T)], ValueError otherwise
    """

    process: Process

    def __call__(self, v: Tensor) -> Tensor:
        """lambda at log-variances v, of their shape."""
        return self.process.diffusion(self.process.time_at_log_var(v)).square()


__all__ = [
    "ImplicitLoss",
    "LikelihoodWeighting",
    "MDSMLoss",
    "MESMLoss",
    "PreconditionedWeighting",
    "Weighting",
    "implicit_m_esm",
    "m_dsm",
    "m_esm",
    "nonnegative_score_matching",
    "squared_variance_weighting",
    "unweighted",
    "variance_weighting",
]


class MDSMLoss(NamedTuple):
    """The M-DSM loss and its terms: 0-d, (batch,), and twice (batch, *event)."""

    loss: Tensor
    per_sample: Tensor
    h_model: Tensor
    h_target: Tensor


class MESMLoss(NamedTuple):
    """The M-ESM loss and its terms: 0-d, (batch,), and twice (batch, *event)."""

    loss: Tensor
    per_sample: Tensor
    h_model: Tensor
    h_exact: Tensor


class ImplicitLoss(NamedTuple):
    """The implicit loss and its terms: 0-d, (batch,), and three sums over the event (batch,)."""

    loss: Tensor
    per_sample: Tensor
    square: Tensor
    linear: Tensor
    slope: Tensor


def m_dsm(
    model: Callable[[Tensor, Time], Tensor],
    x0: Tensor,
    t: Time,
    z: Tensor,
    process: Process,
    weighting: Weighting = unweighted,
    target_t: Time | None = None,
) -> MDSMLoss:
    """The M-DSM loss of a batch: eq. (15) of version 2; claim A15.

    model      callable (x, t) -> h of the shape of x
    x0         (batch, *event), positive data
    t          a number, or (batch,), in (0, horizon]: at t = 0 the target is 0 / 0 (claim E9)
    z          standard normal draws of the shape of x0
    weighting  v -> lambda, `unweighted` as in the paper by default
    target_t   the time of the target and its weight, where it is not that of the data: one level
               later in the authors' code (claim coded-level)

    Raises ValueError for t = 0, a non-positive or non-finite x0, or shapes that differ.
    """
    _require_batch(x0, "x0")
    target_t = t if target_t is None else target_t
    v, noise = log_vars(process, target_t), like(x0, z, "z")
    if has_values(v) and not bool((v > 0).all()):
        raise ValueError("the loss is singular at t = 0, where v = 0: sample t above 0.")
    x_t = process.sample(x0, t, noise)
    if target_t is t:
        h_target = -1 - noise / expand_like(v.sqrt(), x0).to(x0)
    else:
        h_target = conditional_hyvarinen_score(x_t, x0, process, target_t)
    h_model = like(x_t, model(x_t, t), "the model's score")
    per_sample = _weighted(0.5 * (h_target - h_model).square(), weighting(v))
    return MDSMLoss(per_sample.mean(), per_sample, h_model, h_target)


def m_esm(
    model: ScoreFunction,
    target: Target,
    x: Tensor,
    t: Time,
    process: Process,
    weighting: Weighting = unweighted,
) -> MESMLoss:
    """The M-ESM loss of draws from p_t: eq. (14) of version 2; claim A14.

    M-DSM exceeds it by a floor that does not depend on the model (claim R4b).

    model      callable (x, t) -> h of the shape of x
    target     the law of X_0, whose event has target.d elements; its exact score at t is known
    x          (batch, *event), positive; draws of X_t, so that the mean estimates the expectation
    t          a number, or (batch,), in [0, horizon], where the diffused target has a density
    weighting  v(t) -> lambda

    Raises ValueError for a non-positive x, another d, shapes that differ or a target without a
    density at t.
    """
    _require_batch(x, "x")
    h_exact = exact_score(target, process)(x, t)
    h_model = like(x, model(x, t), "the model's score")
    weight = weighting(log_vars(process, t))
    per_sample = _weighted(0.5 * (h_exact - h_model).square(), weight)
    return MESMLoss(per_sample.mean(), per_sample, h_model, h_exact)


def implicit_m_esm(
    model: ScoreFunction,
    slope: ScoreFunction,
    x: Tensor,
    t: Time,
    process: Process,
    weighting: Weighting = unweighted,
) -> ImplicitLoss:
    """M-ESM without the exact score, up to a constant, by parts (claim R18).

        lambda sum_i { h_i^2 / 2 + h_i + x_i d_i h_i }  =  M-ESM - lambda E|h_exact|^2 / 2

    model      callable (x, t) -> h of the shape of x
    slope      callable (x, t) -> x_i dh_i / dx_i, the diagonal of the derivative in log x, of the
               shape of x; `likelihood.log_score_slope` makes it from a model by autograd
    x          (batch, *event), positive; draws of X_t
    t          a number, or (batch,), in [0, horizon]; the implicit form needs no density formula,
               so t = 0 is score matching of the data themselves
    weighting  v(t) -> lambda

    The equality needs p x_i h_i -> 0 at 0 and at infinity (claim R18). Raises ValueError for a
    non-positive x or shapes that differ.
    """
    _require_batch(x, "x")
    h = like(x, model(x, t), "the model's score")
    dh = like(x, slope(x, t), "the slope of the model's score")
    return _implicit(weighting(log_vars(process, t)), (0.5 * h.square(), h, dh))


def nonnegative_score_matching(stein: Tensor, slope: Tensor, x: Tensor) -> ImplicitLoss:
    """Hyvarinen's score matching for non-negative data: eq. (17) of version 2; claims A17, R18.

        sum_i { x_i^2 psi_i^2 / 2 + 2 x_i psi_i + x_i^2 d_i psi_i }

    stein, slope  psi(x) = grad log of the model density and its diagonal derivative d_i psi_i,
                  both of the shape of x
    x             (batch, *event), positive data

    It is `implicit_m_esm` at t = 0 with h = x psi. Raises ValueError for a non-positive x or
    shapes that differ.
    """
    _require_batch(x, "x")
    h, bend = x * like(x, stein, "stein"), like(x, slope, "slope")
    return _implicit(x.new_ones(()), (0.5 * h.square(), 2 * h, x.square() * bend))


def _implicit(weight: Tensor, terms: tuple[Tensor, Tensor, Tensor]) -> ImplicitLoss:
    """The loss from lambda and its three terms (batch, *event)."""
    square, linear, slope = (_weighted(term, weight) for term in terms)
    per_sample = square + linear + slope
    return ImplicitLoss(per_sample.mean(), per_sample, square, linear, slope)


def _weighted(term: Tensor, weight: Tensor) -> Tensor:
    """lambda times the sum over an event, (batch,); lambda 0-d, (batch,) or one a coordinate."""
    rows, weight = term.flatten(1), weight.to(term)
    return (weight * rows).sum(1) if weight.ndim == 2 else weight * rows.sum(1)


def _require_batch(x: Tensor, name: str) -> None:
    """Raise ValueError unless x is positive, (batch, *event) and not empty."""
    require_tensor(x, name)
    if x.ndim < 2 or x.numel() == 0:
        raise ValueError(
            f"{name} must have shape (batch, *event) and hold data, got {tuple(x.shape)}."
        )
    require_positive(x, name)
