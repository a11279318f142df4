"""The four laws of the package, by their formulas (torch; claims R24, R25)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import (
    betainc,
    betaincc,
    betainccinv,
    betaincinv,
    gammainccinv,
    gammaincinv,
)
from torch import Tensor
from torch.special import gammainc, gammaincc, gammaln, xlog1py, xlogy

from gbm_fast.checks import RandomState, generator
from gbm_fast.laws.base import Parameter, ProductLaw, in_range, set_parameters, standard_gamma
from gbm_fast.targets.quantiles import Coordinates, by_scipy
from gbm_fast.targets.quantiles import coordinates as indices


@dataclass(frozen=True, eq=False)
class Gamma(ProductLaw):
    """p(x) = rate^shape x^(shape - 1) e^(-rate x) / Gamma(shape); `shape` 1 is exponential.

    shape, rate  positive numbers or (d,); rate has the unit of 1 / x
    """

    shape: Tensor
    rate: Tensor

    def __init__(self, shape: Parameter, rate: Parameter) -> None:
        set_parameters(self, ("shape", "rate"), (shape, rate))

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return self.shape.numel()

    def hyvarinen_score(self, x: Tensor) -> Tensor:
        """shape - 1 - rate x."""
        return self.shape - 1 - self.rate * self._checked(x)

    def rvs(self, size: int = 1, random_state: RandomState = None) -> Tensor:
        """Draws (size, d)."""
        return in_range(standard_gamma(self.shape, size, random_state) / self.rate)

    def _log_densities(self, x: Tensor) -> Tensor:
        scaled = self.rate * x
        return xlogy(self.shape, scaled) - x.log() - scaled - gammaln(self.shape)

    def _cdfs(self, x: Tensor) -> Tensor:
        return gammainc(self.shape, self.rate * x)

    def _quantiles(self, q: Tensor) -> Tensor:
        return by_scipy(gammaincinv, self.shape, q) / self.rate.double().cpu()

    def mean(self) -> Tensor:
        """shape / rate."""
        return self.shape / self.rate

    def var(self) -> Tensor:
        """shape / rate^2."""
        return self.shape / self.rate / self.rate

    def marginal(self, coordinates: Coordinates) -> "Gamma":
        """The law of some coordinates."""
        i = indices(coordinates, self.d)
        return Gamma(self.shape[i], self.rate[i])


@dataclass(frozen=True, eq=False)
class InverseGamma(ProductLaw):
    """p(x) = scale^shape x^(-shape - 1) e^(-scale / x) / Gamma(shape).

    shape, scale  positive numbers or (d,); scale has the unit of x
    """

    shape: Tensor
    scale: Tensor

    def __init__(self, shape: Parameter, scale: Parameter) -> None:
        set_parameters(self, ("shape", "scale"), (shape, scale))

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return self.shape.numel()

    def hyvarinen_score(self, x: Tensor) -> Tensor:
        """-shape - 1 + scale / x."""
        return self.scale / self._checked(x) - self.shape - 1

    def rvs(self, size: int = 1, random_state: RandomState = None) -> Tensor:
        """Draws (size, d)."""
        return in_range(self.scale / standard_gamma(self.shape, size, random_state))

    def _log_densities(self, x: Tensor) -> Tensor:
        scaled = self.scale / x
        return xlogy(self.shape, scaled) - x.log() - scaled - gammaln(self.shape)

    def _cdfs(self, x: Tensor) -> Tensor:
        return gammaincc(self.shape, self.scale / x)

    def _quantiles(self, q: Tensor) -> Tensor:
        return self.scale.double().cpu() / by_scipy(gammainccinv, self.shape, q)

    def mean(self) -> Tensor:
        """scale / (shape - 1), infinite for shape <= 1."""
        return _where_it_exists(self.shape - 1, lambda a: self.scale / a)

    def var(self) -> Tensor:
        """(scale / (shape - 1))^2 / (shape - 2), infinite for shape <= 2."""
        above = torch.where(self.shape > 1, self.shape - 1, torch.ones_like(self.shape))
        return _where_it_exists(self.shape - 2, lambda a: (self.scale / above).square() / a)

    def marginal(self, coordinates: Coordinates) -> "InverseGamma":
        """The law of some coordinates."""
        i = indices(coordinates, self.d)
        return InverseGamma(self.shape[i], self.scale[i])


@dataclass(frozen=True, eq=False)
class Weibull(ProductLaw):
    """p(x) = shape / scale (x / scale)^(shape - 1) e^(-(x / scale)^shape).

    shape, scale  positive numbers or (d,); scale has the unit of x
    """

    shape: Tensor
    scale: Tensor

    def __init__(self, shape: Parameter, scale: Parameter) -> None:
        set_parameters(self, ("shape", "scale"), (shape, scale))

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return self.shape.numel()

    def hyvarinen_score(self, x: Tensor) -> Tensor:
        """shape - 1 - shape (x / scale)^shape."""
        return self.shape * (1 - (self._checked(x) / self.scale) ** self.shape) - 1

    def rvs(self, size: int = 1, random_state: RandomState = None) -> Tensor:
        """Draws (size, d)."""
        # The power of an exponential variable, which is Gamma(1).
        exponential = standard_gamma(torch.ones_like(self.shape), size, random_state)
        return in_range(self.scale * exponential ** (1 / self.shape))

    def _log_densities(self, x: Tensor) -> Tensor:
        relative = x / self.scale
        power = xlogy(self.shape, relative) - x.log()
        return self.shape.log() + power - relative**self.shape

    def _cdfs(self, x: Tensor) -> Tensor:
        return -torch.expm1(-((x / self.scale) ** self.shape))

    def _quantiles(self, q: Tensor) -> Tensor:
        scale, shape = self.scale.double().cpu(), self.shape.double().cpu()
        return scale * (-torch.log1p(-q)) ** (1 / shape)

    def mean(self) -> Tensor:
        """scale Gamma(1 + 1 / shape)."""
        return self.scale * gammaln(1 + 1 / self.shape).exp()

    def var(self) -> Tensor:
        """E[X]^2 (Gamma(1 + 2 / shape) / Gamma(1 + 1 / shape)^2 - 1)."""
        return self.mean().square() * _log_gamma_excess(1 / self.shape).expm1()

    def marginal(self, coordinates: Coordinates) -> "Weibull":
        """The law of some coordinates."""
        i = indices(coordinates, self.d)
        return Weibull(self.shape[i], self.scale[i])


@dataclass(frozen=True, eq=False)
class BetaPrime(ProductLaw):
    """p(x) = (x / scale)^(a - 1) (1 + x / scale)^(-a - b) / (scale B(a, b)).

    a, b, scale  positive numbers or (d,); scale has the unit of x; B is the beta function

    `cdf` is SciPy's, computed on the CPU and without a gradient: torch has no incomplete beta
    function.
    """

    a: Tensor
    b: Tensor
    scale: Tensor

    def __init__(self, a: Parameter, b: Parameter, scale: Parameter = 1.0) -> None:
        set_parameters(self, ("a", "b", "scale"), (a, b, scale))

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return self.a.numel()

    def hyvarinen_score(self, x: Tensor) -> Tensor:
        """a - 1 - (a + b) x / (scale + x)."""
        state = self._checked(x)
        return self.a - 1 - (self.a + self.b) * state / (self.scale + state)

    def rvs(self, size: int = 1, random_state: RandomState = None) -> Tensor:
        """Draws (size, d)."""
        source = generator(random_state)
        above = standard_gamma(self.a, size, source)
        return in_range(self.scale * above / standard_gamma(self.b, size, source))

    def _log_densities(self, x: Tensor) -> Tensor:
        relative = x / self.scale
        power = xlogy(self.a, relative) - xlog1py(self.a + self.b, relative)
        log_beta = gammaln(self.a) + gammaln(self.b) - gammaln(self.a + self.b)
        return power - x.log() - log_beta

    def _cdfs(self, x: Tensor) -> Tensor:
        whole = self.scale + x
        parts = (self.a, self.b, x / whole, self.scale / whole)
        a, b, share, rest = (part.detach().cpu().numpy() for part in parts)
        # Above the scale the share is close to 1, and its distance from 1 is what matters.
        values = np.where(share > rest, betaincc(b, a, rest), betainc(a, b, share))
        return torch.from_numpy(values).to(x)

    def _quantiles(self, q: Tensor) -> Tensor:
        # The smaller of the two has all its digits; the other may be lost where it is next to 1.
        # Below 1e-17 the first is a power of q to rounding, where SciPy may find none.
        a, b = self.a.double().cpu(), self.b.double().cpu()
        log_beta = gammaln(a) + gammaln(b) - gammaln(a + b)
        power = (((a * q.double().cpu()).log() + log_beta) / a).exp()
        share = torch.where(power < 1e-17, power, by_scipy(betaincinv, self.a, self.b, q))
        rest = by_scipy(betainccinv, self.b, self.a, q)
        ratio = torch.where(share < 0.5, share / (1 - share), (1 - rest) / rest)
        return self.scale.double().cpu() * ratio

    def mean(self) -> Tensor:
        """scale a / (b - 1), infinite for b <= 1."""
        return _where_it_exists(self.b - 1, lambda b: self.scale * self.a / b)

    def var(self) -> Tensor:
        """scale^2 a (a + b - 1) / ((b - 1)^2 (b - 2)), infinite for b <= 2."""
        below = torch.where(self.b > 1, self.b - 1, torch.ones_like(self.b))
        part = (self.scale / below).square() * self.a * (self.a + below)
        return _where_it_exists(self.b - 2, lambda b: part / b)

    def marginal(self, coordinates: Coordinates) -> "BetaPrime":
        """The law of some coordinates."""
        i = indices(coordinates, self.d)
        return BetaPrime(self.a[i], self.b[i], self.scale[i])


def _where_it_exists(excess: Tensor, formula: Callable[[Tensor], Tensor]) -> Tensor:
    """`formula` of the positive entries of `excess`, infinity for the others."""
    found = formula(torch.where(excess > 0, excess, torch.ones_like(excess)))
    return torch.where(excess > 0, found, torch.full_like(found, torch.inf))


def _log_gamma_excess(x: Tensor) -> Tensor:
    """log Gamma(1 + 2 x) - 2 log Gamma(1 + x) for x > 0, without cancellation for small x.

    There it is the sum over k >= 2 of zeta(k) (2^k - 2) (-x)^k / k, in which the 1 of every zeta
    adds up to log((1 + x)^2 / (1 + 2 x)).
    """
    k = torch.arange(2, 64, dtype=torch.float64, device=x.device)
    terms = torch.special.zeta(k, torch.full_like(k, 2)) * (2**k - 2) / k
    small = x.double().clamp(max=0.5)
    series = (terms * (-small[..., None]) ** k).sum(-1) + (small**2 / (1 + 2 * small)).log1p()
    return torch.where(x < 0.5, series.to(x), gammaln(1 + 2 * x) - 2 * gammaln(1 + x))
