"""The variance-exploding schedule."""

import math
from dataclasses import dataclass

from gbm_ref import _checks
from gbm_ref.process.base import Process


@dataclass(frozen=True)
class VarianceExploding(Process):
    """sigma(t) grows geometrically and mu = sigma^2 / 2, so m = 0 and X reaches noise.

        v(t) = std_min^2 (exp(2 rate t / T) - 1),   2 rate = log(1 + (std_max / std_min)^2)

    hence v(T) = std_max^2 exactly. What grows geometrically is the *diffusion coefficient*
    sigma(t) = std_min sqrt(2 rate / T) exp(rate t / T), not the standard deviation sqrt(v) of the
    variance-exploding equations of Song et al. (Appendix C of version 2; claim E19-iii).

    std_min, std_max  0 < std_min < std_max, standard deviations of log X
    horizon           last time T, > 0

    Accurate to 8 * 2^-53 * S (accuracy vectors `exploding_log_var`, `exploding_diffusion` and
    `exploding_time_at_log_var`; for the rest claim `VE`). Raises ValueError outside those domains.
    """

    std_min: float = 0.005
    std_max: float = 10.0
    horizon: float = 1.0

    def __post_init__(self) -> None:
        low = _checks.positive_number(self.std_min, "std_min")
        high = _checks.positive_number(self.std_max, "std_max")
        if low >= high:
            raise ValueError(f"std_min must be below std_max, got {low} and {high}.")
        ratio = high / low
        for name, value in (("std_min", low), ("std_max", high), ("std_max / std_min", ratio)):
            _checks.square(value, name)
        object.__setattr__(self, "std_min", low)
        object.__setattr__(self, "std_max", high)
        object.__setattr__(self, "horizon", _checks.positive_number(self.horizon, "horizon"))
        self._require_range()

    def drift(self, t: float) -> float:
        """mu(t)."""
        return self.diffusion(t) ** 2 / 2

    def diffusion(self, t: float) -> float:
        """sigma(t)."""
        growth = self._growth * _checks.time_in_range(t, self.horizon)
        return self.std_min * math.sqrt(self._growth) * math.exp(growth / 2)

    def log_mean(self, t: float) -> float:
        """m(t)."""
        _checks.time_in_range(t, self.horizon)
        return 0.0

    def log_var(self, t: float) -> float:
        """v(t)."""
        return self.std_min**2 * math.expm1(self._growth * _checks.time_in_range(t, self.horizon))

    def increments(self, t: float, dt: float) -> tuple[float, float]:
        """(m(t) - m(t - dt), v(t) - v(t - dt))."""
        start, end = _checks.end_of_step(t, dt, self.horizon)
        length = start if end == 0.0 else float(dt)
        before = math.exp(self._growth * end)
        return 0.0, self.std_min**2 * before * math.expm1(self._growth * length)

    def time_at_log_var(self, v: float) -> float:
        """The t with v(t) = v."""
        time = (
            math.log1p(_checks.log_var_in_range(v, self.log_var(self.horizon)) / self.std_min**2)
            / self._growth
        )
        return min(time, self.horizon)

    @property
    def _growth(self) -> float:
        """2 rate / T."""
        return math.log1p((self.std_max / self.std_min) ** 2) / self.horizon
