"""Exact tests of normal numbers: their mean, their variance, their correlation."""

import math

import numpy as np
from scipy.special import betaincinv, chdtr, chdtrc, chdtri, fdtr, fdtrc, gammaincinv, ndtr, ndtri

from tests.statistics.checks.base import Check
from tests.statistics.checks.rejections import (
    CorrelationRejected,
    MeanRejected,
    VarianceRejected,
)
from tests.statistics.laws import Array, Law


class Mean(Check[Law]):
    """The z-test of the mean."""

    effect = "mean_shift_in_sd"
    rejection = MeanRejected

    def p_value(self, draws: Array) -> float:
        z = (draws.mean() - self.law.mean) / math.sqrt(self.law.var / self.n)
        return float(2.0 * ndtr(-abs(z)))

    def size(self, truth: Law) -> float:
        return abs(truth.mean - self.law.mean) / math.sqrt(self.law.var)

    def miss(self, truth: Law) -> float:
        if not (truth.normal and self.law.normal):
            return math.nan
        ratio = math.sqrt(truth.var / self.law.var)
        reach, shift = -ndtri(self.alpha / 2), math.sqrt(self.n) * self.size(truth)
        return float(ndtr((reach - shift) / ratio) - ndtr((-reach - shift) / ratio))

    def smallest(self, beta: float) -> float:
        return float(-(ndtri(self.alpha / 2) + ndtri(beta)) / math.sqrt(self.n))


class Variance(Check[Law]):
    """The chi-square test of the variance."""

    effect = "variance_change"
    rejection = VarianceRejected

    def p_value(self, draws: Array) -> float:
        scaled = (self.n - 1) * draws.var(ddof=1) / self.law.var
        tails = chdtr(self.n - 1, scaled), chdtrc(self.n - 1, scaled)
        return float(2.0 * np.minimum(*tails))

    def _quantile(self, p: float) -> float:
        return float(2.0 * gammaincinv((self.n - 1) / 2, p))

    def size(self, truth: Law) -> float:
        return abs(truth.var / self.law.var - 1.0)

    def miss(self, truth: Law) -> float:
        if not (truth.normal and self.law.normal):
            return math.nan
        high, low = chdtri(self.n - 1, self.alpha / 2), self._quantile(self.alpha / 2)
        ratio = self.law.var / truth.var
        return float(chdtr(self.n - 1, high * ratio) - chdtr(self.n - 1, low * ratio))

    def smallest(self, beta: float) -> float:
        high, low = chdtri(self.n - 1, self.alpha / 2), self._quantile(self.alpha / 2)
        return max(high / self._quantile(beta) - 1.0, 1.0 - low / chdtri(self.n - 1, beta))


class Correlation(Check[float]):
    """Pairs (n, 2) of independent centred normal numbers of equal variance; the law is 0."""

    effect = "correlation"
    rejection = CorrelationRejected
    columns = 2

    def p_value(self, draws: Array) -> float:
        sums, gaps = draws[:, 0] + draws[:, 1], draws[:, 0] - draws[:, 1]
        with np.errstate(divide="ignore"):
            ratio = np.float64(sums @ sums) / np.float64(gaps @ gaps)
        return float(2.0 * np.minimum(fdtr(self.n, self.n, ratio), fdtrc(self.n, self.n, ratio)))

    def size(self, truth: float) -> float:
        return abs(truth - self.law)

    def _edge(self, p: float) -> float:
        """The ratio that is exceeded with chance p; F(n, n) is its own inverse in law."""
        share = float(betaincinv(self.n / 2, self.n / 2, p))
        return (1.0 - share) / share

    def miss(self, truth: float) -> float:
        if abs(truth) == 1.0:
            return 0.0
        edge, factor = self._edge(self.alpha / 2), (1.0 + truth) / (1.0 - truth)
        return float(
            fdtr(self.n, self.n, edge / factor) - fdtr(self.n, self.n, 1.0 / (edge * factor))
        )

    def smallest(self, beta: float) -> float:
        ratio = self._edge(self.alpha / 2) * self._edge(beta)
        return (ratio - 1.0) / (ratio + 1.0)
