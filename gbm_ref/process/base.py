"""What a target, a step, a grid or a loss asks of a process; the package docstring has symbols."""

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values


class Process(ABC):
    """What a target, a step, a grid or a loss asks of a process."""

    calculus: ClassVar[str] = "ito"
    horizon: float

    @abstractmethod
    def drift(self, t: float) -> float:
        """mu(t)."""

    @abstractmethod
    def diffusion(self, t: float) -> float:
        """sigma(t)."""

    @abstractmethod
    def log_mean(self, t: float) -> float:
        """m(t)."""

    @abstractmethod
    def log_var(self, t: float) -> float:
        """v(t)."""

    @abstractmethod
    def increments(self, t: float, dt: float) -> tuple[float, float]:
        """(m(t) - m(t - dt), v(t) - v(t - dt)) without cancellation, for 0 <= dt <= t."""

    @abstractmethod
    def time_at_log_var(self, v: float) -> float:
        """The t with v(t) = v, for v in [0, v(T)]."""

    def sample(self, x0: Values, t: float, z: Values) -> Array:
        """X_t = x0 * exp(m(t) + sqrt(v(t)) z): the exact forward kernel.

        x0 positive, of any shape; z, standard normal draws, and the result have that shape.
        """
        start = _checks.positive_array(x0, "x0")
        noise = _checks.like(z, start, "z", "x0")
        return start * np.exp(self.log_mean(t) + math.sqrt(self.log_var(t)) * noise)
