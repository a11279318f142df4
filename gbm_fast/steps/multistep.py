"""Multistep solvers of the noise-free equation: the denoisers of earlier rows, read once each."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from gbm_fast.checks import has_values
from gbm_fast.grids import Grid
from gbm_fast.process import CoordinateGBM, Process, Time
from gbm_fast.process.coordinates import increments, log_means, log_vars
from gbm_fast.process.times import end_of_step
from gbm_fast.scores import ScoreFunction, log_score_at
from gbm_fast.shapes import schedule_like
from gbm_fast.steps.base import LogStep, Number, Schedule, columns


@dataclass(frozen=True)
class DPMSolver(LogStep):
    """DPM-Solver++ in log space, with one score a row (claims `multistep`, `multistep-order`).

    With u = log X - m(t), w = sqrt(v), lambda = -log w and the denoiser D = u + v (1 + h), the
    noise-free equation of `ProbabilityFlow` has the solution, from t to s,

        u_s = r u_t + integral of e^(lambda - lambda_s) D dlambda,     r = w_s / w_t,

    in which D is extrapolated from the rows before, at distances a_1, a_2 in lambda:

        u_s = r u_t + (1 - r) D + c_1 (D_1 - D) + c_2 (D_2 - D),       l = lambda_s - lambda_t
        order 2    c_1 = -(1 - r) l / (2 a_1): the published DPM-Solver++(2M)
        order 3    the integral of the parabola through three denoisers, as DPM-Solver++(3M) is
                   meant: the public code of that has half of the second difference, and order 2

    order    2 or 3; a row without denoisers before it, at t = 0 or at higher times in turn, takes
             the order for which there are some: c_1 = c_2 = 0 is `DDIM`. The first row being of
             that order, the error of a whole path is of order 2 at most, with a small factor where
             the first row lies far above the spread of the data; so much is declared, for t
             bounded away from 0.

    The loop carries the denoisers beside the state: (order, batch, *event), log X first. Called as
    any step, it is `DDIM`. `noise` and `z` are ignored. X_t must be positive and t > 0. Raises
    ValueError for another order.
    """

    strong_order: ClassVar[float] = 2.0
    weak_order: ClassVar[float] = 2.0
    uses_noise: ClassVar[bool] = False
    order: int = 2

    def __post_init__(self) -> None:
        if self.order not in (2, 3):
            raise ValueError(f"order must be 2 or 3, got {self.order!r}: order 1 is DDIM.")

    def state_of(self, x: Tensor) -> Tensor:
        """log x, and zeros for the denoisers that are to come."""
        y = super().state_of(x)
        return torch.stack([y, *[torch.zeros_like(y)] * (self.order - 1)])

    def x_of(self, state: Tensor) -> Tensor:
        """exp of the first part of the state."""
        return super().x_of(state[0])

    def schedule(self, process: Process, t_score: Time, dt: Time, noise: Number) -> Schedule:
        """(-dm, weight of 1 + h, m(t), v(t)) and c_1, c_2, which are 0 without a past."""
        shift, weight, _, m_t, v_t = _parts(process, t_score, dt)
        return shift, weight, m_t, v_t, *[torch.zeros_like(weight)] * (self.order - 1)

    def schedules(self, process: Process, grid: Grid) -> list[Schedule]:
        """`schedule` of each row, with the weights of what the rows before it have found."""
        t_score, dt, _ = columns(grid)
        shift, weight, step, m_t, v_t = _each(partial(_parts, process), process, t_score, dt)
        # The first row has none before it: its distance is that to itself, nothing.
        above = torch.cat([t_score[:1], t_score[:-1]])
        rise = (above - t_score).clamp(min=0)
        (gained,) = _each(lambda t, s: increments(process, t, s)[1:], process, above, rise)
        gaps = (gained / v_t).log1p() / 2
        parts = shift, weight, m_t, v_t, *self._shares(step, gaps)
        return list(zip(*(part.unbind() for part in parts), strict=True))

    def _shares(self, step: Tensor, near: Tensor) -> list[Tensor]:
        """c_1, c_2 of every row, for steps in lambda and the distances from the rows before."""
        far = torch.cat([torch.zeros_like(near[:1]), near[:-1]])
        known = (near > 0) & (step > 0) & step.isfinite()
        one, two = torch.where(known, near, 1), torch.where(known & (far > 0), far, 1)
        length = torch.where(known, step, 1)
        linear = torch.expm1(-length) * length / (2 * one)
        shares = [torch.where(known, linear, 0)]
        if self.order == 3:
            a, b = one / length, two / length
            first, square = _moment(length, 1), _moment(length, 2)
            second = (square + a * first) / (a + b)
            parabola = known & (far > 0)
            shares = [torch.where(parabola, -(first + second) / a - second / b, shares[0]),
                      torch.where(parabola, second / b, 0)]  # fmt: skip
        return shares

    def move(
        self,
        score: ScoreFunction,
        state: Tensor,
        t_score: Time,
        schedule: Schedule,
        z: Tensor | None,
    ) -> Tensor:
        """(order, batch, *event): log X_s, and the denoisers of this row and of those before."""
        y, *earlier = state.unbind()
        shift, weight, m_t, v_t, *shares = (schedule_like(part, y) for part in schedule)
        log_score = log_score_at(score, y, t_score)
        denoised = y - m_t + v_t * log_score
        exponent = shift + weight * log_score
        for share, found in zip(shares, earlier, strict=True):
            exponent = exponent + share * (found - denoised)
        return torch.stack([y + exponent, denoised, *earlier[:-1]])


def _each(
    parts: Callable[[Tensor, Tensor], tuple[Tensor, ...]],
    process: Process,
    times: Tensor,
    lengths: Tensor,
) -> tuple[Tensor, ...]:
    """`parts` of all rows: at once, or one by one where rates differ between coordinates."""
    if not isinstance(process, CoordinateGBM):
        return parts(times, lengths)
    rows = [parts(t, length) for t, length in zip(times, lengths, strict=True)]
    return tuple(torch.stack(part) for part in zip(*rows, strict=True))


def _parts(process: Process, t_score: Time, dt: Time) -> tuple[Tensor, ...]:
    """-dm, v(t) (1 - r), the step in lambda, m(t) and v(t)."""
    dm, dv = increments(process, t_score, dt)
    t, s, _ = end_of_step(t_score, dt, process.horizon)
    v_t, v_s = log_vars(process, t), log_vars(process, s)
    if has_values(v_t) and not bool((v_t > 0).all()):
        raise ValueError("t_score must be positive: at t = 0 there is no noise left to remove.")
    return -dm, dv / (1 + (v_s / v_t).sqrt()), (dv / v_s).log1p() / 2, log_means(process, t), v_t


def _moment(step: Tensor, power: int) -> Tensor:
    """Integral over 0 < x < 1 of step e^(-step (1 - x)) x^power: by its series where it is short.

    The closed forms cancel there.
    """
    small = step.clamp(max=1)
    series = torch.zeros_like(step)
    for j in range(19, 0, -1):
        series = series - (-small) ** j * (math.factorial(power) / math.factorial(j + power))
    below = -torch.expm1(-step) if power == 1 else _moment(step, power - 1)
    return torch.where(step < 1, series, 1 - power * below / step)
