"""Laws to which draws are compared, and distances between them.

A `Law` is one-dimensional, a `Plane` is known by its one-dimensional projections. `error` bounds
what is wrong with `cdf` (quadrature, interpolation); the checks make room for it on both sides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

import gbm_ref
from tests.support.twins import components

Array = NDArray[np.float64]
REACH = 9.0
"""Standard deviations to either side of a normal law beyond which nothing is looked at."""


@dataclass(frozen=True)
class Law:
    """A law on the line.

    cdf        P(Y <= y) of an array
    low, high  where it is worth looking
    mean, var  NaN where no check needs them
    normal     whether it is the normal law of that mean and variance
    error      bound of |cdf - true|
    """

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
    """N(mean, var)."""
    std = float(np.sqrt(var))
    return Law(
        lambda y: ndtr((y - mean) / std), mean - REACH * std, mean + REACH * std, mean, var, True
    )


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
    """The law of log X for a target with d = 1."""
    return along(target, np.ones(1))


def in_plane(target: gbm_ref.Target) -> Plane:
    """The law of log X for a target with d = 2."""
    return Plane(lambda w: along(target, w))


def gaussian_line(law: gbm_ref.Gaussian) -> Law:
    """A one-dimensional `Gaussian` of gbm_ref."""
    return normal(float(law.mean[0]), float(law.cov[0, 0]))


def gaussian_plane(law: gbm_ref.Gaussian) -> Plane:
    """A two-dimensional `Gaussian` of gbm_ref."""
    return Plane(lambda w: normal(float(w @ law.mean), float(w @ law.cov @ w)))


def uniform(low: float, high: float) -> Law:
    """Uniform on [low, high]."""
    return Law(lambda y: np.clip((y - low) / (high - low), 0.0, 1.0), low, high)


def pushforward(values: Array) -> Law:
    """The law of f(U), U uniform, from f at the midpoints of equal cells (K,), any order.

    For a monotone f the distribution function is off by at most 1 / K; `error` says 2 / K.
    """
    nodes = np.sort(values)
    ranks = (np.arange(nodes.size) + 0.5) / nodes.size
    return Law(
        lambda y: np.interp(y, nodes, ranks, left=0.0, right=1.0),
        float(nodes[0]),
        float(nodes[-1]),
        float(nodes.mean()),
        float(nodes.var()),
        error=2.0 / nodes.size,
    )


def midpoints(count: int) -> Array:
    """The midpoints of `count` equal cells of (0, 1)."""
    return (np.arange(count) + 0.5) / count


def distance(one: Law, other: Law, nodes: int = 6001) -> float:
    """sup |F - G| from below: over nodes on the line, less both errors."""
    y = np.linspace(min(one.low, other.low), max(one.high, other.high), nodes)
    return max(0.0, float(np.max(np.abs(one.cdf(y) - other.cdf(y)))) - one.error - other.error)


def directions(count: int = 8) -> Sequence[Array]:
    """Unit vectors at even angles that no axis or diagonal meets."""
    angles = np.pi * (np.arange(count) + 0.37) / count
    return [np.array([np.cos(a), np.sin(a)]) for a in angles]
