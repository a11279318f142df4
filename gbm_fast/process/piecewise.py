"""Coefficients that are constant on equal intervals: the chain of Appendix C of version 2."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gbm_fast.checks import (
    positive_number,
    real_number,
    real_tensor,
    require_finite,
    require_positive,
    square,
)
from gbm_fast.process.base import Process
from gbm_fast.process.times import TOLERANCE, Time, end_of_step
from gbm_fast.shapes import lasting

Rates = Tensor | Sequence[float]


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

    The sums up to each edge are tabled to twice the digits of float64, so a method costs the same
    for every N, and an increment over whole intervals is a difference without cancellation.
    Raises ValueError for a sigma that is not positive or not (N,), a mu of another shape and a
    horizon that is not positive.
    """

    mu: Tensor
    sigma: Tensor
    horizon: float
    # Rates of m and v, (2, N), and their sums up to each edge, (2, 2, N + 1), in units of delta.
    _slopes: Tensor = field(init=False, repr=False)
    _sums: Tensor = field(init=False, repr=False)

    def __init__(self, sigma: Rates, mu: Rates | None = None, horizon: float = 1.0) -> None:
        rates = _rates(sigma, "sigma")
        if rates.ndim != 1 or rates.numel() == 0:
            raise ValueError(f"sigma must have shape (N,), N >= 1, got {tuple(rates.shape)}.")
        require_positive(rates, "sigma")
        for rate in (rates.min(), rates.max()):
            square(float(rate), "sigma")
        drifts = rates**2 / 2 if mu is None else _rates(mu, "mu")
        if drifts.shape != rates.shape:
            raise ValueError(
                f"mu must have the shape of sigma, {tuple(rates.shape)}, "
                f"got {tuple(drifts.shape)}."
            )
        require_finite(drifts, "mu")
        object.__setattr__(self, "sigma", rates)
        object.__setattr__(self, "mu", drifts)
        object.__setattr__(self, "horizon", positive_number(horizon, "horizon"))
        slopes = torch.stack([drifts - rates**2 / 2, rates**2])
        object.__setattr__(self, "_slopes", slopes)
        object.__setattr__(self, "_sums", torch.stack([_running_sums(row) for row in slopes]))
        self._require_range()

    def drift(self, t: Time) -> Tensor:
        """mu(t)."""
        return _at(self.mu, self._place(self._time(t)))

    def diffusion(self, t: Time) -> Tensor:
        """sigma(t)."""
        return _at(self.sigma, self._place(self._time(t)))

    def log_mean(self, t: Time) -> Tensor:
        """m(t)."""
        return self._integrals(self._time(t))[0]

    def log_var(self, t: Time) -> Tensor:
        """v(t)."""
        return self._integrals(self._time(t))[1]

    def increments(self, t: Time, dt: Time) -> tuple[Tensor, Tensor]:
        """(m(t) - m(t - dt), v(t) - v(t - dt))."""
        start, end, length = end_of_step(t, dt, self.horizon)
        first, last = self._place(end), self._place(start)
        head, tail = self._edge(first + 1) - end, start - self._edge(last)
        # What the rounding of t - dt took from the step belongs to it, so nothing cancels.
        missing = length - head - tail - self._edge((last - first - 1).clamp(min=0))
        head, tail = (
            head + torch.where(head > tail, missing, 0.0),
            tail + torch.where(head > tail, 0.0, missing),
        )
        within = first == last
        head, tail = torch.where(within, length, head), torch.where(within, 0.0, tail)
        gap = _at(self._sums, last) - _at(self._sums, first + 1)
        between = torch.where(within, 0.0, gap.sum(1) * self._delta)
        dm, dv = _at(self._slopes, first) * head + between + _at(self._slopes, last) * tail
        return dm, dv

    def time_at_log_var(self, v: Time) -> Tensor:
        """The t with v(t) = v."""
        value = self._noise_level(v)
        reached = self._sums[1].sum(0).to(value.device) * self._delta
        place = torch.searchsorted(reached, value, right=True) - 1
        place = place.clamp(max=self.sigma.numel() - 1)
        beyond = (value - _at(reached, place)) / _at(self._slopes[1], place)
        return (self._edge(place) + beyond).clamp(max=self.horizon)

    @property
    def _delta(self) -> float:
        return self.horizon / self.sigma.numel()

    def _edge(self, place: Tensor) -> Tensor:
        """place * delta, in float64."""
        return place.to(torch.float64) * self._delta

    def _place(self, time: Tensor) -> Tensor:
        """The i with i delta <= t < (i + 1) delta; the last one at t = horizon."""
        # A time that was formed as k * delta may fall a rounding short of it.
        place = (time / self._delta * (1 + TOLERANCE)).floor().long()
        return place.clamp(max=self.sigma.numel() - 1)

    def _integrals(self, time: Tensor) -> Tensor:
        """m(t) and v(t), (2, *time.shape)."""
        place = self._place(time)
        whole = _at(self._sums, place).sum(1) * self._delta
        return whole + _at(self._slopes, place) * (time - self._edge(place))


def _rates(values: Rates, name: str) -> Tensor:
    """A copy of `values` in float64 on the CPU, as constants."""
    if isinstance(values, list | tuple):
        numbers = [real_number(value, name) for value in values]
        return torch.tensor(numbers, dtype=torch.float64, device="cpu")
    given = real_tensor(values, name).detach()
    with lasting():
        return given.to("cpu", torch.float64, copy=True)


def _at(table: Tensor, place: Tensor) -> Tensor:
    """The entries of `table` (..., K) at `place`, on its device: (..., *place.shape)."""
    # Indexing with a 0-d tensor would wait for its value.
    found = table.to(place.device).index_select(-1, place.reshape(-1))
    return found.reshape((*table.shape[:-1], *place.shape))


def _running_sums(values: Tensor) -> Tensor:
    """Sums of the first k values for k = 0 .. N, (2, N + 1): a float64 and what it lacks."""
    total, rest, rows = 0.0, 0.0, [(0.0, 0.0)]
    for value in values.tolist():
        larger = total + value
        # The exact error of that sum (Knuth), kept apart.
        back = larger - total
        rest = math.fsum((rest, total - (larger - back), value - back))
        total = larger
        rows.append((total, rest))
    return torch.tensor(rows, dtype=torch.float64, device="cpu").mT.contiguous()
