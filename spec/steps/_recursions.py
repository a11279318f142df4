"""Exact laws of samplers on log-normal data, with symbols or with numbers.

With log-normal data, 1 + h = -(y - a - m(t)) / v, v = v0 + sigma^2 t, and a Dale-Langevin step is
affine in y = log X and in the draw. So the variance V of y and its mean deviation e from a + m(t)
obey

    V <- (1 - s2 dt / v)^2 V + noise^2 s2 dt,        e <- (1 - s2 dt / v) e

when the step ends at the next row's time; s2 = sigma^2.
"""

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import mpmath
from mpmath import mpf
from sympy import Expr

from spec.checking.claim import Figure

# The rates and the log-variance of the data of all figures, and a usual number of levels.
NOISE_RATE, DATA, LEVELS = mpf("0.64"), mpf("0.05"), 1000
SETTING = f"sigma = 0.8, v0 = {mpmath.nstr(DATA, 3)}, N = {LEVELS}"


class GridRow(NamedTuple):
    """Time of the score, length of the step, factor on the noise."""

    t: mpf
    dt: mpf
    noise: mpf


def annealed_rows(levels: int, length: mpf, inner: int, chi: mpf, first: int) -> list[GridRow]:
    """Levels `first`, ..., 1, each `inner` times, the noise multiplied by chi at each level."""
    return [
        GridRow(mpf(k) / levels, length, chi**i)
        for i, k in enumerate(range(first, 0, -1))
        for _ in range(inner)
    ]


def uniform_rows(levels: int, chi: mpf | int = 1) -> list[GridRow]:
    """N equal steps from t = 1 to 0, with full noise or with noise that decays by chi."""
    return annealed_rows(levels, mpf(1) / levels, 1, mpf(chi), levels)


def variance_after(rows: Iterable[GridRow], v0: Expr, s2: Expr, start: Expr) -> Expr:
    """The variance of log X after the rows, from the variance `start`."""
    variance = start
    for t, dt, noise in rows:
        added = s2 * dt
        variance = (1 - added / (v0 + s2 * t)) ** 2 * variance + noise**2 * added
    return variance


def relative_variance(rows: Iterable[GridRow], v0: mpf = DATA, s2: mpf = NOISE_RATE) -> mpf:
    """`variance_after` over v0, from the exact law at the time of the first row."""
    return _relative_variance(tuple(rows), v0, s2)


@cache
def _relative_variance(rows: tuple[GridRow, ...], v0: mpf, s2: mpf) -> mpf:
    with mpmath.workdps(50):
        return variance_after(rows, v0, s2, v0 + s2 * rows[0].t) / v0


def variance_figure(label: str, rows: Iterable[GridRow]) -> Figure:
    """That ratio for the reader, at the usual rates and data."""
    where = f"log-variance over that of the data, {label} ({SETTING})"
    return Figure(where, relative_variance(rows))
