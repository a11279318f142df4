"""What the loop asks of a step, and what all steps share; the package docstring has symbols."""

from abc import ABC, abstractmethod
from typing import ClassVar, final

import torch
from torch import Tensor

from gbm_fast.checks import like, real_number, require_positive
from gbm_fast.grids import Grid
from gbm_fast.process import CoordinateGBM, Process, Time
from gbm_fast.scores import ScoreFunction

Number = float | Tensor
"""A number, or a tensor: 0-d, or (batch,) for one value a sample."""
Schedule = tuple[Tensor, ...]
"""What `schedule` hands to `move`; each family of steps says what."""


class Step(ABC):
    """A reverse step. Its declarations are facts about the map, tested as such.

    A step is two maps: `schedule`, of times and factors alone, and `move`, of the state. A new one
    derives from `LogStep` or `AmbientStep` (its coordinates) and defines what is missing.
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
    def schedule(self, process: Process, t_score: Time, dt: Time, noise: Number) -> Schedule:
        """What the step takes from the process, in float64: tensors of the shape of the times.

        That shape is () or (batch,), or (rows,) when `schedules` asks for all rows at once; a
        matrix adds two axes to it.
        Raises ValueError for times outside the range of the process and for noise < 0.
        """

    def schedules(self, process: Process, grid: Grid) -> list[Schedule]:
        """`schedule` of each row, of all rows at once: one by one they cost more than the rest.

        Raises ValueError as `schedule` does.
        """
        if isinstance(process, CoordinateGBM):  # a row of (d,) would be taken for one of (batch,)
            return [self.schedule(process, *row) for row in grid]
        t_score, dt, noise = columns(grid)
        parts = self.schedule(process, t_score, dt, noise)
        return list(zip(*(part.unbind() for part in parts), strict=True))

    def score_times(self, process: Process, grid: Grid) -> list[float]:
        """The times at which `move` reads the score on the rows of `grid`."""
        return [row.t_score for row in grid]

    @abstractmethod
    def move(
        self,
        score: ScoreFunction,
        state: Tensor,
        t_score: Time,
        schedule: Schedule,
        z: Tensor | None,
    ) -> Tensor:
        """The state at t_score - dt, in the step's coordinates; no look at the values of `state`.

        A bad value stays one (NaN, infinity, and zero in X), so a loop may check the last alone.
        """

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
        state, schedule = self.state_of(x_t), self.schedule(process, t_score, dt, noise)
        return self.x_of(self.move(score, state, t_score, schedule, z))

    def __init_subclass__(cls) -> None:
        if "__call__" in vars(cls):
            raise TypeError(f"{cls.__name__} must define move, which the loop calls.")


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


def columns(grid: Grid) -> tuple[Tensor, Tensor, Tensor]:
    """t_score, dt and noise of all rows, each (rows,) in float64."""
    table = [[real_number(value, "a time or factor of the grid") for value in row] for row in grid]
    t_score, dt, noise = torch.tensor(table, dtype=torch.float64, device="cpu").unbind(1)
    return t_score, dt, noise


def draws_like(state: Tensor, z: Tensor | None) -> Tensor:
    """z in the dtype of the state, once it is known to be there and of its shape."""
    if z is None:
        raise ValueError("this step needs noise: pass z, standard normal, of the shape of x_t.")
    return like(state, z, "z")


def scaled(number: Number, schedule: Tensor) -> Tensor:
    """number * schedule for a number or a tensor of numbers, on the device of the schedule."""
    if isinstance(number, Tensor):
        if number.ndim > 0 and schedule.ndim == 2:
            raise ValueError(
                "a step of a process with rates for each coordinate takes one factor on the noise "
                f"for all samples, got shape {tuple(number.shape)}."
            )
        return schedule * number.to(schedule)
    return schedule * real_number(number, "a factor")
