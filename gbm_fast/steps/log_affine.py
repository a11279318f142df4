"""Steps of the form  log X_s = log X_t + shift + weight (1 + h(X_t, t)) + root z.

The three coefficients are all that tells them apart. They do not depend on the state, so that on
log-normal data, where 1 + h is affine in log X, the whole chain is.
"""

from abc import abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor

from gbm_fast.checks import require_non_negative
from gbm_fast.process import Process, Time
from gbm_fast.scores import ScoreFunction, log_score_at
from gbm_fast.shapes import add_scaled, exact_arithmetic, is_number, schedule_like
from gbm_fast.steps.base import LogStep, Number, Schedule, draws_like


class LogCoefficients(NamedTuple):
    """log X_s = log X_t + shift + weight (1 + h) + root z, in float64.

    shift and weight are 0-d or (batch,); root too, or a matrix (d, d) or (batch, d, d). With rates
    of its own for each coordinate they are (1, d).
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

    def schedule(self, process: Process, t_score: Time, dt: Time, noise: Number) -> Schedule:
        """The coefficients."""
        require_non_negative(noise, "noise")
        return self.coefficients(process, t_score, dt, noise)

    def move(
        self,
        score: ScoreFunction,
        state: Tensor,
        t_score: Time,
        schedule: Schedule,
        z: Tensor | None,
    ) -> Tensor:
        """log X_s, of the shape and dtype of `state`, which is log X_t."""
        draws = draws_like(state, z) if self.uses_noise else None
        shift, weight, root = schedule
        moved = add_scaled(state, weight, log_score_at(score, state, t_score))
        if draws is not None and (root.ndim < 2 or len(root) == 1 < root.ndim < 3):
            moved = add_scaled(moved, root, draws, reuse=True)
        elif draws is not None:
            with exact_arithmetic(draws):
                turned = torch.einsum("...ij,...j->...i", root.to(draws), draws.flatten(1))
            moved = moved + turned.reshape(moved.shape)
        if is_number(shift) and shift.item() == 0:
            return moved
        return moved + schedule_like(shift, state)
