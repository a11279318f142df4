"""Heun's rule for the noise-free equation with the same marginals."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.process import Process
from gbm_ref.process.coordinates import fits, increments, log_vars
from gbm_ref.steps.base import Score, score_at


@dataclass(frozen=True)
class ProbabilityFlow:
    """Heun's rule for the noise-free equation with the same marginals (claim R16).

    In the variable sqrt(v), with u = log X - m(t), the equation is du / dsqrt(v) = d,
    d = -sqrt(v) (1 + h). From a = sqrt(v(t)) to b = sqrt(v(s)):

        u' = u + (b - a) d                      (Euler; X' the corresponding state at s)
        u'' = u + (b - a) (d + d') / 2,         d' = -b (1 + h(X', s))

    and log X_s = u'' + m(s). A step to v(s) = 0 takes u', which lands on the denoiser
    E[log X_0 | X_t] (claim R5). `noise` and `z` are ignored. X_t must be positive and t > 0. The
    declared order is that of steps equal in sqrt(v); with steps equal in time the last one, down
    to t = 0, is of first order. Accurate to 8 * 2^-53 * S (accuracy vectors
    `probability_flow_step`).
    """

    calculus: ClassVar[str] = "ito"
    coordinates: ClassVar[str] = "log"
    strong_order: ClassVar[float] = 2.0
    weak_order: ClassVar[float] = 2.0
    keeps_sign: ClassVar[bool] = True
    uses_noise: ClassVar[bool] = False

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
        dm, dv = increments(process, t_score, dt)
        t, s = _checks.end_of_step(t_score, dt, process.horizon)
        a, b = np.sqrt(log_vars(process, t)), np.sqrt(log_vars(process, s))
        if np.max(a) == 0.0:
            raise ValueError("the probability flow starts at t > 0, where v(t) > 0.")
        length = -dv / (a + b)
        slope = -a * (1.0 + score_at(score, x, t))
        with _checks.quiet():
            predicted = _checks.times_exp(x, length * slope - dm)
        if np.max(b) == 0.0:
            return predicted
        end_slope = -b * (1.0 + score_at(score, predicted, s))
        with _checks.quiet():
            return _checks.times_exp(x, length * (slope + end_slope) / 2.0 - dm)
