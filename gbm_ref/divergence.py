"""Kullback-Leibler divergence between Gaussian laws of log X.

The divergence is unchanged by x <-> log x (claim C6), so the one between two log-normal laws is
computed from the means and covariances of their logarithms.
"""

from typing import NamedTuple

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array
from gbm_ref._gaussians import SINGULAR, correlation_axes


class Gaussian(NamedTuple):
    """The law of Y = log X as N(mean, cov): mean of shape (d,), cov of shape (d, d)."""

    mean: Array
    cov: Array


def checked_gaussian(law: Gaussian, name: str, d: int | None = None) -> Gaussian:
    """`law` in float64, once it is known to be a Gaussian law (in dimension `d` if given).

    Raises ValueError for a wrong shape or a covariance that is not positive semi-definite.
    """
    mean = _checks.vector(law.mean, f"the mean of {name}")
    if d is not None:
        _checks.with_trailing(mean, d, f"the mean of {name}")
    return Gaussian(mean, _checks.covariance(law.cov, mean.size, f"the covariance of {name}"))


def kl_divergence(p: Gaussian, q: Gaussian) -> float:
    """KL(p || q) in nats, at least 0; infinite when p is singular and q is not.

        KL = 1/2 [ sum_i (w_i - 1 - log w_i) + |Q^{-1/2} (mean_p - mean_q)|^2 ]

    where w_i are the eigenvalues of Q^{-1/2} P Q^{-1/2} and P, Q the covariances. Where w_i is
    near 1, r_i = w_i - 1 is taken from the eigenvalues of Q^{-1/2} (P - Q) Q^{-1/2}, so nearly
    equal laws are compared accurately (the plain formula with traces and determinants loses every
    digit of a divergence below 1e-16 d). Claim C6. For d = 1 accurate to 8 * 2^-53 * S, S the
    result itself (accuracy vectors `gaussian_kl`), for d = 2 to 8 * 2^-53 * S (claims
    `gaussian-kl`, `gaussian-kl-nearly-equal`).

    Raises ValueError for different dimensions or a singular q.
    """
    p = checked_gaussian(p, "p")
    q = checked_gaussian(q, "q", p.mean.size)
    stds, values, vectors = correlation_axes(q.cov)
    if values[0] <= SINGULAR:
        raise ValueError("the covariance of q must be positive definite.")
    # sqrt(values_i values_j), without the rounding of the roots on the diagonal.
    scale = np.outer(np.sqrt(values), np.sqrt(values))
    np.fill_diagonal(scale, values)
    # In units of q's standard deviations, which the divergence does not depend on.
    ratios = _eigenvalues(p.cov / stds[:, None] / stds, vectors, scale)
    own, own_values, _ = correlation_axes(p.cov)
    if own_values[0] <= (ratios.size - 1) * 1e-15:
        return float(np.inf)
    gaps = _eigenvalues((p.cov - q.cov) / stds[:, None] / stds, vectors, scale)
    shift = (p.mean - q.mean) / stds @ vectors
    distance = float(np.sum(shift**2 / values))
    if ratios[0] <= 1e-8 * ratios[-1]:
        # Small ratios have no digits as eigenvalues; their product has, from the determinants.
        log_ratio = 2.0 * np.log(own / stds) + np.log(own_values) - np.log(values)
        return float(0.5 * (np.sum(ratios - 1.0) - np.sum(log_ratio) + distance))
    return float(0.5 * (np.sum(_excess(gaps, ratios)) + distance))


def _eigenvalues(matrix: Array, vectors: Array, scale: Array) -> Array:
    """Ascending eigenvalues of vectors^T matrix vectors divided by `scale`, symmetric."""
    product = vectors.T @ matrix @ vectors
    halves = (product + product.T) / 2.0
    return np.asarray(np.linalg.eigvalsh(halves / scale), dtype=np.float64)


def _excess(gaps: Array, ratios: Array) -> Array:
    """r - log(1 + r) for r = gaps = ratios - 1, each given to its own relative accuracy."""
    middle = np.where(gaps > -0.7, gaps, 0.0)
    series = r_minus_log1p(np.where(np.abs(gaps) < 0.5, gaps, 0.0))
    return np.select(
        [np.abs(gaps) < 0.5, gaps > -0.7],
        [series, middle - np.log1p(middle)],
        gaps - np.log(ratios),
    )


def r_minus_log1p(r: Array) -> Array:
    """r - log(1 + r) for |r| < 0.5, where it is about r^2 / 2, without cancellation.

    With s = r / (2 + r), log(1 + r) = 2 artanh(s) and r - 2 s = r s exactly, which leaves
    r s - 2 (s^3 / 3 + s^5 / 5 + ...). Eighteen terms reach rounding there (|s| < 1/3).
    """
    s = r / (2.0 + r)
    tail = np.zeros_like(s)
    for odd in range(37, 1, -2):
        tail = s * s * (1.0 / odd + tail)
    return r * s - 2.0 * s * tail
