"""The law of the sign-agnostic sampler (eq. 12) on 1-D log-normal data, without Monte Carlo.

The score is read at |X|, so that log |X| is a Markov chain of its own (claim R14): with
log |X_t| = y, log-normal data of log-mean a and log-variance v_0, and one row of a grid,

    log |X_s| = y + log |b + noise sqrt(dv) z|
    b         = 1 - dm + dv / 2 - dv (y - a - m(t)) / (v_0 + v(t))

and the sign of X changes where b + noise sqrt(dv) z < 0. An average over X_0 is carried back
through the rows, f <- E f(log |X_s|) as a function of y, from the last to the first, and then
taken over the start. No row has to be fine or noisy: flips, noise 0, inner steps and any process
are covered.

Quadrature. The average over z is the trapezoidal rule, in z itself where the factor is positive
for |z| < 9, and otherwise in the variable tau with |b + noise sqrt(dv) z| =
noise sqrt(dv) log(1 + e^tau), which resolves the singularity of the logarithm at a factor of 0:
both converge exponentially. Between the rows f is a quintic spline on nodes that reach 10 standard
deviations to either side of the law, and 30 beyond on the left, where flips land. Every result is
computed on a finer and a coarser set of nodes, and their difference is returned as `error`: it
is the error of the coarser one, and in the tests that of the finer one is at most a tenth of it
or 1e-13 of the size of the terms.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.interpolate import make_interp_spline
from scipy.special import expit

from gbm_ref import _checks
from gbm_ref._checks import Array
from gbm_ref._gaussians import LOG_TWO_PI
from gbm_ref.divergence import Gaussian, checked_gaussian
from gbm_ref.grids import Grid, Row
from gbm_ref.process import Process
from gbm_ref.targets import LogNormal, Target

Function = Callable[[Array], Array]

# Nodes per standard deviation, of the coarser and of the finer set.
_DENSITIES = (6.0, 12.0)
# Half-width of the nodes in standard deviations, and how far they reach below on the left.
_REACH, _DEPTH = 10.0, 30.0
# Growth of the spacing of neighbouring nodes on the left, for one node per standard deviation.
_GROWTH = 1.0
# Spacing and range of the trapezoidal rule for a standard normal variable.
_SPACING, _RANGE = 0.5, 9.0
# Lower end of the variable tau: e^-37 = 1e-16.
_LOWEST = -37.0


class Average(NamedTuple):
    """A number and the difference of two quadratures for it."""

    value: float
    error: float


class LogMoments(NamedTuple):
    """Mean and variance of log |X_0|, and the larger difference of two quadratures for them."""

    mean: float
    var: float
    error: float


class _Row(NamedTuple):
    """What a row does to y: factor b = intercept - slope (y - centre), noise `spread` z."""

    centre: float
    intercept: float
    slope: float
    spread: float


def sign_agnostic_moments(
    target: Target, process: Process, grid: Grid, start: Gaussian
) -> LogMoments:
    """Mean and variance of log |X_0| after `SignAgnostic` with the exact score: claim R14.

    target   log-normal with d = 1; its variance may be 0, a point mass
    grid     any rows with t_score > 0
    start    law of log X_T, d = 1; its variance may be 0

    Not a Gaussian law. Accurate to the returned `error`, as the module docstring says, and within
    1e-8 of an independent recursion (claim `R14-numbers`). Raises ValueError for another target or
    dimension, an empty grid, or times outside the range of the process.
    """
    centre = float(target.log_mean[0]) if isinstance(target, LogNormal) else 0.0
    first = sign_agnostic_average(lambda y: y - centre, target, process, grid, start)
    second = sign_agnostic_average(lambda y: (y - centre) ** 2, target, process, grid, start)
    spread = second.error + 2.0 * abs(first.value) * first.error
    return LogMoments(
        centre + first.value, second.value - first.value**2, max(first.error, spread)
    )


def sign_agnostic_average(
    function: Function,
    target: Target,
    process: Process,
    grid: Grid,
    start: Gaussian,
    signed: bool = False,
) -> Average:
    """E f(log |X_0|), or E[sign(X_0) f(log |X_0|)] with signed=True, after `SignAgnostic`.

    function  f, of an array of any shape; smooth, and growing no faster than e^(2 y): np.exp
              with signed=True gives E[X_0], exp(2 y) without gives E[X_0^2]

    The other arguments, the accuracy and the errors are those of `sign_agnostic_moments`; also
    raises ValueError where f is not finite. log |X_0| can be as low as -40 below the start's.
    """
    if not isinstance(target, LogNormal) or target.d != 1:
        raise ValueError("the law is for log-normal data with d = 1.")
    if len(grid) == 0:
        raise ValueError("the grid has no rows.")
    start = checked_gaussian(start, "start", 1)
    rows = [_coefficients(target, process, row) for row in grid]
    laws = _rough_laws(rows, process, grid, start)
    first_nodes, weights = _start_nodes(start)
    results = []
    for density in _DENSITIES:
        carried = function
        for row, (mean, std) in zip(rows[:0:-1], laws[:0:-1], strict=True):
            nodes = _nodes(mean, std, density)
            carried = _interpolant(nodes, _after_row(carried, row, nodes, signed))
        results.append(float(weights @ _after_row(carried, rows[0], first_nodes, signed)))
    coarse, fine = results
    return Average(fine, abs(fine - coarse))


def _coefficients(target: LogNormal, process: Process, row: Row) -> _Row:
    total = float(target.log_cov[0, 0]) + process.log_var(row.t_score)
    if total <= 0.0 or row.t_score <= 0.0:
        raise ValueError("every row needs t_score > 0: the score may be singular at t=0.")
    dm, dv = process.increments(row.t_score, row.dt)
    kappa = _checks.non_negative_number(row.noise, "noise")
    centre = float(target.log_mean[0]) + process.log_mean(row.t_score)
    return _Row(centre, 1.0 - dm + 0.5 * dv, dv / total, kappa * math.sqrt(dv))


def _rough_laws(
    rows: list[_Row], process: Process, grid: Grid, start: Gaussian
) -> list[tuple[float, float]]:
    """Mean and standard deviation of y before each row, to place the nodes (not the result)."""
    mean, var, laws = float(start.mean[0]), float(start.cov[0, 0]), []
    for row, times in zip(rows, grid, strict=True):
        laws.append((mean, math.sqrt(max(var, 4e-4 * process.log_var(times.t_score)))))
        factor = row.intercept - row.slope * (mean - row.centre)
        size = max(abs(factor), row.spread, 1e-3)
        mean += math.log(size)
        var = (1.0 - row.slope / size) ** 2 * var + (row.spread / size) ** 2
    return laws


def _start_nodes(start: Gaussian) -> tuple[Array, Array]:
    """Nodes and weights for the average over log X_T."""
    x = np.arange(-_RANGE, _RANGE + _SPACING, _SPACING)
    nodes = start.mean[0] + math.sqrt(max(start.cov[0, 0], 0.0)) * x
    return nodes, _SPACING * _normal_density(x)


def _nodes(mean: float, std: float, density: float) -> Array:
    """Even nodes over the bulk of the law, and on the left ever wider ones."""
    gap, growth = std / density, _GROWTH / density
    bulk = mean + gap * np.arange(-_REACH * density, _REACH * density + 1.0)
    count = math.ceil(math.log1p(growth * _DEPTH / gap) / growth)
    below = gap / growth * np.expm1(growth * np.arange(float(count), 0.0, -1.0))
    return np.concatenate([bulk[0] - below, bulk])


def _interpolant(nodes: Array, values: Array) -> Function:
    spline = make_interp_spline(nodes, values, k=5)
    return lambda y: np.asarray(spline(np.clip(y, nodes[0], nodes[-1])))


def _after_row(function: Function, row: _Row, y: Array, signed: bool) -> Array:
    """E of the function at log |X_s|, times the sign of the factor if signed, at each y (n,)."""
    factor = row.intercept - row.slope * (y - row.centre)
    sure = np.abs(factor) >= (_RANGE + 0.5) * row.spread
    result = np.empty_like(y)
    for chosen, rule in ((sure, _with_one_sign), (~sure, _with_flips)):
        if chosen.any():
            logs, weights = rule(np.abs(factor[chosen]), row.spread, signed)
            values = function(y[chosen, None] + logs)
            result[chosen] = np.sum(_checks.like(values, logs, "the function") * weights, axis=1)
    return np.sign(factor) * result if signed else result


def _with_one_sign(size: Array, spread: float, signed: bool) -> tuple[Array, Array]:
    """log |b + spread z| and weights, (n, nodes), for b = size > 9 spread: no flip in range."""
    z = np.arange(-_RANGE, _RANGE + _SPACING, _SPACING)
    safe = np.maximum(size, np.finfo(np.float64).tiny)[:, None]
    return np.log(safe) + np.log1p(spread / safe * z), _SPACING * _normal_density(z)


def _with_flips(size: Array, spread: float, signed: bool) -> tuple[Array, Array]:
    """The same where flips count; with `signed` a factor of the other sign has weight < 0."""
    tau = np.arange(_LOWEST, 2.0 * _RANGE + 1.0, _SPACING)
    absolute, ratio = np.log1p(np.exp(tau)), (size / spread)[:, None]
    same, other = _normal_density(absolute - ratio), _normal_density(absolute + ratio)
    density = same - other if signed else same + other
    logs = np.broadcast_to(math.log(spread) + np.log(absolute), density.shape)
    return logs, _SPACING * expit(tau) * density


def _normal_density(z: Array) -> Array:
    return np.asarray(np.exp(-0.5 * z**2 - 0.5 * LOG_TWO_PI))
