"""The statistics: each states its error rates in closed form and raises a class of its own.

| statistic | of n independent draws | null law of it | an effect is measured as |
| --- | --- | --- | --- |
| `mean` | normal, variance known | N(0, 1), exact | shift in standard deviations |
| `variance` | normal | chi-square with n - 1 degrees, exact | abs(ratio - 1) |
| `shape` | any law on the line | P(KS > e) <= 2 exp(-2 n e^2) (DKW, Massart) | KS distance |
| `projections` | any law in the plane | the same along 8 directions, Bonferroni | KS distance |
| `rate` | events of probability p | Binomial(n, p), exact | factor on p, either way |
| `correlation` | pairs (a, b) of centred normals | F of a + b and a - b, exact | correlation |

For `correlation`, a + b and a - b are independent where a, b are uncorrelated and of equal
variance; with correlation r the ratio of their sums of squares is (1 + r) / (1 - r) times F.

`p_value` is exact or an upper bound, a check rejects where it is at most alpha. `miss` is the
chance that draws of another law pass (exact, a bound, or NaN where the formula does not hold),
and `smallest` the least effect that is missed with a chance of at most beta."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import numpy as np
from scipy import special as sp

from tests.statistics.laws import Array, Law, Plane, directions, distance


class LawRejected(AssertionError):
    """The draws do not follow the law."""


class NotFinite(LawRejected):
    """Draws that are NaN or infinite, which no statistic may pass."""


class WrongShape(LawRejected):
    """Another number of draws, or of coordinates, than the check was designed for."""


Reference = Law | Plane | float
R = TypeVar("R", Law, Plane, float)


@dataclass(frozen=True)
class Check(ABC, Generic[R]):
    """One statistic at n draws and level alpha, against one law."""

    effect: ClassVar[str]
    rejection: ClassVar[type[LawRejected]]
    columns: ClassVar[int] = 1

    law: R
    n: int
    alpha: float

    def __init_subclass__(cls) -> None:
        """A statistic has a rejection of its own; a class derived from it raises the same."""
        super().__init_subclass__()
        if not hasattr(cls, "rejection"):
            cls.rejection = type(f"{cls.__name__}Rejected", (LawRejected,), {})

    def __call__(self, draws: Array, name: str = "draws") -> float:
        """The p-value; raises this check's own class where it is alpha or less, or NaN."""
        if draws.shape != ((self.n,) if self.columns == 1 else (self.n, self.columns)):
            raise WrongShape(f"{name}: {draws.shape} for n = {self.n}")
        if not np.isfinite(draws).all():
            raise NotFinite(f"{name}: {int((~np.isfinite(draws)).sum())} draws are not finite")
        p = self.p_value(draws)
        if not p > self.alpha:
            raise self.rejection(f"{name}: p = {p:.3g} at alpha = {self.alpha:.3g}, n = {self.n}")
        return p

    @abstractmethod
    def p_value(self, draws: Array) -> float:
        """The chance, or a bound of it, of draws as far from the law as these."""

    @abstractmethod
    def size(self, truth: R) -> float:
        """How far another law is, in the unit of the statistic."""

    @abstractmethod
    def miss(self, truth: R) -> float:
        """The chance that n draws of another law pass."""

    @abstractmethod
    def smallest(self, beta: float) -> float:
        """The least size that is missed with a chance of at most beta."""


class Mean(Check[Law]):
    """The z-test of the mean."""

    effect = "mean_shift_in_sd"

    def p_value(self, draws: Array) -> float:
        z = (draws.mean() - self.law.mean) / math.sqrt(self.law.var / self.n)
        return float(2.0 * sp.ndtr(-abs(z)))

    def size(self, truth: Law) -> float:
        return abs(truth.mean - self.law.mean) / math.sqrt(self.law.var)

    def miss(self, truth: Law) -> float:
        if not (truth.normal and self.law.normal):
            return math.nan
        ratio = math.sqrt(truth.var / self.law.var)
        reach, shift = -sp.ndtri(self.alpha / 2), math.sqrt(self.n) * self.size(truth)
        return float(sp.ndtr((reach - shift) / ratio) - sp.ndtr((-reach - shift) / ratio))

    def smallest(self, beta: float) -> float:
        return float(-(sp.ndtri(self.alpha / 2) + sp.ndtri(beta)) / math.sqrt(self.n))


