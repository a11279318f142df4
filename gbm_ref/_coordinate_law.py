"""One row of a sampler on log-normal data where each coordinate has a variance of its own.

S_0 and S_0 + diag v(t) then share no eigenvectors, so that a row multiplies the deviation
e = y - a - m(t) by a matrix. With B_t = S_0 + diag v(t), 1 + h = -B_t^{-1} e and

    LogAffineStep      G = I - W B_t^{-1}                                   W = diag(weight)
    ProbabilityFlow    G = I + L (A B_t^{-1} + B B_s^{-1} (I + L A B_t^{-1})) / 2
                       A = diag sqrt(v(t)), B = diag sqrt(v(s)), L = B - A; I + L A B_t^{-1}
                       where s = 0
"""

from typing import NamedTuple

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array
from gbm_ref.grids import Row
from gbm_ref.process import CoordinateGBM
from gbm_ref.steps import LogAffineStep, ProbabilityFlow
from gbm_ref.targets import LogNormal


class RowMatrices(NamedTuple):
    """y <- y + (G - I) e + shift + noise of covariance `added`: (d, d), (d,), (d, d)."""

    gain: Array
    shift: Array
    added: Array


def row_matrices(
    step: LogAffineStep | ProbabilityFlow, process: CoordinateGBM, row: Row, target: LogNormal
) -> RowMatrices:
    """What the row does to log X and its law; row.t_score > 0."""
    d = target.d
    t, s = _checks.end_of_step(row.t_score, row.dt, process.horizon)
    if isinstance(step, ProbabilityFlow):
        dm, dv = process.increments_of_each(t, row.dt)
        return RowMatrices(_heun(process, t, s, dv, target.log_cov), -dm, np.zeros((d, d)))
    shift, weight, root = step.coefficients(process, row.t_score, row.dt, row.noise)
    gain = np.eye(d) - _scaled(weight, _inverse(target.log_cov, process.log_vars(t)))
    full = root if isinstance(root, np.ndarray) and root.ndim == 2 else root * np.eye(d)
    return RowMatrices(gain, np.broadcast_to(shift, (d,)), full @ full.T)


def _heun(process: CoordinateGBM, t: float, s: float, dv: Array, cov: Array) -> Array:
    a, b = np.sqrt(process.log_vars(t)), np.sqrt(process.log_vars(s))
    length, eye = -dv / (a + b), np.eye(dv.size)
    first = _scaled(a, _inverse(cov, a**2))
    euler = eye + _scaled(length, first)
    if s == 0.0:
        return euler
    second = _scaled(b, _inverse(cov, b**2)) @ euler
    return np.asarray(eye + _scaled(length, (first + second) / 2.0))


def _inverse(cov: Array, v: Array) -> Array:
    """(cov + diag v)^{-1}, in units in which its diagonal is 1."""
    units = np.sqrt(np.diag(cov) + v)
    correlation = cov / np.outer(units, units)
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(np.linalg.inv(correlation) / np.outer(units, units))


def _scaled(factors: float | Array, matrix: Array) -> Array:
    """diag(factors) @ matrix."""
    return np.asarray(np.broadcast_to(factors, matrix.shape[:1])[:, None] * matrix)
