"""Heun's rule for the noise-free equation with the same marginals."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gbm_fast.checks import has_values
from gbm_fast.grids import Grid
from gbm_fast.process import CoordinateGBM, Process, Time
from gbm_fast.process.coordinates import increments, log_vars
from gbm_fast.process.times import TOLERANCE, end_of_step
from gbm_fast.scores import ScoreFunction, log_score_at
from gbm_fast.shapes import schedule_like
from gbm_fast.steps.base import LogStep, Number, Schedule, columns


@dataclass(frozen=True)
class ProbabilityFlow(LogStep):
    """Heun's rule for the noise-free equation with the same marginals (claim R16).

    In the variable sqrt(v), with u = log X - m(t), the equation is du / dsqrt(v) = d,
    d = -sqrt(v) (1 + h). From a = sqrt(v(t)) to b = sqrt(v(s)):

        u' = u + (b - a) d                      (Euler; X' the corresponding state at s)
        u'' = u + (b - a) (d + d') / 2,         d' = -b (1 + h(X', s))

    and log X_s = u'' + m(s). A step to v(s) = 0 takes u', which lands on the denoiser
    E[log X_0 | X_t] (claim R5). `noise` and `z` are ignored. X_t must be positive and t > 0. The
    declared order is that of steps equal in sqrt(v); with steps equal in time the last one, down
    to t = 0, is of first order.

    With one time a sample, all of a batch step to t = 0 or none: a mixture is a ValueError. Where
    values cannot be looked at (a compiled function with tensors as times) d' is computed for
    v(s) = 0 too, and not used.
    """

    strong_order: ClassVar[float] = 2.0
    weak_order: ClassVar[float] = 2.0
    uses_noise: ClassVar[bool] = False

    def schedule(self, process: Process, t_score: Time, dt: Time, noise: Number) -> Schedule:
        """(-dm, b - a, -a) and, unless the step ends at t = 0, (s, -b)."""
        parts = self._parts(process, t_score, dt)
        ends = parts[-1] == 0
        if not has_values(ends) or not bool(ends.any()):
            return parts
        if not bool(ends.all()):
            raise ValueError(
                "either every sample of a batch steps to t = 0, or none: split the batch."
            )
        return parts[:3]

    def schedules(self, process: Process, grid: Grid) -> list[Schedule]:
        """`schedule` of each row, of all rows at once."""
        if isinstance(process, CoordinateGBM):
            return super().schedules(process, grid)
        t_score, dt, _ = columns(grid)
        rows = zip(*(part.unbind() for part in self._parts(process, t_score, dt)), strict=True)
        lands = self._lands(process, grid)
        return [parts[:3] if last else parts for parts, last in zip(rows, lands, strict=True)]

    def score_times(self, process: Process, grid: Grid) -> list[float]:
        """Both ends of each row, but for an end at t = 0."""
        lands = self._lands(process, grid)
        ends = [row.t_score - row.dt for row, last in zip(grid, lands, strict=True) if not last]
        return super().score_times(process, grid) + ends

    @staticmethod
    def _lands(process: Process, grid: Grid) -> list[bool]:
        """Whether a row steps to t = 0."""
        return [row.t_score - row.dt <= TOLERANCE * process.horizon for row in grid]

    @staticmethod
    def _parts(process: Process, t_score: Time, dt: Time) -> Schedule:
        dm, dv = increments(process, t_score, dt)
        t, s, _ = end_of_step(t_score, dt, process.horizon)
        a, b = log_vars(process, t).sqrt(), log_vars(process, s).sqrt()
        if has_values(a) and not bool((a > 0).all()):
            raise ValueError(
                "t_score must be positive: at t = 0 there is no noise left to remove."
            )
        return -dm, -dv / (a + b), -a, s, -b

    def move(
        self,
        score: ScoreFunction,
        state: Tensor,
        t_score: Time,
        schedule: Schedule,
        z: Tensor | None,
    ) -> Tensor:
        """log X_s, of the shape and dtype of `state`, which is log X_t."""
        shift, length, minus_a = (schedule_like(part, state) for part in schedule[:3])
        slope = minus_a * log_score_at(score, state, t_score)
        euler = state + (length * slope + shift)
        if len(schedule) == 3:
            return euler
        s, minus_b = schedule[3], schedule_like(schedule[4], state)
        end_slope = minus_b * log_score_at(score, euler, s)
        heun = state + (length * (slope + end_slope) / 2 + shift)
        return heun if has_values(minus_b) else torch.where(minus_b < 0, heun, euler)
