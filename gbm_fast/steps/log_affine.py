"""Steps of the form  log X_s = log X_t + shift + weight (1 + h(X_t, t)) + root z.

The three coefficients are all that tells them apart. They do not depend on the state, so that on
log-normal data, where 1 + h is affine in log X, the whole chain is.
"""

from abc import abstractmethod
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from gbm_fast.checks import require_non_negative
from gbm_fast.grids import Grid
from gbm_fast.process import Process, Time
from gbm_fast.scores import ScoreFunction
from gbm_fast.shapes import add_scaled, schedule_like
from gbm_fast.steps.base import LogStep, Move, Number, columns, draws_like, log_score_at


class LogCoefficients(NamedTuple):
    """log X_s = log X_t + shift + weight (1 + h) + root z, in float64.

    shift and weight are 0-d or (batch,); root too, or a matrix (d, d) or (batch, d, d).
    """

    shift: Tensor
    weight: Tensor
    root: Tensor


class LogAffineStep(LogStep):
    """A step given by its coefficients. Keeps every sign; X_t must be positive."""

    @abstractmethod
    def coefficients(
        self, process: Process, t_score: Time, dt: Time, noise: Number
    ) -> LogCoefficients:
        """The coefficients of a step of length dt from t_score, with that factor on the noise.

        Raises ValueError for times outside the range of the process or noise < 0.
        """

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
        require_non_negative(noise, "noise")
        draws = draws_like(state, z) if self.uses_noise else None
        shift, weight, root = self.coefficients(process, t_score, dt, noise)
        moved = add_scaled(state, weight, log_score_at(score, state, t_score))
        if draws is not None:
            if root.ndim < 2:
                moved = add_scaled(moved, root, draws)
            else:
                noise = torch.einsum("...ij,...j->...i", root.to(draws), draws.flatten(1))
                moved = moved + noise.reshape(moved.shape)
        return moved + schedule_like(shift, state)

    def moves(self, process: Process, grid: Grid) -> list[Move]:
        """`advance` for each row of `grid`, with the coefficients of all rows computed at once."""
        t, dt, noise = grid[0]
        if self.coefficients(process, t, dt, noise).root.ndim:
            return super().moves(process, grid)  # a matrix a row
        t_score, dts, noises = columns(grid)
        require_non_negative(noises, "noise")
        rows = torch.stack(self.coefficients(process, t_score, dts, noises), dim=1).tolist()
        return [partial(self._affine, row.t_score, *c) for row, c in zip(grid, rows, strict=True)]

    def _affine(
        self,
        t_score: float,
        shift: float,
        weight: float,
        root: float,
        score: ScoreFunction,
        state: Tensor,
        z: Tensor | None,
    ) -> Tensor:
        moved = torch.add(state, log_score_at(score, state, t_score), alpha=weight)
        if self.uses_noise:
            moved = torch.add(moved, draws_like(state, z), alpha=root)
        return moved + shift if shift else moved
