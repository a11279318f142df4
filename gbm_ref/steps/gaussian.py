"""Steps that are exact where the denoiser is constant: the Gaussian conditional laws of log X.

Their declared orders hold for times bounded away from 0 (for `DDIM` also in equal steps of
sqrt(v)); equal steps in time down to t = 0 cost a logarithm of the step length (claim R17).

With D = log X_t - m(t) + v(t) (1 + h) the denoiser (claim R5), log X_s given X_t and
log X_0 = D is normal (a Brownian bridge; claim R17):

    mean      D + m(s) + v(s) / v(t) (log X_t - D - m(t))  =  log X_t - dm + dv (1 + h)
    variance  dv v(s) / v(t)

The mean is that of `DaleLangevin`: only the noise differs.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref._gaussians import principal_axes
from gbm_ref.process import Process
from gbm_ref.process.coordinates import increments, log_vars
from gbm_ref.steps.log_affine import LogAffineStep, LogCoefficients


def _log_vars(process: Process, t_score: float, dt: float) -> tuple[float | Array, float | Array]:
    """v(t) and v(s), with v(t) > 0."""
    t, s = _checks.end_of_step(t_score, dt, process.horizon)
    if np.max(log_vars(process, t)) == 0.0:
        raise ValueError("this step starts at t > 0, where v(t) > 0.")
    return log_vars(process, t), log_vars(process, s)


@dataclass(frozen=True, eq=False, init=False)
class Ancestral(LogAffineStep):
    """Draws from the law of X_s given X_t (claims R7, R17).

        X_s = X_t * exp(-dm + dv (1 + h) + noise sqrt(dv V_s / V_t) z),   V = data_log_cov + v

    data_log_cov  covariance of log X_0 that is not explained by the denoiser: 0 (a point mass,
                  the usual ancestral step) or that of log-normal data, for which the step is then
                  the exact reverse kernel at any length; a number, (d,) or (d, d)

    X_t must be positive and t > 0. Accurate to 8 * 2^-53 * S for a number `data_log_cov` (accuracy
    vectors `ancestral_step`); for a matrix S has the condition of the correlations as a factor,
    however unlike the scales are (d <= 128). Raises ValueError for a `data_log_cov` that is no
    covariance.
    """

    strong_order: ClassVar[float] = 1.0
    weak_order: ClassVar[float] = 1.0
    data_log_cov: float | Array
    # Eigenvalues and eigenvectors of a matrix; both empty for a number.
    _variances: Array = field(init=False, repr=False)
    _axes: Array = field(init=False, repr=False)

    def __init__(self, data_log_cov: Values = 0.0) -> None:
        given = _checks.real_array(data_log_cov, "data_log_cov")
        cov: float | Array
        along = np.empty(0), np.empty((0, 0))
        if given.ndim == 0:
            cov = _checks.non_negative_number(float(given), "data_log_cov")
        else:
            if given.size == 0:
                raise ValueError(
                    "data_log_cov must be a number, (d,) or (d, d) with d >= 1, got "
                    f"{given.shape}."
                )
            cov = _checks.kept(_checks.covariance(given, given.shape[0], "data_log_cov"))
            along = principal_axes(cov)
        object.__setattr__(self, "data_log_cov", cov)
        object.__setattr__(self, "_variances", _checks.kept(along[0]))
        object.__setattr__(self, "_axes", _checks.kept(along[1]))

    def coefficients(
        self, process: Process, t_score: float, dt: float, noise: float
    ) -> LogCoefficients:
        """Those of the formula in the class docstring; the arguments are the base class's."""
        dm, dv = increments(process, t_score, dt)
        v_t, v_s = _log_vars(process, t_score, dt)
        kappa = _checks.non_negative_number(noise, "noise")
        cov = self.data_log_cov
        if not isinstance(cov, np.ndarray):
            return LogCoefficients(-dm, dv, kappa * np.sqrt(dv * (cov + v_s) / (cov + v_t)))
        if isinstance(dv, np.ndarray):
            return LogCoefficients(-dm, dv, kappa * _bridge_root(cov, dv, v_s))
        stds = np.sqrt(dv * (self._variances + v_s) / (self._variances + v_t))
        return LogCoefficients(-dm, dv, kappa * (self._axes * stds) @ self._axes.T)


def _bridge_root(cov: Array, dv: Array, v_s: float | Array) -> Array:
    """R with R R^T = A (A + D)^-1 D, the covariance of log X_s given X_t, for rates by coordinate.

    A = cov + diag(v_s), D = diag(dv): in units of sqrt(dv) a covariance with eigenvalues
    a / (a + 1).
    """
    if not dv.any():
        return np.zeros_like(cov)
    units = np.sqrt(dv)
    above, vectors = principal_axes((cov + v_s * np.eye(dv.size)) / np.outer(units, units))
    return np.asarray(units[:, None] * ((vectors * np.sqrt(above / (above + 1.0))) @ vectors.T))


@dataclass(frozen=True)
class DDIM(LogAffineStep):
    """The noise-free step that is exact for a constant denoiser (claim R17).

        log X_s = D + m(s) + sqrt(v(s) / v(t)) (log X_t - D - m(t))

    A step of length t lands on the denoiser. `noise` and `z` are ignored. X_t must be positive and
    t > 0. Accurate to 8 * 2^-53 * S (accuracy vectors `ddim_step`).
    """

    strong_order: ClassVar[float] = 1.0
    weak_order: ClassVar[float] = 1.0
    uses_noise: ClassVar[bool] = False

    def coefficients(
        self, process: Process, t_score: float, dt: float, noise: float
    ) -> LogCoefficients:
        """(-dm, v(t) - sqrt(v(s) v(t)), 0); the arguments are the base class's."""
        dm, dv = increments(process, t_score, dt)
        v_t, v_s = _log_vars(process, t_score, dt)
        # v_t - sqrt(v_s v_t) without cancellation.
        return LogCoefficients(-dm, dv / (1.0 + np.sqrt(v_s / v_t)), 0.0)
