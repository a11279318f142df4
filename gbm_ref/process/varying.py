"""Geometric Brownian motion with coefficients that depend on time."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq

from gbm_ref import _checks
from gbm_ref._checks import Array
from gbm_ref.process.base import Process

# Times at which the rates are looked at once, for features that a quadrature would step over.
_LOOKS = 4096
# A second difference above this part of the range of the values is such a feature, and into how
# many pieces it is cut.
_BEND, _PIECES, _LARGEST = 1e-5, 8, 256


def _integral(
    rate: Callable[[float], float], start: float, end: float, size: float, points: Array
) -> float:
    """Integral of `rate` over [start, end]; 1e-13 of its value or 1e-14 of `size` is asked for."""
    inside = points[(points > start) & (points < end)]
    # full_output keeps QUADPACK from warning; its error estimate is judged here instead.
    value, error = quad(
        rate,
        start,
        end,
        epsabs=1e-14 * size,
        epsrel=1e-13,
        limit=200 + inside.size,
        points=inside if inside.size else None,
        full_output=1,
    )[:2]
    if not error <= 1e-9 * max(abs(value), size):
        raise ValueError(
            f"an integral of mu or sigma^2 over [{start}, {end}] did not converge: pass the times "
            "at which the rates jump or peak as breakpoints."
        )
    return float(value)


def _features(rate: Callable[[float], float], horizon: float) -> list[float]:
    """Times round each place where the rate bends within a few of the looks."""
    times = np.linspace(0.0, horizon, _LOOKS + 1)
    values = np.array([rate(float(t)) for t in times])
    bends = np.abs(np.diff(values, 2)) > _BEND * np.ptp(values)
    places = np.flatnonzero(bends) + 1
    if places.size == 0 or places.size * 2 > _LOOKS:
        return list(np.linspace(0.0, horizon, _LARGEST + 1)) if places.size else []
    found: list[float] = []
    for group in np.split(places, np.flatnonzero(np.diff(places) > 2) + 1):
        edges = np.linspace(group[0] - 4, group[-1] + 4, _PIECES + 1)
        found += list(np.interp(edges, np.arange(times.size), times))
    return found[:: max(1, len(found) // _LARGEST)]


@dataclass(frozen=True)
class TimeVaryingGBM(Process):
    """Any mu(t) and sigma(t) (Appendix C of version 2; claim A33), integrated by quadrature.

    mu, sigma    callables of one float in [0, horizon]; sigma must be positive there
    horizon      last time T, > 0
    breakpoints  times in (0, horizon) between which the rates are smooth. The rates are looked at
                 once at 4097 times, which finds jumps and peaks that are wider than the distance
                 of two of these: name both ends of narrower ones

        m(t) = integral over [0, t] of mu - sigma^2 / 2,  v(t) = integral over [0, t] of sigma^2

    by adaptive Gauss-Kronrod quadrature, and `time_at_log_var` by root search. Accurate to
    100 * 2^-53 * S for rates that are polynomials (claim `A33`; here S is v for v and |m| + v / 10
    for m); for other smooth rates 1e-13 of v, and 1e-13 of |m| or 1e-14 of v for m, are asked for.
    Raises ValueError for horizon <= 0, breakpoints outside (0, horizon) and, when a method is
    called, for a rate that is not finite, a sigma that is not positive, or an integral whose error
    may exceed 1e-9 of max(|m|, v).
    """

    mu: Callable[[float], float]
    sigma: Callable[[float], float]
    horizon: float = 1.0
    breakpoints: Sequence[float] = ()

    def __post_init__(self) -> None:
        horizon = _checks.positive_number(self.horizon, "horizon")
        points = tuple(_checks.finite_number(t, "breakpoints") for t in self.breakpoints)
        if not all(0.0 < t < horizon for t in points):
            raise ValueError(f"breakpoints must lie in (0, {horizon}), got {points}.")
        object.__setattr__(self, "horizon", horizon)
        object.__setattr__(self, "breakpoints", points)

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
        # The bracket first, so that a small time has the digits of a large one.
        low, high = self.horizon / 2.0, self.horizon
        while self.log_var(low) > value:
            low, high = low / 16.0, low
        smallest = 2.0**-1074
        return float(brentq(lambda t: self.log_var(t) - value, low, high, xtol=smallest))

    @cached_property
    def _points(self) -> Array:
        """Where an integral is cut."""
        rates = self._variance_rate, self._log_drift_rate
        found = [t for rate in rates for t in _features(rate, self.horizon)]
        return np.unique(np.array([*self.breakpoints, *found]))

    def _variance_rate(self, t: float) -> float:
        name = f"sigma({t})"
        return _checks.square(_checks.positive_number(self.sigma(t), name), name)

    def _log_drift_rate(self, t: float) -> float:
        return _checks.finite_number(self.mu(t), f"mu({t})") - self._variance_rate(t) / 2

    def _added_log_var(self, start: float, end: float) -> float:
        if start == end:
            return 0.0
        return _integral(self._variance_rate, start, end, 0.0, self._points)

    def _added_log_mean(self, start: float, end: float) -> float:
        if start == end:
            return 0.0
        # m may vanish, so its error is judged against v.
        v = self._added_log_var(start, end)
        return _integral(self._log_drift_rate, start, end, v, self._points)
