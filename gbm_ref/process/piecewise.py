"""Coefficients that are constant on equal intervals: the chain of Appendix C of version 2."""

import math
from dataclasses import dataclass

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.process.base import Process


@dataclass(frozen=True, eq=False, init=False)
class PiecewiseGBM(Process):
    """mu_i and sigma_i on [i delta, (i + 1) delta), i = 0 .. N - 1, delta = horizon / N.

        m(k delta) = delta sum_{i < k} (mu_i - sigma_i^2 / 2)
        v(k delta) = delta sum_{i < k} sigma_i^2

    Eqs. (34) and (35) of version 2 (claims A34, A35): the left-point Euler chain of
    `TimeVaryingGBM` at N steps, taken as a process of its own. Kernel, target and reverse steps
    then share one variance, and the step from k delta to (k - 1) delta uses sigma_{k-1}, the rate
    by which the noise was added (claims E19-iv, R21).

    mu       (N,), any finite numbers, or None for sigma_i^2 / 2, so that m = 0
    sigma    (N,), positive
    horizon  last time T, > 0

    Accurate to 8 * 2^-53 * S (claim `A35`). Raises ValueError for a sigma that is not positive or
    not (N,), a mu of another shape and a horizon <= 0.
    """

    mu: Array
    sigma: Array
    horizon: float

    def __init__(self, sigma: Values, mu: Values | None = None, horizon: float = 1.0) -> None:
        rates = _checks.positive_array(_checks.vector(sigma, "sigma"), "sigma")
        for rate in (rates.min(), rates.max()):
            _checks.square(float(rate), "sigma")
        drifts = rates**2 / 2 if mu is None else _checks.like(mu, rates, "mu", "sigma")
        object.__setattr__(self, "sigma", _checks.kept(rates))
        object.__setattr__(self, "mu", _checks.kept(drifts))
        object.__setattr__(self, "horizon", _checks.positive_number(horizon, "horizon"))
        self._require_range()

    def drift(self, t: float) -> float:
        """mu(t)."""
        return float(self.mu[self._interval(t)])

    def diffusion(self, t: float) -> float:
        """sigma(t)."""
        return float(self.sigma[self._interval(t)])

    def log_mean(self, t: float) -> float:
        """m(t)."""
        return math.fsum((self.mu - self.sigma**2 / 2) * self._lengths(0.0, self._checked(t)))

    def log_var(self, t: float) -> float:
        """v(t)."""
        return math.fsum(self.sigma**2 * self._lengths(0.0, self._checked(t)))

    def increments(self, t: float, dt: float) -> tuple[float, float]:
        """(m(t) - m(t - dt), v(t) - v(t - dt))."""
        start, end = _checks.end_of_step(t, dt, self.horizon)
        lengths = self._lengths(end, start)
        # What the rounding of t - dt took from the step belongs to it, so nothing cancels.
        lengths[np.argmax(lengths)] += (start if end == 0.0 else dt) - math.fsum(lengths)
        dm, dv = (math.fsum(r * lengths) for r in (self.mu - self.sigma**2 / 2, self.sigma**2))
        return dm, dv

    def time_at_log_var(self, v: float) -> float:
        """The t with v(t) = v."""
        value = _checks.log_var_in_range(v, self.log_var(self.horizon))
        reached = np.concatenate([[0.0], np.cumsum(self.sigma**2) * self._delta])
        times = np.arange(self.sigma.size + 1) * self._delta
        return min(float(np.interp(value, reached, times)), self.horizon)

    @property
    def _delta(self) -> float:
        return self.horizon / self.sigma.size

    def _checked(self, t: float) -> float:
        return _checks.time_in_range(t, self.horizon)

    def _interval(self, t: float) -> int:
        """The i with i delta <= t < (i + 1) delta; the last one at t = horizon."""
        # A time that was formed as k * delta may fall a rounding short of it.
        place = math.floor(self._checked(t) / self._delta * (1.0 + _checks.TIME_TOLERANCE))
        return min(place, self.sigma.size - 1)

    def _lengths(self, start: float, end: float) -> Array:
        """How much of [start, end] lies in each interval, (N,)."""
        edges = np.arange(self.sigma.size + 1) * self._delta
        edges[-1] = self.horizon
        return np.clip(edges[1:], start, end) - np.clip(edges[:-1], start, end)
