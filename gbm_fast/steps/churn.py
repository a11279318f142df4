"""Noise-free steps from a time above the row, with the noise that leads there: churn."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from gbm_fast.checks import real_number, require_non_negative
from gbm_fast.grids import Grid, Row
from gbm_fast.process import CoordinateGBM, Process, Time
from gbm_fast.process.coordinates import increments, log_vars
from gbm_fast.process.times import end_of_step
from gbm_fast.scores import ScoreFunction
from gbm_fast.shapes import schedule_like
from gbm_fast.steps.base import LogStep, Number, Schedule, Step, draws_like, scaled
from gbm_fast.steps.gaussian import DDIM
from gbm_fast.steps.probability_flow import ProbabilityFlow


class Raised(NamedTuple):
    """Where the inner step of a churned row begins, its length, and what leads there.

    log X_hat = log X_t + shift + noise root z, at `time`; in float64, of the shape of the times,
    shift and root (1, d) with rates of its own for each coordinate.
    """

    time: Tensor
    dt: Tensor
    shift: Tensor
    root: Tensor


@dataclass(frozen=True)
class Churn(LogStep):
    """A noise-free step with noise added before each row (claim `churn`).

    Algorithm 2 of Karras et al. (2022) in log space. From t, with v = v(t), noise is added up to
    v_hat = v (1 + gamma)^2, reached at t_hat, and `step` goes from there to the end of the row:

        X_hat = X_t * exp(m(t_hat) - m(t) + noise sqrt(v_hat - v) z),      X_s = step(X_hat)

    With noise = 1 the first part has exactly the law of X_t_hat where X_t has that of its time,
    and shrinks the share by which a variance is off; the row's `noise` is the factor S_noise of
    the publication.

    step     `DDIM` or `ProbabilityFlow`; no `DPMSolver`, whose earlier denoisers lie on the
             solution that the noise has left: a row is then off by the first power of its length
    gamma    >= 0; 0 is `step` itself. v_hat is at most v(horizon): near it less noise is added, at
             it none

    At one gamma shorter rows do not make a path exact, since each goes back from t_hat: orders 0
    are declared. X_t must be positive and t > 0. Raises ValueError for another step and for
    gamma < 0.
    """

    strong_order: ClassVar[float] = 0.0
    weak_order: ClassVar[float] = 0.0
    step: Step
    gamma: float

    def __post_init__(self) -> None:
        if not isinstance(self.step, DDIM | ProbabilityFlow):
            raise ValueError(
                f"{type(self.step).__name__} cannot be churned: pass DDIM() or ProbabilityFlow(). "
                "Other steps have noise of their own, or read denoisers of earlier rows, which "
                "lie on another solution once noise has been added."
            )
        require_non_negative(self.gamma, "gamma")
        object.__setattr__(self, "gamma", real_number(self.gamma, "gamma"))

    def raised(self, process: Process, t_score: Time, dt: Time) -> Raised:
        """What a row from t_score of length dt begins with; ValueError as for every step."""
        t, _, length = end_of_step(t_score, dt, process.horizon)
        v, growth = log_vars(process, t), (1 + self.gamma) * (1 + self.gamma)
        _, rest = increments(process, torch.full_like(t, process.horizon), process.horizon - t)
        added = torch.minimum(v * self.gamma * (2 + self.gamma), rest)
        top = _time_above(process, t, growth)
        shift, _ = increments(process, top, top - t)
        return Raised(top, length + (top - t), shift, added.sqrt())

    def schedule(self, process: Process, t_score: Time, dt: Time, noise: Number) -> Schedule:
        """(t_hat, shift, root), and the schedule of the inner step from t_hat."""
        require_non_negative(noise, "noise")
        up = self.raised(process, t_score, dt)
        inner = self.step.schedule(process, up.time, up.dt, noise)
        return up.time, up.shift, scaled(noise, up.root), *inner

    def schedules(self, process: Process, grid: Grid) -> list[Schedule]:
        """`schedule` of each row, one by one."""
        return [self.schedule(process, *row) for row in grid]

    def score_times(self, process: Process, grid: Grid) -> list[float]:
        """Those of the inner step, which begins at t_hat."""
        ups = [self.raised(process, row.t_score, row.dt) for row in grid]
        rows = [Row(up.time.item(), up.dt.item(), 1.0) for up in ups]
        return self.step.score_times(process, tuple(rows))

    def move(
        self,
        score: ScoreFunction,
        state: Tensor,
        t_score: Time,
        schedule: Schedule,
        z: Tensor | None,
    ) -> Tensor:
        """log X_s, of the shape and dtype of `state`, which is log X_t."""
        time, shift, root = schedule[:3]
        added = schedule_like(shift, state) + schedule_like(root, state) * draws_like(state, z)
        return self.step.move(score, state + added, time, schedule[3:], None)


def _time_above(process: Process, t: Tensor, growth: float) -> Tensor:
    """The time at which v is `growth` times v(t), or the horizon; v of coordinates grows alike."""
    if growth == 1:
        return t
    if isinstance(process, CoordinateGBM):
        return (growth * t).clamp(max=process.horizon)
    v, largest = growth * process.log_var(t), process.log_var(process.horizon).to(t.device)
    time = process.time_at_log_var(torch.minimum(v, largest)).maximum(t)
    return torch.where(v < largest, time, process.horizon)
