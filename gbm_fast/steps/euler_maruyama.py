"""The reverse equation discretised in X and in log X, and the Milstein scheme in X.

Symbols: see the package docstring.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from gbm_fast.process import Process, Time
from gbm_fast.process.coordinates import increments
from gbm_fast.steps.ambient import AmbientStep
from gbm_fast.steps.base import Number, scaled
from gbm_fast.steps.log_affine import LogAffineStep, LogCoefficients


@dataclass(frozen=True)
class SignAgnostic(AmbientStep):
    """Euler-Maruyama in X: eq. (12) of version 2; claim A12.

        X_s = X_t * (1 - dm + 3/2 dv + dv h(|X_t|, t) + noise sqrt(dv) z)

    An entry may change sign. p_t has no density there, so the score is read at |X_t| and the sign
    is carried along (claim E28). The 3/2 dv holds for noise = 1 and is kept as printed for
    smaller factors, for which claim E18 gives the bias; `AmbientMarginalPreserving` has none. X_t
    may hold negative entries, no zeros.
    """

    strong_order: ClassVar[float] = 0.5
    weak_order: ClassVar[float] = 1.0

    def _factor(self, dm: Tensor, dv: Tensor, h: Tensor, noise: Tensor, z: Tensor) -> Tensor:
        return 1 - dm + 1.5 * dv + dv * h + noise * dv.sqrt() * z


@dataclass(frozen=True)
class AmbientMilstein(AmbientStep):
    """The Milstein scheme in X: strong order 1 where `SignAgnostic` has 1/2 (claim R15).

        X_s = X_t * (1 - dm + 3/2 dv + dv h(|X_t|, t) + noise sqrt(dv) z
                     + noise^2 dv (z^2 - 1) / 2)

    The added term is the first that `DaleLangevin` has and `SignAgnostic` has not. Signs and
    domain as in `SignAgnostic`.
    """

    strong_order: ClassVar[float] = 1.0
    weak_order: ClassVar[float] = 1.0

    def _factor(self, dm: Tensor, dv: Tensor, h: Tensor, noise: Tensor, z: Tensor) -> Tensor:
        second = 0.5 * noise**2 * dv * (z.square() - 1)
        return 1 - dm + 1.5 * dv + dv * h + noise * dv.sqrt() * z + second


@dataclass(frozen=True)
class DaleLangevin(LogAffineStep):
    """Euler-Maruyama in log X: eq. (13) of version 2; claim A13. Keeps every sign (Dale's law).

        X_s = X_t * exp(-dm + dv (1 + h(X_t, t)) + noise sqrt(dv) z)

    X_t must be positive.
    """

    strong_order: ClassVar[float] = 1.0
    weak_order: ClassVar[float] = 1.0

    def coefficients(
        self, process: Process, t_score: Time, dt: Time, noise: Number
    ) -> LogCoefficients:
        """Those of the formula in the class docstring; the arguments are the base class's."""
        dm, dv = increments(process, t_score, dt)
        return LogCoefficients(-dm, dv, scaled(noise, dv.sqrt()))
