"""What the loop asks of a step, and what all steps share; the package docstring has symbols."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import ClassVar, final

import torch
from torch import Tensor

from gbm_fast.checks import require_positive, require_same_shape
from gbm_fast.grids import Grid, Row
from gbm_fast.process import Process, Time
from gbm_fast.scores import LogScore, ScoreFunction

Number = float | Tensor
"""A number, or a tensor: 0-d, or (batch,) for one value a sample."""
Move = Callable[[ScoreFunction, Tensor, Tensor | None], Tensor]
"""One row of a grid taken: (score, state, z) -> the next state, in the step's coordinates."""


class Step(ABC):
    """A reverse step. Its declarations are facts about the map, tested as such.

    A new step defines `advance`; everything else follows from its coordinates.
    """

    calculus: ClassVar[str] = "ito"
    coordinates: ClassVar[str]
    strong_order: ClassVar[float]
    weak_order: ClassVar[float]
    keeps_sign: ClassVar[bool]
    uses_noise: ClassVar[bool] = True

    @abstractmethod
    def state_of(self, x: Tensor) -> Tensor:
        """`x` in the step's coordinates; ValueError outside the domain of the step."""

    @abstractmethod
    def x_of(self, state: Tensor) -> Tensor:
        """The inverse of `state_of`, without checks."""

    @abstractmethod
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
        """The state at t_score - dt, in the step's coordinates; no look at the values of `state`.

        A bad value stays one (NaN, infinity, and zero in X), so a loop may check the last alone.
        """

    def moves(self, process: Process, grid: Grid) -> list[Move]:
        """`advance` for each row of `grid`.

        Steps override it to compute the coefficients of all rows at once: row by row they cost
        more than the arithmetic on a small batch. Raises ValueError as `advance` does.
        """
        return [partial(self._take, process, row) for row in grid]

    @final
    def _take(
        self, process: Process, row: Row, score: ScoreFunction, state: Tensor, z: Tensor | None
    ) -> Tensor:
        return self.advance(process, score, state, row.t_score, row.dt, row.noise, z)

    @final
    def __call__(
        self,
        process: Process,
        score: ScoreFunction,
        x_t: Tensor,
        t_score: Time,
        dt: Time,
        noise: Number,
        z: Tensor | None,
    ) -> Tensor:
        """X_s; the arguments are those of every step (package docstring)."""
        state = self.state_of(x_t)
        return self.x_of(self.advance(process, score, state, t_score, dt, noise, z))

    def __init_subclass__(cls) -> None:
        if "__call__" in vars(cls):
            raise TypeError(f"{cls.__name__} must define advance, which the loop calls too.")
        if "advance" in vars(cls) and "moves" not in vars(cls):
            # Those of a parent are shortcuts of the parent's `advance`.
            cls.moves = Step.moves  # type: ignore[method-assign]


class LogStep(Step):
    """A step in log X: X stays positive."""

    coordinates: ClassVar[str] = "log"
    keeps_sign: ClassVar[bool] = True

    def state_of(self, x: Tensor) -> Tensor:
        """log x; ValueError unless `x` is positive and finite."""
        require_positive(x, "x_t")
        return x.log()

    def x_of(self, state: Tensor) -> Tensor:
        """exp(state)."""
        return state.exp()


def log_score_at(score: ScoreFunction, y: Tensor, t: Time) -> Tensor:
    """1 + h(exp(y), t) in the dtype of the state, read at y itself where the score can be."""
    if not isinstance(score, LogScore):
        return 1 + _like(score(y.exp(), t), y)
    return _like(score.at_log(y, t), y)


def score_at(score: ScoreFunction, x: Tensor, t: Time) -> Tensor:
    """h(x, t) in the dtype of the state; a `LogScore` is read without a look at the values."""
    if not isinstance(score, LogScore):
        return _like(score(x, t), x)
    return _like(score.at_log(x.log(), t), x) - 1


def columns(grid: Grid) -> tuple[Tensor, Tensor, Tensor]:
    """t_score, dt and noise of all rows, each (rows,) in float64."""
    t_score, dt, noise = torch.tensor(grid, dtype=torch.float64).unbind(1)
    return t_score, dt, noise


def _like(score: Tensor, state: Tensor) -> Tensor:
    require_same_shape(state, score, "the score's result")
    return score.to(state.dtype)


def draws_like(state: Tensor, z: Tensor | None) -> Tensor:
    """z in the dtype of the state, once it is known to be there and of its shape."""
    if z is None:
        raise ValueError("this step needs noise: pass z, standard normal, of the shape of x_t.")
    require_same_shape(state, z, "z")
    return z.to(state.dtype)


def scaled(number: Number, schedule: Tensor) -> Tensor:
    """number * schedule for a number or a tensor of numbers, on the device of the schedule."""
    return schedule * (number.to(schedule) if isinstance(number, Tensor) else number)
