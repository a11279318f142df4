"""What every process offers, and the checks of times that they share (symbols: the package)."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from gbm_fast.checks import require_positive, require_same_shape
from gbm_fast.shapes import expand_like

Time = float | Tensor


def _float64(value: Time) -> Tensor:
    """As a float64 tensor; on a device that has no float64 (MPS) it is moved to the CPU."""
    if not isinstance(value, Tensor):
        return torch.tensor(float(value), dtype=torch.float64)
    return (value.cpu() if value.device.type == "mps" else value).to(torch.float64)


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
        """m(t), of the shape of `t`."""

    @abstractmethod
    def log_var(self, t: Time) -> Tensor:
        """v(t), of the shape of `t`."""

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
        require_same_shape(x0, z, "z")
        log_mean = expand_like(self.log_mean(t), x0).to(x0)
        log_std = expand_like(self.log_var(t).sqrt(), x0).to(x0)
        return x0 * torch.exp(log_mean + log_std * z)

    def _time(self, t: Time) -> Tensor:
        """`t` as a float64 tensor, checked to be in [0, horizon] up to rounding, and cut to it."""
        time, slack = _float64(t), 1e-12 * self.horizon
        inside = (time >= -slack) & (time <= self.horizon + slack)
        if time.ndim > 1 or not bool(inside.all()):
            raise ValueError(
                f"t must be a number or a tensor (batch,) within [0, {self.horizon}], got "
                f"{time.tolist() if time.numel() <= 4 else f'shape {tuple(time.shape)}, values'}"
                f"{'' if time.numel() <= 4 else f' in [{time.min()}, {time.max()}]'}."
            )
        return time.clamp(0, self.horizon)

    def _interval(self, t: Time, dt: Time) -> tuple[Tensor, Tensor, Tensor]:
        """(end, start, length) of the step from t to t - dt; the rounding below 0 is removed."""
        start, length = self._time(t), _float64(dt)
        smallest = 1e-12 * self.horizon
        end = start - length
        if not bool((length >= 0).all()) or bool((end < -smallest).any()):
            raise ValueError(
                f"a step must have 0 <= dt <= t, got t = {t}, dt = {dt}: it would leave "
                f"[0, {self.horizon}]. Shorten the step."
            )
        at_zero = end.abs() <= smallest
        end = torch.where(at_zero, torch.zeros_like(end), end)
        return end, start, torch.where(at_zero, start, length)

    def _noise_level(self, v: Time) -> Tensor:
        """`v` as a float64 tensor, checked to lie in [0, v(T)] up to rounding."""
        log_var, largest = _float64(v), float(self.log_var(self.horizon))
        if not bool(((log_var >= 0) & (log_var <= largest * (1 + 1e-12))).all()):
            raise ValueError(
                f"v must lie in [0, {largest}], the log-variances that this process reaches."
            )
        return log_var.clamp(max=largest)
