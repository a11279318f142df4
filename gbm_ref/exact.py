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

A row of `Churn` is two: one that adds noise, with g_i = 1, and that of its inner step.

`DPMSolver` reads earlier denoisers D: with H_t = -v(t) / (lambda_i + v(t)), D - u = H_t e, so that
the deviations of the state and of the denoisers that are kept are multiples of the first one, and
follow the recursion of the step.

With a sigma of its own for each coordinate S_0 and B_t = S_0 + diag v(t) share no eigenvectors,
and where the scales of S_0 are unlike its eigenvectors mix their digits. Then a row multiplies e
by a matrix, with L = diag(b - a) and, where s = 0, I + L diag(a) B_t^{-1}:

    LogAffineStep      I - diag(weight) B_t^{-1}
    ProbabilityFlow    I + L (diag(a) B_t^{-1} + diag(b) B_s^{-1} (I + L diag(a) B_t^{-1})) / 2
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array
from gbm_ref._gaussians import unlike_scales
from gbm_ref.divergence import Gaussian, checked_gaussian
from gbm_ref.grids import Grid, Row
from gbm_ref.process import Process
from gbm_ref.process.coordinates import fits, increments, log_means, log_vars
from gbm_ref.steps import DPMSolver, LogAffineStep, ProbabilityFlow, Step
from gbm_ref.steps.churn import unfolded
from gbm_ref.steps.multistep import usable
from gbm_ref.targets import LogNormal


def exact_law(
    step: Step | Sequence[Step], target: LogNormal, process: Process, grid: Grid, start: Gaussian
) -> Gaussian:
    """Mean (d,) and covariance (d, d) of log X_0 when log X_T ~ start and the score is exact.

    step    a `LogAffineStep`, such as `DaleLangevin`, `ProbabilityFlow` or `Churn`: affine in
            log X; or one for each row of the grid, for samplers that mix them (predictor and
            corrector); or a `DPMSolver`
    target  the data law, log-normal (its covariance may be singular: a point mass)
    grid    any grid with t_score > 0
    start   law of log X_T; for an exact start, log_mean and log_cov of the diffused target

    Accurate to 8 * 2^-53 * S (claims `R9`, `R10`, `R16-heun`; d up to 2), where S follows the
    rounding of each row through the later ones: S <- |g| S + the sizes of the terms of the mean,
    S <- g^2 S + those of the covariance. With a sigma of its own for each coordinate the rows are
    matrices, and S grows by the condition of the correlations. Raises ValueError for another step
    or target, a start of another dimension, another number of steps than rows, and rows outside
    the range of the process or with t_score = 0.
    """
    rows = [] if isinstance(step, DPMSolver) else _rows(step, process, grid)
    if not isinstance(target, LogNormal):
        raise ValueError(f"the score of a {type(target).__name__} is not affine in log X.")
    start = checked_gaussian(start, "start", target.d)
    fits(process, target.log_mean, "the target")
    if isinstance(step, DPMSolver):
        return _by_multistep(step, target, process, grid, start)
    if isinstance(log_vars(process, 0.0), np.ndarray) or unlike_scales(target.log_cov):
        return _by_matrices(rows, target, process, start)
    data_vars, basis = np.linalg.eigh(target.log_cov)
    mean, cov = start.mean @ basis, basis.T @ start.cov @ basis
    centre = target.log_mean @ basis
    for one, row in rows:
        gains, shift, added = _row_map(one, process, row, data_vars, basis)
        deviation = mean - centre - _along(log_means(process, row.t_score), basis)
        mean = mean + (gains - 1.0) * deviation + _along(shift, basis)
        cov = gains[:, None] * cov * gains + added
    return Gaussian(basis @ mean, basis @ cov @ basis.T)


_Affine = LogAffineStep | ProbabilityFlow


def _rows(step: Step | Sequence[Step], process: Process, grid: Grid) -> list[tuple[_Affine, Row]]:
    """Each row with its step, which is known to be affine in log X."""
    steps = list(step) if isinstance(step, Sequence) else [step] * len(grid)
    if len(steps) != len(grid):
        raise ValueError(f"there must be one step a row: {len(steps)} for {len(grid)} rows.")
    return [(_affine(one), row) for one, row in unfolded(steps, process, grid)]


def _affine(step: Step) -> _Affine:
    if not isinstance(step, LogAffineStep | ProbabilityFlow):
        raise ValueError(
            f"{type(step).__name__} is not affine in log X: only a LogAffineStep (DaleLangevin, "
            "...), ProbabilityFlow, Churn and, by itself, DPMSolver have a Gaussian output law."
        )
    return step


def _by_matrices(
    rows: list[tuple[_Affine, Row]], target: LogNormal, process: Process, start: Gaussian
) -> Gaussian:
    """The law where each coordinate has a sigma of its own, or a variance of another size."""
    mean, cov = start
    for one, row in rows:
        _require_noise(process, row)
        gain, shift, added = _row_matrices(one, process, row, target)
        deviation = mean - target.log_mean - log_means(process, row.t_score)
        mean = mean + (gain @ deviation - deviation) + shift
        cov = gain @ cov @ gain.T + added
    return Gaussian(mean, (cov + cov.T) / 2.0)


