"""Data laws that are closed under the process, so that the exact score is known at every t.

    log X_0 ~ sum_j w_j N(a_j, S_j)   =>   log X_t ~ sum_j w_j N(a_j + m(t), S_j + v(t) I)

(claim R2). Each target offers `diffuse(process, t)`, which is the law of X_t and again a target.
With y = log x, r_j the responsibility of component j at y and u_j = -S_j^{-1} (y - a_j):

    p(x)        = prod_i 1 / x_i  *  sum_j w_j N(log x; a_j, S_j)           `logpdf` (its log)
    s(x)        = sum_j r_j u_j        gradient of the log density of log X `log_score`
    h(x)        = s(x) - 1 = x * grad log p(x)                              `hyvarinen_score`
    S(x)        = h(x) / x = grad log p(x)                                  `stein_score`

Shapes: x (..., d); scores (..., d); `logpdf` and `cdf` (...); `mean` and `var` (d,). All raise
`ValueError` for an x that is not positive and finite or not (..., d), and for a law without a
density; so do laws for parameters outside their domain, which are those of log X.

For d = 1 accurate to 8 * 2^-53 * S (accuracy vectors `log_normal_...`, `mixture_...` and
`point_masses_...` with `logpdf`, `log_score`, `hyvarinen_score`, `stein_score`, `cdf`, `mean`,
`var` or `ppf`), and so is the rest, to d = 2 (claims `A23`, `R2`, `R2-score`, `R3`,
`mixture-moments`; 16 for 8 in log and Stein scores of mixtures on the line).
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from gbm_ref import _checks, _gaussians, _quantiles
from gbm_ref._checks import Array, RandomState, Values
from gbm_ref.process import Process
from gbm_ref.process.coordinates import fits, log_means, log_vars


class Target(ABC):
    """What a test, an exact score, a loss or a sampler asks of a data law.

    A law of one's own derives from this class and defines `d`, `diffuse`, `logpdf`, `log_score`
    and `rvs`; `cdf`, `mean`, `var` and `marginal` where they are asked for. `hyvarinen_score`,
    `stein_score` and `ppf` follow. docs/oracle.md has an example.
    """

    @property
    @abstractmethod
    def d(self) -> int:
        """Number of coordinates."""

    @abstractmethod
    def diffuse(self, process: Process, t: float) -> "Target":
        """The law of X_t when X_0 has this law (claim R2), for t in [0, horizon]."""

    @abstractmethod
    def logpdf(self, x: Values) -> Array:
        """log p(x), in nats."""

    @abstractmethod
    def log_score(self, x: Values) -> Array:
        """1 + x * grad log p(x), the gradient of the log density of log X."""

    @abstractmethod
    def rvs(self, size: int = 1, random_state: RandomState = None) -> Array:
        """`size` >= 1 independent draws, (size, d); `random_state` as in SciPy, None included."""

    def cdf(self, x: Values) -> Array:
        """P(X <= x), for d = 1 only, also without a density."""
        raise self._lacks("cdf")

    def mean(self) -> Array:
        """E[X], (d,), infinite beyond the range of float64."""
        raise self._lacks("mean")

    def var(self) -> Array:
        """Var[X_i] of each coordinate, (d,); infinite beyond the range of float64."""
        raise self._lacks("var")

    def marginal(self, coordinates: int | Values) -> "Target":
        """The law of some coordinates: one index, or several in the order that is wanted."""
        raise self._lacks("marginal")

    def ppf(self, q: Values) -> Array:
        """The smallest x with P(X <= x) >= q, for d = 1 only: q (...) in [0, 1] to (..., 1).

        0 at q = 0, the largest value or infinity at q = 1; `cdf` is bisected in log x.
        """
        self._require_line("ppf")
        found = _quantiles.searched_quantile(q, lambda y: self.cdf(np.exp(y)[..., None]))
        return np.asarray(np.exp(found)[..., None])

    def _require_line(self, name: str) -> None:
        if self.d != 1:
            raise ValueError(f"{name} is defined for d = 1 only, this law has d = {self.d}.")

    def _lacks(self, name: str) -> ValueError:
        return ValueError(f"{type(self).__name__} has no {name}: define it in the class.")

    def hyvarinen_score(self, x: Values) -> Array:
        """x * grad log p(x)."""
        return self.log_score(x) - 1.0

    def stein_score(self, x: Values) -> Array:
        """grad log p(x)."""
        h = self.hyvarinen_score(x)
        with _checks.quiet():
            return h / _checks.real_array(x, "x")

    def _log(self, x: Values) -> Array:
        return np.log(_checks.with_trailing(_checks.positive_array(x, "x"), self.d, "x"))


class _LogSpaceMixture(Target):
    """What the laws of this module share: log X is a mixture of normal laws."""

    @abstractmethod
    def _parts(self) -> tuple[Array, Array, Array]:
        """Weights (J,), and means and variances of the coordinates of log X, (J, d)."""

    @abstractmethod
    def _log_space_cdf(self, y: Array) -> Array:
        """P(log X <= y) of a law with d = 1, for y of any shape."""

    def cdf(self, x: Values) -> Array:
        self._require_line("cdf")
        return self._log_space_cdf(self._log(x)[..., 0])

    def mean(self) -> Array:
        return _quantiles.mean_and_var(*self._parts())[0]

    def var(self) -> Array:
        return _quantiles.mean_and_var(*self._parts())[1]

    def ppf(self, q: Values) -> Array:
        self._require_line("ppf")
        weights, means, variances = self._parts()
        line = weights, means[:, 0], np.sqrt(variances[:, 0])
        found = _quantiles.mixture_quantile(q, *line, self._log_space_cdf)
        with _checks.quiet():
            return np.asarray(np.exp(found)[..., None])


@dataclass(frozen=True, eq=False, init=False)
class LogNormalMixture(_LogSpaceMixture):
    """log X ~ sum_j weights_j N(log_means_j, log_covs_j).

    weights    (J,), positive, summing to 1 within 1e-12
    log_means  (J, d)
    log_covs   (J,) for multiples of the identity, or (J, d, d), symmetric positive semi-definite
    """

    weights: Array
    log_means: Array
    log_covs: Array

    def __init__(self, weights: Values, log_means: Values, log_covs: Values) -> None:
        weights = _checks.vector(weights, "weights")
        if (weights <= 0.0).any() or abs(math.fsum(weights) - 1.0) > 1e-12:
            raise ValueError(f"weights must be positive and sum to 1, got {weights}.")
        means = _checks.finite_array(log_means, "log_means")
        if means.ndim != 2 or means.shape[0] != weights.size or means.shape[1] == 0:
            raise ValueError(f"log_means must have shape ({weights.size}, d), got {means.shape}.")
        covs = _checks.finite_array(log_covs, "log_covs")
        if covs.ndim not in (1, 3) or covs.shape[0] != weights.size:
            raise ValueError(
                f"log_covs must have shape ({weights.size},) or ({weights.size}, d, d), "
                f"got {covs.shape}."
            )
        checked = [
            _checks.covariance(cov, means.shape[1], f"log_covs[{j}]") for j, cov in enumerate(covs)
        ]
        object.__setattr__(self, "weights", _checks.kept(weights))
        object.__setattr__(self, "log_means", _checks.kept(means))
        object.__setattr__(self, "log_covs", _checks.kept(np.stack(checked)))

    @property
    def d(self) -> int:
        return int(self.log_means.shape[1])

    def diffuse(self, process: Process, t: float) -> "LogNormalMixture":
        fits(process, self.log_means, "this law")
        covs = self.log_covs + log_vars(process, t) * np.eye(self.d)
        return LogNormalMixture(self.weights, self.log_means + log_means(process, t), covs)

    def logpdf(self, x: Values) -> Array:
        y = self._log(x)
        return np.asarray(_gaussians.logsumexp(self._terms(y)) - np.sum(y, axis=-1))

    def log_score(self, x: Values) -> Array:
        y = self._log(x)
        shares = _gaussians.responsibilities(self._terms(y))
        pulls = _gaussians.pulls(y, self.log_means, self.log_covs)
        return np.asarray(np.sum(shares[..., None] * pulls, axis=-2))

    def rvs(self, size: int = 1, random_state: RandomState = None) -> Array:
        random = _checks.generator(random_state)
        size = _checks.whole_number(size, "size", 1)
        chosen = random.choice(self.weights.size, size=size, p=self.weights)
        z = random.standard_normal((size, self.d))
        roots = np.stack([_gaussians.square_root(cov) for cov in self.log_covs])
        noise = np.einsum("nij,nj->ni", roots[chosen], z)
        return np.asarray(np.exp(self.log_means[chosen] + noise))

    def marginal(self, coordinates: int | Values) -> "LogNormalMixture":
        i = _quantiles.coordinates(coordinates, self.d)
        covs = self.log_covs[:, i][:, :, i]
        return LogNormalMixture(self.weights, self.log_means[:, i], covs)

    def _parts(self) -> tuple[Array, Array, Array]:
        variances = np.diagonal(self.log_covs, axis1=-2, axis2=-1)
        return self.weights, self.log_means, variances

    def _log_space_cdf(self, y: Array) -> Array:
        stds = np.sqrt(self.log_covs[:, 0, 0])
        residuals = y[..., None] - self.log_means[:, 0]
        return np.asarray(_gaussians.normal_cdf(residuals, stds) @ self.weights)

    def _terms(self, y: Array) -> Array:
        return _gaussians.log_terms(y, np.log(self.weights), self.log_means, self.log_covs)


@dataclass(frozen=True, eq=False, init=False)
class LogNormal(_LogSpaceMixture):
    """log X ~ N(log_mean, log_cov).

    log_mean  (d,)
    log_cov   a number (times I), (d,) (a diagonal) or (d, d), positive semi-definite; kept (d, d)
    """

    log_mean: Array
    log_cov: Array

    def __init__(self, log_mean: Values, log_cov: Values) -> None:
        mean = _checks.vector(log_mean, "log_mean")
        cov = _checks.covariance(log_cov, mean.size, "log_cov")
        object.__setattr__(self, "log_mean", _checks.kept(mean))
        object.__setattr__(self, "log_cov", _checks.kept(cov))

    @property
    def d(self) -> int:
        return self.log_mean.size

    def diffuse(self, process: Process, t: float) -> "LogNormal":
        fits(process, self.log_mean, "this law")
        cov = self.log_cov + log_vars(process, t) * np.eye(self.d)
        return LogNormal(self.log_mean + log_means(process, t), cov)

    def logpdf(self, x: Values) -> Array:
        y = self._log(x)
        terms = _gaussians.log_terms(y, np.zeros(1), self.log_mean[None], self.log_cov[None])
        return np.asarray(terms[..., 0] - np.sum(y, axis=-1))

    def log_score(self, x: Values) -> Array:
        return _gaussians.pulls(self._log(x), self.log_mean[None], self.log_cov[None])[..., 0, :]

    def rvs(self, size: int = 1, random_state: RandomState = None) -> Array:
        random = _checks.generator(random_state)
        z = random.standard_normal((_checks.whole_number(size, "size", 1), self.d))
        return np.exp(self.log_mean + z @ _gaussians.square_root(self.log_cov).T)

    def marginal(self, coordinates: int | Values) -> "LogNormal":
        i = _quantiles.coordinates(coordinates, self.d)
        return LogNormal(self.log_mean[i], self.log_cov[np.ix_(i, i)])

    def _parts(self) -> tuple[Array, Array, Array]:
        return np.ones(1), self.log_mean[None], np.diag(self.log_cov)[None]

    def _log_space_cdf(self, y: Array) -> Array:
        std = math.sqrt(self.log_cov[0, 0])
        return _gaussians.normal_cdf(np.asarray(y - self.log_mean[0]), std)


@dataclass(frozen=True, eq=False, init=False)
class PointMasses(_LogSpaceMixture):
    """A finite data set, each point blurred by an isotropic log-normal: an ideal denoiser's (R3).

    points   (n, d), positive, all equally likely
    log_var  variance of log X round each point, >= 0; at 0, the data set itself, there is no
             density and `logpdf` and the scores raise ValueError: diffuse first
    """

    points: Array
    log_var: float

    def __init__(self, points: Values, log_var: float = 0.0) -> None:
        points = _checks.positive_array(points, "points")
        if points.ndim != 2 or points.size == 0:
            raise ValueError(f"points must have shape (n, d), got {points.shape}.")
        object.__setattr__(self, "points", _checks.kept(points))
        object.__setattr__(self, "log_var", _checks.non_negative_number(log_var, "log_var"))

    @property
    def d(self) -> int:
        return int(self.points.shape[1])

    def diffuse(self, process: Process, t: float) -> "PointMasses":
        fits(process, self.points, "this law")
        v = log_vars(process, t)
        if isinstance(v, np.ndarray):
            raise ValueError(
                "PointMasses have one blur for all coordinates, this process one for each: take "
                "LogNormalMixture(weights, log(points), zeros) for the data set."
            )
        return PointMasses(_checks.times_exp(self.points, log_means(process, t)), self.log_var + v)

    def logpdf(self, x: Values) -> Array:
        y = self._log(x)
        n, d = self.points.shape
        constant = math.log(n) + 0.5 * d * (math.log(self._variance) + _gaussians.LOG_TWO_PI)
        density = _gaussians.logsumexp(self._exponents(y))
        return np.asarray(density - constant - np.sum(y, axis=-1))

    def log_score(self, x: Values) -> Array:
        y = self._log(x)
        weights = _gaussians.responsibilities(self._exponents(y))
        return (weights @ np.log(self.points) - y) / self._variance

    def rvs(self, size: int = 1, random_state: RandomState = None) -> Array:
        random = _checks.generator(random_state)
        size = _checks.whole_number(size, "size", 1)
        chosen = _checks.indices(random, self.points.shape[0], size)
        z = random.standard_normal((size, self.d))
        return _checks.times_exp(self.points[chosen], math.sqrt(self.log_var) * z)

    def marginal(self, coordinates: int | Values) -> "PointMasses":
        i = _quantiles.coordinates(coordinates, self.d)
        return PointMasses(self.points[:, i], self.log_var)

    def ppf(self, q: Values) -> Array:
        self._require_line("ppf")
        return super().ppf(q) if self.log_var else _quantiles.staircase(q, self.points)

    def _parts(self) -> tuple[Array, Array, Array]:
        n, d = self.points.shape
        return np.full(n, 1.0 / n), np.log(self.points), np.full((n, d), self.log_var)

    def _log_space_cdf(self, y: Array) -> Array:
        residuals = y[..., None] - np.log(self.points[:, 0])
        cdfs = _gaussians.normal_cdf(residuals, math.sqrt(self.log_var))
        return np.asarray(np.mean(cdfs, axis=-1))

    @property
    def _variance(self) -> float:
        if self.log_var == 0.0:
            raise ValueError("a finite data set has no density: diffuse first, to a t > 0.")
        return self.log_var

    def _exponents(self, y: Array) -> Array:
        """-|y - log point_n|^2 / (2 log_var), (..., n), a coordinate at a time to save memory."""
        squares = np.zeros((*y.shape[:-1], self.points.shape[0]))
        for i, column in enumerate(np.log(self.points).T):
            squares += (y[..., i, None] - column) ** 2
        return -squares / (2.0 * self._variance)
