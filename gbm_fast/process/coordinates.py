"""Rates of its own for each coordinate: the paper's mu is a vector (torch)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gbm_fast.checks import (
    SMALLEST,
    like,
    positive_number,
    real_tensor,
    require_finite,
    require_positive,
    square,
)
from gbm_fast.process.base import Process
from gbm_fast.process.times import Time, end_of_step
from gbm_fast.shapes import lasting, schedule_like, times_exp

Rates = Tensor | Sequence[float] | float


@dataclass(frozen=True, eq=False, init=False)
class CoordinateGBM(Process):
    """Constant rates mu_i and sigma_i for each coordinate i of an event (claims A5, A6).

        m_i(t) = (mu_i - sigma_i^2 / 2) t,  v_i(t) = sigma_i^2 t,
        log X_t | X_0 ~ N(log X_0 + m(t), diag v(t))

    mu       a number or (d,), any finite numbers; None means sigma_i^2 / 2, so that m = 0
    sigma    a number or (d,), positive
    horizon  last time T, > 0

    An event of several axes has d elements in its own order. `log_means`, `log_vars` and
    `increments_of_each` return (*t.shape, d). The methods of every process return one number a
    time: they are defined where all coordinates have the same, so a vector mu with one sigma has a
    `log_var` and goes with all that needs no more, and raise ValueError where they differ.
    Kernels, scores, log-normal laws and their mixtures, steps and losses take this process for
    what it is; steps take one time for all samples. Raises ValueError for a sigma that is not
    positive, a mu of another length and a horizon that is not positive.
    """

    mu: Tensor
    sigma: Tensor
    horizon: float

    def __init__(self, mu: Rates | None = None, sigma: Rates = 0.8, horizon: float = 1.0) -> None:
        with lasting():
            self._set_up(mu, sigma)
        object.__setattr__(self, "horizon", positive_number(horizon, "horizon"))
        m, v = self._log_drifts * self.horizon, self.sigma**2 * self.horizon
        if not bool((m.isfinite() & v.isfinite() & (v >= SMALLEST)).all()):
            raise ValueError(
                f"m(T) = {m.tolist()} and v(T) = {v.tolist()} at T = horizon = {self.horizon} are "
                "beyond the range of float64: choose rates and a horizon nearer to 1."
            )

    def _set_up(self, mu: Rates | None, sigma: Rates) -> None:
        rates = _vector(sigma, "sigma")
        require_positive(rates, "sigma")
        for rate in (rates.min(), rates.max()):
            square(float(rate), "sigma")
        drifts = rates**2 / 2 if mu is None else _vector(mu, "mu")
        require_finite(drifts, "mu")
        d = max(rates.numel(), drifts.numel())
        if {rates.numel(), drifts.numel()} - {1, d}:
            raise ValueError(
                f"mu and sigma must be numbers or of one shape (d,), got mu {tuple(drifts.shape)} "
                f"and sigma {tuple(rates.shape)}."
            )
        object.__setattr__(self, "mu", drifts.expand(d).clone())
        object.__setattr__(self, "sigma", rates.expand(d).clone())

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return self.mu.numel()

    @property
    def _log_drifts(self) -> Tensor:
        return self.mu - self.sigma**2 / 2

    def log_means(self, t: Time) -> Tensor:
        """m_i(t), (*t.shape, d)."""
        time = self._time(t)
        return self._log_drifts.to(time.device) * time[..., None]

    def log_vars(self, t: Time) -> Tensor:
        """v_i(t), (*t.shape, d)."""
        time = self._time(t)
        return self.sigma.to(time.device) ** 2 * time[..., None]

    def increments_of_each(self, t: Time, dt: Time) -> tuple[Tensor, Tensor]:
        """(m_i(t) - m_i(t - dt), v_i(t) - v_i(t - dt)), both (*t.shape, d)."""
        _, _, length = end_of_step(t, dt, self.horizon)
        rates = self._log_drifts, self.sigma**2
        dm, dv = (rate.to(length.device) * length[..., None] for rate in rates)
        return dm, dv

    def drift(self, t: Time) -> Tensor:
        """mu(t), where all coordinates have the same."""
        return torch.full_like(self._time(t), _one(self.mu, "drift rate mu"))

    def diffusion(self, t: Time) -> Tensor:
        """sigma(t), where all coordinates have the same."""
        return torch.full_like(self._time(t), _one(self.sigma, "diffusion rate sigma"))

    def log_mean(self, t: Time) -> Tensor:
        """m(t), where all coordinates have the same."""
        return _one(self._log_drifts, "m(t)") * self._time(t)

    def log_var(self, t: Time) -> Tensor:
        """v(t), where all coordinates have the same."""
        return _one(self.sigma**2, "v(t)") * self._time(t)

    def increments(self, t: Time, dt: Time) -> tuple[Tensor, Tensor]:
        """(m(t) - m(t - dt), v(t) - v(t - dt)), where all coordinates have the same."""
        _, _, length = end_of_step(t, dt, self.horizon)
        rates = _one(self._log_drifts, "m(t)"), _one(self.sigma**2, "v(t)")
        return rates[0] * length, rates[1] * length

    def time_at_log_var(self, v: Time) -> Tensor:
        """The t with v(t) = v, where all coordinates have the same v(t)."""
        rate = _one(self.sigma**2, "v(t)")
        return (self._noise_level(v) / rate).clamp(max=self.horizon)

    def sample(self, x0: Tensor, t: Time, z: Tensor) -> Tensor:
        """X_t = x0 * exp(m(t) + sqrt(v(t)) z), with m and v of each coordinate.

        x0 (batch, *event) positive, of d elements each; z, standard normal, and the result have
        its shape and dtype. Raises ValueError for a non-positive or non-finite x0, another shape,
        or t out of range.
        """
        require_positive(x0, "x0")
        draws = like(x0, z, "z")
        log_mean, log_var = log_means(self, t), log_vars(self, t)
        shift, log_std = (schedule_like(part, x0) for part in (log_mean, log_var.sqrt()))
        return times_exp(x0, shift + log_std * draws)


def log_means(process: Process, t: Time) -> Tensor:
    """m(t), of the shape of t; with rates of its own for each coordinate (1 or batch, d)."""
    if not isinstance(process, CoordinateGBM):
        return process.log_mean(t)
    return _with_batch(process.log_means(t))


def log_vars(process: Process, t: Time) -> Tensor:
    """v(t), of the shape of t; with a sigma of its own for each coordinate (1 or batch, d)."""
    if isinstance(process, CoordinateGBM) and not _equal(process.sigma):
        return _with_batch(process.log_vars(t))
    return process.log_var(t)


def increments(process: Process, t: Time, dt: Time) -> tuple[Tensor, Tensor]:
    """The increments of m and v over a step, in the shapes of `log_means` and `log_vars`.

    Raises ValueError for one time a sample with rates of its own for each coordinate.
    """
    if not isinstance(process, CoordinateGBM):
        return process.increments(t, dt)
    dm, dv = process.increments_of_each(t, dt)
    if dm.ndim > 1:
        raise ValueError(
            "a step of a process with rates for each coordinate takes one time for all samples, "
            f"got times of shape {tuple(dm.shape[:-1])}."
        )
    return dm[None], dv[0] if _equal(process.sigma) else dv[None]


def one_log_var(process: Process, t: Time, dt: Time) -> Tensor:
    """v(t) - v(t - dt), refused where coordinates have a v of their own; m may be a vector."""
    if not isinstance(process, CoordinateGBM):
        return process.increments(t, dt)[1]
    _one(process.sigma, "diffusion rate sigma")
    return process.increments_of_each(t, dt)[1][..., 0]


def fits(process: Process, d: int, name: str) -> None:
    """Raise ValueError where a process has rates for another number of coordinates than d."""
    if isinstance(process, CoordinateGBM) and process.d != d:
        raise ValueError(
            f"the process has rates for {process.d} coordinates, {name} has {d}: they must agree."
        )


def _with_batch(values: Tensor) -> Tensor:
    return values[None] if values.ndim == 1 else values


def _vector(value: Rates, name: str) -> Tensor:
    """A float64 copy (d,) on the CPU, from a number, a sequence or a tensor."""
    if isinstance(value, Sequence):
        numbers = [float(real_tensor(one, name)) for one in value]
        return torch.tensor(numbers, dtype=torch.float64, device="cpu").reshape(-1)
    given = real_tensor(value, name).detach().to("cpu", torch.float64, copy=True)
    if given.ndim > 1 or given.numel() == 0:
        raise ValueError(f"{name} must be a number or (d,), got {tuple(given.shape)}.")
    return given.reshape(-1)


def _equal(values: Tensor) -> bool:
    return bool((values == values[0]).all())


def _one(values: Tensor, what: str) -> float:
    if not _equal(values):
        raise ValueError(
            f"the coordinates of this process differ in {what}, and one number for all of them is "
            "asked for here: use a process with one mu and one sigma, or its methods log_means, "
            "log_vars and increments_of_each."
        )
    return float(values[0])
