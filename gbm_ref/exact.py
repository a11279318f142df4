"""The exact law of a sampler's output, where it is Gaussian in log space.

For log-normal data the log score is affine, 1 + h = -(S_0 + v(t) I)^{-1} (log x - a - m(t)), with
a = log_mean and S_0 = log_cov of the data. A step written in log X is then an affine map of log X
and of the noise, so a Gaussian start stays Gaussian and its mean and covariance follow a
recursion: no Monte Carlo (claims R8, R9, R10, R16).

All matrices of the recursion share the eigenvectors of S_0, so it runs in that basis, where each
step multiplies the deviation e = y - a - m(t) by one number per direction:

    LogAffineStep      g_i = 1 - weight / (lambda_i + v(t));  `DaleLangevin` has weight = dv
    ProbabilityFlow    g_i = 1 + (b - a) (p_i + q_i (1 + (b - a) p_i)) / 2,
                       p_i = a / (lambda_i + v(t)), q_i = b / (lambda_i + v(s)),
                       a = sqrt(v(t)), b = sqrt(v(s)); without q_i when b = 0, p_i counting twice
"""

import math

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array
from gbm_ref.divergence import Gaussian, checked_gaussian
from gbm_ref.grids import Grid, Row
from gbm_ref.process import Process
from gbm_ref.steps import LogAffineStep, ProbabilityFlow, Step
from gbm_ref.targets import LogNormal


def exact_law(
    step: Step, target: LogNormal, process: Process, grid: Grid, start: Gaussian
) -> Gaussian:
    """Mean (d,) and covariance (d, d) of log X_0 when log X_T ~ start and the score is exact.

    step    a `LogAffineStep`, such as `DaleLangevin`, or `ProbabilityFlow`: affine in log X
    target  the data law, log-normal (its covariance may be singular: a point mass)
    grid    any grid with t_score > 0
    start   law of log X_T; for an exact start, log_mean and log_cov of the diffused target

    Accurate to 8 * 2^-53 * S (claims `R9`, `R10`, `R16-heun`; d up to 2), where S follows the
    rounding of each row through the later ones: S <- |g| S + the sizes of the terms of the mean,
    S <- g^2 S + those of the covariance. Raises ValueError for another step or target, a start of
    another dimension, and rows outside the range of the process or with t_score = 0.
    """
    if not isinstance(step, LogAffineStep | ProbabilityFlow):
        raise ValueError(
            f"{type(step).__name__} is not affine in log X: only a LogAffineStep (DaleLangevin, "
            "...) and ProbabilityFlow have a Gaussian output law."
        )
    if not isinstance(target, LogNormal):
        raise ValueError(f"the score of a {type(target).__name__} is not affine in log X.")
    start = checked_gaussian(start, "start", target.d)
    data_vars, basis = np.linalg.eigh(target.log_cov)
    mean, cov = start.mean @ basis, basis.T @ start.cov @ basis
    centre = target.log_mean @ basis
    # m(t) is added to every coordinate of log X, that is, along this vector of the eigenbasis.
    ones = np.ones(target.d) @ basis
    for row in grid:
        gains, shift, added = _row_map(step, process, row, data_vars, basis)
        deviation = mean - centre - process.log_mean(row.t_score) * ones
        mean = mean + (gains - 1.0) * deviation + shift * ones
        cov = gains[:, None] * cov * gains + added
    return Gaussian(basis @ mean, basis @ cov @ basis.T)


def _row_map(
    step: LogAffineStep | ProbabilityFlow,
    process: Process,
    row: Row,
    data_vars: Array,
    basis: Array,
) -> tuple[Array, float, Array]:
    """The numbers g_i (d,), the shift of log X and the added covariance, in the eigenbasis."""
    d = data_vars.size
    v_t = process.log_var(row.t_score)
    if v_t == 0.0:
        raise ValueError("every row needs t_score > 0: the score may be singular at t=0.")
    if isinstance(step, ProbabilityFlow):
        dm, dv = process.increments(row.t_score, row.dt)
        return _heun_gains(process, row, data_vars, dv), -dm, np.zeros((d, d))
    shift, weight, root = step.coefficients(process, row.t_score, row.dt, row.noise)
    matrix = basis.T @ root if isinstance(root, np.ndarray) else root * np.eye(d)
    return 1.0 - weight / (data_vars + v_t), shift, matrix @ matrix.T


def _heun_gains(process: Process, row: Row, data_vars: Array, dv: float) -> Array:
    """The numbers g_i of the probability flow, shape (d,)."""
    t, s = _checks.end_of_step(row.t_score, row.dt, process.horizon)
    v_t, v_s = process.log_var(t), process.log_var(s)
    a, b = math.sqrt(v_t), math.sqrt(v_s)
    length = -dv / (a + b)
    p = a / (data_vars + v_t)
    if b == 0.0:
        return 1.0 + length * p
    q = b / (data_vars + v_s)
    return 1.0 + length * (p + q * (1.0 + length * p)) / 2.0
