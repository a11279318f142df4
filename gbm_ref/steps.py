"""Reverse steps: pure maps from X_t to X_s, s = t - dt, with the noise passed in.

    h(x, t) = x * grad log p_t(x)     Hyvarinen score, the `score` argument
    1 + h                             gradient of the log density of log X_t
    dm, dv                            m(t) - m(s), v(t) - v(s), from `process.increments`
    noise, z                          factor on the noise, standard normal draws

Every step is called as step(process, score, x_t, t_score, dt, noise, z):

    score    callable (x, t) -> h, of the shape of x
    x_t      (..., d); t_score a number in (0, horizon]; 0 <= dt <= t_score
    noise    a number >= 0
    z        the shape of x_t, or None for a step that uses no noise

and returns X_s of the shape of x_t. All raise ValueError for a state outside the step's domain, a
wrong shape, a score that is not finite, or times outside the range of the process. Each declares
its calculus, the coordinates in which it is written, its strong and weak order (sheet R15),
whether it keeps the sign of every entry and whether it uses noise.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.process import Process

Score = Callable[[Array, float], Array]


@runtime_checkable
class Step(Protocol):
    """What the loop asks of a step."""

    calculus: ClassVar[str]
    coordinates: ClassVar[str]
    strong_order: ClassVar[float]
    weak_order: ClassVar[float]
    keeps_sign: ClassVar[bool]
    uses_noise: ClassVar[bool]

    def __call__(
        self,
        process: Process,
        score: Score,
        x_t: Values,
        t_score: float,
        dt: float,
        noise: float,
        z: Values | None,
    ) -> Array: ...


def _score_at(score: Score, x: Array, t: float) -> Array:
    return _checks.like(score(x, t), x, "the score")


def _scaled_noise(noise: float, dv: float, x: Array, z: Values | None) -> Array:
    if z is None:
        raise ValueError("this step uses noise: pass z of the shape of x_t")
    factor = _checks.non_negative_number(noise, "noise")
    return factor * math.sqrt(dv) * _checks.like(z, x, "z", "x_t")


@dataclass(frozen=True)
class SignAgnostic:
    """Euler-Maruyama in X: eq. (12) of version 2; sheet A12.

        X_s = X_t * (1 - dm + 3/2 dv + dv h(|X_t|, t) + noise sqrt(dv) z)

    An entry may change sign. p_t has no density there, so the score is read at |X_t| and the sign
    is carried along (sheet E28). The 3/2 dv holds for noise = 1 and is kept as printed for
    smaller factors, for which sheet E18 gives the bias. X_t may hold negative entries, no zeros.
    """

    calculus: ClassVar[str] = "ito"
    coordinates: ClassVar[str] = "ambient"
    strong_order: ClassVar[float] = 0.5
    weak_order: ClassVar[float] = 1.0
    keeps_sign: ClassVar[bool] = False
    uses_noise: ClassVar[bool] = True

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
        x = _checks.finite_array(x_t, "x_t")
        if (x == 0.0).any():
            raise ValueError("x_t must not hold zeros: a geometric Brownian motion never leaves 0")
        dm, dv = process.increments(t_score, dt)
        h = _score_at(score, np.abs(x), t_score)
        return x * (1.0 - dm + 1.5 * dv + dv * h + _scaled_noise(noise, dv, x, z))


@dataclass(frozen=True)
class DaleLangevin:
    """Euler-Maruyama in log X: eq. (13) of version 2; sheet A13. Keeps every sign (Dale's law).

        X_s = X_t * exp(-dm + dv (1 + h(X_t, t)) + noise sqrt(dv) z)

    X_t must be positive.
    """

    calculus: ClassVar[str] = "ito"
    coordinates: ClassVar[str] = "log"
    strong_order: ClassVar[float] = 1.0
    weak_order: ClassVar[float] = 1.0
    keeps_sign: ClassVar[bool] = True
    uses_noise: ClassVar[bool] = True

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
        x = _checks.positive_array(x_t, "x_t")
        dm, dv = process.increments(t_score, dt)
        h = _score_at(score, x, t_score)
        return x * np.exp(-dm + dv * (1.0 + h) + _scaled_noise(noise, dv, x, z))


@dataclass(frozen=True)
class ProbabilityFlow:
    """Heun's rule for the noise-free equation with the same marginals (sheet R16).

    In the variable sqrt(v), with u = log X - m(t), the equation is du / dsqrt(v) = d,
    d = -sqrt(v) (1 + h). From a = sqrt(v(t)) to b = sqrt(v(s)):

        u' = u + (b - a) d                      (Euler; X' the corresponding state at s)
        u'' = u + (b - a) (d + d') / 2,         d' = -b (1 + h(X', s))

    and log X_s = u'' + m(s). A step to v(s) = 0 takes u', which lands on the denoiser
    E[log X_0 | X_t] (sheet R5). `noise` and `z` are ignored. X_t must be positive.
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
        x = _checks.positive_array(x_t, "x_t")
        dm, dv = process.increments(t_score, dt)
        t, s = _checks.end_of_step(t_score, dt, process.horizon)
        a, b = math.sqrt(process.log_var(t)), math.sqrt(process.log_var(s))
        if a == 0.0:
            raise ValueError("the probability flow starts at t > 0, where v(t) > 0")
        length = -dv / (a + b)
        slope = -a * (1.0 + _score_at(score, x, t))
        predicted = x * np.exp(length * slope - dm)
        if b == 0.0:
            return predicted
        end_slope = -b * (1.0 + _score_at(score, predicted, s))
        return x * np.exp(length * (slope + end_slope) / 2.0 - dm)
