"""The law of a sampler on the line, for mixtures and finite data sets, without Monte Carlo.

The exact score of a mixture is not affine in log X, so that the law of log X_0 is not normal and
`exact_law` does not apply. On the line it is carried from row to row as a measure, points y_j with
probabilities p_j, which is a quadrature rule for the law. With g(y) what a row does without noise
and r its factor on the noise (a `LogAffineStep`: g = y + shift + weight s(y), r = root),

    r > 0    q(y') = sum_j p_j N(y'; g(y_j), r^2) at new points, equally spaced by a fraction of r
             of this row and of r / max |g'| of the next one: the trapezoidal rule, which
             converges exponentially for functions as smooth as these
    r = 0    y_j <- g(y_j): the probabilities are carried along

Everything is computed with two spacings whose points do not meet; the results are those of the
finer one, and the difference of the two is `error`. Points of less than 1e-22 are left out.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref._gaussians import LOG_TWO_PI, normal_cdf
from gbm_ref.grids import Grid, Row
from gbm_ref.line.quadrature import require_line
from gbm_ref.process import Process
from gbm_ref.sign_agnostic_law import Average, LogMoments
from gbm_ref.steps import LogAffineStep, ProbabilityFlow, Step
from gbm_ref.steps.churn import unfolded
from gbm_ref.targets import Target

Function = Callable[[Array], Array]

# Spacing of the points as a fraction of the smallest width that must be resolved, of the coarser
# and the finer rule, and where the first point lies in units of the spacing.
_SPACINGS, _OFFSETS = (0.61, 0.47), (0.0, 0.37)
# Points over the start for a sampler without noise, and half-width of a normal law.
_POINTS, _REACH = (1801, 2503), 9.5
_SMALLEST = 1e-22
_LARGEST = 40_000


class CdfValues(NamedTuple):
    """P(X_0 <= x) for every x, and the largest difference of two rules for them."""

    values: Array
    error: float


class _Row(NamedTuple):
    """A row: log X_s = drift(log X_t) + root z."""

    drift: Function
    root: float


class _Measure(NamedTuple):
    """Points (n,), ascending where they are new, and their probabilities (n,)."""

    points: Array
    shares: Array


def sampler_average(
    function: Function,
    step: Step | Sequence[Step],
    target: Target,
    process: Process,
    grid: Grid,
    start: Target,
) -> Average:
    """E f(log X_0) of a sampler on the line with the exact score of `target`.

    function  f, of an array (n,) of log x; smooth, and growing no faster than e^(2 y)
    step      a `LogAffineStep`, `ProbabilityFlow` or `Churn`, or one for each row of the grid
    target    the data law, d = 1: a `LogNormal`, `LogNormalMixture` or `PointMasses`
    grid      rows with t_score > 0
    start     the law of X_T, d = 1, with a density: `target.diffuse(process, T)` is the exact one

    Raises ValueError for another step or dimension, an empty grid, times outside the range of the
    process, a function that is not finite, and noise too small against the width of the law.
    """
    rows = _rows(step, target, process, grid)
    found = []
    for rule in (0, 1):
        points, shares = _carried(rows, start, rule)
        values = _checks.like(
            function(points), points, "what the function returns", "its argument"
        )
        found.append(float(np.sum(shares * values)))
        size = float(np.sum(shares * np.abs(values)))
    return Average(found[1], abs(found[1] - found[0]) + 2.0**-50 * len(rows) * size)


def sampler_moments(
    step: Step | Sequence[Step],
    target: Target,
    process: Process,
    grid: Grid,
    start: Target,
) -> LogMoments:
    """Mean and variance of log X_0 of a sampler on the line; see `sampler_average`."""
    rows = _rows(step, target, process, grid)
    means, variances, size = [], [], 0.0
    for rule in (0, 1):
        points, shares = _carried(rows, start, rule)
        means.append(float(np.sum(shares * points)))
        squares = shares * (points - means[-1]) ** 2
        variances.append(float(np.sum(squares)))
        size = float(np.sum(shares * np.abs(points))) + variances[-1]
    gaps = abs(means[1] - means[0]), abs(variances[1] - variances[0])
    return LogMoments(means[1], variances[1], max(gaps) + 2.0**-50 * len(rows) * size)


def sampler_cdf(
    x: Values,
    step: Step | Sequence[Step],
    target: Target,
    process: Process,
    grid: Grid,
    start: Target,
) -> CdfValues:
    """P(X_0 <= x) of a sampler on the line, x (...) positive; see `sampler_average`.

    The last row with noise is averaged over its noise in closed form, and the rows after it are
    inverted; raises ValueError as well where these do not increase with log x.
    """
    rows = _rows(step, target, process, grid)
    y = np.log(_checks.positive_array(x, "x"))
    noisy = [k for k, row in enumerate(rows) if row.root > 0.0]
    last = noisy[-1] if noisy else -1
    found = []
    for rule in (0, 1):
        before = _carried(rows[: max(last, 0)], start, rule)
        levels = _inverted(rows[last + 1 :], y.ravel(), _start_range(start))
        if last < 0:
            found.append(start.cdf(np.exp(levels)[:, None]))
            continue
        gaps = levels[:, None] - rows[last].drift(before.points)
        found.append(normal_cdf(gaps, rows[last].root) @ before.shares)
    error = float(np.max(np.abs(found[1] - found[0]), initial=0.0)) + 2.0**-50 * len(rows)
    return CdfValues(found[1].reshape(y.shape), error)


def _rows(step: Step | Sequence[Step], target: Target, process: Process, grid: Grid) -> list[_Row]:
    require_line(target, "the law of a sampler")
    if len(grid) == 0:
        raise ValueError("the grid has no rows.")
    steps = list(step) if isinstance(step, Sequence) else [step] * len(grid)
    if len(steps) != len(grid):
        raise ValueError(f"there must be one step a row: {len(steps)} for {len(grid)} rows.")
    return [_row(one, target, process, row) for one, row in unfolded(steps, process, grid)]


def _row(step: Step, target: Target, process: Process, row: Row) -> _Row:
    later = target.diffuse(process, row.t_score)
    if process.log_var(row.t_score) == 0.0:
        raise ValueError("every row needs t_score > 0: the score may be singular at t=0.")
    if isinstance(step, LogAffineStep):
        shift, weight, root = step.coefficients(process, row.t_score, row.dt, row.noise)
        size = float(np.asarray(root).ravel()[0])
        return _Row(lambda y: y + float(shift) + float(weight) * _score(later, y), size)
    if not isinstance(step, ProbabilityFlow):
        raise ValueError(
            f"{type(step).__name__} is not written in log X: only a LogAffineStep (DaleLangevin, "
            "...), ProbabilityFlow and Churn are."
        )

    def score(x: Array, t: float) -> Array:
        return target.diffuse(process, t).hyvarinen_score(x)

    def flow(y: Array) -> Array:
        moved = step(process, score, np.exp(y)[:, None], row.t_score, row.dt, row.noise, None)
        return np.log(moved[:, 0])

    return _Row(flow, 0.0)


def _score(law: Target, y: Array) -> Array:
    return law.log_score(np.exp(y)[:, None])[:, 0]


def _start_range(start: Target) -> tuple[float, float]:
    ends = start.ppf(np.array([_SMALLEST, 0.5, 1.0 - 2.0**-50]))[:, 0]
    low, middle, high = np.log(ends)
    reach = max(middle - low, (high - middle) * 1.3)
    return float(middle - reach), float(middle + reach)


def _carried(rows: list[_Row], start: Target, rule: int) -> _Measure:
    """The measure after all rows."""
    require_line(start, "the start")
    low, high = _start_range(start)
    points = np.linspace(low, high, _POINTS[rule])
    if rows:
        points = _new_points(low, high, (high - low) / 300.0, rows[0], rule)
    density = np.exp(start.logpdf(np.exp(points)[:, None]) + points)
    measure = _Measure(points, density * (points[1] - points[0]))
    for k, row in enumerate(rows):
        following = rows[k + 1] if k + 1 < len(rows) else None
        measure = _moved(measure, row, following, rule)
    return measure


def _moved(measure: _Measure, row: _Row, following: _Row | None, rule: int) -> _Measure:
    kept = measure.shares > _SMALLEST
    shares = measure.shares[kept]
    centres = row.drift(measure.points[kept])
    if row.root == 0.0:
        return _Measure(centres, shares)
    low, high = centres.min() - _REACH * row.root, centres.max() + _REACH * row.root
    points = _new_points(float(low), float(high), row.root, following, rule)
    density = np.empty_like(points)
    for part in np.array_split(np.arange(points.size), 1 + points.size * centres.size // 2**22):
        gaps = (points[part, None] - centres) / row.root
        with _checks.quiet():
            density[part] = np.exp(-0.5 * gaps**2) @ shares
    density *= np.exp(-0.5 * LOG_TWO_PI) / row.root
    return _Measure(points, density * (points[1] - points[0]))


def _new_points(low: float, high: float, width: float, following: _Row | None, rule: int) -> Array:
    """Equally spaced points that resolve `width` and what the next row does to them."""
    if following is not None and following.root > 0.0:
        trial = np.linspace(low, high, 2001)
        steepest = float(np.max(np.abs(np.gradient(following.drift(trial), trial))))
        width = min(width, following.root / max(steepest, 1e-3))
    elif following is not None:
        width = min(width, (high - low) / (_POINTS[rule] * _SPACINGS[rule]))
    spacing = _SPACINGS[rule] * width
    count = int((high - low) / spacing) + 2
    if count > _LARGEST:
        raise ValueError(
            f"the noise of a row is too small against the width of the law: {count} points would "
            "be needed; take fewer steps, or a step without noise."
        )
    return np.asarray(low + spacing * (np.arange(count) - 1.0 + _OFFSETS[rule]))


def _inverted(rows: list[_Row], y: Array, span: tuple[float, float]) -> Array:
    """The log x that rows without noise carry to y; they must increase."""
    if not rows:
        return y

    def through(points: Array) -> Array:
        for row in rows:
            points = row.drift(points)
        return points

    low, high = np.full_like(y, min(span[0], -60.0)), np.full_like(y, max(span[1], 60.0))
    trial = np.linspace(low.min(initial=-60.0), high.max(initial=60.0), 20_001)
    landed = through(trial)
    # Where all land on one point of the data, rounding decides the order.
    if (np.diff(landed) < -1e-12 * (1.0 + np.abs(landed[1:]))).any():
        raise ValueError(
            "the rows after the last noise do not increase with log x, so that a probability is "
            "not that of one interval: take shorter steps."
        )
    for _ in range(100):
        middle = (low + high) / 2.0
        below = through(middle) < y
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(high)
