"""Geometric Brownian motion with coefficients that depend on time."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.integrate import quad
from scipy.optimize import brentq

from gbm_ref import _checks
from gbm_ref.process.base import Process


def _integral(rate: Callable[[float], float], start: float, end: float, size: float) -> float:
    """Integral of `rate` over [start, end]; 1e-13 of its value or 1e-14 of `size` is asked for."""
    # full_output keeps QUADPACK from warning; its error estimate is judged here instead.
    value, error = quad(
        rate, start, end, epsabs=1e-14 * size, epsrel=1e-13, limit=200, full_output=1
    )[:2]
    if not error <= 1e-9 * max(abs(value), size):
        raise ValueError(f"an integral of mu or sigma^2 over [{start}, {end}] did not converge.")
    return float(value)


@dataclass(frozen=True)
class TimeVaryingGBM(Process):
    """Any mu(t) and sigma(t) (Appendix C of version 2; claim A33), integrated by quadrature.

    mu, sigma  callables of one float in [0, horizon]; sigma must be positive there
    horizon    last time T, > 0

        m(t) = integral over [0, t] of mu - sigma^2 / 2,  v(t) = integral over [0, t] of sigma^2

    by adaptive Gauss-Kronrod quadrature, and `time_at_log_var` by root search. Accurate to
    100 * 2^-53 * S for rates that are polynomials (claim `A33`; here S is v for v and |m| + v / 10
    for m); for other smooth rates 1e-13 of v, and 1e-13 of |m| or 1e-14 of v for m, are asked for.
    Raises ValueError for horizon <= 0 and, when a method is called, for a rate that is not finite,
    a sigma that is not positive, or an integral whose error may exceed 1e-9 of max(|m|, v).
    """

    mu: Callable[[float], float]
    sigma: Callable[[float], float]
    horizon: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "horizon", _checks.positive_number(self.horizon, "horizon"))

    def drift(self, t: float) -> float:
        """mu(t)."""
        return _checks.finite_number(self.mu(_checks.time_in_range(t, self.horizon)), "mu(t)")

    def diffusion(self, t: float) -> float:
        """sigma(t)."""
        return math.sqrt(self._variance_rate(_checks.time_in_range(t, self.horizon)))

    def log_mean(self, t: float) -> float:
        """m(t)."""
        return self._added_log_mean(0.0, _checks.time_in_range(t, self.horizon))

    def log_var(self, t: float) -> float:
        """v(t)."""
        return self._added_log_var(0.0, _checks.time_in_range(t, self.horizon))

    def increments(self, t: float, dt: float) -> tuple[float, float]:
        """(m(t) - m(t - dt), v(t) - v(t - dt))."""
        start, end = _checks.end_of_step(t, dt, self.horizon)
        return self._added_log_mean(end, start), self._added_log_var(end, start)

    def time_at_log_var(self, v: float) -> float:
        """The t with v(t) = v."""
        largest = self.log_var(self.horizon)
        value = _checks.log_var_in_range(v, largest)
        if value in (0.0, largest):
            return self.horizon if value > 0.0 else 0.0
        return float(brentq(lambda t: self.log_var(t) - value, 0.0, self.horizon, xtol=1e-15))

    def _variance_rate(self, t: float) -> float:
        name = f"sigma({t})"
        return _checks.square(_checks.positive_number(self.sigma(t), name), name)

    def _log_drift_rate(self, t: float) -> float:
        return _checks.finite_number(self.mu(t), f"mu({t})") - self._variance_rate(t) / 2

    def _added_log_var(self, start: float, end: float) -> float:
        return 0.0 if start == end else _integral(self._variance_rate, start, end, 0.0)

    def _added_log_mean(self, start: float, end: float) -> float:
        # m may vanish, so its error is judged against v.
        v = self._added_log_var(start, end)
        return 0.0 if start == end else _integral(self._log_drift_rate, start, end, v)