def _by_multistep(
    step: DPMSolver, target: LogNormal, process: Process, grid: Grid, start: Gaussian
) -> Gaussian:
    """The law of a solver with memory: mean and matrix of what multiplies the first deviation."""
    mean, gain = start.mean, np.eye(target.d)
    past: list[tuple[float, Array, Array]] = []
    for row in grid:
        _require_noise(process, row)
        t, v = row.t_score, log_vars(process, row.t_score)
        weights = step.weights(process, t, row.dt, [time for time, *_ in past])
        shrunk, taken = target.log_cov @ _inverse(target.log_cov, v), weights.weight / v
        deviation = mean - target.log_mean - log_means(process, t)
        # Deviations of the denoiser, for the mean and for the matrix.
        found = shrunk @ deviation, shrunk @ gain
        moved = (1.0 - taken) * deviation + taken * found[0]
        turned = _scaled(1.0 - taken, gain) + _scaled(taken, found[1])
        for share, (_, earlier, turn) in zip(weights.shares, past, strict=False):
            moved = moved + share * (earlier - found[0])
            turned = turned + _scaled(share, turn - found[1])
        kept = past[: len(usable(t, [time for time, *_ in past]))]
        mean = target.log_mean + log_means(process, t) + moved + weights.shift
        gain = turned
        past = [(t, *found), *kept][: step.order - 1]
    cov = gain @ start.cov @ gain.T
    return Gaussian(mean, (cov + cov.T) / 2.0)


def _along(value: float | Array, basis: Array) -> Array:
    """What is added to log X, in the eigenbasis; a number is added to every coordinate."""
    if isinstance(value, np.ndarray):
        return np.asarray(value @ basis)
    return value * (np.ones(basis.shape[0]) @ basis)


def _require_noise(process: Process, row: Row) -> None:
    if np.max(log_vars(process, row.t_score)) == 0.0:
        raise ValueError("every row needs t_score > 0: the score may be singular at t=0.")


def _row_map(
    step: _Affine,
    process: Process,
    row: Row,
    data_vars: Array,
    basis: Array,
) -> tuple[Array, float | Array, Array]:
    """The numbers g_i (d,), the shift of log X and the added covariance, in the eigenbasis."""
    d = data_vars.size
    _require_noise(process, row)
    if isinstance(step, ProbabilityFlow):
        dm, dv = increments(process, row.t_score, row.dt)
        return _heun_gains(process, row, data_vars, float(dv)), -dm, np.zeros((d, d))
    shift, weight, root = step.coefficients(process, row.t_score, row.dt, row.noise)
    matrix = basis.T @ root if isinstance(root, np.ndarray) else root * np.eye(d)
    gains = 1.0 - weight / (data_vars + process.log_var(row.t_score))
    return gains, shift, matrix @ matrix.T


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


class _RowMatrices(NamedTuple):
    """y <- y + (G - I) e + shift + noise of covariance `added`: (d, d), (d,), (d, d)."""

    gain: Array
    shift: Array
    added: Array


def _row_matrices(step: _Affine, process: Process, row: Row, target: LogNormal) -> _RowMatrices:
    """What the row does to log X and its law; row.t_score > 0."""
    d = target.d
    t, s = _checks.end_of_step(row.t_score, row.dt, process.horizon)
    if isinstance(step, ProbabilityFlow):
        dm, dv = increments(process, t, row.dt)
        gain = _heun_matrix(process, t, s, dv, target.log_cov)
        return _RowMatrices(gain, np.broadcast_to(-dm, (d,)), np.zeros((d, d)))
    shift, weight, root = step.coefficients(process, row.t_score, row.dt, row.noise)
    gain = np.eye(d) - _scaled(weight, _inverse(target.log_cov, log_vars(process, t)))
    full = root if isinstance(root, np.ndarray) and root.ndim == 2 else root * np.eye(d)
    return _RowMatrices(gain, np.broadcast_to(shift, (d,)), full @ full.T)


def _heun_matrix(process: Process, t: float, s: float, dv: float | Array, cov: Array) -> Array:
    a, b = np.sqrt(log_vars(process, t)), np.sqrt(log_vars(process, s))
    length, eye = -dv / (a + b), np.eye(cov.shape[0])
    first = _scaled(a, _inverse(cov, a**2))
    euler = eye + _scaled(length, first)
    if s == 0.0:
        return euler
    second = _scaled(b, _inverse(cov, b**2)) @ euler
    return np.asarray(eye + _scaled(length, (first + second) / 2.0))


def _inverse(cov: Array, v: float | Array) -> Array:
    """(cov + diag v)^{-1}, in units in which its diagonal is 1."""
    units = np.sqrt(np.diag(cov) + v)
    correlation = cov / np.outer(units, units)
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(np.linalg.inv(correlation) / np.outer(units, units))


def _scaled(factors: float | Array, matrix: Array) -> Array:
    """diag(factors) @ matrix."""
    return np.asarray(np.broadcast_to(factors, matrix.shape[:1])[:, None] * matrix)
