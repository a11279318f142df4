"""Steps of the form  X_s = X_t * factor(dm, dv, h(|X_t|, t), noise, z), which may change signs.

p_t has no density below 0, so the score is read at |X_t| and the sign is carried along (claim
E28). X_t may hold negative entries, no zeros. The factor is all that tells these steps apart.
"""

from abc import abstractmethod
from typing import ClassVar

from torch import Tensor

from gbm_fast.checks import require_floating, require_non_negative, require_positive
from gbm_fast.process import Process, Time
from gbm_fast.process.coordinates import increments
from gbm_fast.process.times import float64
from gbm_fast.scores import ScoreFunction, score_at
from gbm_fast.shapes import schedule_like
from gbm_fast.steps.base import Number, Schedule, Step, draws_like


class AmbientStep(Step):
    """A step given by its factor, in the coordinates of X itself."""

    coordinates: ClassVar[str] = "ambient"
    keeps_sign: ClassVar[bool] = False

    @abstractmethod
    def _factor(self, dm: Tensor, dv: Tensor, h: Tensor, noise: Tensor, z: Tensor) -> Tensor:
        """X_s / X_t; the formula in the class docstring, of the shape of h and z."""

    def state_of(self, x: Tensor) -> Tensor:
        """`x` itself; ValueError unless it is finite and without zeros."""
        require_floating(x, "x_t")
        require_positive(x.abs(), "|x_t|")
        return x

    def x_of(self, state: Tensor) -> Tensor:
        """The state itself."""
        return state

    def schedule(self, process: Process, t_score: Time, dt: Time, noise: Number) -> Schedule:
        """(dm, dv, noise)."""
        require_non_negative(noise, "noise")
        return *increments(process, t_score, dt), float64(noise)

    def move(
        self,
        score: ScoreFunction,
        state: Tensor,
        t_score: Time,
        schedule: Schedule,
        z: Tensor | None,
    ) -> Tensor:
        """X_s, of the shape and dtype of `state`, which is X_t."""
        draws = draws_like(state, z)
        dm, dv, noise = (schedule_like(part, state) for part in schedule)
        h = score_at(score, state.abs(), t_score)
        return state * self._factor(dm, dv, h, noise, draws)
