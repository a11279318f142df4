"""Reverse equations with any amount of noise whose marginals are those of the forward process.

For any kappa >= 0 (claim R11; eqs. (11) and (7) of version 2 are kappa = 1)

    d log X = [-m' + (1 + kappa^2) / 2 sigma^2 (1 + h)] dr + kappa sigma dW       r = T - t

has the marginals p_t. In these steps kappa is the step's own factor times the row's `noise`: with
an annealed grid the drift follows the noise, so that annealing does not narrow the law, as it
does in `DaleLangevin` and `SignAgnostic` (claim E18).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array
from gbm_ref.process import Process
from gbm_ref.process.coordinates import increments
from gbm_ref.steps.ambient import AmbientStep
from gbm_ref.steps.log_affine import LogAffineStep, LogCoefficients


@dataclass(frozen=True)
class MarginalPreserving(LogAffineStep):
    """Euler-Maruyama in log X at noise level kappa (claim R11).

        X_s = X_t * exp(-dm + (1 + kappa^2) / 2 dv (1 + h) + kappa sqrt(dv) z)

    kappa  >= 0, times the row's `noise`; 1 is `DaleLangevin`, 0 is Euler's rule for the
           probability flow (claim R16)

    X_t must be positive. Accurate to 8 * 2^-53 * S (accuracy vectors `marginal_preserving_step`).
    Raises ValueError for kappa < 0.
    """

    strong_order: ClassVar[float] = 1.0
    weak_order: ClassVar[float] = 1.0
    kappa: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "kappa", _checks.non_negative_number(self.kappa, "kappa"))

    def coefficients(
        self, process: Process, t_score: float, dt: float, noise: float
    ) -> LogCoefficients:
        """Those of the formula in the class docstring; the arguments are the base class's."""
        dm, dv = increments(process, t_score, dt)
        kappa = self.kappa * _checks.non_negative_number(noise, "noise")
        return LogCoefficients(-dm, 0.5 * (1.0 + kappa**2) * dv, kappa * np.sqrt(dv))


@dataclass(frozen=True)
class AmbientMarginalPreserving(AmbientStep):
    """Euler-Maruyama in X at noise level kappa (claim R11).

        X_s = X_t * (1 - dm + (1 + kappa^2) / 2 dv (1 + h(|X_t|, t)) + kappa^2 / 2 dv
                     + kappa sqrt(dv) z)

    kappa  >= 0, times the row's `noise`; 1 is `SignAgnostic`, whose signs and domain these are

    Accurate to 8 * 2^-53 * S (accuracy vectors `ambient_marginal_preserving_step`). Raises
    ValueError for kappa < 0.
    """

    strong_order: ClassVar[float] = 0.5
    weak_order: ClassVar[float] = 1.0
    kappa: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "kappa", _checks.non_negative_number(self.kappa, "kappa"))

    def _factor(
        self, dm: float | Array, dv: float | Array, h: Array, noise: float, z: Array
    ) -> Array:
        kappa = self.kappa * noise
        drift = -dm + 0.5 * dv * ((1.0 + kappa**2) * (1.0 + h) + kappa**2)
        return 1.0 + drift + kappa * np.sqrt(dv) * z


@dataclass(frozen=True)
class Corrector(LogAffineStep):
    """Langevin dynamics of log X at a fixed time: leaves p_t as it is, up to O(dv) (claim R11).

        X' = X_t * exp(dv / 2 (1 + h(X_t, t)) + noise sqrt(dv) z)

    `dt` measures the strength, dv = v(t) - v(t - dt), and no time passes. It is eq. (22) of
    version 2 at rate sigma^2 / 2. On a normal law of log X with variance v its limit has the
    variance v / (1 - dv / (4 v)). X_t must be positive. Accurate to 8 * 2^-53 * S (accuracy
    vectors `corrector_step`).
    """

    strong_order: ClassVar[float] = 1.0
    weak_order: ClassVar[float] = 1.0

    def coefficients(
        self, process: Process, t_score: float, dt: float, noise: float
    ) -> LogCoefficients:
        """(0, dv / 2, noise sqrt(dv)); the arguments are the base class's."""
        _, dv = increments(process, t_score, dt)
        kappa = _checks.non_negative_number(noise, "noise")
        return LogCoefficients(0.0, 0.5 * dv, kappa * np.sqrt(dv))