class Variance(Check[Law]):
    """The chi-square test of the variance."""

    effect = "variance_change"

    def p_value(self, draws: Array) -> float:
        scaled = (self.n - 1) * draws.var(ddof=1) / self.law.var
        tails = sp.chdtr(self.n - 1, scaled), sp.chdtrc(self.n - 1, scaled)
        return float(2.0 * np.minimum(*tails))

    def _quantile(self, p: float) -> float:
        return float(2.0 * sp.gammaincinv((self.n - 1) / 2, p))

    def size(self, truth: Law) -> float:
        return abs(truth.var / self.law.var - 1.0)

    def miss(self, truth: Law) -> float:
        if not (truth.normal and self.law.normal):
            return math.nan
        high, low = sp.chdtri(self.n - 1, self.alpha / 2), self._quantile(self.alpha / 2)
        ratio = self.law.var / truth.var
        return float(sp.chdtr(self.n - 1, high * ratio) - sp.chdtr(self.n - 1, low * ratio))

    def smallest(self, beta: float) -> float:
        high, low = sp.chdtri(self.n - 1, self.alpha / 2), self._quantile(self.alpha / 2)
        return max(high / self._quantile(beta) - 1.0, 1.0 - low / sp.chdtri(self.n - 1, beta))


class Correlation(Check[float]):
    """Pairs (n, 2) of independent centred normal numbers of equal variance; the law is 0."""

    effect = "correlation"
    columns = 2

    def p_value(self, draws: Array) -> float:
        sums, gaps = draws[:, 0] + draws[:, 1], draws[:, 0] - draws[:, 1]
        with np.errstate(divide="ignore"):
            ratio = np.float64(sums @ sums) / np.float64(gaps @ gaps)
        tails = sp.fdtr(self.n, self.n, ratio), sp.fdtrc(self.n, self.n, ratio)
        return float(2.0 * np.minimum(*tails))

    def size(self, truth: float) -> float:
        return abs(truth - self.law)

    def _edge(self, p: float) -> float:
        """The ratio that is exceeded with chance p; F(n, n) is its own inverse in law."""
        share = float(sp.betaincinv(self.n / 2, self.n / 2, p))
        return (1.0 - share) / share

    def miss(self, truth: float) -> float:
        if abs(truth) == 1.0:
            return 0.0
        edge, factor = self._edge(self.alpha / 2), (1.0 + truth) / (1.0 - truth)
        low, high = 1.0 / (edge * factor), edge / factor
        return float(sp.fdtr(self.n, self.n, high) - sp.fdtr(self.n, self.n, low))

    def smallest(self, beta: float) -> float:
        ratio = self._edge(self.alpha / 2) * self._edge(beta)
        return (ratio - 1.0) / (ratio + 1.0)


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The least whole number in [low, high] from which on `holds`, which is monotone."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


class Rate(Check[float]):
    """The frequency of an event: draws are 1 where it happened, else 0."""

    effect = "rate_factor"

    def p_value(self, draws: Array) -> float:
        count = float(draws.sum())
        tail = np.minimum(self._at_most(count), self._at_least(count))
        return float(np.minimum(1.0, 2.0 * tail))

    def _at_most(self, count: float) -> float:
        return 1.0 if count >= self.n else float(sp.betaincc(count + 1, self.n - count, self.law))

    def _at_least(self, count: float) -> float:
        return 1.0 if count < 1 else float(sp.betainc(count, self.n - count + 1, self.law))

    def _edges(self) -> tuple[int, int]:
        """The largest count that is rejected as too low (-1: none), the least as too high."""
        centre = int(self.n * self.law)
        low = _first(lambda k: self._at_most(k) > self.alpha / 2, 0, centre + 1) - 1
        return low, _first(lambda k: self._at_least(k) <= self.alpha / 2, centre, self.n)

    def size(self, truth: float) -> float:
        return math.inf if truth == 0.0 else max(truth / self.law, self.law / truth)

    def miss(self, truth: float) -> float:
        low, high = self._edges()
        too_low = float(sp.betaincc(low + 1, self.n - low, truth)) if low >= 0 else 0.0
        return float(sp.betaincc(high, self.n - high + 1, truth)) - too_low

    def smallest(self, beta: float) -> float:
        low, high = self._edges()
        if low < 0:
            return math.inf
        above = float(sp.betaincinv(high, self.n - high + 1, 1.0 - beta))
        return max(above / self.law, self.law / float(sp.betaincinv(low + 1, self.n - low, beta)))


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


STATISTICS: dict[str, type[Check]] = {
    kind.__name__.lower(): kind for kind in (Mean, Variance, Shape, Projections, Rate, Correlation)
}
