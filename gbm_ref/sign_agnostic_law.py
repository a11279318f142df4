"""The law of the sign-agnostic sampler (eq. 12) on 1-D log-normal data, without Monte Carlo.

The score is read at |X|, so that log |X| is a Markov chain of its own (claim R14): with
log |X_t| = y, log-normal data of log-mean a and log-variance v_0, and one row of a grid,

    log |X_s| = y + log |b + noise sqrt(dv) z|
    b         = 1 - dm + dv / 2 - dv (y - a - m(t)) / (v_0 + v(t))

and the sign of X changes where b + noise sqrt(dv) z < 0. An average over X_0 is carried back
through the rows, f <- E f(log |X_s|) as a function of y, from the last to the first, and then
taken over the start. No row has to be fine or noisy: flips, noise 0, inner steps and any process
are covered.

Quadrature. Between the rows f is polynomials on panels, which are halved until values that the
polynomials have not seen agree with them; the average over z is taken by two rules that share no
node, and adaptively where these disagree, as at the logarithm's singularity. What is missed at
each row, weighed with the probability of being there, and the disagreements of the rules add up
to `error`, with 2^-53 of the size of the terms for each row. It bounds the error of the result.
"""

import math
from typing import NamedTuple

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Indices
from gbm_ref._flip_law.carried import Cloud
from gbm_ref._flip_law.panels import Evaluate, Function, resolved
from gbm_ref._flip_law.rows import RowMap, adaptive
from gbm_ref.divergence import Gaussian, checked_gaussian
from gbm_ref.grids import Grid, Row
from gbm_ref.process import Process
from gbm_ref.targets import LogNormal, Target

# What a row may add to the error, of the size of the terms.
_TOLERANCE = 1e-16
# The start is averaged over this many standard deviations.
_REACH = 10.0


class Average(NamedTuple):
    """A number and the difference of two quadratures for it."""

    value: float
    error: float


class LogMoments(NamedTuple):
    """Mean and variance of log |X_0|, and the larger difference of two quadratures for them."""

    mean: float
    var: float
    error: float


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
    chain = _chain(target, process, grid, start)
    first = _average(lambda y: y - chain.centre, chain, False)
    mean = chain.centre + first.value
    second = _average(lambda y: (y - mean) ** 2, chain, False)
    spread = second.error + first.error**2
    return LogMoments(mean, second.value, max(first.error, spread))


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
    return _average(function, _chain(target, process, grid, start), signed)


class _Chain(NamedTuple):
    """The maps of the rows, the rough law of y before each and after the last, and the start."""

    centre: float
    maps: list[RowMap]
    clouds: list[Cloud]
    mean: float
    std: float


def _chain(target: Target, process: Process, grid: Grid, start: Gaussian) -> _Chain:
    if not isinstance(target, LogNormal) or target.d != 1:
        raise ValueError("the law is for log-normal data with d = 1.")
    if len(grid) == 0:
        raise ValueError("the grid has no rows.")
    start = checked_gaussian(start, "start", 1)
    mean, std = float(start.mean[0]), math.sqrt(max(float(start.cov[0, 0]), 0.0))
    maps = [_coefficients(target, process, row) for row in grid]
    z = np.arange(-_REACH, _top(std) + 0.05, 0.05) if std > 0.0 else np.zeros(1)
    logs = -0.5 * z**2 + math.log(0.05 / math.sqrt(2.0 * math.pi)) if std > 0.0 else z
    clouds = [Cloud(mean + std * z, logs).gathered()]
    for one in maps:
        clouds.append(one.after(clouds[-1]))
    return _Chain(float(target.log_mean[0]), maps, clouds, mean, std)


def _average(function: Function, chain: _Chain, signed: bool) -> Average:
    def checked(y: Array) -> Array:
        return _checks.like(function(y), y, "the function")

    last = chain.clouds[-1]
    size = float(np.exp(last.log_masses) @ np.abs(checked(last.points)))
    tolerance = max(_TOLERANCE * size, float(np.finfo(np.float64).tiny))
    carried: Function = checked
    error = (len(chain.maps) + 16) * 2.0**-53 * size
    for one, cloud in zip(chain.maps[::-1], chain.clouds[-2::-1], strict=True):
        panels = resolved(_evaluate(one, carried, signed), cloud, tolerance)
        carried, error = panels.__call__, error + panels.error
    value, missed = _over_the_start(carried, chain, tolerance)
    return Average(value, error + missed)


def _evaluate(one: RowMap, carried: Function, signed: bool) -> Evaluate:
    return lambda y, allowed: one.average(carried, y, allowed, signed)


def _top(std: float) -> float:
    """Where E exp(2 y) has no more to come either, in standard deviations of the start."""
    return _REACH + 2.0 * std


def _over_the_start(carried: Function, chain: _Chain, tolerance: float) -> tuple[float, float]:
    if chain.std == 0.0:
        return float(carried(np.array([chain.mean]))[0]), 0.0

    def integrand(of: Indices, z: Array) -> Array:
        density = np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi)
        return np.asarray(carried(chain.mean + chain.std * z) * density)

    ends = np.array([-_REACH]), np.array([_top(chain.std)])
    value, error = adaptive(integrand, *ends, np.array([tolerance]))
    return float(value[0]), float(error[0])


def _coefficients(target: LogNormal, process: Process, row: Row) -> RowMap:
    total = float(target.log_cov[0, 0]) + process.log_var(row.t_score)
    if total <= 0.0 or row.t_score <= 0.0:
        raise ValueError("every row needs t_score > 0: the score may be singular at t=0.")
    dm, dv = process.increments(row.t_score, row.dt)
    kappa = _checks.non_negative_number(row.noise, "noise")
    centre = float(target.log_mean[0]) + process.log_mean(row.t_score)
    return RowMap(centre, 1.0 - dm + 0.5 * dv, dv / total, kappa * math.sqrt(dv))
