"""The variance-exploding process, which reaches noise."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gbm_fast.checks import positive_number, square
from gbm_fast.process.base import Process
from gbm_fast.process.times import Time, end_of_step


@dataclass(frozen=True)
class VarianceExploding(Process):
    """sigma(t) grows geometrically and mu = sigma^2 / 2, so m = 0 and X reaches noise.

        v(t) = std_min^2 (exp(2 rate t / T) - 1),   2 rate = log(1 + (std_max / std_min)^2)

    hence v(T) = std_max^2. The form sigma_min * r^t of Appendix C of version 2 is that of the
    *diffusion coefficient*, not of the standard deviation sqrt(v) (claim E19-iii):
    sigma(t) = std_min sqrt(2 rate / T) exp(rate t / T).

    std_min, std_max  0 < std_min < std_max, standard deviations of log X
    horizon           last time T, > 0
    """

    std_min: float = 0.005
    std_max: float = 10.0
    horizon: float = 1.0

    def __post_init__(self) -> None:
        low, high = (
            positive_number(self.std_min, "std_min"),
            positive_number(self.std_max, "std_max"),
        )
        if low >= high:
            raise ValueError(f"std_min must be below std_max, got {low} and {high}.")
        ratio = high / low
        for name, value in (("std_min", low), ("std_max", high), ("std_max / std_min", ratio)):
            square(value, name)
        object.__setattr__(self, "std_min", low)
        object.__setattr__(self, "std_max", high)
        object.__setattr__(self, "horizon", positive_number(self.horizon, "horizon"))
        self._require_range()

    @property
    def _growth(self) -> float:
        """2 rate / T."""
        return math.log1p((self.std_max / self.std_min) ** 2) / self.horizon

    def drift(self, t: Time) -> Tensor:
        """mu(t) = sigma(t)^2 / 2."""
        return self.diffusion(t) ** 2 / 2

    def diffusion(self, t: Time) -> Tensor:
        """sigma(t) of the class docstring."""
        return self.std_min * math.sqrt(self._growth) * (self._growth * self._time(t) / 2).exp()

    def log_mean(self, t: Time) -> Tensor:
        """m(t) = 0."""
        return torch.zeros_like(self._time(t))

    def log_var(self, t: Time) -> Tensor:
        """v(t) of the class docstring."""
        return self.std_min**2 * (self._growth * self._time(t)).expm1()

    def increments(self, t: Time, dt: Time) -> tuple[Tensor, Tensor]:
        """(0, the increment of v over the step from t to t - dt)."""
        _, end, length = end_of_step(t, dt, self.horizon)
        dv = self.std_min**2 * (self._growth * end).exp() * (self._growth * length).expm1()
        return torch.zeros_like(dv), dv

    def time_at_log_var(self, v: Time) -> Tensor:
        """t = T log(1 + v / std_min^2) / (2 rate)."""
        time = (self._noise_level(v) / self.std_min**2).log1p() / self._growth
        return time.clamp(max=self.horizon)
