"""Exact laws of samplers on log-normal data, with symbols or with numbers.

The variance of log X obeys V <- (1 - s2 dt / v)^2 V + noise^2 s2 dt with v = v0 + s2 t. A row is
the time of the score, the length of the step, and the factor on the noise."""

from collections.abc import Iterable
from functools import cache

import mpmath
from mpmath import mpf
from sympy import Expr

from spec.checking.claim import Figure
from spec.checking.trace import use
from spec.steps._reverse import EXACT_START, ON_LOG_NORMAL, affine_score

# Of all figures: sigma^2, the log-variance of the data, the usual number of levels and decay.
NOISE_RATE, DATA, LEVELS, CHI = mpf("0.64"), mpf("0.05"), 1000, mpf("0.995")
SETTING = f"sigma = {float(mpmath.sqrt(NOISE_RATE))}, v0 = {float(DATA)}, N = {LEVELS}"
Rows = Iterable[tuple[Expr | mpf, Expr | mpf, Expr | mpf]]


def annealed_rows(
    levels: int | mpf, length: mpf, inner: int, chi: mpf | int, first: int
) -> list[tuple]:
    """Levels `first`, ..., 1, each `inner` times, the noise multiplied by chi at each level."""
    rows = ((mpf(k) / levels, length, chi**i) for i, k in enumerate(range(first, 0, -1)))
    return [row for row in rows for _ in range(inner)]


def uniform_rows(levels: int, chi: mpf | int = 1) -> list[tuple]:
    """N equal steps from t = 1 to 0, with full noise or with noise that decays by chi."""
    return annealed_rows(levels, mpf(1) / levels, 1, chi, levels)


def variance_after(rows: Rows, v0: Expr, s2: Expr, start: Expr) -> Expr:
    """The variance of log X after the rows, from the variance `start`."""
    variance = start
    for t, dt, noise in rows:
        shrinks = 1 + s2 * dt * (1 + affine_score(1, v0 + s2 * t))
        variance = shrinks**2 * variance + noise**2 * s2 * dt
    return variance


def relative_variance(rows: Rows, v0: mpf = DATA, s2: mpf = NOISE_RATE) -> mpf:
    """`variance_after` over v0, from the exact law at the time of the first row."""
    for assumption in (*ON_LOG_NORMAL, EXACT_START):
        use(assumption)
    return _relative_variance(tuple(rows), v0, s2)


@cache
def _relative_variance(rows: tuple, v0: mpf, s2: mpf) -> mpf:
    with mpmath.workdps(50):
        return variance_after(rows, v0, s2, v0 + s2 * rows[0][0]) / v0


def variance_figure(label: str, rows: Rows) -> Figure:
    """That ratio for the reader, at the usual rates and data."""
    label = f"log-variance over that of the data, {label} ({SETTING})"
    return Figure(label, relative_variance(rows))
