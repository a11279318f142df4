"""Fisher information, the floor of the denoising loss and the price of a wrong score.

    I(t) = E |s(X_t, t)|^2,  s = 1 + h the log score              Fisher information of log X_t
    C(t) = 1/2 E |h_target - h|^2 = 1/2 (sum_i 1 / v_i - I(t))     floor of M-DSM at weight 1
    KL(p_0 || p_model) <= KL(p_T || start) + 1/2 E int sigma^2 |h - h_model|^2 dt

(claims R4b, R20): no model has a loss below C, in which the exact score is at its floor, and the
denoiser's mean square error is 2 v^2 C. `LikelihoodWeighting` is the weight of the bound.

For log-normal data these are closed forms in any dimension; for mixtures and data sets they are
quadratures on the line, d = 1. Each result has an `error`: the difference of two rules that share
no nodes, or what rounding can do to a closed form. Laws that are no mixture, more dimensions, and
times at which there is no density raise ValueError.
"""

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array
from gbm_ref._components import components
from gbm_ref._gaussians import is_singular, principal_axes
from gbm_ref.line.quadrature import average, integral, require_line
from gbm_ref.posterior import posterior_log_cov
from gbm_ref.process import Process
from gbm_ref.process.coordinates import log_vars
from gbm_ref.sign_agnostic_law import Average
from gbm_ref.steps import Score
from gbm_ref.targets import LogNormal, Target

# Width of the parts of an integral over log(data variance + v).
_WIDTH = 1.5
_ROUNDING = 8.0 * 2.0**-53


def fisher_information(target: Target, process: Process, t: float) -> Average:
    """I(t) = E |s|^2, the Fisher information of log X_t, with its error (claim R4b).

    sum_i 1 / (lambda_i + v) for log-normal data with eigenvalues lambda_i of the log covariance.

    target  a `LogNormal`, or with d = 1 a `LogNormalMixture` or `PointMasses`
    """
    later = target.diffuse(process, t)
    if isinstance(later, LogNormal):
        values = principal_axes(later.log_cov)[0]
        if is_singular(later.log_cov):
            raise ValueError("a law without a density has no Fisher information: take t > 0.")
        return Average(
            float(np.sum(1.0 / values)), float(_ROUNDING * np.sum(values[-1] / values**2))
        )
    require_line(target, "the Fisher information of a mixture")
    return average(lambda y: later.log_score(np.exp(y)[:, None])[:, 0] ** 2, later)


def m_dsm_floor(target: Target, process: Process, t: float) -> Average:
    """C(t), below which no model's M-DSM loss is at weight 1, with its error (claim R4b).

        C = E tr Cov(log X_0 | X_t) / (2 v^2) = 1/2 sum_i lambda_i / (v (lambda_i + v))

    The first form, without cancellation, is integrated for mixtures; the second is that of
    log-normal data. A weighted loss has the weight times C; the paper's mean over times is that
    of C over them.

    target  a `LogNormal`, or with d = 1 a `LogNormalMixture` or `PointMasses`
    t       in (0, horizon]: at t = 0 the loss is singular
    """
    v = log_vars(process, t)
    if np.max(v) == 0.0:
        raise ValueError("the loss is singular at t=0, where v=0: take t above 0.")
    if isinstance(target, LogNormal):
        with _checks.quiet():
            return _log_normal_floor(target, v)
    require_line(target, "the floor for a mixture")
    later = target.diffuse(process, t)

    def error(y: Array) -> Array:
        return posterior_log_cov(np.exp(y)[:, None], target, process, t)[:, 0, 0]

    found, size = average(error, later), 2.0 * float(np.max(v)) ** 2
    return Average(found.value / size, found.error / size)


def score_error_bound(
    model: Score, target: Target, process: Process, start: Target, t_min: float = 0.0
) -> Average:
    """The bound on KL(p_model's data || model) of a score that is wrong, with its error: R20.

        KL(p_T || start) + 1/2 integral over [v(t_min), v(T)] of E |h - h_model|^2 dv

    It bounds the divergence at t_min of the law of X from that of the exact reverse SDE that is
    run with `model` from `start`.

    model   callable (x, t) -> h, of the shape of x (n, 1); read at all t in (t_min, T]
    target  a law on the line, a `LogNormal`, `LogNormalMixture` or `PointMasses`
    start   the law of X_T from which the model starts, on the line, with a density
    t_min   the time at which it stops, above 0 where the data have no density
    """
    require_line(target, "the bound")
    require_line(start, "the bound")
    low = process.log_var(_checks.time_in_range(t_min, process.horizon))
    high = process.log_var(process.horizon)
    end, first = target.diffuse(process, process.horizon), target.diffuse(process, t_min)
    offset = float(components(first).variances.min()) - low
    if not offset + low > 0.0:
        raise ValueError("the data have no density at t_min: stop at a time above 0.")
    price = average(
        lambda y: end.logpdf(np.exp(y)[:, None]) - start.logpdf(np.exp(y)[:, None]), end
    )
    ends = float(np.log(offset + low)), float(np.log(offset + high))
    cuts = np.linspace(ends[0], ends[1], 2 + int((ends[1] - ends[0]) / _WIDTH))
    inner = []

    def rate(u: Array) -> Array:
        found = []
        for v in np.clip(np.exp(u) - offset, low, high):
            found.append(_square_error(model, target, process, process.time_at_log_var(float(v))))
            inner.append(found[-1].error)
        return 0.5 * np.exp(u) * np.array([one.value for one in found])

    cost = integral(rate, cuts)
    spread = 0.5 * (high - low) * max(inner)
    return Average(price.value + cost.value, price.error + cost.error + spread)


def _log_normal_floor(target: LogNormal, v: float | Array) -> Average:
    units = np.sqrt(np.broadcast_to(v, (target.d,)))
    # In units of sqrt(v), C = 1/2 sum_i w_i, W = R (R + I)^{-1} / v for R the data's covariance.
    values, axes = np.linalg.eigh(target.log_cov / np.outer(units, units))
    shares = np.maximum(values, 0.0) / (np.maximum(values, 0.0) + 1.0)
    total = float(0.5 * np.sum(axes**2 * shares / units[:, None] ** 2))
    return Average(total, _ROUNDING * target.d * total)


def _square_error(model: Score, target: Target, process: Process, t: float) -> Average:
    """E |h - h_model|^2 at t."""
    later = target.diffuse(process, t)

    def square(y: Array) -> Array:
        x = np.exp(y)[:, None]
        found = _checks.like(model(x, t), x, "the model's score")
        return np.asarray((later.hyvarinen_score(x) - found)[:, 0] ** 2)

    return average(square, later)
