"""Laws to which draws are compared, and distances between them.

A `Law` is one-dimensional, a `Plane` is known by its one-dimensional projections. `error` bounds
what is wrong with `cdf`; the checks make room for it on both sides. A one-dimensional sampler with
any score has a law by quadrature: a row is its map (x, z) -> x_s, affine in z in log X
(`log_sampler`) or X (`signed_sampler`, where signs change). Densities are carried by the
trapezoidal rule in log |X|, exponentially exact while a row's noise is wider than the spacing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline
from scipy.special import ndtr

import gbm_ref
from tests.support.twins import components

Array = NDArray[np.float64]
REACH = 9.0
"""Standard deviations to either side of a normal law beyond which nothing is looked at."""


@dataclass(frozen=True)
class Law:
    """A law on the line: P(Y <= y), off by at most `error`, worth a look from low to high; mean
    and var are NaN where no check needs them; `normal`: it is the normal law that has them."""

    cdf: Callable[[Array], Array]
    low: float
    high: float
    mean: float = np.nan
    var: float = np.nan
    normal: bool = False
    error: float = 0.0


@dataclass(frozen=True)
class Plane:
    """A law in the plane: w -> the law of w . Y."""

    project: Callable[[Array], Law]


def normal(mean: float, var: float) -> Law:
    std = float(np.sqrt(var))
    low, high = mean - REACH * std, mean + REACH * std
    return Law(lambda y: ndtr((y - mean) / std), low, high, mean, var, True)


def normal_mixture(weights: Array, means: Array, variances: Array) -> Law:
    """sum_j weights_j N(means_j, variances_j)."""
    stds = np.sqrt(variances)
    mean = float(weights @ means)
    return Law(
        lambda y: ndtr((y[..., None] - means) / stds) @ weights,
        float(np.min(means - REACH * stds)),
        float(np.max(means + REACH * stds)),
        mean,
        float(weights @ (variances + (means - mean) ** 2)),
        len(weights) == 1,
    )


def along(target: gbm_ref.Target, direction: Array) -> Law:
    """The law of direction . log X, exactly, for X from a target of normal components."""
    weights, means, covs = components(target)
    variances = np.einsum("i,jik,k->j", direction, covs, direction)
    return normal_mixture(weights, means @ direction, variances)


def on_line(target: gbm_ref.Target) -> Law:
    return along(target, np.ones(1))


def in_plane(target: gbm_ref.Target) -> Plane:
    return Plane(lambda w: along(target, w))


def gaussian_line(law: gbm_ref.Gaussian) -> Law:
    return normal(float(law.mean[0]), float(law.cov[0, 0]))


def gaussian_plane(law: gbm_ref.Gaussian) -> Plane:
    return Plane(lambda w: normal(float(w @ law.mean), float(w @ law.cov @ w)))


def uniform(low: float, high: float) -> Law:
    return Law(lambda y: np.clip((y - low) / (high - low), 0.0, 1.0), low, high)


def pushforward(values: Array) -> Law:
    """The law of f(U), U uniform, from f at the midpoints of equal cells (K,), any order.
    For a monotone f the distribution function is off by at most 1 / K; `error` says 2 / K."""
    nodes = np.sort(values)
    ranks = (np.arange(nodes.size) + 0.5) / nodes.size
    numbers = map(float, (nodes[0], nodes[-1], nodes.mean(), nodes.var()))
    cdf = partial(np.interp, xp=nodes, fp=ranks, left=0.0, right=1.0)
    return Law(cdf, *numbers, error=2.0 / nodes.size)


def midpoints(count: int) -> Array:
    return (np.arange(count) + 0.5) / count


def distance(one: Law, other: Law, nodes: int = 6001) -> float:
    """sup |F - G| from below: over nodes on the line, less both errors."""
    y = np.linspace(min(one.low, other.low), max(one.high, other.high), nodes)
    return max(0.0, float(np.max(np.abs(one.cdf(y) - other.cdf(y)))) - one.error - other.error)


def directions(count: int = 8) -> Sequence[Array]:
    """Unit vectors at even angles that no axis or diagonal meets."""
    return [np.array([np.cos(a), np.sin(a)]) for a in (np.pi * (np.arange(count) + 0.37) / count)]


RowMap = Callable[[Array, float], Array]
ERROR = 1e-6
"""Bound of the error of a distribution function made here; test_laws.py measures it."""


def _normal_density(z: Array) -> Array:
    return np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)


def log_sampler(rows: Sequence[RowMap], start: Law, nodes: int = 500) -> Law:
    """The law of log X_0 for rows that are affine in z in log X, from a normal start."""
    y = np.linspace(start.low - 2.0, start.high + 2.0, nodes)
    gap = y[1] - y[0]
    density = _normal_density((y - start.mean) / np.sqrt(start.var)) / np.sqrt(start.var)
    for row in rows[:-1]:
        centre, spread = _log_map(row, y)
        density = gap * _normal_density((y[:, None] - centre) / spread) @ (density / spread)
    centre, spread = _log_map(rows[-1], y)
    if np.any(spread > 0.0):
        cdf = _interpolated(y, gap * ndtr((y[:, None] - centre) / spread) @ density)
    else:
        # Without noise the row is a monotone map of the line.
        cdf = _interpolated(centre, make_interp_spline(y, density, k=5).antiderivative()(y))
    return Law(cdf, float(centre[0]), float(centre[-1]), error=ERROR)


def _log_map(row: RowMap, y: Array) -> tuple[Array, Array]:
    """Where a row takes y without noise, and the factor of its noise."""
    centre = np.log(row(np.exp(y), 0.0))
    return centre, np.log(row(np.exp(y), 1.0)) - centre


def signed_sampler(rows: Sequence[RowMap], start: Law, nodes: int = 600) -> Law:
    """The law of X_0, of either sign, for rows affine in z in X, from a normal start of log X."""
    y = np.linspace(start.low - 14.0, start.high + 1.0, nodes)
    gap = y[1] - y[0]
    positive = _normal_density((y - start.mean) / np.sqrt(start.var)) / np.sqrt(start.var)
    negative = np.zeros_like(y)
    ratio = np.exp(y[:, None] - y)
    for row in rows[:-1]:
        factor, spread = _signed_map(row, y)
        same, other = (
            gap * ratio * _normal_density((ratio - sign * factor) / spread) / spread
            for sign in (1.0, -1.0)
        )
        positive, negative = same @ positive + other @ negative, same @ negative + other @ positive
    factor, spread = _signed_map(rows[-1], y)
    # P(X_s > 0, log |X_s| <= y), and the same for X_s < 0, from either sign of X_t.
    with np.errstate(divide="ignore"):
        kept, flipped = (
            gap * (ndtr((ratio - sign * factor) / spread) - ndtr(-sign * factor / spread))
            for sign in (1.0, -1.0)
        )
    above = kept @ positive + flipped @ negative
    below = kept @ negative + flipped @ positive
    # Without noise the mass of a node is all that the sum resolves, at densities of up to 1.
    return _signed_law(y, above, below, ERROR if np.all(spread > 0.0) else gap)


def _signed_map(row: RowMap, y: Array) -> tuple[Array, Array]:
    """The factor of a row at z = 0, and what its noise adds to it."""
    x = np.exp(y)
    factor = row(x, 0.0) / x
    return factor, row(x, 1.0) / x - factor


def _signed_law(y: Array, above: Array, below: Array, error: float) -> Law:
    """From P(X > 0, log |X| <= y) and P(X < 0, log |X| <= y) on nodes."""
    positive, negative = _interpolated(y, above), _interpolated(y, below)
    mass = float(below[-1])

    def cdf(x: Array) -> Array:
        depth = np.log(np.maximum(np.abs(x), np.exp(y[0])))
        return np.where(x > 0.0, mass + positive(depth), mass - negative(depth))

    return Law(cdf, -float(np.exp(y[-1])), float(np.exp(y[-1])), error=error)


def _interpolated(y: Array, cdf: Array) -> Callable[[Array], Array]:
    spline = make_interp_spline(y, cdf, k=5)
    return lambda at: np.asarray(spline(np.clip(at, y[0], y[-1])))
