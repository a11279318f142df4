"""Multistep solvers of the noise-free equation: the denoisers of earlier rows, read once each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.process import Process
from gbm_ref.process.coordinates import fits, increments, log_means, log_vars
from gbm_ref.steps.base import Score, Step, score_at

Past = tuple[tuple[float, Array], ...]
"""Time and denoiser E[log X_0 | X_t] of earlier rows, the last first."""


@runtime_checkable
class MultistepStep(Step, Protocol):
    """A step that reads what earlier rows have found."""

    def with_past(
        self,
        process: Process,
        score: Score,
        x_t: Values,
        t_score: float,
        dt: float,
        noise: float,
        z: Values | None,
        past: Past,
    ) -> tuple[Array, Past]:
        """X_s, and the past of the next row."""
        ...


@dataclass(frozen=True)
class MultistepWeights:
    """log X_s = log X_t + shift + weight (1 + h) + sum of shares (earlier - denoiser).

    Each a number or, of a process with a sigma of its own for each coordinate, (d,).
    """

    shift: float | Array
    weight: float | Array
    shares: tuple[float | Array, ...]


@dataclass(frozen=True)
class DPMSolver:
    """DPM-Solver++ in log space, with one score a row (claims `multistep`, `multistep-order`).

    With u = log X - m(t), w = sqrt(v), lambda = -log w and the denoiser D = u + v (1 + h), the
    noise-free equation of `ProbabilityFlow` has the solution, from t to s,

        u_s = r u_t + integral of e^(lambda - lambda_s) D dlambda,     r = w_s / w_t,

    in which D is extrapolated from the rows before, at distances a_1, a_2 in lambda:

        u_s = r u_t + (1 - r) D + c_1 (D_1 - D) + c_2 (D_2 - D),       l = lambda_s - lambda_t
        order 2    c_1 = -(1 - r) l / (2 a_1): the published DPM-Solver++(2M)
        order 3    the integral of the parabola through three denoisers, as DPM-Solver++(3M) is
                   meant: the public code of that has half of the second difference, and order 2

    order    2 or 3; a row without denoisers before it, at t = 0 or at higher times in turn, takes
             the order for which there are some: c_1 = c_2 = 0 is `DDIM`. The first row being of
             that order, the error of a whole path is of order 2 at most, with a small factor where
             the first row lies far above the spread of the data; so much is declared, for t
             bounded away from 0.

    `simulate` passes the past on; called as any step, it is `DDIM`. `noise` and `z` are ignored.
    X_t must be positive and t > 0. Accurate to 8 * 2^-53 * S (accuracy vectors
    `multistep_second_order`, `multistep_third_order`). Raises ValueError for another order.
    """

    order: int = 2
    calculus: ClassVar[str] = "ito"
    coordinates: ClassVar[str] = "log"
    strong_order: ClassVar[float] = 2.0
    weak_order: ClassVar[float] = 2.0
    keeps_sign: ClassVar[bool] = True
    uses_noise: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _checks.whole_number(self.order, "order", 2, 3)

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
        """X_s without a past; the arguments are those of every step (package docstring)."""
        return self.with_past(process, score, x_t, t_score, dt, noise, z, ())[0]

    def with_past(
        self,
        process: Process,
        score: Score,
        x_t: Values,
        t_score: float,
        dt: float,
        noise: float,
        z: Values | None,
        past: Past,
    ) -> tuple[Array, Past]:
        """X_s, and the past of the next row: time and denoiser of this row before `past`."""
        x = _checks.positive_array(x_t, "x_t")
        fits(process, x, "x_t")
        times = [time for time, _ in past]
        weights = self.weights(process, t_score, dt, times)
        log_score = 1.0 + score_at(score, x, t_score)
        denoised = np.log(x) - log_means(process, t_score) + log_vars(process, t_score) * log_score
        exponent = weights.shift + weights.weight * log_score
        for share, (_, earlier) in zip(weights.shares, past, strict=False):
            exponent = exponent + share * (earlier - denoised)
        kept = past[: len(usable(t_score, times))]
        with _checks.quiet():
            moved = _checks.times_exp(x, exponent)
        return moved, ((t_score, denoised), *kept)[: self.order - 1]

    def weights(
        self, process: Process, t_score: float, dt: float, times: Sequence[float]
    ) -> MultistepWeights:
        """The weights of a row after rows at `times`, the last first.

        Raises ValueError for t_score = 0 and times outside the range of the process.
        """
        dm, dv = increments(process, t_score, dt)
        t, s = _checks.end_of_step(t_score, dt, process.horizon)
        v_t, v_s = log_vars(process, t), log_vars(process, s)
        if np.max(v_t) == 0.0:
            raise ValueError("this step starts at t > 0, where v(t) > 0.")
        ratio = np.sqrt(v_s / v_t)
        weight = dv / (1.0 + ratio)
        known = usable(t, times)[: self.order - 1]
        if np.max(v_s) == 0.0 or np.max(dv) == 0.0:
            known = []
        gaps = [
            np.log1p(increments(process, above, above - below)[1] / log_vars(process, below)) / 2.0
            for above, below in zip(known, [t, *known], strict=False)
        ]
        shares = _shares(np.log1p(dv / v_s) / 2.0, gaps) if known else ()
        return MultistepWeights(-dm, weight, shares)


def usable(t: float, times: Sequence[float]) -> list[float]:
    """Those of the times of earlier rows, the last first, that rise from t on."""
    known: list[float] = []
    for time in times:
        if time <= (known[-1] if known else t):
            break
        known.append(time)
    return known


def _shares(step: float | Array, gaps: Sequence[float | Array]) -> tuple[float | Array, ...]:
    """c_1, c_2 for a step and gaps in lambda."""
    if len(gaps) == 1:
        return (np.expm1(-step) * step / (2.0 * gaps[0]),)
    near, far = (gap / step for gap in gaps)
    linear, square = _moment(step, 1), _moment(step, 2)
    second = (square + near * linear) / (near + far)
    return -(linear + second) / near - second / far, second / far


def _moment(step: float | Array, power: int) -> float | Array:
    """Integral over 0 < x < 1 of step e^(-step (1 - x)) x^power."""
    if np.max(step) < 1.0:
        # By its series in step, where the closed forms cancel.
        terms = [
            -((-step) ** j) * (math.factorial(power) / math.factorial(j + power))
            for j in range(1, 20)
        ]
        return sum(reversed(terms), 0.0)
    below = -np.expm1(-step) if power == 1 else _moment(step, power - 1)
    return 1.0 - power * below / step
