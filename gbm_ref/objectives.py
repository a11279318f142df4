"""Multiplicative score matching: denoising (M-DSM), explicit (M-ESM) and implicit.

    M-DSM     E_{X_0, z}  lambda / 2 | h_target - h_model(X_t, t) |^2,  h_target = -1 - z / sqrt(v)
    M-ESM     E_{X_t}     lambda / 2 | h(X_t, t) - h_model(X_t, t) |^2
    implicit  E_{X_t}     lambda sum_i { h_i^2 / 2 + h_i + x_i d_i h_i }     (h the model)

with X_t = X_0 * exp(m + sqrt(v) z), h = x * grad log p_t and h_target = x * grad log p(x_t | x_0):
eqs. (14) to (16) of version 2; claims A14 to A16, R4, R18. The three differ by constants that do
not depend on the model (Theorem 4.1 of version 2; the implicit form by parts, if x_i p h_i
vanishes at the ends). At t = 0 the explicit and implicit forms are Hyvarinen's score matching for
non-negative data (eq. (17) of version 2; claim A17). The variance of h_target is 1 / v, so the
unweighted M-DSM of the paper is dominated by the smallest times (claim E9); lambda = v makes it
finite.
Of a `CoordinateGBM` with a v of its own for each coordinate, lambda is taken at each of them.

`loss` is the mean of `per_sample`; losses and the three sums of `ImplicitLoss` carry the weight
lambda. The losses are accurate to 8 * 2^-53 * S (claims `A15`, `A14`, `R18`, `A17`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.process import Process
from gbm_ref.process.coordinates import fits, log_vars
from gbm_ref.scores import conditional_hyvarinen_score
from gbm_ref.steps import Score
from gbm_ref.targets import Target

Weighting = Callable[[float], float]


class MDSMLoss(NamedTuple):
    """The M-DSM loss and its terms: a number, (...), (..., d) and (..., d)."""

    loss: float
    per_sample: Array
    h_model: Array
    h_target: Array


class MESMLoss(NamedTuple):
    """The M-ESM loss and its terms: a number, (...), (..., d) and (..., d)."""

    loss: float
    per_sample: Array
    h_model: Array
    h_exact: Array


class ImplicitLoss(NamedTuple):
    """The implicit loss and its terms: a number, (...), and three sums over coordinates (...)."""

    loss: float
    per_sample: Array
    square: Array
    linear: Array
    slope: Array


def unweighted(v: float) -> float:
    """lambda = 1 at any v: the loss as the paper prints it (eq. (15) of version 2; claim A15)."""
    return 1.0


def variance_weighting(v: float) -> float:
    """lambda = v: a regression of the noise z with equal weight at every time (claim R4)."""
    return v


def squared_variance_weighting(v: float) -> float:
    """lambda = v^2: what the loss of the authors' code amounts to (claim coded-weight)."""
    return v**2


@dataclass(frozen=True)
class PreconditionedWeighting:
    """lambda = v (1 + v / log_std^2): the EDM weighting for data of log-deviation log_std > 0.

    In terms of the denoiser the weight is (v + log_std^2) / (v log_std^2), which gives a
    preconditioned network a target of unit variance at every time (Karras et al. 2022; claim R4).
    Accurate to 8 * 2^-53 * S (claim `weighting`). Raises ValueError for log_std <= 0.
    """

    log_std: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "log_std", _checks.positive_number(self.log_std, "log_std"))

    def __call__(self, v: float) -> float:
        """lambda at a log-variance v >= 0."""
        return v * (1.0 + v / self.log_std**2)


@dataclass(frozen=True)
class LikelihoodWeighting:
    """lambda = sigma(t)^2 at the t with v(t) = v: the weighting of the divergence (claim R20).

    With it the integral of M-ESM over [0, T] bounds what a wrong score costs,

        KL(p_0 || p_model) <= KL(p_T || start) + integral over [0, T] of M-ESM dt,

    where the model runs the reverse SDE exactly. The same integral of M-DSM diverges at 0 as that
    of 1 / t does (claim R4): start above t = 0, and draw times with a density like 1 / t.

    process  any process; v in [0, v(T)], ValueError otherwise

    Accurate to 8 * 2^-53 * S (claim `R20`), of a time-varying process to its `time_at_log_var`.
    """

    process: Process

    def __call__(self, v: float) -> float:
        """lambda at a log-variance v in [0, v(T)]."""
        return self.process.diffusion(self.process.time_at_log_var(v)) ** 2


