"""Kullback-Leibler divergence between Gaussian laws of log X.

The divergence is unchanged by x <-> log x (sheet C6), so the one between two log-normal laws is
computed from the means and covariances of their logarithms.
"""

from typing import NamedTuple

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array


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
    digit of a divergence below 1e-16 d).

    Raises ValueError for different dimensions or a singular q.
    """
    p = checked_gaussian(p, "p")
    q = checked_gaussian(q, "q", p.mean.size)
    values, vectors = np.linalg.eigh(q.cov)
    if values[0] <= 1e-14 * values[-1]:
        raise ValueError("the covariance of q must be positive definite")
    whiten = vectors / np.sqrt(values)
    shift = (p.mean - q.mean) @ whiten
    ratios = _eigenvalues(whiten, p.cov)
    if ratios[0] <= (ratios.size - 1) * 1e-15 * ratios[-1]:
        return float(np.inf)
    gaps = _eigenvalues(whiten, p.cov - q.cov)
    terms = np.where(np.abs(gaps) < 0.1, _r_minus_log1p(gaps), ratios - 1.0 - np.log(ratios))
    return float(0.5 * (np.sum(terms) + shift @ shift))


def _eigenvalues(whiten: Array, matrix: Array) -> Array:
    """Ascending eigenvalues of whiten^T matrix whiten, symmetric."""
    product = whiten.T @ matrix @ whiten
    return np.asarray(np.linalg.eigvalsh((product + product.T) / 2.0), dtype=np.float64)


def _r_minus_log1p(r: Array) -> Array:
    """r - log(1 + r) for |r| < 0.1, where it is about r^2 / 2, without cancellation.

    With s = r / (2 + r), log(1 + r) = 2 artanh(s) and r - 2 s = r s exactly, which leaves
    r s - 2 (s^3 / 3 + s^5 / 5 + ...). Nine terms reach rounding there (|s| < 0.053).
    """
    s = r / (2.0 + r)
    tail = np.zeros_like(s)
    for odd in range(19, 1, -2):
        tail = s * s * (1.0 / odd + tail)
    return r * s - 2.0 * s * tail
