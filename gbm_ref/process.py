"""Geometric Brownian motions, described by their effect on log X.

    dX = mu(t) X dt + sigma(t) X dW                       (Ito; eq. (5) of version 2; sheet A5)
    log X_t | X_0  ~  N(log X_0 + m(t), v(t) I)           (eq. (6) of version 2; sheet A6)

Symbols
    mu(t)     drift rate of X                 `drift`
    sigma(t)  diffusion rate of X, > 0        `diffusion`
    m(t)      integral over [0, t] of mu - sigma^2 / 2          `log_mean`
    v(t)      integral over [0, t] of sigma^2                   `log_var`
    T         the last time, where the noise is strongest       `horizon`

Time runs from t = 0 (data) to t = T (noise) and has no unit. Every `t` is one number in [0, T];
a `ValueError` says so otherwise. The rest of this package uses only m, v and their increments, so
each process works with each target, step and grid.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq

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
        sigma = _checks.positive_number(self.sigma, "sigma")
        mu = sigma**2 / 2 if self.mu is None else _checks.finite_number(self.mu, "mu")
        object.__setattr__(self, "sigma", sigma)
        object.__setattr__(self, "mu", mu)
        object.__setattr__(self, "horizon", _checks.positive_number(self.horizon, "horizon"))

    def drift(self, t: float) -> float:
        _checks.time_in_range(t, self.horizon)
        return self._mu

    def diffusion(self, t: float) -> float:
        _checks.time_in_range(t, self.horizon)
        return self.sigma

    def log_mean(self, t: float) -> float:
        return self._log_drift * _checks.time_in_range(t, self.horizon)

    def log_var(self, t: float) -> float:
        return self.sigma**2 * _checks.time_in_range(t, self.horizon)

    def increments(self, t: float, dt: float) -> tuple[float, float]:
        start, end = _checks.end_of_step(t, dt, self.horizon)
        length = start if end == 0.0 else float(dt)
        return self._log_drift * length, self.sigma**2 * length

    def time_at_log_var(self, v: float) -> float:
        return _checks.log_var_in_range(v, self.log_var(self.horizon)) / self.sigma**2

    @property
    def _mu(self) -> float:
        return self.sigma**2 / 2 if self.mu is None else self.mu

    @property
    def _log_drift(self) -> float:
        return self._mu - self.sigma**2 / 2


def _integral(rate: Callable[[float], float], start: float, end: float, size: float) -> float:
    """Integral of `rate` over [start, end], accurate to 1e-13 of its value or 1e-14 of `size`."""
    # full_output keeps QUADPACK from warning; its error estimate is judged here instead.
    value, error = quad(
        rate, start, end, epsabs=1e-14 * size, epsrel=1e-13, limit=200, full_output=1
    )[:2]
    if not error <= 1e-9 * max(abs(value), size):
        raise ValueError(f"an integral of mu or sigma^2 over [{start}, {end}] did not converge")
    return float(value)


@dataclass(frozen=True)
class TimeVaryingGBM(Process):
    """Any mu(t) and sigma(t) (Appendix C of version 2; sheet A33), integrated by quadrature.

    mu, sigma  callables of one float in [0, horizon]; sigma must be positive there
    horizon    last time T, > 0

    m and v are adaptive Gauss-Kronrod integrals; one that does not converge is a `ValueError`.
    """

    mu: Callable[[float], float]
    sigma: Callable[[float], float]
    horizon: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "horizon", _checks.positive_number(self.horizon, "horizon"))

    def drift(self, t: float) -> float:
        return _checks.finite_number(self.mu(_checks.time_in_range(t, self.horizon)), "mu(t)")

    def diffusion(self, t: float) -> float:
        return math.sqrt(self._variance_rate(_checks.time_in_range(t, self.horizon)))

    def log_mean(self, t: float) -> float:
        return self._added_log_mean(0.0, _checks.time_in_range(t, self.horizon))

    def log_var(self, t: float) -> float:
        return self._added_log_var(0.0, _checks.time_in_range(t, self.horizon))

    def increments(self, t: float, dt: float) -> tuple[float, float]:
        start, end = _checks.end_of_step(t, dt, self.horizon)
        return self._added_log_mean(end, start), self._added_log_var(end, start)

    def time_at_log_var(self, v: float) -> float:
        largest = self.log_var(self.horizon)
        value = _checks.log_var_in_range(v, largest)
        if value in (0.0, largest):
            return self.horizon if value > 0.0 else 0.0
        return float(brentq(lambda t: self.log_var(t) - value, 0.0, self.horizon, xtol=1e-15))

    def _variance_rate(self, t: float) -> float:
        rate = self.sigma(t)
        if not 0.0 < rate < math.inf:
            raise ValueError(f"sigma({t}) must be positive and finite, got {rate}")
        return rate**2

    def _log_drift_rate(self, t: float) -> float:
        return self.mu(t) - self._variance_rate(t) / 2

    def _added_log_var(self, start: float, end: float) -> float:
        return 0.0 if start == end else _integral(self._variance_rate, start, end, 0.0)

    def _added_log_mean(self, start: float, end: float) -> float:
        # m may vanish, so its error is judged against v.
        v = self._added_log_var(start, end)
        return 0.0 if start == end else _integral(self._log_drift_rate, start, end, v)


@dataclass(frozen=True)
class VarianceExploding(Process):
    """sigma(t) grows geometrically and mu = sigma^2 / 2, so m = 0 and X reaches noise.

        v(t) = std_min^2 (exp(2 rate t / T) - 1),   2 rate = log(1 + (std_max / std_min)^2)

    hence v(T) = std_max^2 exactly. What grows geometrically is the *diffusion coefficient*
    sigma(t) = std_min sqrt(2 rate / T) exp(rate t / T), not the standard deviation sqrt(v) of the
    variance-exploding equations of Song et al. (Appendix C of version 2; sheet E19 iii).

    std_min, std_max  0 < std_min < std_max, standard deviations of log X
    horizon           last time T, > 0
    """

    std_min: float = 0.005
    std_max: float = 10.0
    horizon: float = 1.0

    def __post_init__(self) -> None:
        low = _checks.positive_number(self.std_min, "std_min")
        high = _checks.positive_number(self.std_max, "std_max")
        if low >= high:
            raise ValueError(f"std_min must be below std_max, got {low} and {high}")
        object.__setattr__(self, "std_min", low)
        object.__setattr__(self, "std_max", high)
        object.__setattr__(self, "horizon", _checks.positive_number(self.horizon, "horizon"))

    def drift(self, t: float) -> float:
        return self.diffusion(t) ** 2 / 2

    def diffusion(self, t: float) -> float:
        growth = self._growth * _checks.time_in_range(t, self.horizon)
        return self.std_min * math.sqrt(self._growth) * math.exp(growth / 2)

    def log_mean(self, t: float) -> float:
        _checks.time_in_range(t, self.horizon)
        return 0.0

    def log_var(self, t: float) -> float:
        return self.std_min**2 * math.expm1(self._growth * _checks.time_in_range(t, self.horizon))

    def increments(self, t: float, dt: float) -> tuple[float, float]:
        start, end = _checks.end_of_step(t, dt, self.horizon)
        length = start if end == 0.0 else float(dt)
        before = math.exp(self._growth * end)
        return 0.0, self.std_min**2 * before * math.expm1(self._growth * length)

    def time_at_log_var(self, v: float) -> float:
        time = (
            math.log1p(_checks.log_var_in_range(v, self.log_var(self.horizon)) / self.std_min**2)
            / self._growth
        )
        return min(time, self.horizon)

    @property
    def _growth(self) -> float:
        """2 rate / T."""
        return math.log1p((self.std_max / self.std_min) ** 2) / self.horizon
