"""Geometric Brownian motion with constant coefficients."""

from dataclasses import dataclass

from gbm_ref import _checks
from gbm_ref.process.base import Process


@dataclass(frozen=True)
class GBM(Process):
    """Constant coefficients: m(t) = (mu - sigma^2 / 2) t and v(t) = sigma^2 t (claims A5, A6).

    mu      drift rate, any finite number; None means sigma^2 / 2, the paper's choice (m = 0)
    sigma   diffusion rate, > 0; the paper uses 0.8
    horizon last time T, > 0

    Accurate to 8 * 2^-53 * S (claims `A5`, `A6`, `V1-22`). Raises ValueError for a sigma or
    horizon that is not positive and a mu that is not finite.
    """

    mu: float | None = None
    sigma: float = 0.8
    horizon: float = 1.0

    def __post_init__(self) -> None:
        sigma = _checks.positive_number(self.sigma, "sigma")
        rate = _checks.square(sigma, "sigma")
        mu = rate / 2 if self.mu is None else _checks.finite_number(self.mu, "mu")
        object.__setattr__(self, "sigma", sigma)
        object.__setattr__(self, "mu", mu)
        object.__setattr__(self, "horizon", _checks.positive_number(self.horizon, "horizon"))
        self._require_range()

    def drift(self, t: float) -> float:
        """mu(t)."""
        _checks.time_in_range(t, self.horizon)
        return self._mu

    def diffusion(self, t: float) -> float:
        """sigma(t)."""
        _checks.time_in_range(t, self.horizon)
        return self.sigma

    def log_mean(self, t: float) -> float:
        """m(t)."""
        return self._log_drift * _checks.time_in_range(t, self.horizon)

    def log_var(self, t: float) -> float:
        """v(t)."""
        return self.sigma**2 * _checks.time_in_range(t, self.horizon)

    def increments(self, t: float, dt: float) -> tuple[float, float]:
        """(m(t) - m(t - dt), v(t) - v(t - dt))."""
        start, end = _checks.end_of_step(t, dt, self.horizon)
        length = start if end == 0.0 else float(dt)
        return self._log_drift * length, self.sigma**2 * length

    def time_at_log_var(self, v: float) -> float:
        """The t with v(t) = v."""
        return _checks.log_var_in_range(v, self.log_var(self.horizon)) / self.sigma**2

    @property
    def _mu(self) -> float:
        return self.sigma**2 / 2 if self.mu is None else self.mu

    @property
    def _log_drift(self) -> float:
        return self._mu - self.sigma**2 / 2
