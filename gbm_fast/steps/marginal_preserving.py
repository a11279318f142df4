"""Reverse equations with any amount of noise whose marginals are those of the forward process.

For any kappa >= 0 (claim R11; eqs. (11) and (7) of version 2 are kappa = 1)

    d log X = [-m' + (1 + kappa^2) / 2 sigma^2 (1 + h)] dr + kappa sigma dW       r = T - t

has the marginals p_t. In these steps kappa is the step's own factor times the row's `noise`: with
an annealed grid the drift follows the noise, so that annealing does not narrow the law, as it
does in `DaleLangevin` and `SignAgnostic` (claim E18).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gbm_fast.checks import real_number, require_non_negative
from gbm_fast.process import Process, Time
from gbm_fast.process.coordinates import increments
from gbm_fast.steps.ambient import AmbientStep
from gbm_fast.steps.base import Number, scaled
from gbm_fast.steps.log_affine import LogAffineStep, LogCoefficients


@dataclass(frozen=True)
class MarginalPreserving(LogAffineStep):
    """Euler-Maruyama in log X at noise level kappa (claim R11).

        X_s = X_t * exp(-dm + (1 + kappa^2) / 2 dv (1 + h) + kappa sqrt(dv) z)

    kappa  >= 0, times the row's `noise`; 1 is `DaleLangevin`, 0 is Euler's rule for the
           probability flow (claim R16)

    X_t must be positive. Raises ValueError for kappa < 0.
    """

    strong_order: ClassVar[float] = 1.0
    weak_order: ClassVar[float] = 1.0
    kappa: float = 1.0

    def __post_init__(self) -> None:
        require_non_negative(self.kappa, "kappa")
        object.__setattr__(self, "kappa", real_number(self.kappa, "kappa"))

    def coefficients(
        self, process: Process, t_score: Time, dt: Time, noise: Number
    ) -> LogCoefficients:
        """Those of the formula in the class docstring; the arguments are the base class's."""
        dm, dv = increments(process, t_score, dt)
        kappa = scaled(noise, torch.full_like(dv, self.kappa))
        return LogCoefficients(-dm, 0.5 * (1 + kappa**2) * dv, kappa * dv.sqrt())


@dataclass(frozen=True)
class AmbientMarginalPreserving(AmbientStep):
    """Euler-Maruyama in X at noise level kappa (claim R11).

        X_s = X_t * (1 - dm + (1 + kappa^2) / 2 dv (1 + h(|X_t|, t)) + kappa^2 / 2 dv
                     + kappa sqrt(dv) z)

    kappa  >= 0, times the row's `noise`; 1 is `SignAgnostic`, whose signs and domain these are

    Raises ValueError for kappa < 0.
    """

    strong_order: ClassVar[float] = 0.5
    weak_order: ClassVar[float] = 1.0
    kappa: float = 1.0

    def __post_init__(self) -> None:
        require_non_negative(self.kappa, "kappa")
        object.__setattr__(self, "kappa", real_number(self.kappa, "kappa"))

    def _factor(self, dm: Tensor, dv: Tensor, h: Tensor, noise: Tensor, z: Tensor) -> Tensor:
        kappa = self.kappa * noise
        weight = 0.5 * (1 + kappa**2) * dv
        return 1 - dm + 0.5 * kappa**2 * dv + weight * (1 + h) + kappa * dv.sqrt() * z


@dataclass(frozen=True)
class Corrector(LogAffineStep):
    """Langevin dynamics of log X at a fixed time: leaves p_t as it is, up to O(dv) (claim R11).

        X' = X_t * exp(dv / 2 (1 + h(X_t, t)) + noise sqrt(dv) z)

    `dt` measures the strength, dv = v(t) - v(t - dt), and no time passes. It is eq. (22) of
    version 2 at rate sigma^2 / 2. On a normal law of log X with variance v its limit has the
    variance v / (1 - dv / (4 v)). X_t must be positive.
    """

    strong_order: ClassVar[float] = 1.0
    weak_order: ClassVar[float] = 1.0

    def coefficients(
        self, process: Process, t_score: Time, dt: Time, noise: Number
    ) -> LogCoefficients:
        """(0, dv / 2, noise sqrt(dv)); the arguments are the base class's."""
        _, dv = increments(process, t_score, dt)
        return LogCoefficients(torch.zeros_like(dv), 0.5 * dv, scaled(noise, dv.sqrt()))
