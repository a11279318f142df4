"""Noise-free steps from a time above the row, with the noise that leads there: churn."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.grids import Grid, Row
from gbm_ref.process import CoordinateGBM, Process
from gbm_ref.process.coordinates import fits, increments, log_vars
from gbm_ref.steps.base import Score, Step, draws_like
from gbm_ref.steps.gaussian import DDIM
from gbm_ref.steps.log_affine import LogAffineStep, LogCoefficients
from gbm_ref.steps.probability_flow import ProbabilityFlow


class Raised(NamedTuple):
    """Where the inner step of a churned row begins, its length, and what leads there.

    log X_hat = log X_t + shift + noise root z, at `time`; shift and root are numbers or, of a
    process with rates of its own for each coordinate, (d,).
    """

    time: float
    dt: float
    shift: float | Array
    root: float | Array


@dataclass(frozen=True)
class Churn:
    """A noise-free step with noise added before each row (claim `churn`).

    Algorithm 2 of Karras et al. (2022) in log space. From t, with v = v(t), noise is added up to
    v_hat = v (1 + gamma)^2, reached at t_hat, and `step` goes from there to the end of the row:

        X_hat = X_t * exp(m(t_hat) - m(t) + noise sqrt(v_hat - v) z),      X_s = step(X_hat)

    With noise = 1 the first part has exactly the law of X_t_hat where X_t has that of its time,
    and shrinks the share by which a variance is off; the row's `noise` is the factor S_noise of
    the publication.

    step     `DDIM` or `ProbabilityFlow`; no `DPMSolver`, whose earlier denoisers lie on the
             solution that the noise has left: a row is then off by the first power of its length
    gamma    >= 0; 0 is `step` itself. v_hat is at most v(horizon): near it less noise is added, at
             it none

    At one gamma shorter rows do not make a path exact, since each goes back from t_hat: orders 0
    are declared. X_t must be positive and t > 0, X_hat within the range of float64. Accurate to
    8 * 2^-53 * S (accuracy vectors `churned_ddim_step`). Raises ValueError for another step and
    for gamma < 0.
    """

    step: Step
    gamma: float
    calculus: ClassVar[str] = "ito"
    coordinates: ClassVar[str] = "log"
    strong_order: ClassVar[float] = 0.0
    weak_order: ClassVar[float] = 0.0
    keeps_sign: ClassVar[bool] = True
    uses_noise: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not isinstance(self.step, DDIM | ProbabilityFlow):
            raise ValueError(
                f"{type(self.step).__name__} cannot be churned: pass DDIM() or ProbabilityFlow(). "
                "Other steps have noise of their own, or read denoisers of earlier rows, which "
                "lie on another solution once noise has been added."
            )
        object.__setattr__(self, "gamma", _checks.non_negative_number(self.gamma, "gamma"))

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
        factor = _checks.non_negative_number(noise, "noise")
        up = self.raised(process, t_score, dt)
        with _checks.quiet():
            above = _checks.times_exp(x, up.shift + factor * up.root * draws_like(x, z))
        return self.step(process, score, above, up.time, up.dt, noise, None)

    def raised(self, process: Process, t_score: float, dt: float) -> Raised:
        """What a row from t_score of length dt begins with; ValueError as for every step."""
        t, _ = _checks.end_of_step(t_score, dt, process.horizon)
        v, growth = log_vars(process, t), (1.0 + self.gamma) * (1.0 + self.gamma)
        _, rest = increments(process, process.horizon, process.horizon - t)
        with _checks.quiet():
            added = np.minimum(v * self.gamma * (2.0 + self.gamma), rest)
        top = _time_above(process, t, growth)
        shift, _ = increments(process, top, top - t)
        root = np.sqrt(added) if isinstance(added, np.ndarray) else math.sqrt(added)
        return Raised(top, float(dt) + (top - t), shift, root)


def unfolded(steps: Sequence[Step], process: Process, grid: Grid) -> list[tuple[Step, Row]]:
    """Each row with its step; a churned one as two, of which the first adds noise alone."""
    rows: list[tuple[Step, Row]] = []
    for step, row in zip(steps, grid, strict=True):
        if isinstance(step, Churn):
            rows.append((_Added(step), row))
            up = step.raised(process, row.t_score, row.dt)
            step, row = step.step, Row(up.time, up.dt, row.noise)
        rows.append((step, row))
    return rows


@dataclass(frozen=True)
class _Added(LogAffineStep):
    """The noise of a churned row; for the law of a row, never in the loop."""

    strong_order: ClassVar[float] = 0.0
    weak_order: ClassVar[float] = 0.0
    churn: Churn

    def coefficients(
        self, process: Process, t_score: float, dt: float, noise: float
    ) -> LogCoefficients:
        """Shift and root of `Churn.raised`, and no score."""
        factor = _checks.non_negative_number(noise, "noise")
        up = self.churn.raised(process, t_score, dt)
        return LogCoefficients(up.shift, 0.0, factor * up.root)


def _time_above(process: Process, t: float, growth: float) -> float:
    """The time at which v is `growth` times v(t), or the horizon; v of coordinates grows alike."""
    if growth == 1.0:
        return t
    if isinstance(process, CoordinateGBM):
        return max(t, min(growth * t, process.horizon))
    v = growth * process.log_var(t)
    if v >= process.log_var(process.horizon):
        return process.horizon
    return max(t, process.time_at_log_var(v))
