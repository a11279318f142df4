"""Calls of `gbm_ref.targets`.

Names of values: x, x1, x2 the state; a and S mean and covariance of log X, b and T those of a
second component, w1 and w2 their weights; mu, sigma, t the process and its time; z the normal
draws and u the uniform one of a scripted generator.
"""

from collections.abc import Callable

import numpy as np
from numpy.random import PCG64, Generator

import gbm_ref
from tests.spec.adapters.calling import Adapter, Values


class Scripted(Generator):
    """A generator whose next draws are known: `uniform` picks an index, `normals` are normal."""

    def __init__(self, uniform: float, normals: np.ndarray) -> None:
        super().__init__(PCG64(0))
        self.uniform, self.normals = uniform, normals

    def standard_normal(self, size: tuple[int, ...]) -> np.ndarray:
        """The scripted normal draws."""
        return self.normals.reshape(size)

    def choice(self, n: int, size: int, p: np.ndarray) -> np.ndarray:
        """The index below n in whose part of [0, 1] the uniform draw lies."""
        return np.full(size, np.searchsorted(np.cumsum(p), self.uniform, side="right"))

    def integers(self, n: int, size: int) -> np.ndarray:
        """`choice` with equal parts."""
        return np.full(size, int(self.uniform * n))


def _law_of_line(at: Values) -> gbm_ref.LogNormal:
    return gbm_ref.LogNormal([at["a"]], [[at["S"]]])


def _law_of_plane(at: Values) -> gbm_ref.LogNormal:
    return gbm_ref.LogNormal(
        [at["a1"], at["a2"]], [[at["S11"], at["S12"]], [at["S12"], at["S22"]]]
    )


def _mixture_on_line(at: Values) -> gbm_ref.LogNormalMixture:
    weights = [at["w1"], at["w2"]]
    return gbm_ref.LogNormalMixture(weights, [[at["a"]], [at["b"]]], [at["S"], at["T"]])


def _mixture_in_plane(at: Values) -> gbm_ref.LogNormalMixture:
    return gbm_ref.LogNormalMixture(
        [at["w1"], at["w2"]],
        [[at["a1"], at["a2"]], [at["b1"], at["b2"]]],
        [
            [[at["S11"], at["S12"]], [at["S12"], at["S22"]]],
            [[at["T11"], at["T12"]], [at["T12"], at["T22"]]],
        ],
    )


def _at_point_of_line(law: Callable[[Values], gbm_ref.Target]) -> Adapter:
    """f(x) of a law on the line."""
    return lambda function, at: function(law(at), [at["x"]])


def _at_point_of_plane(law: Callable[[Values], gbm_ref.Target]) -> Adapter:
    """f(x) of a law in the plane."""
    return lambda function, at: function(law(at), [at["x1"], at["x2"]])


def _process(at: Values) -> gbm_ref.GBM:
    return gbm_ref.GBM(at["mu"], at["sigma"], horizon=2.0)


def _diffused(function: Callable, at: Values) -> object:
    """Mean and covariance of log X_t."""
    law = function(_law_of_plane(at), _process(at), at["t"])
    return [*law.log_mean, *law.log_cov.ravel()]


def _diffused_mixture(function: Callable, at: Values) -> object:
    """Weight, mean and covariance of each component of log X_t."""
    law = function(_mixture_in_plane(at), _process(at), at["t"])
    parts = zip(law.weights, law.log_means, law.log_covs, strict=True)
    return [number for w, mean, cov in parts for number in (w, *mean, *cov.ravel())]


def _drawn_vector(function: Callable, at: Values) -> object:
    """One draw of a law in the plane with covariance S I."""
    law = gbm_ref.LogNormal([at["a1"], at["a2"]], at["S"])
    return function(law, 1, Scripted(0.0, np.array([at["z1"], at["z2"]])))


def _drawn_from_mixture(function: Callable, at: Values) -> object:
    """One draw on the line, its component picked by u."""
    return function(_mixture_on_line(at), 1, Scripted(at["u"], np.array([at["z"]])))


def _mean_and_root(law: Callable[[Values], gbm_ref.Target]) -> Adapter:
    """The draw at z = 0, and R R^T from those at the unit vectors, of the first component."""

    def call(function: Callable, at: Values) -> object:
        normals = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        draws = function(law(at), 3, Scripted(0.0, normals))
        root = np.log(draws[1:]) - [at["a1"], at["a2"]]
        return [*draws[0], *(root.T @ root).ravel()]

    return call


def _data_in_plane(at: Values) -> gbm_ref.PointMasses:
    return gbm_ref.PointMasses([[at["p1"], at["p2"]], [at["q1"], at["q2"]]], at["v"])


def _data_on_line(at: Values) -> gbm_ref.PointMasses:
    return gbm_ref.PointMasses([[at["p"]], [at["q"]], [at["r"]]], at.get("v", 0.0))


def _diffused_data(function: Callable, at: Values) -> object:
    """The points and the log-variance round them."""
    law = function(_data_in_plane(at), _process(at), at["t"])
    return [*law.points.ravel(), law.log_var]


def _drawn_from_data(function: Callable, at: Values) -> object:
    """One draw, its point picked by u."""
    return function(_data_on_line(at), 1, Scripted(at["u"], np.array([at["z"]])))


SCORES = ("log_score", "hyvarinen_score", "stein_score")

ADAPTERS: dict[str, Adapter] = {
    "gbm_ref.LogNormal.logpdf[1-D]": _at_point_of_line(_law_of_line),
    "gbm_ref.LogNormal.logpdf[2-D]": _at_point_of_plane(_law_of_plane),
    "gbm_ref.LogNormal.cdf": _at_point_of_line(_law_of_line),
    "gbm_ref.LogNormal.rvs": _drawn_vector,
    "gbm_ref.LogNormal.rvs[mean and root]": _mean_and_root(_law_of_plane),
    "gbm_ref.LogNormal.diffuse": _diffused,
    "gbm_ref.LogNormalMixture.logpdf[1-D]": _at_point_of_line(_mixture_on_line),
    "gbm_ref.LogNormalMixture.logpdf[2-D]": _at_point_of_plane(_mixture_in_plane),
    "gbm_ref.LogNormalMixture.cdf": _at_point_of_line(_mixture_on_line),
    "gbm_ref.LogNormalMixture.rvs": _drawn_from_mixture,
    "gbm_ref.LogNormalMixture.rvs[mean and root]": _mean_and_root(_mixture_in_plane),
    "gbm_ref.LogNormalMixture.diffuse": _diffused_mixture,
    **{f"gbm_ref.LogNormal.{form}[2-D]": _at_point_of_plane(_law_of_plane) for form in SCORES},
    **{
        f"gbm_ref.LogNormalMixture.{form}[2-D]": _at_point_of_plane(_mixture_in_plane)
        for form in SCORES
    },
    **{
        f"gbm_ref.LogNormalMixture.{form}[1-D]": _at_point_of_line(_mixture_on_line)
        for form in SCORES
    },
    "gbm_ref.PointMasses.logpdf": _at_point_of_plane(_data_in_plane),
    "gbm_ref.PointMasses.cdf": _at_point_of_line(_data_on_line),
    "gbm_ref.PointMasses.cdf[data set]": _at_point_of_line(_data_on_line),
    "gbm_ref.PointMasses.diffuse": _diffused_data,
    "gbm_ref.PointMasses.rvs": _drawn_from_data,
    **{f"gbm_ref.PointMasses.{form}": _at_point_of_plane(_data_in_plane) for form in SCORES},
}
