"""Distribution-free tests of a distribution function, on the line and in the plane."""

import math

import numpy as np

from tests.statistics.checks.base import Check
from tests.statistics.checks.rejections import ProjectionRejected, ShapeRejected
from tests.statistics.laws import Array, Law, Plane, directions, distance


def dkw(n: int, alpha: float) -> float:
    """The KS distance that n draws exceed with a chance of at most alpha."""
    return math.sqrt(math.log(2.0 / alpha) / (2 * n))


def kolmogorov(draws: Array, law: Law) -> float:
    """sup |F_n - F| over the line, less the error of F."""
    cdf = law.cdf(np.sort(draws))
    steps = np.arange(draws.size + 1) / draws.size
    return float(max(np.max(steps[1:] - cdf), np.max(cdf - steps[:-1]))) - law.error


def _dkw_bound(n: int, d: float) -> float:
    """2 exp(-2 n d^2), a bound of the chance to exceed d; NaN stays NaN."""
    return min(1.0, 2.0 * math.exp(-2.0 * n * max(d, 0.0) ** 2)) if d == d else math.nan


class Shape(Check[Law]):
    """The distribution function."""

    effect = "ks_distance"
    rejection = ShapeRejected

    def p_value(self, draws: Array) -> float:
        return _dkw_bound(self.n, kolmogorov(draws, self.law))

    def size(self, truth: Law) -> float:
        return distance(self.law, truth)

    def miss(self, truth: Law) -> float:
        return _dkw_bound(self.n, self.size(truth) - self.law.error - dkw(self.n, self.alpha))

    def smallest(self, beta: float) -> float:
        return dkw(self.n, self.alpha) + dkw(self.n, beta) + self.law.error


class Projections(Check[Plane]):
    """The distribution functions along 8 directions, alpha shared among them."""

    effect = "ks_distance"
    rejection = ProjectionRejected
    columns = 2

    def _along(self, w: Array) -> Shape:
        return Shape(self.law.project(w), self.n, self.alpha / len(directions()))

    def p_value(self, draws: Array) -> float:
        bounds = [self._along(w).p_value(draws @ w) for w in directions()]
        return float(np.minimum(1.0, len(bounds) * np.min(bounds)))

    def size(self, truth: Plane) -> float:
        return max(self._along(w).size(truth.project(w)) for w in directions())

    def miss(self, truth: Plane) -> float:
        return min(self._along(w).miss(truth.project(w)) for w in directions())

    def smallest(self, beta: float) -> float:
        return self._along(directions()[0]).smallest(beta)
