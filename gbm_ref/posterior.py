"""The law of log X_0 given X_t = x, for targets that are mixtures in log space.

For log X_0 ~ sum_j w_j N(a_j, S_j) and log X_t = log X_0 + m + sqrt(v) z, with
Sigma_j = S_j + v I and y = log x, Bayes' rule gives a mixture again:

    log X_0 | x  ~  sum_j r_j N(mu_j, C_j),     r_j proportional to w_j N(y; a_j + m, Sigma_j)
    mu_j = a_j + S_j Sigma_j^{-1} (y - a_j - m),      C_j = v S_j Sigma_j^{-1}

(claims R3, R5, R7). For a data set, S_j = 0, the law lives on the points with the weights r_j. A
target is a `LogNormal`, a `LogNormalMixture` or `PointMasses`; x is positive, (..., d); t lies in
[0, T], and at t = 0 the target must have a density. All raise `ValueError` otherwise. Accurate to
8 * 2^-53 * S for d = 2 (claims `mixture-posterior`, `R5`, `R6`).
"""

import numpy as np

from gbm_ref import _checks, _gaussians
from gbm_ref._checks import Array, Values
from gbm_ref._components import Components, components, mixed_moments
from gbm_ref.process import Process
from gbm_ref.targets import LogNormal, LogNormalMixture, Target


def posterior_weights(x: Values, target: Target, process: Process, t: float) -> Array:
    """r_j: the probability that X_0 came from component (or point) j, given X_t = x.

    (..., J), in the order of `target.weights` or `target.points`; every row sums to 1. Of a data
    set without spread they are the whole posterior: P(X_0 = points[j] | X_t = x).
    """
    parts, y = _mixture_and_log(x, target)
    return parts.diffused(process, t).shares(y)


def posterior_law(
    x: Values, target: Target, process: Process, t: float
) -> LogNormal | LogNormalMixture:
    """The law of X_0 given X_t = x, for one state x (d,).

    A `LogNormal` for log-normal data, otherwise a `LogNormalMixture` of the components whose
    weight does not underflow, in their order; for a data set these are points, with log covariance
    0, so that the law can be drawn from and diffused but has no density.
    """
    state = _checks.vector(x, "x")
    parts, y = _mixture_and_log(state, target)
    means, covs = parts.given(y, process, t)
    if isinstance(target, LogNormal):
        return LogNormal(means[0], covs[0])
    shares = parts.diffused(process, t).shares(y)
    kept = shares > 0.0
    each = np.broadcast_to(covs, (kept.size, *covs.shape[1:]))
    return LogNormalMixture(shares[kept] / shares[kept].sum(), means[kept], each[kept])


def posterior_log_mean(x: Values, target: Target, process: Process, t: float) -> Array:
    """E[log X_0 | X_t = x] = sum_j r_j mu_j, (..., d): what `denoiser` makes of the exact score.

    Its exponential is the posterior geometric mean (claim R5).
    """
    return _moments(x, target, process, t)[0]


def posterior_log_cov(x: Values, target: Target, process: Process, t: float) -> Array:
    """Cov(log X_0 | X_t = x) = sum_j r_j (C_j + (mu_j - mean) (mu_j - mean)^T), (..., d, d).

    The same as v I + v^2 grad_y s with s the log score at t (claim R5), without the cancellation
    of these two terms at small t.
    """
    return _moments(x, target, process, t)[1]


def log_posterior_moment(
    x: Values, target: Target, process: Process, t: float, power: float = 1.0
) -> Array:
    """log E[X_{0,i}^a | X_t = x] for each coordinate, (..., d), with a = `power` (claim R6).

        log sum_j r_j exp(a mu_ji + a^2 C_jii / 2)
            = a (y_i - m) + a^2 v / 2 + log q_t(y + a v e_i) - log q_t(y)

    q_t being the density of log X_t. The second form says that it depends on the density away from
    x and so is no function of the score at x; the first, a log-sum-exp over components, is what
    is computed, since the second cancels. `np.exp` of it is the moment; a = 1 is the posterior
    arithmetic mean, never below the geometric one.

    power  any finite number
    """
    a = _checks.finite_number(power, "power")
    parts, y = _mixture_and_log(x, target)
    means, covs = parts.given(y, process, t)
    log_shares = _gaussians.log_softmax(parts.diffused(process, t).log_terms(y))
    variances = np.diagonal(covs, axis1=-2, axis2=-1)
    terms = log_shares[..., None] + a * means + 0.5 * a**2 * variances
    return _gaussians.logsumexp(terms, axis=-2)


def _mixture_and_log(x: Values, target: Target) -> tuple[Components, Array]:
    """The target's components and log x."""
    state = _checks.with_trailing(_checks.positive_array(x, "x"), target.d, "x")
    return components(target), np.log(state)


def _moments(x: Values, target: Target, process: Process, t: float) -> tuple[Array, Array]:
    parts, y = _mixture_and_log(x, target)
    means, covs = parts.given(y, process, t)
    return mixed_moments(parts.diffused(process, t).shares(y), means, covs)
