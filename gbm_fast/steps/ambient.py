"""Steps of the form  X_s = X_t * factor(dm, dv, h(|X_t|, t), noise, z), which may change signs.

p_t has no density below 0, so the score is read at |X_t| and the sign is carried along (sheet
E28). X_t may hold negative entries, no zeros. The factor is all that tells these steps apart.
"""

from abc import abstractmethod
from functools import partial
from typing import ClassVar

from torch import Tensor

from gbm_fast.checks import require_non_negative, require_positive
from gbm_fast.grids import Grid
from gbm_fast.process import Process, Time
from gbm_fast.scores import ScoreFunction
from gbm_fast.shapes import schedule_like
from gbm_fast.steps.base import Move, Number, Step, columns, draws_like, score_at


class AmbientStep(Step):
    """A step given by its factor, in the coordinates of X itself."""

    coordinates: ClassVar[str] = "ambient"
    keeps_sign: ClassVar[bool] = False

    @abstractmethod
    def _factor(self, dm: Tensor, dv: Tensor, h: Tensor, noise: Number, z: Tensor) -> Tensor:
        """X_s / X_t; the formula in the class docstring. dm and dv broadcast against h and z."""

    def state_of(self, x: Tensor) -> Tensor:
        """`x` itself; ValueError unless it is finite and without zeros."""
        require_positive(x.abs(), "|x_t|")
        return x

    def x_of(self, state: Tensor) -> Tensor:
        """The state itself."""
        return state

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
        """X_s, of the shape and dtype of `state`, which is X_t."""
        require_non_negative(noise, "noise")
        dm, dv = process.increments(t_score, dt)
        return self._scaled(t_score, dm, dv, noise, score, state, z)

    def moves(self, process: Process, grid: Grid) -> list[Move]:
        """`advance` for each row of `grid`, with the increments of all rows computed at once."""
        t_score, dt, noise = columns(grid)
        require_non_negative(noise, "noise")
        increments = zip(*process.increments(t_score, dt), strict=True)
        return [
            partial(self._scaled, row.t_score, dm, dv, row.noise)
            for row, (dm, dv) in zip(grid, increments, strict=True)
        ]

    def _scaled(
        self,
        t_score: Time,
        dm: Tensor,
        dv: Tensor,
        noise: Number,
        score: ScoreFunction,
        state: Tensor,
        z: Tensor | None,
    ) -> Tensor:
        kappa = schedule_like(noise, state) if isinstance(noise, Tensor) else noise
        draws = draws_like(state, z)
        h = score_at(score, state.abs(), t_score)
        parts = schedule_like(dm, state), schedule_like(dv, state)
        return state * self._factor(*parts, h, kappa, draws)
