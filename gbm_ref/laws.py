"""Positive laws that are not log-normal, with their Hyvarinen scores (claim R25).

| law | x d/dx log p(x) |
| --- | --- |
| `Gamma(shape, rate)` | shape - 1 - rate x |
| `InverseGamma(shape, scale)` | -shape - 1 + scale / x |
| `Weibull(shape, scale)` | shape - 1 - shape (x / scale)^shape |
| `BetaPrime(a, b, scale)` | a - 1 - (a + b) x / (scale + x) |

Coordinates are independent; parameters are numbers or (d,), positive and finite. These laws are
not closed under geometric Brownian motion and have no `diffuse`; `gbm_ref.gamma_noise` diffuses
`InverseGamma` by multiplicative gamma noise, which makes it a `BetaPrime`. Shapes: x (..., d);
scores (..., d); `logpdf` and `cdf` (...), the latter for d = 1. All raise ValueError for an x that
is not positive and finite or not (..., d), and the laws for parameters outside their domain.

For d = 1 accurate to 8 * 2^-53 * S (accuracy vectors `gamma_logpdf`, `gamma_hyvarinen_score`,
`gamma_cdf`, and the same with `inverse_gamma`, `weibull`, `beta_prime`; for the other scores claim
`R25`), except that SciPy's incomplete gamma functions, which two of the `cdf` are, need 64 for 8.
`mean` and `var` are accurate to 8 * 2^-53 * S, `ppf` to 64 (claims `product-moments`,
`weibull-moments`, `quantiles`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import (
    betainc,
    betaincc,
    betainccinv,
    betaincinv,
    betaln,
    gammainc,
    gammaincc,
    gammainccinv,
    gammaincinv,
    gammaln,
    xlog1py,
    xlogy,
)

from gbm_ref import _checks, _quantiles, _special
from gbm_ref._checks import Array, RandomState, Values


def _parameters(*pairs: tuple[str, Values]) -> list[Array]:
    """Each parameter as (d,), once they are known to be positive and of one length."""
    arrays = [np.atleast_1d(_checks.positive_array(value, name)) for name, value in pairs]
    try:
        shape = np.broadcast_shapes(*[array.shape for array in arrays])
    except ValueError:
        shape = (0, 0)
    if len(shape) != 1 or shape[0] == 0:
        sizes = ", ".join(f"{name} {a.shape}" for (name, _), a in zip(pairs, arrays, strict=True))
        raise ValueError(f"parameters must be numbers or of one shape (d,), d >= 1, got {sizes}.")
    return [_checks.kept(np.broadcast_to(array, shape)) for array in arrays]


class ProductLaw(ABC):
    """A law with independent coordinates, given by one formula for each of them."""

    @property
    @abstractmethod
    def d(self) -> int:
        """Number of coordinates."""

    @abstractmethod
    def hyvarinen_score(self, x: Values) -> Array:
        """x * grad log p(x), the formula in the module docstring."""

    @abstractmethod
    def _log_densities(self, x: Array) -> Array:
        """log p_i(x_i), (..., d)."""

    @abstractmethod
    def _cdfs(self, x: Array) -> Array:
        """P(X_i <= x_i), (..., d)."""

    @abstractmethod
    def rvs(self, size: int = 1, random_state: RandomState = None) -> Array:
        """`size` >= 1 independent draws, (size, d); `random_state` as in SciPy."""

    @abstractmethod
    def mean(self) -> Array:
        """E[X], (d,), infinite where it does not exist."""

    @abstractmethod
    def var(self) -> Array:
        """Var[X_i], (d,), infinite where it does not exist."""

    @abstractmethod
    def marginal(self, coordinates: int | Values) -> "ProductLaw":
        """The law of some coordinates: one index, or several in the order that is wanted."""

    @abstractmethod
    def _quantiles(self, q: Array) -> Array:
        """The inverse of `_cdfs` in every coordinate, (..., d)."""

    def logpdf(self, x: Values) -> Array:
        """log p(x), in nats."""
        return np.asarray(np.sum(self._log_densities(self._checked(x)), axis=-1))

    def cdf(self, x: Values) -> Array:
        """P(X <= x), for d = 1 only."""
        if self.d != 1:
            raise ValueError(f"cdf is defined for d = 1 only, this law has d = {self.d}.")
        return np.asarray(self._cdfs(self._checked(x))[..., 0])

    def ppf(self, q: Values) -> Array:
        """The x with P(X <= x) = q, for d = 1 only: q (...) in [0, 1] to (..., 1)."""
        if self.d != 1:
            raise ValueError(f"ppf is defined for d = 1 only, this law has d = {self.d}.")
        with np.errstate(all="ignore"):
            return np.asarray(self._quantiles(_quantiles.probabilities(q)[..., None]))

    def log_score(self, x: Values) -> Array:
        """1 + x * grad log p(x), the gradient of the log density of log X."""
        return 1.0 + self.hyvarinen_score(x)

    def stein_score(self, x: Values) -> Array:
        """grad log p(x)."""
        h = self.hyvarinen_score(x)
        with _checks.quiet():
            return h / _checks.real_array(x, "x")

    def _checked(self, x: Values) -> Array:
        return _checks.with_trailing(_checks.positive_array(x, "x"), self.d, "x")

    def _size(self, size: int) -> tuple[int, int]:
        return _checks.whole_number(size, "size", 1), self.d


@dataclass(frozen=True, eq=False, init=False)
class Gamma(ProductLaw):
    """p(x) = rate^shape x^(shape - 1) e^(-rate x) / Gamma(shape); `shape` 1 is exponential.

    shape, rate  positive numbers or (d,); rate has the unit of 1 / x
    """

    shape: Array
    rate: Array

    def __init__(self, shape: Values, rate: Values) -> None:
        checked = _parameters(("shape", shape), ("rate", rate))
        object.__setattr__(self, "shape", checked[0])
        object.__setattr__(self, "rate", checked[1])

    @property
    def d(self) -> int:
        return self.shape.size

    def hyvarinen_score(self, x: Values) -> Array:
        return self.shape - 1.0 - self.rate * self._checked(x)

    def rvs(self, size: int = 1, random_state: RandomState = None) -> Array:
        random = _checks.generator(random_state)
        return random.standard_gamma(self.shape, self._size(size)) / self.rate

    def _log_densities(self, x: Array) -> Array:
        power = xlogy(self.shape, self.rate * x) - np.log(x)
        return np.asarray(power - self.rate * x - gammaln(self.shape))

    def _cdfs(self, x: Array) -> Array:
        return np.asarray(gammainc(self.shape, self.rate * x))

    def _quantiles(self, q: Array) -> Array:
        return np.asarray(gammaincinv(self.shape, q) / self.rate)

    def mean(self) -> Array:
        return np.asarray(self.shape / self.rate)

    def var(self) -> Array:
        return np.asarray(self.shape / self.rate / self.rate)

    def marginal(self, coordinates: int | Values) -> "Gamma":
        i = _quantiles.coordinates(coordinates, self.d)
        return Gamma(self.shape[i], self.rate[i])


@dataclass(frozen=True, eq=False, init=False)
class InverseGamma(ProductLaw):
    """p(x) = scale^shape x^(-shape - 1) e^(-scale / x) / Gamma(shape).

    shape, scale  positive numbers or (d,); scale has the unit of x
    """

    shape: Array
    scale: Array

    def __init__(self, shape: Values, scale: Values) -> None:
        checked = _parameters(("shape", shape), ("scale", scale))
        object.__setattr__(self, "shape", checked[0])
        object.__setattr__(self, "scale", checked[1])

    @property
    def d(self) -> int:
        return self.shape.size

    def hyvarinen_score(self, x: Values) -> Array:
        return self.scale / self._checked(x) - self.shape - 1.0

    def rvs(self, size: int = 1, random_state: RandomState = None) -> Array:
        random = _checks.generator(random_state)
        return self.scale / random.standard_gamma(self.shape, self._size(size))

    def _log_densities(self, x: Array) -> Array:
        power = xlogy(self.shape, self.scale / x) - np.log(x)
        return np.asarray(power - self.scale / x - gammaln(self.shape))

    def _cdfs(self, x: Array) -> Array:
        return np.asarray(gammaincc(self.shape, self.scale / x))

    def _quantiles(self, q: Array) -> Array:
        return np.asarray(self.scale / gammainccinv(self.shape, q))

    def mean(self) -> Array:
        return _where_it_exists(self.shape - 1.0, lambda a: self.scale / a)

    def var(self) -> Array:
        squared = (self.scale / np.where(self.shape > 1.0, self.shape - 1.0, 1.0)) ** 2
        return _where_it_exists(self.shape - 2.0, lambda a: squared / a)

    def marginal(self, coordinates: int | Values) -> "InverseGamma":
        i = _quantiles.coordinates(coordinates, self.d)
        return InverseGamma(self.shape[i], self.scale[i])


@dataclass(frozen=True, eq=False, init=False)
class Weibull(ProductLaw):
    """p(x) = shape / scale (x / scale)^(shape - 1) e^(-(x / scale)^shape).

    shape, scale  positive numbers or (d,); scale has the unit of x
    """

    shape: Array
    scale: Array

    def __init__(self, shape: Values, scale: Values) -> None:
        checked = _parameters(("shape", shape), ("scale", scale))
        object.__setattr__(self, "shape", checked[0])
        object.__setattr__(self, "scale", checked[1])

    @property
    def d(self) -> int:
        return self.shape.size

    def hyvarinen_score(self, x: Values) -> Array:
        return self.shape * (1.0 - self._power(self._checked(x))) - 1.0

    def rvs(self, size: int = 1, random_state: RandomState = None) -> Array:
        random = _checks.generator(random_state)
        return self.scale * random.weibull(self.shape, self._size(size))

    def _log_densities(self, x: Array) -> Array:
        relative = x / self.scale
        power = xlogy(self.shape, relative) - np.log(x)
        return np.asarray(np.log(self.shape) + power - self._power(x))

    def _cdfs(self, x: Array) -> Array:
        with _checks.quiet():
            return np.asarray(-np.expm1(-self._power(x)))

    def _quantiles(self, q: Array) -> Array:
        return np.asarray(self.scale * (-np.log1p(-q)) ** (1.0 / self.shape))

    def mean(self) -> Array:
        with _checks.quiet():
            return np.asarray(self.scale * np.exp(gammaln(1.0 + 1.0 / self.shape)))

    def var(self) -> Array:
        with _checks.quiet():
            excess = np.expm1(_special.log_gamma_excess(1.0 / self.shape))  # E[X^2] / E[X]^2 - 1
            return np.asarray(self.mean() ** 2 * excess)

    def marginal(self, coordinates: int | Values) -> "Weibull":
        i = _quantiles.coordinates(coordinates, self.d)
        return Weibull(self.shape[i], self.scale[i])

    def _power(self, x: Array) -> Array:
        """(x / scale)^shape, infinite beyond the range of float64."""
        with _checks.quiet():
            return np.asarray((x / self.scale) ** self.shape)


@dataclass(frozen=True, eq=False, init=False)
class BetaPrime(ProductLaw):
    """p(x) = (x / scale)^(a - 1) (1 + x / scale)^(-a - b) / (scale B(a, b)).

    a, b, scale  positive numbers or (d,); scale has the unit of x; B is the beta function
    """

    a: Array
    b: Array
    scale: Array

    def __init__(self, a: Values, b: Values, scale: Values = 1.0) -> None:
        checked = _parameters(("a", a), ("b", b), ("scale", scale))
        for name, value in zip(("a", "b", "scale"), checked, strict=True):
            object.__setattr__(self, name, value)

    @property
    def d(self) -> int:
        return self.a.size

    def hyvarinen_score(self, x: Values) -> Array:
        state = self._checked(x)
        return self.a - 1.0 - (self.a + self.b) * state / (self.scale + state)

    def rvs(self, size: int = 1, random_state: RandomState = None) -> Array:
        random = _checks.generator(random_state)
        above = random.standard_gamma(self.a, self._size(size))
        return self.scale * above / random.standard_gamma(self.b, self._size(size))

    def _log_densities(self, x: Array) -> Array:
        relative = x / self.scale
        power = xlogy(self.a, relative) - xlog1py(self.a + self.b, relative)
        return np.asarray(power - np.log(x) - betaln(self.a, self.b))

    def _cdfs(self, x: Array) -> Array:
        whole = self.scale + x
        # Above the scale x / whole is close to 1, and its distance from 1 is what matters.
        below = betainc(self.a, self.b, x / whole)
        return np.where(x > self.scale, betaincc(self.b, self.a, self.scale / whole), below)

    def _quantiles(self, q: Array) -> Array:
        # The smaller of share and rest has its digits; where SciPy finds none, it is a power of q.
        power = np.exp((np.log(self.a * q) + betaln(self.a, self.b)) / self.a)
        share = np.where(power < 1e-17, power, betaincinv(self.a, self.b, q))
        rest = betainccinv(self.b, self.a, q)
        below, above = share / (1.0 - share), (1.0 - rest) / rest
        return np.asarray(self.scale * np.where(share < 0.5, below, above))

    def mean(self) -> Array:
        return _where_it_exists(self.b - 1.0, lambda b: self.scale * self.a / b)

    def var(self) -> Array:
        below = np.where(self.b > 1.0, self.b - 1.0, 1.0)
        part = (self.scale / below) ** 2 * self.a * (self.a + below)
        return _where_it_exists(self.b - 2.0, lambda b: part / b)

    def marginal(self, coordinates: int | Values) -> "BetaPrime":
        i = _quantiles.coordinates(coordinates, self.d)
        return BetaPrime(self.a[i], self.b[i], self.scale[i])


def _where_it_exists(excess: Array, formula: Callable[[Array], Array]) -> Array:
    """`formula` of the positive entries of `excess`, infinity for the others."""
    with _checks.quiet():
        return np.where(excess > 0.0, formula(np.where(excess > 0.0, excess, 1.0)), np.inf)
