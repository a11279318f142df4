"""The score in its several forms, and the conversions between them.

    S = grad log p_t(x)         Stein score
    h = x * S                   Hyvarinen score, the common currency of this package
    s = 1 + h                   log score, the gradient of the log density of log X_t
    eps = -sqrt(v) (1 + h)      E[z | X_t], where log X_t = log X_0 + m + sqrt(v) z
    D = log x - m + v (1 + h)   denoiser E[log X_0 | X_t = x] (Tweedie; claim R5)

with m = m(t) and v = v(t) of the process. Every array has the shape of x and every t is one
number in [0, horizon]; a form that divides by v needs t > 0. All raise `ValueError` otherwise. A
`CoordinateGBM` has m and v of its own for each coordinate, the last axis of x.

Accurate to 8 * 2^-53 * S, this S being the sum of the sizes of the terms of the formula, |log x|
and |log x0| among them, for |log x| <= 700 and v from 1e-12 to 1e6 (accuracy vectors of the
functions' names; `conditional_stein_score` for `stein_from_hyvarinen`; for the other conversions
between the forms claims `A10-score`, `forms-of-the-score`).
"""

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.process import Process
from gbm_ref.process.coordinates import fits, log_means, log_vars
from gbm_ref.steps import Score
from gbm_ref.steps.base import score_at
from gbm_ref.targets import Target


def _kernel(process: Process, t: float, x: Array) -> tuple[float | Array, float | Array]:
    """m(t) and v(t), each one number or (d,)."""
    fits(process, x, "x")
    return log_means(process, t), log_vars(process, t)


def _kernel_with_noise(
    process: Process, t: float, x: Array
) -> tuple[float | Array, float | Array]:
    """m(t) and v(t), refused where v(t) = 0."""
    m, v = _kernel(process, t, x)
    if np.max(v) == 0.0:
        raise ValueError("t must be above 0: at t=0 nothing has been added to the data (v=0).")
    return m, v


def conditional_hyvarinen_score(x: Values, x0: Values, process: Process, t: float) -> Array:
    """x * grad log p(x_t = x | x_0), the regression target of M-DSM.

        h(x | x0) = -1 - (log x - log x0 - m(t)) / v(t)

    Eq. (16) of version 2; claim A16. x and x0 positive and of one shape; t > 0, since the kernel
    is a point mass at t = 0 (claim E9). The result has the shape of x.
    """
    state = _checks.positive_array(x, "x")
    start = _checks.like(_checks.positive_array(x0, "x0"), state, "x0")
    m, v = _kernel_with_noise(process, t, state)
    return -1.0 - (np.log(state) - np.log(start) - m) / v


def conditional_logpdf(x: Values, x0: Values, process: Process, t: float) -> Array:
    """log p(x_t = x | x_0) in nats, summed over the last axis: (..., d) to (...).

        sum_i { -(log x_i - log x0_i - m(t))^2 / (2 v(t)) - log(2 pi v(t)) / 2 - log x_i }

    The log-normal kernel of eq. (6) of version 2; claims A6, A23. x and x0 positive and of one
    shape (..., d); t > 0.
    """
    state = _checks.positive_array(x, "x")
    start = _checks.like(_checks.positive_array(x0, "x0"), state, "x0")
    if state.ndim == 0:
        raise ValueError("x must have shape (..., d), got a number.")
    m, v = _kernel_with_noise(process, t, state)
    y = np.log(state)
    squares = (y - np.log(start) - m) ** 2
    return np.asarray(np.sum(-squares / (2.0 * v) - 0.5 * np.log(2.0 * np.pi * v) - y, axis=-1))


def hyvarinen_from_stein(x: Values, stein: Values) -> Array:
    """h = x * stein (claim forms-of-the-score); x positive."""
    state = _checks.positive_array(x, "x")
    with _checks.quiet():
        return state * _checks.like(stein, state, "stein")


