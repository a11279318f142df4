"""Any time-varying coefficients, by quadrature."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gbm_fast.checks import positive_number, real_number, require_positive
from gbm_fast.process.base import Process
from gbm_fast.process.times import Time, end_of_step

# Nodes and weights of the Gauss-Legendre rule on [-1, 1].
NODES, WEIGHTS = (torch.from_numpy(part) for part in np.polynomial.legendre.leggauss(64))


@dataclass(frozen=True)
class TimeVaryingGBM(Process):
    """Any smooth mu(t) and sigma(t) (Appendix C of version 2; claim A33), by quadrature.

    mu, sigma    callables of a float64 tensor of times, element by element; sigma positive
    horizon      last time T, > 0
    breakpoints  times in (0, horizon), between which the integrals are taken one by one

    m and v are Gauss-Legendre integrals with 64 nodes between the breakpoints: exact to rounding
    for coefficients that a polynomial of degree 60 represents there; `gbm_ref` has the adaptive
    rule. Raises ValueError for breakpoints outside (0, horizon), and where the integrals differ
    from those over 64 pieces by more than 1e-9 of the sizes of the rates, as at a jump or a peak:
    name such times as breakpoints. A peak narrower than about horizon / 4096 can go unseen.
    """

    mu: Callable[[Tensor], Tensor]
    sigma: Callable[[Tensor], Tensor]
    horizon: float = 1.0
    breakpoints: Sequence[float] = ()

    def __post_init__(self) -> None:
        horizon = positive_number(self.horizon, "horizon")
        points = tuple(sorted(real_number(t, "breakpoints") for t in self.breakpoints))
        if not all(0 < t < horizon for t in points):
            raise ValueError(f"breakpoints must lie in (0, {horizon}), got {points}.")
        object.__setattr__(self, "horizon", horizon)
        object.__setattr__(self, "breakpoints", points)
        self._require_resolution()

    def _require_resolution(self) -> None:
        """Raise ValueError where 64 pieces have other integrals than the whole."""
        edges = torch.linspace(0, self.horizon, 65, dtype=torch.float64, device="cpu")
        pieces = torch.stack(self._rate_integrals(edges[:-1], edges[1:]))
        whole = torch.stack(self._rate_integrals(torch.zeros_like(edges[1:]), edges[1:]))
        sums, sizes = pieces.cumsum(-1), pieces.abs().sum(-1, keepdim=True)
        missed = (whole - sums).abs() > 1e-9 * sizes
        if bool(missed.any()):
            place = edges[1:][missed.any(0)][0]
            raise ValueError(
                f"mu or sigma changes faster than the quadrature resolves, at or before t = "
                f"{float(place):.4g}: pass the times of its jumps and peaks as breakpoints."
            )

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
        """The t with v(t) = v, to a unit of rounding of t."""
        target = self._noise_level(v)
        # Bisection of the bits, which are in the order of the numbers: digits at any size of t.
        low = torch.zeros_like(target).view(torch.int64)
        high = torch.full_like(target, self.horizon).view(torch.int64)
        for _ in range(63):
            middle = (low + high) // 2
            above = self.log_var(middle.view(torch.float64)) > target
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
        return torch.where(target > 0, high.view(torch.float64), 0.0)

    def _integrals(self, start: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
        mu, v = self._rate_integrals(start, end)
        return mu - v / 2, v

    def _rate_integrals(self, start: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
        """The integrals of mu and sigma^2, piece by piece between the breakpoints."""
        if not self.breakpoints:
            mu, v = self._between(start, end)
            return mu, v
        edges = start.new_tensor([0.0, *self.breakpoints, self.horizon])
        cut = [t[..., None].maximum(edges[:-1]).minimum(edges[1:]) for t in (start, end)]
        mu, v = self._between(*cut).sum(-1)
        return mu, v

    def _between(self, start: Tensor, end: Tensor) -> Tensor:
        """The integrals of mu and sigma^2 by one rule, (2, *start.shape)."""
        node, weight = NODES.to(start.device), WEIGHTS.to(start.device)
        half = ((end - start) / 2)[..., None]
        times = (start + end)[..., None] / 2 + half * node
        mu, sigma = self.mu(times), self.sigma(times)
        require_positive(sigma, "sigma(t)")
        rates = torch.stack([mu.expand_as(times), sigma.expand_as(times) ** 2])
        return (half * weight * rates).sum(-1)
