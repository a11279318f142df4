"""Functions on an interval as polynomials on panels, halved until they resolve the function."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gbm_ref._checks import Array, Chosen
from gbm_ref._flip_law.carried import Cloud, Masses

# Chebyshev nodes of a panel, and where between them the polynomial is compared.
_COUNT = 14
_ANGLES = np.pi * (np.arange(_COUNT) + 0.5) / _COUNT
_NODES = np.cos(_ANGLES)
_PROBES = np.array([-0.985, -0.36, 0.28, 0.955])
_TO_COEFFICIENTS = 2.0 / _COUNT * np.cos(np.outer(np.arange(_COUNT), _ANGLES))
_TO_COEFFICIENTS[0] /= 2.0
_AT_PROBES = np.polynomial.chebyshev.chebvander(_PROBES, _COUNT - 1) @ _TO_COEFFICIENTS
# Rounding of the polynomials' values, relative to the largest on the panel.
ROUNDING = 32 * 2.0**-53
_HALVINGS = 64

Function = Callable[[Array], Array]
# (points (n,), what an error at each may be (n,)) -> values (n,) and their errors (n,)
Evaluate = Callable[[Array, Array], tuple[Array, Array]]


class Panels(NamedTuple):
    """Edges (p + 1,) and Chebyshev coefficients (p, _COUNT); constant beyond both ends.

    `error` bounds the mean of |polynomial - function| under the law that the panels were made for.
    """

    edges: Array
    coefficients: Array
    error: float

    def __call__(self, y: Array) -> Array:
        """The polynomials at y, of any shape."""
        inside = np.clip(y, self.edges[0], self.edges[-1])
        place = np.searchsorted(self.edges[1:-1], inside)
        left, right = self.edges[place], self.edges[place + 1]
        width = np.maximum(right - left, np.finfo(np.float64).tiny)
        x = np.clip((inside - left + (inside - right)) / width, -1.0, 1.0)
        first, second = np.zeros_like(x), np.zeros_like(x)
        columns = self.coefficients.T
        for column in columns[:0:-1]:
            first, second = column[place] + 2.0 * x * first - second, first
        return np.asarray(columns[0][place] + x * first - second)


def resolved(evaluate: Evaluate, cloud: Cloud, tolerance: float) -> Panels:
    """The function on the range of the cloud.

    A panel is halved until what the polynomial misses there, times the probability of the panel,
    is below the tolerance, or is rounding.
    """
    masses, points = Masses.of(cloud), cloud.points
    chosen = np.linspace(0, points.size - 1, min(13, points.size)).astype(int)
    edges = np.unique(points[chosen]) if points.size > 1 else np.repeat(points, 2)
    edges = edges if edges.size > 1 else np.repeat(edges, 2)
    low, high = edges[:-1], edges[1:]
    lows, parts, total = [], [], 0.0
    for halving in range(_HALVINGS):
        # A cloud of one point has one panel, without width.
        mass = np.where(high > low, masses.between(low, high), 1.0)
        coefficients, error, done = _fitted(evaluate, low, high, mass, tolerance)
        middle = 0.5 * (low + high)
        done |= halving == _HALVINGS - 1
        lows.append(low[done])
        parts.append(coefficients[done])
        total += float(np.sum((error * mass)[done]))
        low, middle, high = low[~done], middle[~done], high[~done]
        if low.size == 0:
            break
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
    starts, coefficients = np.concatenate(lows), np.concatenate(parts)
    order = np.argsort(starts)
    return Panels(np.append(starts[order], edges[-1]), coefficients[order], total)


def _fitted(
    evaluate: Evaluate, low: Array, high: Array, mass: Array, tolerance: float
) -> tuple[Array, Array, Chosen]:
    """Coefficients, errors, and whether they will do, of the panels [low, high], each (p,)."""
    at = np.concatenate([_NODES, _PROBES])
    points = 0.5 * (low + high)[:, None] + 0.5 * (high - low)[:, None] * at
    allowed = np.repeat(tolerance / mass, at.size)
    values, errors = (a.reshape(points.shape) for a in evaluate(points.ravel(), allowed))
    nodes, probes = values[:, :_COUNT], values[:, _COUNT:]
    missed = np.max(np.abs(nodes @ _AT_PROBES.T - probes), axis=1)
    sizes, spread = np.max(np.abs(values), axis=1), np.ptp(values, axis=1)
    # A unit of rounding in the argument counts where the function is steep.
    unit = 2.0**-53 * np.maximum(np.abs(low), np.abs(high))
    width = np.maximum(high - low, np.finfo(np.float64).tiny)
    steep = np.maximum(unit * spread / width - 2.0**-53 * sizes, 0.0)
    beyond = np.maximum(missed - ROUNDING * sizes - 8.0 * steep, 0.0)
    done = beyond * mass <= tolerance
    coefficients, error = nodes @ _TO_COEFFICIENTS.T, beyond + np.max(errors, axis=1) + steep
    # Of a few units of rounding in width a panel has a mean and no more.
    narrow = (high > low) & (high - low <= 128.0 * unit)
    coefficients[narrow] = np.eye(_COUNT)[0] * np.mean(values[narrow], axis=1)[:, None]
    return coefficients, np.where(narrow, spread, error), done | narrow
