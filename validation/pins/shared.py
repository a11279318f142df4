"""What an adapter is, and what several of them build from the named values.

Names of values: x the state, z the draws; a and S mean and covariance of log X, b and T those of a
second component, w1 and w2 their weights; v0 the variance of log X where S is not it; M and V mean
and variance of a start; mu, sigma, t and T the process, its time and its horizon. In the plane a
number follows, as in x1 and S12."""

from collections.abc import Callable, Mapping

import numpy as np

import gbm_ref as ref

Values = Mapping[str, float]
Adapter = Callable[[Callable, Values], object]


def pair(at: Values, name: str = "x") -> list[float]:
    """The vector of name1 and name2."""
    return [at[f"{name}1"], at[f"{name}2"]]


def square(at: Values, name: str) -> np.ndarray:
    """The matrix of name11, name12, name21 and name22."""
    return np.array([[at[f"{name}{i}{j}"] for j in (1, 2)] for i in (1, 2)])


def symmetric(at: Values, name: str) -> list[list[float]]:
    """The symmetric matrix of name11, name12 and name22."""
    off = at[f"{name}12"]
    return [[at[f"{name}11"], off], [off, at[f"{name}22"]]]


def process(at: Values, horizon: float = 1.0) -> ref.GBM:
    """GBM with the rates of a point."""
    return ref.GBM(at["mu"], at["sigma"], horizon)


def exploding(at: Values) -> ref.VarianceExploding:
    """The variance-exploding process of a point."""
    return ref.VarianceExploding(std_min=at["std_min"], std_max=at["std_max"], horizon=at["T"])


def on_line(at: Values, mean: str = "a", var: str = "v0") -> ref.LogNormal:
    """A log-normal law of one coordinate."""
    return ref.LogNormal([at[mean]], at[var])


def in_plane(at: Values, mean: str = "a", cov: str = "S") -> ref.LogNormal:
    """A log-normal law of two coordinates."""
    return ref.LogNormal(pair(at, mean), symmetric(at, cov))


def mixture_on_line(at: Values) -> ref.LogNormalMixture:
    """Two log-normal laws of one coordinate, mixed."""
    return ref.LogNormalMixture(pair(at, "w"), [[at["a"]], [at["b"]]], [at["S"], at["T"]])


def mixture_in_plane(at: Values) -> ref.LogNormalMixture:
    """Two log-normal laws of two coordinates, mixed."""
    covs = [symmetric(at, "S"), symmetric(at, "T")]
    return ref.LogNormalMixture(pair(at, "w"), [pair(at, "a"), pair(at, "b")], covs)


def data_in_plane(at: Values) -> ref.PointMasses:
    """Two points p and q with the log-variance v round each."""
    return ref.PointMasses([pair(at, "p"), pair(at, "q")], at["v"])


def normal(at: Values, mean: str = "M", var: str = "V") -> ref.Gaussian:
    """A normal law of one coordinate."""
    return ref.Gaussian(np.array([at[mean]]), np.array([[at[var]]]))


def normal_in_plane(at: Values, mean: str = "M", cov: str = "V") -> ref.Gaussian:
    """A normal law of two coordinates."""
    return ref.Gaussian(np.array(pair(at, mean)), np.array(symmetric(at, cov)))


def flat(law: ref.LogNormal | ref.Gaussian) -> list[float]:
    """Mean and covariance of log X as one list."""
    mean, cov = law if isinstance(law, ref.Gaussian) else (law.log_mean, law.log_cov)
    return [*mean.tolist(), *cov.ravel().tolist()]


def flat_mixture(law: ref.LogNormalMixture) -> list[float]:
    """Weight, mean and covariance of each component as one list."""
    parts = zip(law.weights, law.log_means, law.log_covs, strict=True)
    return [number for w, mean, cov in parts for number in (w, *mean, *cov.ravel())]


def flat_data(law: ref.PointMasses) -> list[float]:
    """The points and the log-variance round them."""
    return [*law.points.ravel(), law.log_var]
