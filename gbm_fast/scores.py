"""Scores of a geometric Brownian motion, and the conversions between their forms (torch).

Symbols: `x` (batch, *event) is positive; `t` is a time in [0, horizon], a scalar or one a sample,
shape (batch,); `m` and `v` are the process' log-mean and log-variance at `t`, so that log X_t |
X_0 ~ N(log X_0 + m, v I); `p_t` is the density of X_t.

    Stein score      grad log p_t(x)
    Hyvarinen score  h = x * grad log p_t(x)               the quantity the network learns
    log score        s = 1 + h                             the score of log X_t (claim A10-score)
    noise            eps = -sqrt(v) (1 + h)                E[Z | X_t = x]
    denoiser         D = log x - m + v (1 + h)             E[log X_0 | X_t = x] (claim R5)

Results have the shape and dtype of `x`, the first tensor where there is none of that name. At
v = 0 the conditional score, and the way back from noise and denoiser, are 0/0: they are
refused.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gbm_fast.checks import finite_number, has_values, like, require_floating, require_positive
from gbm_fast.process import Process, Time
from gbm_fast.process.coordinates import log_means, log_vars
from gbm_fast.shapes import schedule_like
from gbm_fast.targets import Target

ScoreFunction = Callable[[Tensor, Time], Tensor]
"""A Hyvarinen score: (x, t) -> x * grad log p_t(x), of the shape of x."""


class LogScore(ABC):
    """A `ScoreFunction` that can also be read in log space, without exp, log and x itself.

    Steps in log X use `at_log` of such a score: it is cheaper, it keeps the digits of 1 + h where
    that is small, and its argument cannot overflow or underflow.
    """

    @abstractmethod
    def __call__(self, x: Tensor, t: Time) -> Tensor:
        """h(x, t) at positive `x` (batch, *event), of its shape; `t` a scalar or (batch,)."""

    @abstractmethod
    def at_log(self, y: Tensor, t: Time) -> Tensor:
        """1 + h(exp(y), t): the score of log X_t (claim A10) at any real y (batch, *event)."""

    def prepare(self, times: Sequence[float], state: Tensor) -> None:  # noqa: B027
        """Told by a sampler, before its first row, the times at which it will read the score.

        A score may compute for all of them at once what depends on time alone, for states like
        `state`; results are the same without. By default nothing is prepared.
        """


def log_score_at(score: ScoreFunction, y: Tensor, t: Time) -> Tensor:
    """1 + h(exp(y), t) in the dtype of the state, read at y itself where the score can be."""
    if not isinstance(score, LogScore):
        return 1 + _like(score(y.exp(), t), y)
    return _like(score.at_log(y, t), y)


def score_at(score: ScoreFunction, x: Tensor, t: Time) -> Tensor:
    """h(x, t) in the dtype of the state; a `LogScore` is read without a look at the values."""
    if not isinstance(score, LogScore):
        return _like(score(x, t), x)
    return _like(score.at_log(x.log(), t), x) - 1


def _like(score: Tensor, state: Tensor) -> Tensor:
    return like(state, score, "the score's result")


def _kernel(process: Process, t: Time, x: Tensor) -> tuple[Tensor, Tensor]:
    """m(t) and v(t), shaped for `x`."""
    return schedule_like(log_means(process, t), x), schedule_like(log_vars(process, t), x)


def _kernel_with_noise(process: Process, t: Time, x: Tensor) -> tuple[Tensor, Tensor]:
    """m(t) and v(t), refused where v(t) = 0."""
    log_mean, log_var = _kernel(process, t, x)
    if has_values(log_var) and not bool((log_var > 0).all()):
        raise ValueError(
            "t must be positive here: at t = 0 no noise has been added and this score is 0/0."
        )
    return log_mean, log_var


def _start(x: Tensor, x0: Tensor) -> Tensor:
    """x0 in the dtype of x, once it is known to be positive and of its shape."""
    start = like(x, x0, "x0")
    require_positive(x0, "x0")
    return start


def conditional_hyvarinen_score(x: Tensor, x0: Tensor, process: Process, t: Time) -> Tensor:
    """x * grad log p_t(x | x0) = -(1 + (log x - log x0 - m) / v), of the shape of `x`.

    Eq. (16) of version 2; claim A16. `x` and `x0` (batch, *event) positive.
    Raises ValueError for a non-positive or non-finite state, shapes that differ, or t = 0.
    """
    require_positive(x, "x")
    start = _start(x, x0)
    log_mean, log_var = _kernel_with_noise(process, t, x)
    return -(1 + (x.log() - start.log() - log_mean) / log_var)


def conditional_logpdf(x: Tensor, x0: Tensor, process: Process, t: Time) -> Tensor:
    """log p(x_t = x | x0) in nats, summed over the event: (batch, *event) to (batch,).

        sum_i { -(log x_i - log x0_i - m)^2 / (2 v) - log(2 pi v) / 2 - log x_i }

    The log-normal kernel of eq. (6) of version 2; claims A6, A23. `x` and `x0` (batch, *event)
    positive. Raises ValueError for a non-positive or non-finite state, shapes that differ, or t =
    0.
    """
    require_positive(x, "x")
    start = _start(x, x0)
    if x.ndim < 2:
        raise ValueError(f"x must have shape (batch, *event), got {tuple(x.shape)}.")
    log_mean, log_var = _kernel_with_noise(process, t, x)
    y = x.log()
    squares = (y - start.log() - log_mean).square() / (2 * log_var)
    return -(squares + (2 * math.pi * log_var).log() / 2 + y).flatten(1).sum(1)


def hyvarinen_from_stein(x: Tensor, stein: Tensor) -> Tensor:
    """h = x * stein (claim forms-of-the-score). Shapes alike; `x` positive, else ValueError."""
    require_positive(x, "x")
    return x * like(x, stein, "stein")


def stein_from_hyvarinen(x: Tensor, hyvarinen: Tensor) -> Tensor:
    """The Stein score h / x. Shapes alike; `x` positive (ValueError otherwise)."""
    require_positive(x, "x")
    return like(x, hyvarinen, "hyvarinen") / x


def log_score_from_hyvarinen(hyvarinen: Tensor) -> Tensor:
    """s = 1 + h, the score of log X_t: eq. (10) of version 2; claim A10."""
    require_floating(hyvarinen, "hyvarinen")
    return 1 + hyvarinen


def hyvarinen_from_log_score(log_score: Tensor) -> Tensor:
    """h = s - 1, the inverse of `log_score_from_hyvarinen`. Claim A10."""
    require_floating(log_score, "log_score")
    return log_score - 1


def noise_from_hyvarinen(hyvarinen: Tensor, process: Process, t: Time) -> Tensor:
    """eps = -sqrt(v) (1 + h), of the shape of `hyvarinen` (batch, *event). Claim R4."""
    require_floating(hyvarinen, "hyvarinen")
    log_var = schedule_like(log_vars(process, t), hyvarinen)
    return -log_var.sqrt() * (1 + hyvarinen)


def hyvarinen_from_noise(noise: Tensor, process: Process, t: Time) -> Tensor:
    """h = -1 - eps / sqrt(v). Claim R4. Raises ValueError at t = 0."""
    require_floating(noise, "noise")
    _, log_var = _kernel_with_noise(process, t, noise)
    return -1 - noise / log_var.sqrt()


def denoiser(x: Tensor, hyvarinen: Tensor, process: Process, t: Time) -> Tensor:
    """E[log X_0 | X_t = x] = log x - m + v (1 + h), of the shape of `x`. Claim R5.

    Its exponential is one noise-free Dale-Langevin step of length t. Raises ValueError for a
    non-positive or non-finite `x` or shapes that differ.
    """
    require_positive(x, "x")
    score = 1 + like(x, hyvarinen, "hyvarinen")
    log_mean, log_var = _kernel(process, t, x)
    return x.log() - log_mean + log_var * score


def hyvarinen_from_denoiser(x: Tensor, denoised: Tensor, process: Process, t: Time) -> Tensor:
    """h = -1 + (D + m - log x) / v, the inverse of `denoiser` in its second argument. Claim R5.

    Raises ValueError for a non-positive or non-finite `x`, shapes that differ, or t = 0.
    """
    require_positive(x, "x")
    expected = like(x, denoised, "denoised")
    log_mean, log_var = _kernel_with_noise(process, t, x)
    return -1 + (expected + log_mean - x.log()) / log_var


@dataclass(frozen=True, eq=False)
class ExactScore(LogScore):
    """The score of `target` diffused by `process`; `exact_score` makes one."""

    target: Target
    process: Process

    def __call__(self, x: Tensor, t: Time) -> Tensor:
        """h(x, t) of the shape of `x` (batch, *event), positive, with target.d elements each."""
        require_positive(x, "x")
        return self.at_log(x.log(), t) - 1

    def at_log(self, y: Tensor, t: Time) -> Tensor:
        """1 + h at log x = y (batch, *event), any real numbers."""
        if y.ndim == 0:
            raise ValueError("x must have shape (batch, *event), got a number.")
        rows = y.flatten(1) if y.ndim > 1 else y[:, None]
        if not isinstance(t, Tensor) or t.ndim == 0:
            return self.target.diffuse(self.process, t).log_score_at(rows).reshape(y.shape)
        if t.shape != y.shape[:1]:
            raise ValueError(
                f"t must be a scalar or hold one time a sample, {tuple(y.shape[:1])}, "
                f"got shape {tuple(t.shape)}."
            )
        result = torch.empty_like(rows)
        for time in torch.unique(t):
            chosen = t == time
            result[chosen] = self.target.diffuse(self.process, time).log_score_at(rows[chosen])
        return result.reshape(y.shape)


def exact_score(target: Target, process: Process) -> ExactScore:
    """The Hyvarinen score of `target` diffused by `process`, as a callable (x, t) -> h.

    The callable takes `x` (batch, *event) whose event holds target.d elements, and `t` a scalar or
    (batch,); with one time a sample it diffuses the target once for each different time.
    """
    return ExactScore(target, process)


@dataclass(frozen=True, eq=False)
class GuidedScore(LogScore):
    """(1 - weight) unconditional + weight conditional; `guided_score` makes one."""

    conditional: ScoreFunction
    unconditional: ScoreFunction
    weight: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", finite_number(self.weight, "weight"))

    def __call__(self, x: Tensor, t: Time) -> Tensor:
        """h(x, t) at positive `x` (batch, *event), of its shape."""
        require_positive(x, "x")
        return self.at_log(x.log(), t) - 1

    def at_log(self, y: Tensor, t: Time) -> Tensor:
        """1 + h at log x = y (batch, *event); x = exp(y) is formed for no `LogScore`."""
        without, of_class = (
            log_score_at(score, y, t) for score in (self.unconditional, self.conditional)
        )
        return (1 - self.weight) * without + self.weight * of_class

    def prepare(self, times: Sequence[float], state: Tensor) -> None:
        """Tell both scores, where they are a `LogScore`, the times of a sampler."""
        for score in (self.conditional, self.unconditional):
            if isinstance(score, LogScore):
                score.prepare(times, state)


def guided_score(
    conditional: ScoreFunction, unconditional: ScoreFunction, weight: float
) -> GuidedScore:
    """Classifier-free guidance: the callable (x, t) -> h_u + w (h_c - h_u) of two scores.

    Its log score is the gradient of log p_u^(1-w) p_c^w of log X_t (claim `guided-score`), which
    is not what samplers with it draw from at t = 0 (claim `guided-flow`).

    conditional, unconditional  Hyvarinen scores h_c of a class and h_u of all classes together
    weight                      w: 1 is h_c and 0 is h_u, to the last digit; above 1 sharper

    Each call reads both. Raises ValueError for a weight that is not finite.
    """
    return GuidedScore(conditional, unconditional, weight)
