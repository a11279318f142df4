"""The law of log X_0 given X_t = x, for targets that are mixtures in log space (torch).

For log X_0 ~ sum_j w_j N(a_j, S_j) and log X_t = log X_0 + m + sqrt(v) z, with
Sigma_j = S_j + v I and y = log x, Bayes' rule gives a mixture again:

    log X_0 | x  ~  sum_j r_j N(mu_j, C_j),     r_j proportional to w_j N(y; a_j + m, Sigma_j)
    mu_j = a_j + S_j Sigma_j^{-1} (y - a_j - m),      C_j = v S_j Sigma_j^{-1}

(claims R3, R5, R7). For a data set, S_j = 0, the law lives on the points with the weights r_j. A
target is a `LogNormal`, a `LogNormalMixture` or `PointMasses`; x is positive, (..., d); t is a
scalar in [0, T], and at t = 0 the target must have a density. All raise `ValueError` otherwise.

`posterior_weights` and `posterior_log_mean` serve data sets of the size of images; the others
hold arrays (..., J, d) over the components.
"""

import torch
from torch import Tensor

from gbm_fast.checks import finite_number, has_values, require_positive, require_tensor
from gbm_fast.process import Process, Time
from gbm_fast.process.coordinates import log_means
from gbm_fast.targets import LogNormal, LogNormalMixture, Target
from gbm_fast.targets.components import Components, components, mixed_moments


def posterior_weights(x: Tensor, target: Target, process: Process, t: Time) -> Tensor:
    """r_j: the probability that X_0 came from component (or point) j, given X_t = x.

    (..., J), in the order of `target.weights` or `target.points`; every row sums to 1. Of a data
    set without spread they are the whole posterior: P(X_0 = points[j] | X_t = x).
    """
    return target.diffuse(process, t).responsibilities(x)


def posterior_law(
    x: Tensor, target: Target, process: Process, t: Time
) -> LogNormal | LogNormalMixture:
    """The law of X_0 given X_t = x, for one state x (d,).

    A `LogNormal` for log-normal data, otherwise a `LogNormalMixture` of the components whose
    weight does not underflow, in their order; for a data set these are points, with log covariance
    0, so that the law can be drawn from and diffused but has no density.
    """
    require_tensor(x, "x")
    if x.ndim != 1:
        raise ValueError(f"x must be one state (d,), got shape {tuple(x.shape)}.")
    parts, y = _mixture_and_log(x, target)
    means, covs = _components_given(parts, y, process, t)
    if isinstance(target, LogNormal):
        return LogNormal(means[0], covs[0])
    shares = posterior_weights(x, target, process, t)
    kept = shares > 0
    each = covs.expand(len(shares), -1, -1)
    return LogNormalMixture(shares[kept] / shares[kept].sum(), means[kept], each[kept])


def posterior_log_mean(x: Tensor, target: Target, process: Process, t: Time) -> Tensor:
    """E[log X_0 | X_t = x] = y - m + v s(y), (..., d), with s the exact log score at t.

    The `denoiser` of the exact score; its exponential is the posterior geometric mean (claim R5).
    """
    score = target.diffuse(process, t).log_score(x)
    m, v = log_means(process, t).to(x), process.log_var(t).to(x)
    return x.log() - m + v * score


def posterior_log_cov(x: Tensor, target: Target, process: Process, t: Time) -> Tensor:
    """Cov(log X_0 | X_t = x) = sum_j r_j (C_j + (mu_j - mean) (mu_j - mean)^T), (..., d, d).

    The same as v I + v^2 grad_y s with s the log score at t (claim R5), without the cancellation
    of these two terms at small t.
    """
    parts, y = _mixture_and_log(x, target)
    means, covs = _components_given(parts, y, process, t)
    return mixed_moments(posterior_weights(x, target, process, t), means, covs)[1]


def log_posterior_moment(
    x: Tensor, target: Target, process: Process, t: Time, power: float = 1.0
) -> Tensor:
    """log E[X_{0,i}^a | X_t = x] for each coordinate, (..., d), with a = `power` (claim R6).

        log sum_j r_j exp(a mu_ji + a^2 C_jii / 2)

    It depends on the density away from x and is no function of the score at x. The exponential is
    the moment; a = 1 is the posterior arithmetic mean, never below the geometric one.

    power  any finite number
    """
    a = finite_number(power, "power")
    parts, y = _mixture_and_log(x, target)
    means, covs = _components_given(parts, y, process, t)
    log_shares = torch.log_softmax(parts.diffused(process, t).log_terms(y), dim=-1)
    variances = covs.diagonal(dim1=-2, dim2=-1)
    terms = log_shares[..., None] + a * means + a**2 / 2 * variances
    return torch.logsumexp(terms, dim=-2)


def _mixture_and_log(x: Tensor, target: Target) -> tuple[Components, Tensor]:
    """The target's components and log x."""
    require_tensor(x, "x")
    if x.ndim == 0 or x.shape[-1] != target.d:
        raise ValueError(f"x must have shape (..., {target.d}), got {tuple(x.shape)}.")
    require_positive(x, "x")
    return components(target), x.log()


def _components_given(
    parts: Components, y: Tensor, process: Process, t: Time
) -> tuple[Tensor, Tensor]:
    """mu_j (..., J, d) and C_j (J, d, d), or (1, d, d) where all C_j are equal."""
    later = parts.diffused(process, t)
    flat = (later.variances == 0).any()
    if has_values(flat) and bool(flat):
        raise ValueError("a law without a density has no posterior at t = 0: take t > 0.")
    return parts.given(y, process, t)