def m_dsm(
    model: Score,
    x0: Values,
    t: float,
    z: Values,
    process: Process,
    weighting: Weighting = unweighted,
    target_t: float | None = None,
) -> MDSMLoss:
    """The M-DSM loss of a batch at one time: eq. (15) of version 2; claim A15.

    model      callable (x, t) -> h of the shape of x
    x0         (..., d), positive data; the mean is taken over the leading axes
    t          a number in (0, horizon]: at t = 0 the target is 0 / 0 (claim E9)
    z          standard normal draws of the shape of x0
    weighting  v -> lambda, `unweighted` as in the paper by default
    target_t   the time of the target and its weight, where it is not that of the data: one level
               later in the authors' code (claim coded-level)

    Raises ValueError for t = 0, a non-positive x0 or shapes that differ.
    """
    start = _batch(x0, "x0")
    noise = _checks.like(z, start, "z", "x0")
    fits(process, start, "x0")
    late = t if target_t is None else target_t
    v = log_vars(process, late)
    if np.max(v) == 0.0:
        raise ValueError("the loss is singular at t=0, where v=0: sample t above 0.")
    x_t = process.sample(start, t, noise)
    h_target = -1.0 - noise / np.sqrt(v)
    if target_t is not None:
        h_target = conditional_hyvarinen_score(x_t, start, process, late)
    h_model = _checks.like(model(x_t, float(t)), x_t, "the model's score", "x0")
    per_sample = _weighted(0.5 * (h_target - h_model) ** 2, weighting, v)
    return MDSMLoss(float(np.mean(per_sample)), per_sample, h_model, h_target)


def m_esm(
    model: Score,
    target: Target,
    x: Values,
    t: float,
    process: Process,
    weighting: Weighting = unweighted,
) -> MESMLoss:
    """The M-ESM loss of draws from p_t: eq. (14) of version 2; claim A14.

    M-DSM exceeds it by a floor that does not depend on the model (claim R4b).

    model      callable (x, t) -> h of the shape of x
    target     the law of X_0, whose exact score at t is known
    x          (..., d), positive; draws of X_t, so that the mean estimates the expectation
    t          a number in [0, horizon], at which the diffused target has a density
    weighting  v(t) -> lambda

    Raises ValueError for a non-positive x, another d or a target without a density at t.
    """
    state = _batch(x, "x")
    h_exact = target.diffuse(process, t).hyvarinen_score(state)
    h_model = _checks.like(model(state, float(t)), state, "the model's score")
    per_sample = _weighted(0.5 * (h_exact - h_model) ** 2, weighting, log_vars(process, t))
    return MESMLoss(float(np.mean(per_sample)), per_sample, h_model, h_exact)


def implicit_m_esm(
    model: Score,
    slope: Score,
    x: Values,
    t: float,
    process: Process,
    weighting: Weighting = unweighted,
) -> ImplicitLoss:
    """M-ESM without the exact score, up to a constant, by parts (claim R18).

        lambda sum_i { h_i^2 / 2 + h_i + x_i d_i h_i }  =  M-ESM - lambda E|h_exact|^2 / 2

    model      callable (x, t) -> h of the shape of x
    slope      callable (x, t) -> x_i dh_i / dx_i, the diagonal of the derivative in log x
    x          (..., d), positive; draws of X_t
    t          a number in [0, horizon]; the implicit form needs no density formula, so t = 0 is
               score matching of the data themselves
    weighting  v(t) -> lambda

    The equality needs p x_i h_i -> 0 at 0 and at infinity (claim R18). Raises ValueError for a
    non-positive x or shapes that differ.
    """
    state = _batch(x, "x")
    h = _checks.like(model(state, float(t)), state, "the model's score")
    dh = _checks.like(slope(state, float(t)), state, "the slope of the model's score")
    fits(process, state, "x")
    v = log_vars(process, t)
    square, linear, slopes = (_weighted(a, weighting, v) for a in (0.5 * h**2, h, dh))
    per_sample = np.asarray(square + linear + slopes)
    return ImplicitLoss(float(np.mean(per_sample)), per_sample, square, linear, slopes)


def nonnegative_score_matching(stein: Values, slope: Values, x: Values) -> ImplicitLoss:
    """Hyvarinen's score matching for non-negative data: eq. (17) of version 2; claims A17, R18.

        sum_i { x_i^2 psi_i^2 / 2 + 2 x_i psi_i + x_i^2 d_i psi_i }

    stein, slope  psi(x) = grad log of the model density and its diagonal derivative d_i psi_i,
                  both of the shape of x
    x             (..., d), positive data

    It is `implicit_m_esm` at t = 0 with h = x psi. Raises ValueError for a non-positive x or
    shapes that differ.
    """
    state = _batch(x, "x")
    psi = _checks.like(stein, state, "stein")
    dpsi = _checks.like(slope, state, "slope")
    with _checks.quiet():
        terms = (0.5 * (state * psi) ** 2, 2.0 * state * psi, state**2 * dpsi)
    square, linear, slopes = (np.asarray(np.sum(a, axis=-1)) for a in terms)
    per_sample = np.asarray(square + linear + slopes)
    return ImplicitLoss(float(np.mean(per_sample)), per_sample, square, linear, slopes)


def _weighted(terms: Array, weighting: Weighting, v: float | Array) -> Array:
    """lambda sum_i terms_i, (...); sum_i lambda(v_i) terms_i where each coordinate has its v."""
    if isinstance(v, np.ndarray):
        weights = np.array([weighting(float(one)) for one in v])
        return np.asarray(np.sum(weights * terms, axis=-1))
    return np.asarray(weighting(v) * np.sum(terms, axis=-1))


def _batch(x: Values, name: str) -> Array:
    """x in float64, once it is known to be positive, of shape (..., d) and not empty."""
    array = _checks.positive_array(x, name)
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"{name} must have shape (..., d) and hold data, got {array.shape}.")
    return array
