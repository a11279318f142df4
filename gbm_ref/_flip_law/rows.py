"""One row of the sign-agnostic sampler as a map of y = log |X|, and averages over its noise.

    y' = y + log |b + s z|,    b = intercept - slope (y - centre),    z standard normal

With w = |b + s z| / s the average of f(y') is an integral over w > 0 against the sum (with signs:
the difference) of two normal densities. Two trapezoidal rules that share no node give it to
rounding where f is smooth; where they disagree it is integrated adaptively, by two rules of Gauss
and Legendre, which share none either. Both disagreements are returned as the error.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from gbm_ref._checks import Array, Chosen, Indices
from gbm_ref._flip_law.carried import Cloud
from gbm_ref._flip_law.panels import ROUNDING, Function
from gbm_ref._gaussians import LOG_TWO_PI

# A standard normal variable beyond this has probability 1e-23.
_RANGE = 10.0
_SPACING = 0.5
# w = log(1 + e^tau): at the lowest tau it is 1e-20.
_LOWEST = -46.0
_RULES = tuple(np.polynomial.legendre.leggauss(n) for n in (10, 12))
# How often an interval is cut into how many pieces: down to 8^-18 = 6e-17 of its length.
_PIECES, _CUTS = 8, 18
_MIDDLES = (np.arange(_PIECES) + 0.5) / _PIECES
_TINY = float(np.finfo(np.float64).tiny)


class RowMap(NamedTuple):
    """What a row does to y: factor b = intercept - slope (y - centre), noise `spread` z."""

    centre: float
    intercept: float
    slope: float
    spread: float

    def factor(self, y: Array) -> Array:
        """b."""
        return np.asarray(self.intercept - self.slope * (y - self.centre))

    def after(self, cloud: Cloud) -> Cloud:
        """The law of y' where that of y is the cloud."""
        # The map has its maximum at b = slope and no bound near b = 0, between the points.
        gaps = np.append(0.0, np.exp(-np.arange(0.0, -_LOWEST)))
        zero = self.centre + self.intercept / self.slope
        places = np.concatenate([zero - gaps, zero + gaps, [zero - 1.0]])
        widths = np.maximum(np.concatenate([gaps, gaps, [1e-6]]), np.exp(_LOWEST))
        cloud = cloud.with_points(places, widths)
        moved, masses = [], []
        for chosen, rule in self._cases(cloud.points):
            size = np.abs(self.factor(cloud.points[chosen]))
            logs, weights = rule.nodes(size, self.spread, False)
            moved.append((cloud.points[chosen, None] + logs[:, ::2]).ravel())
            with np.errstate(divide="ignore"):
                logs = np.log(weights[:, ::2] / np.sum(weights[:, ::2], axis=1, keepdims=True))
            masses.append((cloud.log_masses[chosen, None] + logs).ravel())
        return Cloud(np.concatenate(moved), np.concatenate(masses)).gathered()

    def average(
        self, function: Function, y: Array, allowed: Array, signed: bool
    ) -> tuple[Array, Array]:
        """E f(y') at each y (n,), times the sign of the factor if signed, and its error (n,)."""
        values, errors = np.empty_like(y), np.zeros_like(y)
        factor = self.factor(y)
        for chosen, rule in self._cases(y):
            size = np.abs(factor[chosen])
            case = _Case(function, y[chosen], size, self.spread, signed)
            values[chosen], errors[chosen] = case.by(rule, allowed[chosen])
        return (np.sign(factor) * values if signed else values), errors

    def _cases(self, y: Array) -> "list[tuple[Chosen, _Rule]]":
        """Which y have no flip within reach, and which do, each with its rule."""
        sure = np.abs(self.factor(y)) >= (_RANGE + 0.5) * self.spread
        rules: list[tuple[Chosen, _Rule]] = [(sure, _STILL if self.spread == 0.0 else _ONE_SIGN)]
        return [(c, r) for c, r in [*rules, (~sure, _FLIPS)] if c.any()]


