"""Steps of the form  log X_s = log X_t + shift + weight (1 + h(X_t, t)) + root z.

The three coefficients are all that tells them apart. They do not depend on the state, so that on
log-normal data, where 1 + h is affine in log X, the whole chain is (`gbm_ref.exact_law`).
"""

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.process import Process
from gbm_ref.process.coordinates import fits
from gbm_ref.steps.base import Score, draws_like, score_at


class LogCoefficients(NamedTuple):
    """log X_s = log X_t + shift + weight (1 + h) + root z.

    Each a number or, of a process with rates of its own for each coordinate, (d,); root also a
    matrix (d, d).
    """

    shift: float | Array
    weight: float | Array
    root: float | Array


class LogAffineStep(ABC):
    """A step given by its coefficients. Keeps every sign; X_t must be positive.

    The coefficients of each class are accurate to 8 * 2^-53 * S (claims `R11-steps`, `R17-steps`
    and `E2-bias`).
    """

    calculus: ClassVar[str] = "ito"
    coordinates: ClassVar[str] = "log"
    keeps_sign: ClassVar[bool] = True
    uses_noise: ClassVar[bool] = True

    @abstractmethod
    def coefficients(
        self, process: Process, t_score: float, dt: float, noise: float
    ) -> LogCoefficients:
        """The coefficients of a step of length dt from t_score, with that factor on the noise.

        Raises ValueError for times outside the range of the process or noise < 0.
        """

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
        x = _checks.positive_array(x_t, "x_t")
        fits(process, x, "x_t")
        shift, weight, root = self.coefficients(process, t_score, dt, noise)
        exponent = shift + weight * (1.0 + score_at(score, x, t_score))
        if self.uses_noise:
            draws = draws_like(x, z)
            exponent = exponent + (
                draws @ root.T if isinstance(root, np.ndarray) and root.ndim == 2 else root * draws
            )
        with _checks.quiet():
            return _checks.times_exp(x, exponent)
