"""The interface of every process; the package docstring has the symbols."""

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values


class Process(ABC):
    """What a target, a step, a grid or a loss asks of a process.

    t is one number in [0, horizon], dt one in [0, t], v one in [0, v(horizon)]; all methods raise
    ValueError otherwise and return numbers, but for `sample`. The classes state their accuracy.
    """

    calculus: ClassVar[str] = "ito"
    horizon: float

    @abstractmethod
    def drift(self, t: float) -> float:
        """mu(t), the drift rate of X."""

    @abstractmethod
    def diffusion(self, t: float) -> float:
        """sigma(t) > 0, the diffusion rate of X."""

    @abstractmethod
    def log_mean(self, t: float) -> float:
        """m(t), the integral over [0, t] of mu - sigma^2 / 2, added to the mean of log X."""

    @abstractmethod
    def log_var(self, t: float) -> float:
        """v(t), the integral over [0, t] of sigma^2, added to the variance of log X.

        The variance of a logarithm, and not the logarithm of a variance: so `log_var` and
        `log_cov` everywhere.
        """

    @abstractmethod
    def increments(self, t: float, dt: float) -> tuple[float, float]:
        """(m(t) - m(t - dt), v(t) - v(t - dt)) without cancellation, for 0 <= dt <= t."""

    @abstractmethod
    def time_at_log_var(self, v: float) -> float:
        """The t with v(t) = v, for v in [0, v(T)]."""

    def _require_range(self) -> None:
        """Raise ValueError unless m(T) and v(T) are within the range of float64."""
        try:
            with np.errstate(all="ignore"):
                m, v = self.log_mean(self.horizon), self.log_var(self.horizon)
        except OverflowError:
            m = v = math.inf
        if not (_checks.SMALLEST <= v < math.inf and math.isfinite(m)):
            raise ValueError(
                f"m(T) = {m} and v(T) = {v} at T = horizon = {self.horizon} are beyond the range "
                "of float64: choose rates and a horizon nearer to 1."
            )

    def sample(self, x0: Values, t: float, z: Values) -> Array:
        """X_t = x0 * exp(m(t) + sqrt(v(t)) z): the exact kernel, eq. (6) of version 2; claim A6.

        x0 positive, of any shape; z, standard normal draws, and the result have that shape.
        Accurate to 8 * 2^-53 * S (accuracy vectors `forward_sample`). Raises ValueError for a
        non-positive x0, another shape of z or a t outside [0, horizon].
        """
        start = _checks.positive_array(x0, "x0")
        noise = _checks.like(z, start, "z", "x0")
        exponent = self.log_mean(t) + math.sqrt(self.log_var(t)) * noise
        with _checks.quiet():
            return _checks.times_exp(start, exponent)
