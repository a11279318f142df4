"""Mixtures of Gaussian densities in y = log x, the arithmetic behind every target.

Shapes: y (..., d), means (J, d), covs (J, d, d), log_weights (J,). The results of `log_terms` are
(..., J) and of `pulls` (..., J, d). Covariances enter through the eigenvectors of their
correlations, which serve the inverse, the determinant and the test for a singular one alike.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.special import log_ndtr, ndtr

from gbm_ref import _checks
from gbm_ref._checks import Array

_Indices = NDArray[np.intp]
LOG_TWO_PI = float(np.log(2.0 * np.pi))


# A correlation matrix with an eigenvalue below this is singular to rounding.
SINGULAR = 1e-14
# Ratio of variances from which on the digits of eigenvectors do not serve all coordinates.
_UNLIKE = 1e3
# Dimension to which pairs of rows are turned one after the other.
_LARGEST = 128


def unlike_scales(covs: Array) -> bool:
    """Whether some covariance of (..., d, d) has coordinates of very different variance."""
    variances = np.diagonal(covs, axis1=-2, axis2=-1)
    return bool((variances.max(axis=-1) > _UNLIKE * variances.min(axis=-1)).any())


def correlation_axes(cov: Array) -> tuple[Array, Array, Array]:
    """Standard deviations D (d,), eigenvalues (d,) and eigenvectors (d, d) of D^-1 cov D^-1.

    In this form unlike scales cost no digits, and a small variance alone is not singular. Where a
    variance is 0 the eigenvalues are given as 0.
    """
    stds = np.sqrt(np.maximum(np.diag(cov), 0.0))
    if (stds == 0.0).any():
        return stds, np.zeros_like(stds), np.eye(stds.size)
    correlations = cov / stds[:, None] / stds
    np.fill_diagonal(correlations, 1.0)
    values, vectors = np.linalg.eigh(correlations)
    return stds, values, vectors


def is_singular(cov: Array) -> bool:
    """Whether the law with this covariance has no density, to rounding."""
    return bool(correlation_axes(cov)[1][0] <= SINGULAR)


def _whitened(y: Array, mean: Array, cov: Array) -> tuple[Array, Array, Array, Array]:
    """Residual along the axes (..., d), scales, eigenvalues (d,) and eigenvectors (d, d)."""
    stds, values, vectors = correlation_axes(cov)
    if values[0] <= SINGULAR:
        raise ValueError(
            "this law has no density: a log covariance is singular; diffuse it to t > 0 first."
        )
    return (y - mean) / stds @ vectors, stds, values, vectors


def inverse(cov: Array) -> Array:
    """cov^{-1}, (d, d), of a law that has a density."""
    stds, values, vectors = correlation_axes(cov)
    return np.asarray((vectors / values) @ vectors.T / stds[:, None] / stds)


def log_terms(y: Array, log_weights: Array, means: Array, covs: Array) -> Array:
    """log(w_j N(y; mean_j, cov_j)), shape (..., J)."""
    terms = []
    for log_weight, mean, cov in zip(log_weights, means, covs, strict=True):
        residual, stds, values, _ = _whitened(y, mean, cov)
        exponent = np.sum(residual**2 / values, axis=-1)
        log_det = np.sum(np.log(values) + 2.0 * np.log(stds))
        terms.append(log_weight - 0.5 * (log_det + values.size * LOG_TWO_PI) - 0.5 * exponent)
    return np.stack(terms, axis=-1)


def pulls(y: Array, means: Array, covs: Array) -> Array:
    """u_j = -cov_j^{-1} (y - mean_j), the log score of each component, shape (..., J, d)."""
    each = []
    for mean, cov in zip(means, covs, strict=True):
        residual, stds, values, vectors = _whitened(y, mean, cov)
        each.append(-(residual / values) @ vectors.T / stds)
    return np.stack(each, axis=-2)


def responsibilities(terms: Array) -> Array:
    """exp(terms) normalised over the last axis, whatever their size.

    The shares add up to 1 to rounding. exp(terms - logsumexp(terms)) would be off by a common
    factor, the rounding error of a logarithm that is about -1e5 far from every component.
    """
    with _checks.quiet():
        return np.asarray(special.softmax(terms, axis=-1))


def logsumexp(terms: Array, axis: int = -1) -> Array:
    """log sum exp(terms) over an axis, whatever their size."""
    with _checks.quiet():
        return np.asarray(special.logsumexp(terms, axis=axis))


def log_softmax(terms: Array) -> Array:
    """The logarithms of `responsibilities`, also of those that underflow."""
    with _checks.quiet():
        return np.asarray(special.log_softmax(terms, axis=-1))


def square_root(cov: Array) -> Array:
    """A (d, d) matrix R with R R^T = cov, for a covariance that may be singular."""
    stds = np.sqrt(np.diag(cov))
    units = np.where(stds > 0.0, stds, 1.0)
    values, vectors = np.linalg.eigh(cov / units[:, None] / units)
    return np.asarray(units[:, None] * vectors * np.sqrt(np.maximum(values, 0.0)))


def principal_axes(cov: Array) -> tuple[Array, Array]:
    """Eigenvalues (d,), ascending and at least 0, and eigenvectors (d, d) of a covariance.

    Where scales are unlike, each entry of an eigenvector keeps its digits however small it is: to
    units of rounding times the condition of the correlations, and so do functions of `cov` that
    are put together from them. Rows of a root of `cov` are turned in pairs until they are
    orthogonal (Jacobi's method from one side): then they are as long as the axes' deviations.
    Beyond d = 128, where that takes seconds, scales that are unlike cost their digits.
    """
    if len(cov) > _LARGEST or not unlike_scales(cov):
        values, vectors = np.linalg.eigh(cov)
        return np.maximum(values, 0.0), vectors
    order = np.argsort(-np.diag(cov))
    root = _root_in_order(cov[np.ix_(order, order)])
    rows = np.concatenate([root, np.eye(len(cov))[order]], axis=1)
    pairs = _rounds(len(cov))
    while max([_turned(rows, first, second) for first, second in pairs]) > _NEARLY:
        continue
    roots, vectors = rows[:, : len(cov)], rows[:, len(cov) :].T
    values = np.sum(roots**2, axis=1)
    ascending = np.argsort(values)
    return values[ascending], vectors[:, ascending]


def _root_in_order(cov: Array) -> Array:
    """R with R R^T = cov, whose variances descend: by Cholesky, which keeps the digits of each."""
    units = np.sqrt(np.diag(cov))
    if units[-1] > 0.0:
        try:
            return units[:, None] * np.linalg.cholesky(cov / units[:, None] / units)
        except np.linalg.LinAlgError:  # singular to rounding
            pass
    return square_root(cov)


# A sweep squares the cosines of rows, so that below this the next ones are those of rounding.
_NEARLY = 1e-9


def _turned(rows: Array, first: _Indices, second: _Indices) -> float:
    """Turn pairs of rows (R, V) until the parts R are orthogonal; the largest cosine before."""
    d = len(rows)
    a, b = rows[first], rows[second]
    sizes = [np.sqrt(np.sum(part[:, :d] ** 2, axis=1)) for part in (a, b)]
    product = np.sum(a[:, :d] * b[:, :d], axis=1)
    allowed = 2.0**-53 * sizes[0] * sizes[1]
    turning = (np.abs(product) > allowed) & (allowed > 0.0)
    if not turning.any():
        return 0.0
    safe = np.where(turning, product, 1.0)
    with _checks.quiet():
        slope = (sizes[1] - sizes[0]) * (sizes[1] + sizes[0]) / (2.0 * safe)
        tangent = np.copysign(1.0, slope) / (np.abs(slope) + np.hypot(1.0, slope))
    tangent = np.where(turning, tangent, 0.0)[:, None]
    cosine = 1.0 / np.hypot(1.0, tangent)
    rows[first], rows[second] = cosine * (a - tangent * b), cosine * (b + tangent * a)
    return float(np.max(np.abs(product[turning]) / (sizes[0] * sizes[1])[turning]))


def _rounds(d: int) -> list[tuple[_Indices, _Indices]]:
    """All pairs of d rows, in rounds in which no row is in two of them."""
    circle, rounds = np.arange(d + d % 2), []
    for _ in range(len(circle) - 1):
        half = len(circle) // 2
        one, other = circle[:half], circle[half:][::-1]
        both = np.stack([np.minimum(one, other), np.maximum(one, other)])
        one, other = both[:, both[1] < d]
        rounds.append((one, other))
        circle = np.concatenate([circle[:1], circle[-1:], circle[1:-1]])
    return rounds


def normal_cdf(residual: Array, std: Array | float) -> Array:
    """P(std Z <= residual), a unit step where std = 0."""
    z = residual / np.where(std > 0.0, std, 1.0)
    # SciPy's ndtr is 0 below -37.7, where the probability is still above 1e-320.
    with _checks.quiet():
        below = np.where(z < -37.0, np.exp(log_ndtr(z)), ndtr(z))
    return np.where(std > 0.0, below, (residual >= 0.0).astype(np.float64))
