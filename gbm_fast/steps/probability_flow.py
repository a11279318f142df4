"""Heun's rule for the noise-free equation with the same marginals."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from gbm_fast.checks import has_values
from gbm_fast.grids import Grid
from gbm_fast.process import Process, Time
from gbm_fast.process.times import TOLERANCE, end_of_step
from gbm_fast.scores import ScoreFunction
from gbm_fast.shapes import schedule_like
from gbm_fast.steps.base import LogStep, Move, Number, columns, log_score_at


class _Schedule(NamedTuple):
    """What a step takes from the process: numbers, or tensors that broadcast against the state."""

    shift: Number
    length: Number
    slope: Number
    end_slope: Number


@dataclass(frozen=True)
class ProbabilityFlow(LogStep):
    """Heun's rule for the noise-free equation with the same marginals (sheet R16).

    In the variable sqrt(v), with u = log X - m(t), the equation is du / dsqrt(v) = d,
    d = -sqrt(v) (1 + h). From a = sqrt(v(t)) to b = sqrt(v(s)):

        u' = u + (b - a) d                      (Euler; X' the corresponding state at s)
        u'' = u + (b - a) (d + d') / 2,         d' = -b (1 + h(X', s))

    and log X_s = u'' + m(s). A step to v(s) = 0 takes u', which lands on the denoiser
    E[log X_0 | X_t] (sheet R5). `noise` and `z` are ignored. X_t must be positive and t > 0. The
    declared order is that of steps equal in sqrt(v); with steps equal in time the last one, down
    to t = 0, is of first order.

    With one time a sample, all of a batch step to t = 0 or none: a mixture is a ValueError. Where
    values cannot be looked at (compiled code with tensors as times) d' is computed for v(s) = 0
    too and not used.
    """

    strong_order: ClassVar[float] = 2.0
    weak_order: ClassVar[float] = 2.0
    uses_noise: ClassVar[bool] = False

    def advance(
        self,
        process: Process,
        score: ScoreFunction,
        state: Tensor,
        t_score: Time,
        dt: Time,
        noise: Number,
        z: Tensor | None,
    ) -> Tensor:
        """log X_s, of the shape and dtype of `state`, which is log X_t."""
        t, s, _ = end_of_step(t_score, dt, process.horizon)
        a, b = process.log_var(t).sqrt(), process.log_var(s).sqrt()
        goes_on = self._goes_on(process, t_score, dt, a, b)
        dm, dv = process.increments(t_score, dt)
        schedule = _Schedule(*(schedule_like(p, state) for p in (-dm, -dv / (a + b), -a, -b)))
        return self._heun(t_score, s, goes_on, schedule, score, state, z)

    def moves(self, process: Process, grid: Grid) -> list[Move]:
        """`advance` for each row of `grid`, with the schedule of all rows computed at once."""
        t, dt, _ = columns(grid)
        start, end, _ = end_of_step(t, dt, process.horizon)
        a, b = process.log_var(start).sqrt(), process.log_var(end).sqrt()
        dm, dv = process.increments(t, dt)
        parts = torch.stack([-dm, -dv / (a + b), -a, -b], dim=1).tolist()
        moves: list[Move] = []
        for row, s, level, rest in zip(grid, end.tolist(), a, parts, strict=True):
            goes_on = self._goes_on(process, row.t_score, row.dt, level, level)
            moves.append(partial(self._heun, row.t_score, s, goes_on, _Schedule(*rest)))
        return moves

    @staticmethod
    def _heun(
        t: Time,
        s: Time,
        goes_on: bool | Tensor,
        schedule: _Schedule,
        score: ScoreFunction,
        state: Tensor,
        z: Tensor | None,
    ) -> Tensor:
        shift, length, slope, end_slope = schedule
        start = slope * log_score_at(score, state, t)
        euler = state + (length * start + shift)
        if goes_on is False:
            return euler
        end = end_slope * log_score_at(score, euler, s)
        heun = state + (length * (start + end) / 2 + shift)
        if goes_on is True:
            return heun
        return torch.where(schedule_like(goes_on, state) > 0, heun, euler)

    @staticmethod
    def _goes_on(process: Process, t_score: Time, dt: Time, a: Tensor, b: Tensor) -> bool | Tensor:
        """Whether the step ends above t = 0; where that cannot be looked at, b itself."""
        if has_values(a) and not bool((a > 0).all()):
            raise ValueError(
                "t_score must be positive: at t = 0 there is no noise left to remove."
            )
        if not isinstance(t_score, Tensor) and not isinstance(dt, Tensor):
            return t_score - dt > TOLERANCE * process.horizon
        if not has_values(b):
            return b
        above = b > 0
        if bool(above.any()) and not bool(above.all()):
            raise ValueError(
                "either every sample of a batch steps to t = 0, or none: split the batch."
            )
        return bool(above.all())
