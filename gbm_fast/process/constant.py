"""Geometric Brownian motion with constant coefficients: the process of the paper."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gbm_fast.checks import finite_number, positive_number, square
from gbm_fast.process.base import Process
from gbm_fast.process.times import Time, end_of_step


@dataclass(frozen=True)
class GBM(Process):
    """Constant coefficients: m(t) = (mu - sigma^2 / 2) t and v(t) = sigma^2 t.

    mu      drift rate, any finite number; None means sigma^2 / 2, the paper's choice (m = 0)
    sigma   diffusion rate, > 0; the paper uses 0.8
    horizon last time T, > 0
    """

    mu: float | None = None
    sigma: float = 0.8
    horizon: float = 1.0

    def __post_init__(self) -> None:
        sigma = positive_number(self.sigma, "sigma")
        rate = square(sigma, "sigma")
        mu = rate / 2 if self.mu is None else finite_number(self.mu, "mu")
        object.__setattr__(self, "sigma", sigma)
        object.__setattr__(self, "mu", mu)
        object.__setattr__(self, "horizon", positive_number(self.horizon, "horizon"))
        self._require_range()

    @property
    def _mu(self) -> float:
        return self.sigma**2 / 2 if self.mu is None else self.mu

    @property
    def _log_drift(self) -> float:
        return self._mu - self.sigma**2 / 2

    def drift(self, t: Time) -> Tensor:
        """mu, at every time."""
        return torch.full_like(self._time(t), self._mu)

    def diffusion(self, t: Time) -> Tensor:
        """sigma, at every time."""
        return torch.full_like(self._time(t), self.sigma)

    def log_mean(self, t: Time) -> Tensor:
        """m(t) = (mu - sigma^2 / 2) t."""
        return self._log_drift * self._time(t)

    def log_var(self, t: Time) -> Tensor:
        """v(t) = sigma^2 t."""
        return self.sigma**2 * self._time(t)

    def increments(self, t: Time, dt: Time) -> tuple[Tensor, Tensor]:
        """The increments of m and v over the step from t to t - dt."""
        _, _, length = end_of_step(t, dt, self.horizon)
        return self._log_drift * length, self.sigma**2 * length

    def time_at_log_var(self, v: Time) -> Tensor:
        """t = v / sigma^2."""
        return (self._noise_level(v) / self.sigma**2).clamp(max=self.horizon)