def stein_from_hyvarinen(x: Values, hyvarinen: Values) -> Array:
    """S = hyvarinen / x (claim forms-of-the-score); x positive."""
    state = _checks.positive_array(x, "x")
    with _checks.quiet():
        return _checks.like(hyvarinen, state, "hyvarinen") / state


def log_score_from_hyvarinen(hyvarinen: Values) -> Array:
    """s = 1 + hyvarinen (claim A10-score)."""
    return 1.0 + _checks.finite_array(hyvarinen, "hyvarinen")


def hyvarinen_from_log_score(log_score: Values) -> Array:
    """h = log_score - 1 (claim A10-score)."""
    return _checks.finite_array(log_score, "log_score") - 1.0


def noise_from_hyvarinen(hyvarinen: Values, process: Process, t: float) -> Array:
    """-sqrt(v(t)) (1 + hyvarinen), the expected noise E[z | X_t] (claim R4)."""
    score = log_score_from_hyvarinen(hyvarinen)
    return -np.sqrt(_kernel(process, t, score)[1]) * score


def hyvarinen_from_noise(noise: Values, process: Process, t: float) -> Array:
    """h = -1 - noise / sqrt(v(t)), the inverse of `noise_from_hyvarinen`, for t > 0."""
    expected = _checks.finite_array(noise, "noise")
    return -1.0 - expected / np.sqrt(_kernel_with_noise(process, t, expected)[1])


def denoiser(x: Values, hyvarinen: Values, process: Process, t: float) -> Array:
    """E[log X_0 | X_t = x] = log x - m(t) + v(t) (1 + hyvarinen) (claim R5); x positive.

    Its exponential is the posterior geometric mean, and one noise-free Dale-Langevin step of
    length t lands on it.
    """
    state = _checks.positive_array(x, "x")
    score = 1.0 + _checks.like(hyvarinen, state, "hyvarinen")
    m, v = _kernel(process, t, state)
    return np.log(state) - m + v * score


def hyvarinen_from_denoiser(x: Values, denoised: Values, process: Process, t: float) -> Array:
    """-1 + (denoised + m(t) - log x) / v(t), the inverse of `denoiser`, for t > 0 (claim R5)."""
    state = _checks.positive_array(x, "x")
    expected = _checks.like(denoised, state, "denoised")
    m, v = _kernel_with_noise(process, t, state)
    return -1.0 + (expected + m - np.log(state)) / v


def exact_score(target: Target, process: Process) -> Score:
    """The callable (x, t) -> x * grad log p_t(x) of data with the law `target` (claims R2, R3).

    x is (..., d), positive, and so is the shape of the result; t in [0, horizon] must be one at
    which the diffused law has a density. Accuracy and errors are those of `target.diffuse` and
    its `hyvarinen_score`, raised when the callable is called.
    """

    def score(x: Array, t: float) -> Array:
        return target.diffuse(process, t).hyvarinen_score(x)

    return score


def guided_score(conditional: Score, unconditional: Score, weight: float) -> Score:
    """The callable (x, t) -> (1 - w) h_u(x, t) + w h_c(x, t), classifier-free guidance.

        h = h_u + w (h_c - h_u): 1 + h is the gradient of log p_u^(1-w) p_c^w of log X_t

    (claim `guided-score`). It is the score of no process: p_u^(1-w) p_c^w of two diffused laws is
    not the diffusion of anything, and samplers with it do not draw from it at t = 0 (claim
    `guided-flow`; `flow_cdf` has the law that they draw from on the line).

    conditional, unconditional  Hyvarinen scores h_c of a class and h_u of all classes together
    weight                      w: 1 is h_c and 0 is h_u, to the last digit; above 1 sharper

    x is as the two scores take it, and so is the shape of the result. Raises ValueError for a
    weight that is not finite and, when called, for a score that is not, or not of x's shape.
    """
    w = _checks.finite_number(weight, "weight")

    def score(x: Array, t: float) -> Array:
        return (1.0 - w) * score_at(unconditional, x, t) + w * score_at(conditional, x, t)

    return score
