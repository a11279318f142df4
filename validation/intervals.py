"""From a normal sample to an interval for its Kullback-Leibler divergence.

Let `y_1 .. y_n` be independent draws of `N(M, V)` (logarithms of a sampler's output, when that
output is log-normal), with sample mean `ybar` and unbiased sample variance `S2`, and let the
target be `N(m0, v0)` in log space. Then, exactly and for every `n >= 2`,

    sqrt(n) (ybar - M) / S  ~  Student t with n - 1 degrees of freedom,
    (n - 1) S2 / V          ~  chi-square with n - 1 degrees of freedom.

Each statement gives an equal-tailed interval; with error `alpha / 2` for either, the rectangle of
the two contains `(M, V)` with probability at least `1 - alpha` (Bonferroni: nothing is assumed
about how the two statements depend on one another). The divergence

    KL(N(M, V) || N(m0, v0)) = (r - log(1 + r)) / 2 + (M - m0)^2 / (2 v0),      r = V / v0 - 1

is a sum of a function of `V` alone and a function of `M` alone, so the image of the rectangle is
exactly the interval between the sum of the two minima and the sum of the two maxima. It contains
the true divergence whenever the rectangle contains `(M, V)`: the same `alpha` serves both.

The plug-in divergence, taken at `(ybar, S2)`, is biased upwards by `1 / n + O(1 / n^2)`; a
divergence far below that cannot be seen with `n` draws, which is what `resolvable` decides.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import special, stats

RESOLUTION_FACTOR = 10.0


class Interval(NamedTuple):
    """A closed interval."""

    low: float
    high: float

    def contains(self, value: float) -> bool:
        """Whether `low <= value <= high`; False when any of the three is NaN."""
        return self.low <= value <= self.high


class Moments(NamedTuple):
    """Size, mean and unbiased variance of a sample of logarithms."""

    size: int
    mean: float
    variance: float


class Region(NamedTuple):
    """A confidence rectangle for the mean and the variance of a normal law."""

    mean: Interval
    variance: Interval

    def contains(self, mean: float, variance: float) -> bool:
        """Whether both are inside; False for a NaN anywhere."""
        return self.mean.contains(mean) and self.variance.contains(variance)


def sample_moments(log_samples: np.ndarray) -> Moments:
    """Moments of a one-dimensional array of logarithms, shape `(n,)`, n >= 2.

    NaN is not an error here: it makes the moments NaN, which no region contains.
    """
    if log_samples.ndim != 1 or log_samples.size < 2:
        raise ValueError(
            f"expected at least two log-samples in one axis, got shape {log_samples.shape}; "
            "pass one coordinate at a time."
        )
    values = log_samples.astype(np.float64)
    return Moments(values.size, float(values.mean()), float(values.var(ddof=1)))


def confidence_region(moments: Moments, alpha: float) -> Region:
    """Rectangle that contains the law's mean and variance with probability >= 1 - alpha."""
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie in (0, 1), got {alpha}.")
    degrees = moments.size - 1
    tail = alpha / 4.0
    reach = float(stats.t.isf(tail, degrees)) * math.sqrt(moments.variance / moments.size)
    scaled = degrees * moments.variance
    return Region(
        Interval(moments.mean - reach, moments.mean + reach),
        Interval(
            scaled / float(stats.chi2.isf(tail, degrees)),
            scaled / float(stats.chi2.ppf(tail, degrees)),
        ),
    )


def variance_part(variance: float, target_variance: float) -> float:
    """`(r - log(1 + r)) / 2` with `r = variance / target_variance - 1`, without cancellation."""
    excess = (variance - target_variance) / target_variance
    if abs(excess) < 0.1:
        powers = np.arange(2, 20)
        return 0.5 * float(np.sum((-excess) ** powers / powers))
    return 0.5 * float(excess - special.log1p(excess))


def mean_part(mean: float, target_mean: float, target_variance: float) -> float:
    """`(mean - target_mean)^2 / (2 target_variance)`."""
    return (mean - target_mean) ** 2 / (2.0 * target_variance)


def divergence_range(region: Region, target_mean: float, target_variance: float) -> Interval:
    """Smallest and largest divergence from the target over the region (its exact image)."""

    def in_variance(value: float) -> float:
        return variance_part(value, target_variance)

    def in_mean(value: float) -> float:
        return mean_part(value, target_mean, target_variance)

    spread = _image(region.variance, target_variance, in_variance)
    shift = _image(region.mean, target_mean, in_mean)
    return Interval(spread.low + shift.low, spread.high + shift.high)


def _image(interval: Interval, minimiser: float, function: Callable[[float], float]) -> Interval:
    """Image of an interval under a function that falls to 0 at its minimiser, then rises."""
    ends = [function(end) for end in interval]
    low = 0.0 if interval.contains(minimiser) else min(ends)
    return Interval(low, max(ends))


def plug_in_divergence(moments: Moments, target_mean: float, target_variance: float) -> float:
    """The divergence at the sample moments; biased upwards by about `1 / n`."""
    spread = variance_part(moments.variance, target_variance)
    return spread + mean_part(moments.mean, target_mean, target_variance)


def resolution(size: int) -> float:
    """Smallest divergence that is shown for samples of this size, ten times the bias `1 / n`."""
    return RESOLUTION_FACTOR / size


def resolvable(divergence: float, size: int) -> bool:
    """Whether the exact divergence exceeds `resolution(size)`; decided before any draw."""
    return divergence > resolution(size)
