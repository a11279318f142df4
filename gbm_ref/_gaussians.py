"""Mixtures of Gaussian densities in y = log x, the arithmetic behind every target.

Shapes: y (..., d), means (J, d), covs (J, d, d), log_weights (J,). The results of `log_terms` are
(..., J) and of `pulls` (..., J, d). Covariances enter through their eigenvectors, which serve the
inverse, the determinant and the test for a singular one alike.
"""

import numpy as np
from scipy import special
from scipy.special import log_ndtr, ndtr

from gbm_ref import _checks
from gbm_ref._checks import Array

LOG_TWO_PI = float(np.log(2.0 * np.pi))


def _whitened(y: Array, mean: Array, cov: Array) -> tuple[Array, Array, Array]:
    """Residual along the eigenvectors (..., d), eigenvalues (d,), eigenvectors (d, d)."""
    values, vectors = np.linalg.eigh(cov)
    if values[0] <= 1e-14 * values[-1]:
        raise ValueError(
            "this law has no density: a log covariance is singular; diffuse it to t > 0 first."
        )
    return (y - mean) @ vectors, values, vectors


def log_terms(y: Array, log_weights: Array, means: Array, covs: Array) -> Array:
    """log(w_j N(y; mean_j, cov_j)), shape (..., J)."""
    terms = []
    for log_weight, mean, cov in zip(log_weights, means, covs, strict=True):
        residual, values, _ = _whitened(y, mean, cov)
        exponent = np.sum(residual**2 / values, axis=-1)
        constant = log_weight - 0.5 * (np.sum(np.log(values)) + values.size * LOG_TWO_PI)
        terms.append(constant - 0.5 * exponent)
    return np.stack(terms, axis=-1)


def pulls(y: Array, means: Array, covs: Array) -> Array:
    """u_j = -cov_j^{-1} (y - mean_j), the log score of each component, shape (..., J, d)."""
    each = []
    for mean, cov in zip(means, covs, strict=True):
        residual, values, vectors = _whitened(y, mean, cov)
        each.append(-(residual / values) @ vectors.T)
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
    values, vectors = np.linalg.eigh(cov)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def normal_cdf(residual: Array, std: Array | float) -> Array:
    """P(std Z <= residual), a unit step where std = 0."""
    z = residual / np.where(std > 0.0, std, 1.0)
    # SciPy's ndtr is 0 below -37.7, where the probability is still above 1e-320.
    with _checks.quiet():
        below = np.where(z < -37.0, np.exp(log_ndtr(z)), ndtr(z))
    return np.where(std > 0.0, below, (residual >= 0.0).astype(np.float64))
