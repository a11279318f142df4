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

import torch
from torch import Tensor

from gbm_fast.checks import (
    has_values,
    real_tensor,
    require_covariance,
    require_non_negative,
)
from gbm_fast.process import Process, Time
from gbm_fast.process.coordinates import increments, log_vars
from gbm_fast.process.times import end_of_step
from gbm_fast.shapes import lasting
from gbm_fast.steps.base import Number, scaled
from gbm_fast.steps.log_affine import LogAffineStep, LogCoefficients
from gbm_fast.targets.rotations import principal_axes


def _log_vars(process: Process, t_score: Time, dt: Time) -> tuple[Tensor, Tensor]:
    """v(t) and v(s), with v(t) > 0."""
    t, s, _ = end_of_step(t_score, dt, process.horizon)
    v_t = log_vars(process, t)
    if has_values(v_t) and not bool((v_t > 0).all()):
        raise ValueError("t_score must be positive: at t = 0 there is no noise left to remove.")
    return v_t, log_vars(process, s)


@dataclass(frozen=True, eq=False, init=False)
class Ancestral(LogAffineStep):
    """Draws from the law of X_s given X_t (claims R7, R17).

        X_s = X_t * exp(-dm + dv (1 + h) + noise sqrt(dv V_s / V_t) z),   V = data_log_cov + v

    data_log_cov  covariance of log X_0 that is not explained by the denoiser: 0 (a point mass,
                  the usual ancestral step) or that of log-normal data, for which the step is then
                  the exact reverse kernel at any length; a number, (d,) or (d, d), with d the
                  number of elements of an event

    X_t must be positive and t > 0. The covariance is copied, as a constant, and decomposed once,
    with the digits of every coordinate where scales are unlike (d <= 128). Raises ValueError for
    a `data_log_cov` that is no covariance.
    """

    strong_order: ClassVar[float] = 1.0
    weak_order: ClassVar[float] = 1.0
    data_log_cov: Tensor
    # Eigenvalues, and eigenvectors where `data_log_cov` is a matrix.
    _variances: Tensor = field(init=False, repr=False)
    _axes: Tensor | None = field(init=False, repr=False)

    def __init__(self, data_log_cov: Number = 0.0) -> None:
        given = real_tensor(data_log_cov, "data_log_cov").detach()
        with lasting():
            self._set_up(given.to("cpu", torch.float64, copy=True))

    def _set_up(self, cov: Tensor) -> None:
        if cov.numel() == 0:
            raise ValueError(
                "data_log_cov must be a number, (d,) or (d, d) with d >= 1, got "
                f"{tuple(cov.shape)}."
            )
        axes: Tensor | None = None
        if cov.ndim < 2:
            require_non_negative(cov, "data_log_cov")
            variances = cov
        else:
            require_covariance(cov, "data_log_cov")
            variances, axes = (part[0] for part in principal_axes(cov[None]))
        object.__setattr__(self, "data_log_cov", cov)
        object.__setattr__(self, "_variances", variances.clamp(min=0))
        object.__setattr__(self, "_axes", axes)

    def coefficients(
        self, process: Process, t_score: Time, dt: Time, noise: Number
    ) -> LogCoefficients:
        """Those of the formula in the class docstring; the arguments are the base class's."""
        dm, dv = increments(process, t_score, dt)
        v_t, v_s = _log_vars(process, t_score, dt)
        variances = self._variances.to(dv.device)
        if variances.ndim == 0:
            root = (dv * (variances + v_s) / (variances + v_t)).sqrt()
            return LogCoefficients(-dm, dv, scaled(noise, root))
        if dv.ndim == 2:
            return LogCoefficients(-dm, dv, scaled(noise, self._bridge_root(dv[0], v_s[0])))
        kappa, v_s, v_t = (p[..., None] for p in (scaled(noise, dv.sqrt()), v_s, v_t))
        stds = kappa * ((variances + v_s) / (variances + v_t)).sqrt()
        if self._axes is None:
            return LogCoefficients(-dm, dv, torch.diag_embed(stds))
        axes = self._axes.to(dv.device)
        return LogCoefficients(-dm, dv, (axes * stds[..., None, :]) @ axes.mT)

    def _bridge_root(self, dv: Tensor, v_s: Tensor) -> Tensor:
        """R with R R^T = A (A + D)^-1 D, A = data_log_cov + diag v_s, D = diag dv; (d,) to (d, d).

        In units of sqrt(dv) it is a covariance with eigenvalues a / (a + 1).
        """
        cov = self.data_log_cov.to(dv.device)
        matrix = (torch.diag(cov) if cov.ndim == 1 else cov) + torch.diag(v_s)
        if has_values(dv) and not bool(dv.any()):
            return torch.zeros_like(matrix)
        units = dv.sqrt()
        scaled_cov = matrix / units[:, None] / units
        above, axes = (part[0] for part in principal_axes(scaled_cov[None]))
        return units[:, None] * ((axes * (above / (above + 1)).sqrt()) @ axes.mT)


@dataclass(frozen=True)
class DDIM(LogAffineStep):
    """The noise-free step that is exact for a constant denoiser (claim R17).

        log X_s = D + m(s) + sqrt(v(s) / v(t)) (log X_t - D - m(t))

    A step of length t lands on the denoiser. `noise` and `z` are ignored. X_t must be positive and
    t > 0.
    """

    strong_order: ClassVar[float] = 1.0
    weak_order: ClassVar[float] = 1.0
    uses_noise: ClassVar[bool] = False

    def coefficients(
        self, process: Process, t_score: Time, dt: Time, noise: Number
    ) -> LogCoefficients:
        """(-dm, v(t) - sqrt(v(s) v(t)), 0); the arguments are the base class's."""
        dm, dv = increments(process, t_score, dt)
        v_t, v_s = _log_vars(process, t_score, dt)
        # v_t - sqrt(v_s v_t) without cancellation.
        return LogCoefficients(-dm, dv / (1 + (v_s / v_t).sqrt()), torch.zeros_like(dv))
