"""Processes with prescribed m and v, so that public functions can be called at exact arguments."""

import math
from dataclasses import dataclass

from gbm_ref import _checks
from gbm_ref.process import GBM, Process


@dataclass(frozen=True)
class Prescribed(Process):
    """m and v linear on [s, 1], with increments dm and dv there, m(s) = 0 and v(s) = v_s.

    s = 1/2 where v_s > 0, with v linear and m zero before it; s = 0 where v_s = 0, so that m(1)
    and v(1) are dm and dv. A step from t to t - dt must lie in [s, 1].
    """

    dm: float
    dv: float
    v_s: float = 0.0
    horizon: float = 1.0

    @property
    def s(self) -> float:
        """The time up to which nothing but v_s has been added."""
        return 0.5 if self.v_s > 0.0 else 0.0

    def drift(self, t: float) -> float:
        """mu(t): the slope of m + v / 2."""
        share = self._share_per_time(t)
        return self.dm * share + self.diffusion(t) ** 2 / 2

    def diffusion(self, t: float) -> float:
        """sigma(t): the root of the slope of v."""
        share = self._share_per_time(t)
        return math.sqrt(self.dv * share if share > 0.0 else self.v_s / self.s)

    def log_mean(self, t: float) -> float:
        """m(t)."""
        return self.dm * self._share(t)

    def log_var(self, t: float) -> float:
        """v(t)."""
        time = _checks.time_in_range(t, 1.0)
        if time < self.s:
            return self.v_s * time / self.s
        return self.v_s + self.dv * self._share(time)

    def increments(self, t: float, dt: float) -> tuple[float, float]:
        """dm and dv, in proportion to dt."""
        start, end = _checks.end_of_step(t, dt, 1.0)
        if end < self.s:
            raise ValueError(f"a step must lie in [{self.s}, 1], got one from {start} to {end}.")
        share = (start - end) / (1.0 - self.s)
        return self.dm * share, self.dv * share

    def time_at_log_var(self, v: float) -> float:
        """The t with v(t) = v."""
        value = _checks.log_var_in_range(v, self.v_s + self.dv)
        if value < self.v_s:
            return self.s * value / self.v_s
        return self.s + (1.0 - self.s) * (value - self.v_s) / self.dv

    def _share(self, t: float) -> float:
        time = _checks.time_in_range(t, 1.0)
        return max(0.0, time - self.s) / (1.0 - self.s)

    def _share_per_time(self, t: float) -> float:
        return 0.0 if _checks.time_in_range(t, 1.0) < self.s else 1.0 / (1.0 - self.s)


@dataclass(frozen=True)
class Halves(Prescribed):
    """Increments dm and dv from 0 to 1/2, `rest` and `more` from 1/2 to 1, and nothing else."""

    rest: float = 0.0
    more: float = 0.0

    def increments(self, t: float, dt: float) -> tuple[float, float]:
        """dm and dv of the half that ends at t."""
        return (self.dm, self.dv) if t == 0.5 else (self.rest, self.more)


@dataclass(frozen=True)
class Constant(GBM):
    """Constant coefficients on [0, 1] with m(1) = m and v(1) = v exactly."""

    m: float = 0.0
    v: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigma", math.sqrt(self.v))
        object.__setattr__(self, "mu", self.m + self.v / 2)
        super().__post_init__()

    def log_mean(self, t: float) -> float:
        """m(t)."""
        return self.m * _checks.time_in_range(t, 1.0)

    def log_var(self, t: float) -> float:
        """v(t)."""
        return self.v * _checks.time_in_range(t, 1.0)

    def increments(self, t: float, dt: float) -> tuple[float, float]:
        """dm and dv, in proportion to dt."""
        start, end = _checks.end_of_step(t, dt, 1.0)
        length = start if end == 0.0 else float(dt)
        return self.m * length, self.v * length
