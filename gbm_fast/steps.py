"""One reverse step, from t to s = t - dt, as a pure map of the state and of given noise (torch).

Symbols: `x` (batch, *event) the state at t; h = score(x, t) its Hyvarinen score; dm = m(t) - m(s)
and dv = v(t) - v(s) the increments of the process over the step; z standard normal, of the shape
of x; `noise` the factor on it (Algorithms 1 and 2 call it chi^i). In these terms the three steps
are

    DaleLangevin     x_s = x * exp(-dm + dv (1 + h) + noise sqrt(dv) z)          eq. (13); A13
    SignAgnostic     x_s = x * (1 - dm + 1.5 dv + dv h + noise sqrt(dv) z)       eq. (12); A12
    ProbabilityFlow  dY/dt = m' - (sigma^2 / 2)(1 + h) for Y = log X                      R16

with the equation numbers of version 2 and the items of the sheet. The state keeps its dtype:
scores and schedules are cast to it.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gbm_fast.checks import require_positive, require_same_shape
from gbm_fast.process import Process, Time
from gbm_fast.scores import ScoreFunction, schedule_like


class Step(ABC):
    """What `simulate` asks of a step. Its declarations are facts about the map, tested as such."""

    calculus: ClassVar[str]
    coordinates: ClassVar[str]
    strong_order: ClassVar[float]
    weak_order: ClassVar[float]
    keeps_sign: ClassVar[bool]
    uses_noise: ClassVar[bool]

    @abstractmethod
    def __call__(
        self,
        process: Process,
        score: ScoreFunction,
        x_t: Tensor,
        t_score: Time,
        dt: Time,
        noise: float,
        z: Tensor | None,
    ) -> Tensor:
        """The state at t_score - dt."""


def _score_at(score: ScoreFunction, x: Tensor, t: Time) -> Tensor:
    """score(x, t), checked for its shape and cast to the dtype of the state."""
    hyvarinen = score(x, t)
    require_same_shape(x, hyvarinen, "the score's result")
    return hyvarinen.to(x.dtype)


def _diffusion_term(dv: Tensor, noise: float, z: Tensor | None, x: Tensor) -> Tensor:
    """noise sqrt(dv) z, for noise that was given."""
    if z is None:
        raise ValueError("this step needs noise: pass z, standard normal, of the shape of x_t.")
    require_same_shape(x, z, "z")
    return noise * dv.sqrt() * z.to(x.dtype)


@dataclass(frozen=True)
class DaleLangevin(Step):
    """x_s = x_t * exp(-dm + dv (1 + h) + noise sqrt(dv) z): eq. (13) of version 2; sheet A13.

    Euler-Maruyama for log X, whose noise is additive: strong order 1, weak order 1 (sheet R15).
    The state stays positive. Raises ValueError for a non-positive or non-finite `x_t`, a missing
    or misshapen `z`, a score of the wrong shape, or a step that leaves [0, horizon].
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
        score: ScoreFunction,
        x_t: Tensor,
        t_score: Time,
        dt: Time,
        noise: float,
        z: Tensor | None,
    ) -> Tensor:
        """The state at t_score - dt, of the shape and dtype of `x_t` (batch, *event)."""
        require_positive(x_t, "x_t")
        dm, dv = (schedule_like(part, x_t) for part in process.increments(t_score, dt))
        diffusion = _diffusion_term(dv, noise, z, x_t)
        hyvarinen = _score_at(score, x_t, t_score)
        return x_t * torch.exp(-dm + dv * (1 + hyvarinen) + diffusion)


@dataclass(frozen=True)
class SignAgnostic(Step):
    """x_s = x_t * (1 - dm + 1.5 dv + dv h(|x_t|) + noise sqrt(dv) z): eq. (12) of version 2.

    Sheet A12: Euler-Maruyama for X itself, strong order 1/2, weak order 1 (sheet R15). A step can
    change the sign of an element; the score is read at |x_t| and the sign carried along (sheet
    E28). The term 1.5 dv, printed for noise = 1, is kept as printed for other factors too (sheet
    E18). Raises ValueError for a zero or non-finite `x_t`, a missing or misshapen `z`, a score of
    the wrong shape, or a step that leaves [0, horizon].
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
        score: ScoreFunction,
        x_t: Tensor,
        t_score: Time,
        dt: Time,
        noise: float,
        z: Tensor | None,
    ) -> Tensor:
        """The state at t_score - dt, of the shape and dtype of `x_t` (batch, *event)."""
        magnitude = x_t.abs()
        require_positive(magnitude, "|x_t|")
        dm, dv = (schedule_like(part, x_t) for part in process.increments(t_score, dt))
        diffusion = _diffusion_term(dv, noise, z, x_t)
        hyvarinen = _score_at(score, magnitude, t_score)
        return x_t * (1 - dm + 1.5 * dv + dv * hyvarinen + diffusion)


@dataclass(frozen=True)
class ProbabilityFlow(Step):
    """Heun's step for the probability-flow ODE in the variable a = sqrt(v): sheet R16.

    With u = log x - m the ODE is du/da = -a (1 + h). Two evaluations, at t and at the Euler point
    at s, give order 2; where v(s) = 0 the step is Euler's and lands on exp of the denoiser's
    straight line. Draws no noise: `noise` and `z` are ignored. Raises ValueError for a
    non-positive or non-finite `x_t`, a score of the wrong shape, or a step that leaves [0,
    horizon].
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
        score: ScoreFunction,
        x_t: Tensor,
        t_score: Time,
        dt: Time,
        noise: float,
        z: Tensor | None,
    ) -> Tensor:
        """The state at t_score - dt, of the shape and dtype of `x_t` (batch, *event)."""
        require_positive(x_t, "x_t")
        dm, dv = (schedule_like(part, x_t) for part in process.increments(t_score, dt))
        t_next = _end_time(process, t_score, dt)
        std_t = schedule_like(process.log_var(t_score), x_t).sqrt()
        std_s = schedule_like(process.log_var(t_next), x_t).sqrt()
        if not bool((std_t > 0).all()):
            raise ValueError(
                "t_score must be positive: at t = 0 there is no noise left to remove."
            )
        length = -dv / (std_t + std_s)
        slope = -std_t * (1 + _score_at(score, x_t, t_score))
        euler = x_t * torch.exp(length * slope - dm)
        if not bool((std_s > 0).all()):
            return euler
        slope_next = -std_s * (1 + _score_at(score, euler, t_next))
        return x_t * torch.exp(length * (slope + slope_next) / 2 - dm)


def _end_time(process: Process, t_score: Time, dt: Time) -> Time:
    """t_score - dt, with what is only the rounding of a step to t = 0 set to 0.

    One time a sample must end at t = 0 for all samples or for none: a mixture is refused, since
    the second evaluation of Heun's step exists for none of the samples that end there.
    """
    smallest = 1e-12 * process.horizon
    if not isinstance(t_score, Tensor) and not isinstance(dt, Tensor):
        end = t_score - dt
        return 0.0 if abs(end) <= smallest else end
    ends = torch.as_tensor(t_score - dt)
    at_zero = ends.abs() <= smallest
    if bool(at_zero.any()) and not bool(at_zero.all()):
        raise ValueError(
            "either every sample of a batch steps to t = 0, or none: split the batch."
        )
    return torch.where(at_zero, torch.zeros_like(ends), ends)
