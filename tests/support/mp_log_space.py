"""Densities of log X_t in mpmath, with their derivatives by differences at 80 digits."""

from collections.abc import Callable

import mpmath
import numpy as np
from mpmath import mpf

from gbm_ref import Process, Target
from tests.support import mp_reference

Row = list[mpf]
# The differences are wrong by about H^2; to be called at 80 digits.
H = mpf(10) ** -20


def kernel(process: Process, t: float) -> tuple[mpf, mpf]:
    return mpf(process.log_mean(t)), mpf(process.log_var(t))


def diffused(target: Target, process: Process, t: float) -> list[mp_reference.Component]:
    m, v = kernel(process, t)
    return [
        (w, [a + m for a in mean], cov + v * mpmath.eye(target.d))
        for w, mean, cov in mp_reference.components(target)
    ]


def log_q(mixture: list[mp_reference.Component]) -> Callable[[Row], mpf]:
    """The log density of log X as a function of its coordinates."""
    parts = [
        (w / mpmath.sqrt(mpmath.det(2 * mpmath.pi * cov)), mpmath.matrix(mean), cov**-1)
        for w, mean, cov in mixture
    ]

    def value(y: Row) -> mpf:
        gaps = [(w, mpmath.matrix(y) - mean, inverse) for w, mean, inverse in parts]
        each = [w * mpmath.exp(-(gap.T * inverse * gap)[0] / 2) for w, gap, inverse in gaps]
        return mpmath.log(mpmath.fsum(each))

    return value


def logs(x: np.ndarray) -> list[Row]:
    return [[mpmath.log(mpf(e)) for e in row] for row in x.tolist()]


def moved(y: Row, *steps: tuple[int, mpf]) -> Row:
    return [e + mpmath.fsum(step for j, step in steps if j == i) for i, e in enumerate(y)]


def slope(function: Callable[[Row], mpf], y: Row, i: int) -> mpf:
    """d function / d y_i by central differences; to be called at 80 digits."""
    return (function(moved(y, (i, H))) - function(moved(y, (i, -H)))) / (2 * H)


def bend(function: Callable[[Row], mpf], y: Row, i: int, j: int) -> mpf:
    more, less = (slope(lambda at, h=h: function(moved(at, (j, h))), y, i) for h in (H, -H))
    return (more - less) / (2 * H)
