"""The sampler of version 1 as it is printed, for those who reproduce or compare with it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gbm_ref import _checks
from gbm_ref.process import Process
from gbm_ref.process.coordinates import increments
from gbm_ref.steps.log_affine import LogAffineStep, LogCoefficients


@dataclass(frozen=True)
class PrintedAlgorithm1(LogAffineStep):
    """Line 4 of Algorithm 1 of version 1, which has mu - sigma^2 / 2 for mu - 3 sigma^2 / 2.

        X_s = X_t * exp(-dm + dv h(X_t, t) + noise sqrt(dv) z)

    It lacks the 1 of 1 + h and is *not* a sampler of p_0: on log-normal data of log-variance v_0
    the mean of log X_0 is off by -v_0 log(v_N / v_0), however short the steps (claim E2).
    `DaleLangevin` is what is meant. The declared orders are those to its own, wrong, limit. X_t
    must be positive. Accurate to 8 * 2^-53 * S (claim `E2-bias`).
    """

    strong_order: ClassVar[float] = 1.0
    weak_order: ClassVar[float] = 1.0

    def coefficients(
        self, process: Process, t_score: float, dt: float, noise: float
    ) -> LogCoefficients:
        """Those of the formula in the class docstring; the arguments are the base class's."""
        dm, dv = increments(process, t_score, dt)
        kappa = _checks.non_negative_number(noise, "noise")
        return LogCoefficients(-dm - dv, dv, kappa * np.sqrt(dv))
