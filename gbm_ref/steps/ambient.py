"""Steps of the form  X_s = X_t * factor(dm, dv, h(|X_t|, t), noise, z), which may change signs.

p_t has no density below 0, so the score is read at |X_t| and the sign is carried along (claim
E28). X_t may hold negative entries, no zeros. The factor is all that tells these steps apart.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.process import Process
from gbm_ref.process.coordinates import fits, increments
from gbm_ref.steps.base import Score, draws_like, score_at


class AmbientStep(ABC):
    """A step given by its factor, in the coordinates of X itself."""

    calculus: ClassVar[str] = "ito"
    coordinates: ClassVar[str] = "ambient"
    keeps_sign: ClassVar[bool] = False
    uses_noise: ClassVar[bool] = True

    @abstractmethod
    def _factor(
        self, dm: float | Array, dv: float | Array, h: Array, noise: float, z: Array
    ) -> Array:
        """X_s / X_t; the formula in the class docstring."""

    def __call__(
        self,
        process: Process,
        score: Score,
        x_t: Values,
        t_score: float,
        dt: float,
        noise: float,
        z: Values | None,
    ) -> Array:
        """X_s; the arguments are those of every step (package docstring)."""
        x = _checks.finite_array(x_t, "x_t")
        if (x == 0.0).any():
            raise ValueError(
                "x_t must not hold zeros, which geometric Brownian motion never leaves."
            )
        fits(process, x, "x_t")
        dm, dv = increments(process, t_score, dt)
        kappa = _checks.non_negative_number(noise, "noise")
        h = score_at(score, np.abs(x), t_score)
        draws = draws_like(x, z)
        with _checks.quiet():
            return x * self._factor(dm, dv, h, kappa, draws)
