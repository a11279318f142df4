"""The exact binomial test of the frequency of an event."""

import math
from collections.abc import Callable

import numpy as np
from scipy.special import betainc, betaincc, betaincinv

from tests.statistics.checks.base import Check
from tests.statistics.checks.rejections import RateRejected
from tests.statistics.laws import Array


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The least whole number in [low, high] from which on `holds`, which is monotone."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


class Rate(Check[float]):
    """The frequency of an event: draws are 1 where it happened, else 0."""

    effect = "rate_factor"
    rejection = RateRejected

    def p_value(self, draws: Array) -> float:
        count = float(draws.sum())
        return float(
            np.minimum(1.0, 2.0 * np.minimum(self._at_most(count), self._at_least(count)))
        )

    def _at_most(self, count: float) -> float:
        return 1.0 if count >= self.n else float(betaincc(count + 1, self.n - count, self.law))

    def _at_least(self, count: float) -> float:
        return 1.0 if count < 1 else float(betainc(count, self.n - count + 1, self.law))

    def _edges(self) -> tuple[int, int]:
        """The largest count that is rejected as too low (-1: none), the least as too high."""
        centre = int(self.n * self.law)
        low = _first(lambda k: self._at_most(k) > self.alpha / 2, 0, centre + 1) - 1
        high = _first(lambda k: self._at_least(k) <= self.alpha / 2, centre, self.n)
        return low, high

    def size(self, truth: float) -> float:
        return math.inf if truth == 0.0 else max(truth / self.law, self.law / truth)

    def miss(self, truth: float) -> float:
        low, high = self._edges()
        too_low = float(betaincc(low + 1, self.n - low, truth)) if low >= 0 else 0.0
        return float(betaincc(high, self.n - high + 1, truth)) - too_low

    def smallest(self, beta: float) -> float:
        low, high = self._edges()
        if low < 0:
            return math.inf
        above = float(betaincinv(high, self.n - high + 1, 1.0 - beta))
        below = float(betaincinv(low + 1, self.n - low, beta))
        return max(above / self.law, self.law / below)
