"""How probable it is that a step of the sign-agnostic sampler changes a sign (torch).

Probabilities are given by their logarithm: at the paper's step lengths they are far below the
smallest float (1e-337 for N = 1000, sigma = 0.8, v_0 = 0.05; claim E28).
"""

import math

import torch
from torch import Tensor

from gbm_fast.checks import has_values, positive_number, real_number, require_finite
from gbm_fast.process import Process, Time
from gbm_fast.shapes import schedule_like
from gbm_fast.targets import LogNormal


def log_flip_probability(
    process: Process, hyvarinen: Tensor, t_score: Time, dt: Time, noise: float = 1.0
) -> Tensor:
    """log P(an entry changes sign in a step of `SignAgnostic` | X_t): claim R13.

        log Phi(-z),      z = (1 - dm + 3/2 dv + dv h) / (noise sqrt(dv))

    hyvarinen  h(|X_t|, t_score), (batch, *event), finite; the result has its shape and dtype
    noise      > 0; without noise the sign is that of the factor itself

    Of either sign of X_t. Raises ValueError unless dt > 0 and noise > 0, and for times outside the
    range of the process.
    """
    require_finite(hyvarinen, "hyvarinen")
    dm, dv = (schedule_like(part, hyvarinen) for part in _increments(process, t_score, dt))
    factor = 1 - dm + 1.5 * dv + dv * hyvarinen
    return torch.special.log_ndtr(-factor / (positive_number(noise, "noise") * dv.sqrt()))


def log_average_flip_probability(
    target: LogNormal, process: Process, t_score: Time, dt: Time, noise: float = 1.0
) -> Tensor:
    """log of the chance that entry i changes sign in a step from X_t ~ p_t, shape (d,): R13.

        log Phi(-z_i),    z_i = (1 - dm + dv / 2) / sqrt(noise^2 dv + dv^2 P_ii)

    with P the inverse of the covariance of log X_t, for log-normal data of any log_cov. The
    average over p_t of the probability in `log_flip_probability`, in closed form because the
    step's factor is affine in log X_t. noise may be 0 here; the times are scalars. Raises
    ValueError unless dt > 0 and t_score > 0, and for times outside the range.
    """
    if not isinstance(target, LogNormal):
        raise ValueError(f"the average is for log-normal data, not a {type(target).__name__}.")
    kappa = real_number(noise, "noise")
    if not 0 <= kappa < math.inf:
        raise ValueError(f"noise must be finite and not negative, got {noise}.")
    dm, dv = (part.to(target.log_mean) for part in _increments(process, t_score, dt))
    precision = torch.linalg.inv(target.diffuse(process, t_score).log_cov)
    spread = (kappa**2 * dv + dv.square() * precision.diagonal()).sqrt()
    return torch.special.log_ndtr(-(1 - dm + 0.5 * dv) / spread)


def _increments(process: Process, t_score: Time, dt: Time) -> tuple[Tensor, Tensor]:
    """dm and dv of a step, refused where its length is 0."""
    dm, dv = process.increments(t_score, dt)
    if has_values(dv) and not bool((dv > 0).all()):
        raise ValueError("dt must be positive: a step of no length flips nothing.")
    return dm, dv
