"""The exact law of a sampler, extracted by injected noise: no random numbers, no Monte Carlo.

For log-normal data the map from (log x_T, z_1 .. z_rows) to log x_0 of a sampler written in log
space is affine, so 1 + d + rows * d evaluations determine it:

    g(y, Z) = log sampler(exp(y), Z),     c = g(0, 0),
    A = (g(e_i, 0) - c)_i,     B_k = (g(0, e_{k,i}) - c)_i
    log x_T ~ N(M, S)   =>   log x_0 ~ N(c + A M,  A S A^T + sum_k B_k B_k^T)

It takes any callable sampler(x_T, Z) with x_T (n, d) and Z (rows, n, d), NumPy arrays in and out,
whose n states do not influence each other. Whether the map really is affine is checked with
noise of size 3 and 8: a step that clips shows only beyond its bound.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Sampler = Callable[[np.ndarray, np.ndarray], np.ndarray]


class LawRejected(AssertionError):
    """The sampler's law is not the expected one. A planted bug must fail for this reason."""


class Law(NamedTuple):
    """log X ~ N(mean, cov): (d,) and (d, d)."""

    mean: np.ndarray
    cov: np.ndarray


class AffineMap(NamedTuple):
    """log x_0 = offset + state @ log x_T + sum_k noise[k] @ z_k: (d,), (d, d), (rows, d, d)."""

    offset: np.ndarray
    state: np.ndarray
    noise: np.ndarray

    def law(self, start: Law) -> Law:
        """The law of log x_0 when log x_T ~ start and the noise is standard normal."""
        mean = self.offset + self.state @ start.mean
        added = np.einsum("kij,klj->il", self.noise, self.noise)
        return Law(mean, self.state @ start.cov @ self.state.T + added)


def extract(sampler: Sampler, rows: int, d: int) -> AffineMap:
    """The affine map of a sampler with `rows` steps in dimension d, by one batched call."""
    count = 1 + d + rows * d
    y = np.zeros((count, d))
    z = np.zeros((rows, count, d))
    y[1 : 1 + d] = np.eye(d)
    for k in range(rows):
        first = 1 + d + k * d
        z[k, first : first + d] = np.eye(d)
    g = _log_output(sampler, y, z)
    columns = g[1:] - g[0]
    return AffineMap(g[0], columns[:d].T, columns[d:].reshape(rows, d, d).transpose(0, 2, 1))


def affinity_residual(sampler: Sampler, found: AffineMap) -> float:
    """The largest deviation from `found` at generic points, relative to the terms added up."""
    rows, d, _ = found.noise.shape
    signs = np.where((np.arange(rows * d) * 2654435761 % 7) < 3, -1.0, 1.0).reshape(rows, d)
    patterns = [size * signs_ for size in (3.0, -3.0, 8.0, -8.0) for signs_ in (signs, 1.0)]
    z = np.stack([np.broadcast_to(p, (rows, d)) for p in patterns], axis=1)
    y = np.stack([2.0 * (-1.0) ** (j + np.arange(d)) for j in range(len(patterns))])
    expected = found.offset + y @ found.state.T + np.einsum("kij,knj->ni", found.noise, z)
    terms = (
        1.0
        + np.abs(found.offset)
        + np.abs(y) @ np.abs(found.state).T
        + np.einsum("kij,knj->ni", np.abs(found.noise), np.abs(z))
    )
    return float(np.max(np.abs(_log_output(sampler, y, z) - expected) / terms))


def assert_law(
    sampler: Sampler, start: Law, expected: Law, rows: int, tolerance: float = 1e-11
) -> Law:
    """The extracted law, once it agrees with `expected`; raises LawRejected otherwise.

    The mean and the covariance are compared after whitening with the expected covariance, so the
    tolerance is |dM| / sqrt(V) and |dV| / V in every direction (1e-11 in float64, 5e-5 in
    float32), and also bounds the deviation from an affine map.
    """
    d = expected.mean.size
    found = extract(sampler, rows, d)
    residual = affinity_residual(sampler, found)
    if not residual <= tolerance:
        raise LawRejected(f"the sampler is not affine in log x and z: residual {residual:.3g}")
    law = found.law(start)
    values, vectors = np.linalg.eigh(expected.cov)
    whiten = vectors / np.sqrt(values)
    mean_gap = float(np.max(np.abs((law.mean - expected.mean) @ whiten)))
    cov_gap = float(np.max(np.abs(whiten.T @ (law.cov - expected.cov) @ whiten)))
    if not (mean_gap <= tolerance and cov_gap <= tolerance):
        raise LawRejected(
            f"mean off by {mean_gap:.3g} standard deviations, covariance by {cov_gap:.3g} of it"
        )
    return law


def _log_output(sampler: Sampler, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    x = np.asarray(sampler(np.exp(y), z), dtype=np.float64)
    if x.shape != y.shape:
        raise ValueError(f"the sampler must return the shape {y.shape} of x_T, got {x.shape}")
    if not (np.isfinite(x).all() and (x > 0.0).all()):
        raise LawRejected("the sampler returned values that are not positive and finite")
    return np.log(x)
