"""The four laws of the package, by their formulas (torch; claims R24, R25)."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import betainc, betaincc
from torch import Tensor
from torch.special import gammainc, gammaincc, gammaln, xlog1py, xlogy

from gbm_fast.laws.base import Parameter, ProductLaw, in_range, set_parameters, standard_gamma


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

    def rvs(self, size: int, random_state: torch.Generator) -> Tensor:
        """Draws (size, d)."""
        return in_range(standard_gamma(self.shape, size, random_state) / self.rate)

    def _log_densities(self, x: Tensor) -> Tensor:
        scaled = self.rate * x
        return xlogy(self.shape, scaled) - x.log() - scaled - gammaln(self.shape)

    def _cdfs(self, x: Tensor) -> Tensor:
        return gammainc(self.shape, self.rate * x)


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

    def rvs(self, size: int, random_state: torch.Generator) -> Tensor:
        """Draws (size, d)."""
        return in_range(self.scale / standard_gamma(self.shape, size, random_state))

    def _log_densities(self, x: Tensor) -> Tensor:
        scaled = self.scale / x
        return xlogy(self.shape, scaled) - x.log() - scaled - gammaln(self.shape)

    def _cdfs(self, x: Tensor) -> Tensor:
        return gammaincc(self.shape, self.scale / x)


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

    def rvs(self, size: int, random_state: torch.Generator) -> Tensor:
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

    def rvs(self, size: int, random_state: torch.Generator) -> Tensor:
        """Draws (size, d)."""
        above = standard_gamma(self.a, size, random_state)
        return in_range(self.scale * above / standard_gamma(self.b, size, random_state))

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