class _Case(NamedTuple):
    """States with the same rule; `size` is |b|."""

    function: Function
    y: Array
    size: Array
    spread: float
    signed: bool

    def by(self, rule: "_Rule", allowed: Array) -> tuple[Array, Array]:
        """Averages (n,) and errors (n,), adaptive where the plain rules differ too much."""
        if isinstance(rule, _Still):
            logs, _ = rule.nodes(self.size, self.spread, self.signed)
            return self.function(self.y + logs[:, 0]), np.zeros_like(self.y)
        logs, weights = rule.nodes(self.size, self.spread, self.signed)
        terms = self.function(self.y[:, None] + logs) * weights
        even, odd = 2.0 * np.sum(terms[:, ::2], axis=1), 2.0 * np.sum(terms[:, 1::2], axis=1)
        values, errors = 0.5 * (even + odd), 0.5 * np.abs(even - odd)
        rounding = 8 * 2.0**-53 * np.max(np.abs(terms), axis=1) / _SPACING
        errors = np.maximum(errors - rounding, 0.0)
        rough = errors > allowed
        if rough.any():
            values[rough], errors[rough] = self._adaptive(rule, rough, allowed[rough])
        return values, errors

    def _adaptive(self, rule: "_Rule", rough: Chosen, allowed: Array) -> tuple[Array, Array]:
        y, size = self.y[rough], self.size[rough]

        def integrand(of: Indices, at: Array) -> Array:
            logs, density = rule.density(at, size[of, None], self.spread, self.signed)
            return np.asarray(self.function(y[of, None] + logs) * density)

        return adaptive(integrand, *rule.ends(size / self.spread), allowed)


class _Rule:
    """Nodes of both trapezoidal rules in turn, and the integrand where they do not serve."""

    def density(self, at: Array, size: Array, spread: float, signed: bool) -> tuple[Array, Array]:
        """log |b + s z| and the density of the variable of integration."""
        raise NotImplementedError

    def ends(self, ratio: Array) -> tuple[Array, Array]:
        """Where the density is above 1e-23, for ratio = |b| / s."""
        raise NotImplementedError

    def nodes(self, size: Array, spread: float, signed: bool) -> tuple[Array, Array]:
        """log |b + s z| and weights, (n, nodes)."""
        low, high = self.ends(np.array([_RANGE + 0.5]))
        at = np.arange(low[0], high[0], 0.5 * _SPACING)
        at = at[: at.size // 2 * 2]
        logs, density = self.density(at, size[:, None], spread, signed)
        return logs, 0.5 * _SPACING * density


class _Still(_Rule):
    """No noise: one node."""

    def nodes(self, size: Array, spread: float, signed: bool) -> tuple[Array, Array]:
        """log |b| and weight, (n, 1)."""
        logs = np.log(np.maximum(size, _TINY))[:, None]
        return logs, np.ones_like(logs)


class _OneSign(_Rule):
    """In z, where b + s z is positive for all |z| within range, b = `size`."""

    def density(self, at: Array, size: Array, spread: float, signed: bool) -> tuple[Array, Array]:
        logs = np.log(size) + np.log1p(spread / size * at)
        return logs, np.broadcast_to(_normal_density(at), logs.shape)

    def ends(self, ratio: Array) -> tuple[Array, Array]:
        return np.full_like(ratio, -_RANGE), np.full_like(ratio, _RANGE)


class _Flips(_Rule):
    """In tau with w = log(1 + e^tau), which resolves the logarithm where the factor is 0."""

    def density(self, at: Array, size: Array, spread: float, signed: bool) -> tuple[Array, Array]:
        w, ratio = np.logaddexp(0.0, at), size / spread
        same, other = _normal_density(w - ratio), _normal_density(w + ratio)
        density = expit(at) * (same - other if signed else same + other)
        return np.broadcast_to(math.log(spread) + np.log(w), density.shape), density

    def ends(self, ratio: Array) -> tuple[Array, Array]:
        return np.full_like(ratio, _LOWEST), ratio + _RANGE


_STILL, _ONE_SIGN, _FLIPS = _Still(), _OneSign(), _Flips()


def adaptive(
    integrand: Callable[[Indices, Array], Array], low: Array, high: Array, allowed: Array
) -> tuple[Array, Array]:
    """Integrals over [low_i, high_i] and their errors, (n,), in pieces that two rules agree on.

    integrand  (which integral (m,), points (m, nodes)) -> values (m, nodes)
    """
    values, errors = np.zeros_like(low), np.zeros_like(low)
    of, start, length = np.arange(low.size), low, high - low
    for cut in range(_CUTS):
        of, half = np.repeat(of, _PIECES), np.repeat(length / (2 * _PIECES), _PIECES)
        middle = (start[:, None] + length[:, None] * _MIDDLES).ravel()
        sums = []
        for x, w in _RULES:
            terms = integrand(of, middle[:, None] + half[:, None] * x) * w
            sums.append(half * np.sum(terms, axis=1))
        size = half * np.sum(np.abs(terms), axis=1)
        gap = np.abs(sums[1] - sums[0])
        done = gap <= np.maximum(allowed[of] / 16.0, ROUNDING * size)
        done |= cut == _CUTS - 1
        np.add.at(values, of[done], sums[1][done])
        np.add.at(errors, of[done], gap[done])
        of, start, length = of[~done], (middle - half)[~done], (2.0 * half)[~done]
        if of.size == 0:
            break
    return values, errors


def _normal_density(z: Array) -> Array:
    return np.asarray(np.exp(-0.5 * z**2 - 0.5 * LOG_TWO_PI))
