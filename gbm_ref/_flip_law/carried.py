"""Rough laws on the line, carried forward: how much probability lies where, for `panels`.

A law is a cloud of points with masses. After each map of the points and the noise the cloud is
gathered again into bins that are even in units of the normal quantile, so that the tails keep
theirs to 1e-24 however narrow the middle is. The masses weigh errors; no result is made of them.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from gbm_ref._checks import Array

# What is dropped: probability, and share of E exp(2 y), below e^-56 = 5e-25.
_SMALLEST = -56.0
# Width of a bin in units of the normal quantile.
_BIN = 0.125


class Cloud(NamedTuple):
    """Points in ascending order and the logarithms of their masses."""

    points: Array
    log_masses: Array

    def gathered(self) -> "Cloud":
        """Fewer points of the same law: the mean of each bin, and both ends."""
        points, logs = self._kept()
        order = np.argsort(points)
        points, masses = points[order], np.exp(logs[order])
        below, above = np.cumsum(masses), np.cumsum(masses[::-1])[::-1]
        # Each tail from its own end: 1 - below has no digits in the upper one.
        half = 0.5 * masses
        lower = np.maximum(below - half, 1e-320)
        upper = np.maximum(above - half, 1e-320)
        quantile = np.where(lower < upper, ndtri(np.minimum(lower, 0.5)), 0.0)
        quantile = np.where(lower < upper, quantile, -ndtri(np.minimum(upper, 0.5)))
        bins = np.floor(quantile / _BIN)
        bins[0], bins[-1] = -np.inf, np.inf
        starts = np.flatnonzero(np.diff(bins, prepend=np.nan) != 0)
        totals = np.add.reduceat(masses, starts)
        safe = np.maximum(totals, 1e-320)
        means = np.add.reduceat(masses * (points - points[starts[0]]), starts) / safe
        means = np.clip(points[starts[0]] + means, points[0], points[-1])
        means[0], means[-1] = points[0], points[-1]
        return Cloud(means, np.log(safe))

    def with_points(self, points: Array, widths: Array) -> "Cloud":
        """Points in addition, each for an interval of that width, where they lie inside."""
        inside = (points > self.points[0]) & (points < self.points[-1])
        points, half = points[inside], 0.5 * widths[inside]
        logs = np.log(Masses.of(self).between(points - half, points + half))
        return Cloud(np.append(self.points, points), np.append(self.log_masses, logs))

    def _kept(self) -> tuple[Array, Array]:
        tilted = self.log_masses + 2.0 * self.points
        chosen = (self.log_masses > _SMALLEST) | (tilted > tilted.max() + _SMALLEST)
        chosen &= self.log_masses > -700.0
        return self.points[chosen], self.log_masses[chosen]


class Masses(NamedTuple):
    """Probabilities of intervals, from the two tails of a gathered cloud."""

    points: Array
    below: Array
    above: Array

    @classmethod
    def of(cls, cloud: Cloud) -> "Masses":
        """Those of a gathered cloud."""
        masses = np.exp(cloud.log_masses)
        return cls(cloud.points, np.cumsum(masses), np.cumsum(masses[::-1])[::-1])

    def between(self, low: Array, high: Array) -> Array:
        """About the probability of [low, high]; 1e-320 at least."""
        rising = np.interp(high, self.points, self.below) - np.interp(low, self.points, self.below)
        falling = np.interp(low, self.points, self.above) - np.interp(
            high, self.points, self.above
        )
        upper = np.interp(low, self.points, self.above) < 0.5
        return np.asarray(np.maximum(np.where(upper, falling, rising), 1e-320))
