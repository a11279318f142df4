"""Any time-varying coefficients, by quadrature."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gbm_fast.checks import positive_number, require_positive
from gbm_fast.process.base import Process
from gbm_fast.process.times import Time, end_of_step

# Nodes and weights of the Gauss-Legendre rule on [-1, 1].
NODES, WEIGHTS = (torch.from_numpy(part) for part in np.polynomial.legendre.leggauss(64))


@dataclass(frozen=True)
class TimeVaryingGBM(Process):
    """Any smooth mu(t) and sigma(t) (Appendix C of version 2; claim A33), by quadrature.

    mu, sigma  callables of a float64 tensor of times, element by element; sigma positive
    horizon    last time T, > 0

    m and v are Gauss-Legendre integrals with 64 nodes: exact to rounding for coefficients that a
    polynomial of degree 60 represents over one interval; `gbm_ref` has the adaptive rule.
    """

    mu: Callable[[Tensor], Tensor]
    sigma: Callable[[Tensor], Tensor]
    horizon: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "horizon", positive_number(self.horizon, "horizon"))

    def drift(self, t: Time) -> Tensor:
        """mu(t) as given."""
        return self.mu(self._time(t))

    def diffusion(self, t: Time) -> Tensor:
        """sigma(t) as given; ValueError where it is not positive."""
        sigma = self.sigma(self._time(t))
        require_positive(sigma, "sigma(t)")
        return sigma

    def log_mean(self, t: Time) -> Tensor:
        """m(t) by quadrature."""
        time = self._time(t)
        return self._integrals(torch.zeros_like(time), time)[0]

    def log_var(self, t: Time) -> Tensor:
        """v(t) by quadrature."""
        time = self._time(t)
        return self._integrals(torch.zeros_like(time), time)[1]

    def increments(self, t: Time, dt: Time) -> tuple[Tensor, Tensor]:
        """The integrals over the step from t to t - dt alone."""
        start, end, _ = end_of_step(t, dt, self.horizon)
        return self._integrals(end, start)

    def time_at_log_var(self, v: Time) -> Tensor:
        """The t with v(t) = v, by bisection to rounding."""
        target = self._noise_level(v)
        low, high = torch.zeros_like(target), torch.full_like(target, self.horizon)
        for _ in range(60):
            middle = (low + high) / 2
            above = self.log_var(middle) > target
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
        return high

    def _integrals(self, start: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
        node, weight = NODES.to(start.device), WEIGHTS.to(start.device)
        half = ((end - start) / 2)[..., None]
        times = (start + end)[..., None] / 2 + half * node
        mu, sigma = self.mu(times), self.sigma(times)
        require_positive(sigma, "sigma(t)")
        v = (half * weight * sigma**2).sum(-1)
        return (half * weight * mu).sum(-1) - v / 2, v
