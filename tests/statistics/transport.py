"""The law of a one-dimensional sampler with any score, by quadrature: no random numbers.

A row is known by its map (x, z) -> x_s alone, which is affine in z in the coordinates of the
step: log X (`log_sampler`) or X itself (`signed_sampler`, where a row can change signs and its
factor depends on |X|). The densities are carried from row to row by the trapezoidal rule on even
nodes of log |X|, which converges exponentially while a row's noise is wider than the spacing; the
distribution function after the last row is a sum of normal ones, exact for the density before it.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.interpolate import make_interp_spline
from scipy.special import ndtr

from tests.statistics.laws import Array, Law

RowMap = Callable[[Array, float], Array]
ERROR = 1e-6
"""Bound of the error of a distribution function made here; test_transport.py measures it."""


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
