"""Rates of its own for each coordinate: the paper's mu is a vector."""

from dataclasses import dataclass

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.process.base import Process


@dataclass(frozen=True, eq=False, init=False)
class CoordinateGBM(Process):
    """Constant rates mu_i and sigma_i for each coordinate i (claims A5, A6).

        m_i(t) = (mu_i - sigma_i^2 / 2) t,  v_i(t) = sigma_i^2 t,
        log X_t | X_0 ~ N(log X_0 + m(t), diag v(t))

    mu       a number or (d,), any finite numbers; None means sigma_i^2 / 2, so that m = 0
    sigma    a number or (d,), positive
    horizon  last time T, > 0

    `log_means`, `log_vars` and `increments_of_each` return (d,). The methods of every process
    return one number: they are defined where all coordinates have the same, so a vector mu with
    one sigma has a `log_var` and goes with all that needs no more, and raise ValueError where they
    differ. Kernels, scores, log-normal laws and their mixtures, steps, losses and `exact_law` take
    this process for what it is; grids in the noise level, closed forms, posteriors and likelihoods
    ask for one v, some for one m, and say so.

    Accurate to 8 * 2^-53 * S (claim `rates-by-coordinate`). Raises ValueError for a sigma that is
    not positive, a mu of another length and a horizon <= 0.
    """

    mu: Array
    sigma: Array
    horizon: float

    def __init__(
        self, mu: Values | None = None, sigma: Values = 0.8, horizon: float = 1.0
    ) -> None:
        rates = np.atleast_1d(_checks.positive_array(sigma, "sigma"))
        drifts = rates**2 / 2 if mu is None else np.atleast_1d(_checks.finite_array(mu, "mu"))
        try:
            shape = np.broadcast_shapes(rates.shape, drifts.shape)
        except ValueError:
            shape = (0, 0)
        if len(shape) != 1 or shape[0] == 0:
            raise ValueError(
                "mu and sigma must be numbers or of one shape (d,), got mu "
                f"{drifts.shape} and sigma {rates.shape}."
            )
        for rate in (rates.min(), rates.max()):
            _checks.square(float(rate), "sigma")
        object.__setattr__(self, "mu", _checks.kept(np.broadcast_to(drifts, shape)))
        object.__setattr__(self, "sigma", _checks.kept(np.broadcast_to(rates, shape)))
        object.__setattr__(self, "horizon", _checks.positive_number(horizon, "horizon"))
        with _checks.quiet():
            ends = np.stack([self._log_drifts, self.sigma**2]) * self.horizon
        if not (np.isfinite(ends).all() and (ends[1] >= _checks.SMALLEST).all()):
            raise ValueError(
                f"m(T) = {ends[0]} and v(T) = {ends[1]} at T = horizon = {self.horizon} are "
                "beyond the range of float64: choose rates and a horizon nearer to 1."
            )

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return self.mu.size

    def log_means(self, t: float) -> Array:
        """m_i(t), (d,)."""
        return np.asarray(self._log_drifts * _checks.time_in_range(t, self.horizon))

    def log_vars(self, t: float) -> Array:
        """v_i(t), (d,)."""
        return np.asarray(self.sigma**2 * _checks.time_in_range(t, self.horizon))

    def increments_of_each(self, t: float, dt: float) -> tuple[Array, Array]:
        """(m_i(t) - m_i(t - dt), v_i(t) - v_i(t - dt)), both (d,)."""
        start, end = _checks.end_of_step(t, dt, self.horizon)
        length = start if end == 0.0 else float(dt)
        return self._log_drifts * length, self.sigma**2 * length

    def drift(self, t: float) -> float:
        """mu(t), where all coordinates have the same."""
        _checks.time_in_range(t, self.horizon)
        return _one(self.mu, "drift rate mu")

    def diffusion(self, t: float) -> float:
        """sigma(t), where all coordinates have the same."""
        _checks.time_in_range(t, self.horizon)
        return _one(self.sigma, "diffusion rate sigma")

    def log_mean(self, t: float) -> float:
        """m(t), where all coordinates have the same."""
        return _one(self._log_drifts, "m(t)") * _checks.time_in_range(t, self.horizon)

    def log_var(self, t: float) -> float:
        """v(t), where all coordinates have the same."""
        return _one(self.sigma**2, "v(t)") * _checks.time_in_range(t, self.horizon)

    def increments(self, t: float, dt: float) -> tuple[float, float]:
        """(m(t) - m(t - dt), v(t) - v(t - dt)), where all coordinates have the same."""
        dm, dv = self.increments_of_each(t, dt)
        return _one(dm, "m(t)"), _one(dv, "v(t)")

    def time_at_log_var(self, v: float) -> float:
        """The t with v(t) = v, where all coordinates have the same v(t)."""
        rate = _one(self.sigma**2, "v(t)")
        largest = rate * self.horizon
        return min(_checks.log_var_in_range(v, largest) / rate, self.horizon)

    def sample(self, x0: Values, t: float, z: Values) -> Array:
        """X_t = x0 * exp(m(t) + sqrt(v(t)) z), with m and v of each coordinate.

        x0 positive, (..., d); z, standard normal draws, and the result have that shape. Accurate
        to 8 * 2^-53 * S. Raises ValueError for a non-positive x0, another shape of z or a t
        outside [0, horizon].
        """
        start = _checks.with_trailing(_checks.positive_array(x0, "x0"), self.d, "x0")
        noise = _checks.like(z, start, "z", "x0")
        with _checks.quiet():
            return _checks.times_exp(start, self.log_means(t) + np.sqrt(self.log_vars(t)) * noise)

    @property
    def _log_drifts(self) -> Array:
        return np.asarray(self.mu - self.sigma**2 / 2)


def log_means(process: Process, t: float) -> float | Array:
    """m(t): one number for all coordinates, or (d,)."""
    return process.log_means(t) if isinstance(process, CoordinateGBM) else process.log_mean(t)


def log_vars(process: Process, t: float) -> float | Array:
    """v(t): one number for all coordinates, or (d,); all of them are 0, or none is."""
    if isinstance(process, CoordinateGBM) and not _equal(process.sigma):
        return process.log_vars(t)
    return process.log_var(t)


def increments(process: Process, t: float, dt: float) -> tuple[float | Array, float | Array]:
    """The increments of m and v over a step, each one number for all coordinates, or (d,)."""
    if not isinstance(process, CoordinateGBM):
        return process.increments(t, dt)
    dm, dv = process.increments_of_each(t, dt)
    return dm, float(dv[0]) if _equal(process.sigma) else dv


def one_log_var(process: Process, t: float, dt: float) -> float:
    """v(t) - v(t - dt), refused where coordinates have a v of their own; m may be a vector."""
    if not isinstance(process, CoordinateGBM):
        return process.increments(t, dt)[1]
    return _one(process.increments_of_each(t, dt)[1], "v(t)")


def fits(process: Process, x: Array, name: str) -> None:
    """Raise ValueError where a process has rates for another number of coordinates than x."""
    d = x.shape[-1] if x.ndim else 0
    if isinstance(process, CoordinateGBM) and process.d != d:
        raise ValueError(
            f"{name} must have shape (..., {process.d}), one coordinate for each pair of rates of "
            f"the process, got {x.shape}."
        )


def _equal(values: Array) -> bool:
    return bool((values == values[0]).all())


def _one(values: Array, what: str) -> float:
    if not _equal(values):
        raise ValueError(
            f"the coordinates of this process differ in {what}, and one number for all of them is "
            "asked for here: use a process with one mu and one sigma, or its methods log_means, "
            "log_vars and increments_of_each."
        )
    return float(values[0])
