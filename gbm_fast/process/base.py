"""What every process offers, and the checks of times that they share (symbols: the package)."""

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from gbm_fast.checks import SMALLEST, has_values, like, require_positive
from gbm_fast.process.times import TOLERANCE, Time, float64, time_in_range
from gbm_fast.shapes import schedule_like, times_exp


class Process(ABC):
    """What a target, a step, a grid or a loss asks of a process."""

    calculus: ClassVar[str] = "ito"
    horizon: float

    @abstractmethod
    def drift(self, t: Time) -> Tensor:
        """mu(t), of the shape of `t`."""

    @abstractmethod
    def diffusion(self, t: Time) -> Tensor:
        """sigma(t), of the shape of `t`."""

    @abstractmethod
    def log_mean(self, t: Time) -> Tensor:
        """m(t), the integral over [0, t] of mu - sigma^2 / 2, of the shape of `t`."""

    @abstractmethod
    def log_var(self, t: Time) -> Tensor:
        """v(t), the integral over [0, t] of sigma^2, of the shape of `t`.

        The variance of log X_t given X_0, and not the logarithm of a variance: so `log_var` and
        `log_cov` everywhere.
        """

    @abstractmethod
    def increments(self, t: Time, dt: Time) -> tuple[Tensor, Tensor]:
        """(m(t) - m(t - dt), v(t) - v(t - dt)) without cancellation, for 0 <= dt <= t."""

    @abstractmethod
    def time_at_log_var(self, v: Time) -> Tensor:
        """The t with v(t) = v, for v in [0, v(T)], of the shape of `v`."""

    def sample(self, x0: Tensor, t: Time, z: Tensor) -> Tensor:
        """X_t = x0 * exp(m(t) + sqrt(v(t)) z): the exact forward kernel.

        x0 (batch, *event) positive; z, standard normal, and the result have its shape and dtype.
        Raises ValueError for a non-positive or non-finite x0, another shape, or t out of range.
        """
        require_positive(x0, "x0")
        draws = like(x0, z, "z")
        log_mean = schedule_like(self.log_mean(t), x0)
        log_std = schedule_like(self.log_var(t).sqrt(), x0)
        return times_exp(x0, log_mean + log_std * draws)

    def _require_range(self) -> None:
        """Raise ValueError unless m(T) and v(T) are within the range of float64."""
        m, v = float(self.log_mean(self.horizon)), float(self.log_var(self.horizon))
        if not (SMALLEST <= v < math.inf and math.isfinite(m)):
            raise ValueError(
                f"m(T) = {m} and v(T) = {v} at T = horizon = {self.horizon} are beyond the range "
                "of float64: choose rates and a horizon nearer to 1."
            )

    def _time(self, t: Time) -> Tensor:
        """`t` in float64, checked to be in [0, horizon] up to rounding, and cut to it."""
        return time_in_range(t, self.horizon)

    def _noise_level(self, v: Time) -> Tensor:
        """`v` in float64, checked to lie in [0, v(T)] up to rounding, and cut to it."""
        log_var, largest = float64(v), self.log_var(self.horizon).to(float64(v).device)
        inside = (log_var >= 0) & (log_var <= largest * (1 + TOLERANCE))
        if has_values(log_var) and not bool(inside.all()):
            raise ValueError(
                f"v must lie in [0, {float(largest)}], the log-variances that this process "
                "reaches."
            )
        return torch.minimum(log_var, largest)
