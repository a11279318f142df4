"""A step that moves its states by compiled code."""

import torch
from torch import Tensor

from gbm_fast.grids import Grid
from gbm_fast.process import Process, Time
from gbm_fast.process.times import float64
from gbm_fast.scores import ScoreFunction
from gbm_fast.steps.base import Number, Schedule, Step


class Compiled(Step):
    """`step` with its map of the state compiled by torch.compile (CPU: needs a C++ compiler).

        simulate(Compiled(DaleLangevin()), process, score, x_T, grid, z)

    The first row compiles the map together with the score, in seconds to a minute; times are
    passed to it as tensors, so that all rows, and later runs with states of the same shape and
    dtype, use that code. Results differ from those of the step by the rounding of sums that are
    taken in another order. The schedule stays eager, and with it the checks of times; the loop's
    checks of the start and the result are made as ever. A network is better compiled alone
    (`model.network.compile()`), which then serves every step.
    """

    def __init__(self, step: Step) -> None:
        self.step = step
        # The declarations of the step, which are its class's.
        vars(self).update({name: getattr(step, name) for name in Step.__annotations__})
        self._move = torch.compile(step.move, dynamic=False)

    def state_of(self, x: Tensor) -> Tensor:
        """As the step's."""
        return self.step.state_of(x)

    def x_of(self, state: Tensor) -> Tensor:
        """As the step's."""
        return self.step.x_of(state)

    def schedule(self, process: Process, t_score: Time, dt: Time, noise: Number) -> Schedule:
        """As the step's."""
        return self.step.schedule(process, t_score, dt, noise)

    def schedules(self, process: Process, grid: Grid) -> list[Schedule]:
        """As the step's."""
        return self.step.schedules(process, grid)

    def score_times(self, process: Process, grid: Grid) -> list[float]:
        """As the step's."""
        return self.step.score_times(process, grid)

    def move(
        self,
        score: ScoreFunction,
        state: Tensor,
        t_score: Time,
        schedule: Schedule,
        z: Tensor | None,
    ) -> Tensor:
        """As the step's, compiled."""
        return self._move(score, state, float64(t_score), schedule, z)
