"""How probable it is that a step of the sign-agnostic sampler changes a sign.

Probabilities are given by their logarithm: at the paper's step lengths they are far below the
smallest float (1e-337 for N = 1000, sigma = 0.8, v_0 = 0.05; claim E28).
"""

import math

import numpy as np
from scipy.special import log_ndtr

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.process import Process
from gbm_ref.targets import LogNormal, Target


def log_flip_probability(
    process: Process, hyvarinen: Values, t_score: float, dt: float, noise: float = 1.0
) -> Array:
    """log P(an entry changes sign in a step of `SignAgnostic` | X_t): claim R13.

        log Phi(-z),      z = (1 - dm + 3/2 dv + dv h) / (noise sqrt(dv))

    hyvarinen  h(|X_t|, t_score), any finite numbers; the result has its shape
    noise      > 0; without noise the sign is that of the factor itself

    Of either sign of X_t. Accurate to 20 * 2^-53 * S, S = |log P| + (1 + |z|) w, where w adds up
    the sizes of the terms of z: no digits are lost in the far tail. Raises ValueError unless
    dt > 0 and noise > 0, and for times outside the range of the process.
    """
    h = _checks.finite_array(hyvarinen, "hyvarinen")
    dm, dv = process.increments(t_score, _checks.positive_number(dt, "dt"))
    kappa = _checks.positive_number(noise, "noise")
    return np.asarray(log_ndtr(-(1.0 - dm + 1.5 * dv + dv * h) / (kappa * math.sqrt(dv))))


def log_average_flip_probability(
    target: Target, process: Process, t_score: float, dt: float, noise: float = 1.0
) -> Array:
    """log of the chance that entry i changes sign in a step from X_t ~ p_t, shape (d,): R13.

        log Phi(-z_i),    z_i = (1 - dm + dv / 2) / sqrt(noise^2 dv + dv^2 P_ii)

    with P the inverse of the covariance of log X_t, for log-normal data of any log_cov. The
    average over p_t of the probability in `log_flip_probability`, in closed form because the
    step's factor is affine in log X_t. noise may be 0 here. Accurate to 8 * 2^-53 * S for d = 1
    (claim `R13`). Raises ValueError unless dt > 0 and t_score > 0, and for times outside the range
    or other data.
    """
    if not isinstance(target, LogNormal):
        raise ValueError(f"the average is for log-normal data, not a {type(target).__name__}.")
    dm, dv = process.increments(t_score, _checks.positive_number(dt, "dt"))
    kappa = _checks.non_negative_number(noise, "noise")
    precision = np.linalg.inv(target.diffuse(process, t_score).log_cov)
    spread = np.sqrt(kappa**2 * dv + dv**2 * np.diag(precision))
    return np.asarray(log_ndtr(-(1.0 - dm + 0.5 * dv) / spread))
