"""From a network's output to the Hyvarinen score.

Symbols: x (batch, *event) positive state; y = log x; u = y - m(t), what the network sees
(standardised); v = v(t) (batch,) the log-variance of the forward kernel; F the network's output; a
and s the mean and standard deviation of the logarithm of all training pixels. In (u, v) every
process is the same one, so a network that was trained for one process serves each other whose v it
has seen.

    network input    (u - a) / sqrt(v + s^2),  conditioned on log(v) / 4 (`log_variance`), or on
                     the index of v among the levels of a training grid (`LevelIndex`)
    Stein            h = e^u F                      the paper's s_theta (eq. (14) of version 2),
                     for the standardised state e^u, which is x in the paper, where m = 0
    Hyvarinen        h = F
    Noise            h = -1 - F / sqrt(v)                 F = E[z | x_t] (sheet C4, R4)
    Denoiser         h = -1 + (D - u) / v                 D = E[log X_0 | x_t] (sheet R5), with the
                     D = a + (s^2 (u - a) + sqrt(v) s sqrt(v + s^2) F) / (v + s^2)

The last line is the preconditioning of EDM (Karras et al. 2022) in log space: the best linear
denoiser plus F at the scale of what that leaves, so F has unit variance at every noise level. It
is the default; the others keep the paper's choice and its neighbours for comparison.

Everything is computed as the log score 1 + h at y: steps in log space need neither x nor h itself,
and 1 + h keeps its digits where it is small.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from gbm_fast.checks import positive_number
from gbm_fast.process import Process, Time
from gbm_fast.scores import LogScore
from gbm_fast.shapes import expand_like, is_number

Parameterisation = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(F, u, v) -> 1 + h: the network's output and u, shaped alike, and v, shaped (batch, 1, ...)."""


Condition = Callable[[Tensor], Tensor]
"""v -> the network's second argument, of the shape of v."""


@dataclass(frozen=True)
class Stein:
    """h = exp(u) F, the parameterisation of the paper."""

    def __call__(self, output: Tensor, u: Tensor, v: Tensor) -> Tensor:
        return 1 + u.exp() * output


@dataclass(frozen=True)
class Hyvarinen:
    """h = F."""

    def __call__(self, output: Tensor, u: Tensor, v: Tensor) -> Tensor:
        return 1 + output


@dataclass(frozen=True)
class Noise:
    """h = -1 - F / sqrt(v)."""

    def __call__(self, output: Tensor, u: Tensor, v: Tensor) -> Tensor:
        return -output / v.sqrt()


@dataclass(frozen=True)
class Denoiser:
    """h = -1 + (D - u) / v, with D preconditioned by the moments of the log data.

    log_mean, log_std   a and s of the module docstring; s > 0
    """

    log_mean: float
    log_std: float

    def __post_init__(self) -> None:
        positive_number(self.log_std, "log_std")

    def __call__(self, output: Tensor, u: Tensor, v: Tensor) -> Tensor:
        # (D - u) / v written without the difference of two nearly equal numbers at small v.
        total = v + self.log_std**2
        factor = self.log_std / (v * total).sqrt()
        return torch.addcmul((self.log_mean - u) / total, output, factor)


def log_variance(v: Tensor) -> Tensor:
    """log(v) / 4, for networks that take any noise level and so serve every process."""
    return v.log() / 4


class LevelIndex(nn.Module):
    """The index of the level of a training grid that is nearest to v in log v, an int64 each.

    For networks with parameters of their own for each of N levels (`NCSNDeeper`). Only these
    parameters are those of the nearest level: the network's input and the parameterisation use v
    itself. So v between two levels is served, with a score that jumps half-way between them.

    Args:
        log_vars: v of the levels (N,), increasing and positive: for the paper's grid sigma^2 k / N
            with k = 1..N, so that level k has index k - 1.

    Raises ValueError for levels that are not so, and from `forward` for a v below the first or
    above the last level by more than rounding (1e-5 v): the network has not seen it.
    """

    def __init__(self, log_vars: Tensor) -> None:
        super().__init__()
        levels = log_vars.double()
        if levels.ndim != 1 or len(levels) == 0 or not bool((levels > 0).all()):
            raise ValueError("log_vars must be positive numbers (N,), with N of 1 or more.")
        if not bool((levels.diff() > 0).all()):
            raise ValueError("log_vars must increase from level to level.")
        self.low, self.high = float(levels[0]), float(levels[-1])
        # Half-way between neighbours in log v; no part of a checkpoint, since the settings fix it.
        edges = (levels[1:] * levels[:-1]).sqrt().float()
        self.register_buffer("edges", edges, persistent=False)

    def forward(self, v: Tensor) -> Tensor:
        least, greatest = (float(part) for part in v.aminmax())
        if not (self.low * (1 - 1e-5) <= least and greatest <= self.high * (1 + 1e-5)):
            raise ValueError(
                f"the network has levels for v in [{self.low:g}, {self.high:g}] and was asked for "
                f"v in [{least:g}, {greatest:g}]: sample within the levels of its training."
            )
        return torch.bucketize(v.float(), self.get_buffer("edges"))


class ScoreModel(nn.Module):
    """A network with its parameterisation, as the log score: (y, m, v) -> 1 + h.

    Args:
        network: module (input (batch, *event), condition (batch,), labels (batch,) or None) ->
            (batch, *event). Its convolutions' weights are laid out channels last, which is what
            the kernels of CPUs and GPUs are fastest with.
        parameterisation: one of the classes above.
        log_mean, log_std: mean and standard deviation of the logarithm of the training data.
        autocast: dtype of the network's arithmetic, or None for the one in force. The state,
            logarithms and the score stay in the dtype of `y`.
        condition: the map from v to the network's condition, `log_variance` or a `LevelIndex`.
    """

    def __init__(
        self,
        network: nn.Module,
        parameterisation: Parameterisation,
        log_mean: float,
        log_std: float,
        autocast: torch.dtype | None = None,
        condition: Condition = log_variance,
    ) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)
        self.condition = condition
        self.parameterisation = parameterisation
        self.log_mean, self.log_std = log_mean, positive_number(log_std, "log_std")
        self.autocast = autocast

    def forward(
        self, y: Tensor, log_mean: Tensor, log_var: Tensor, labels: Tensor | None = None
    ) -> Tensor:
        """1 + h at `y` = log x (batch, *event), for m and v, 0-d or (batch,), all of one dtype.

        `labels` (batch,) are for networks with classes, and are not passed on when None.
        """
        v = expand_like(log_var, y)
        u = y - expand_like(log_mean, y)
        inputs = (u - self.log_mean) / (v + self.log_std**2).sqrt()
        condition = self.condition(log_var).expand(len(y))
        given = (condition,) if labels is None else (condition, labels)
        with self._arithmetic(y.device.type):
            output = self.network(inputs, *given)
        return self.parameterisation(output.to(y.dtype), u, v)

    def _arithmetic(self, device: str) -> AbstractContextManager:
        """The autocast of the network, where it is not in force already."""
        in_force = torch.is_autocast_enabled(device) and torch.get_autocast_dtype(device)
        if self.autocast is None or self.autocast == in_force:
            return nullcontext()
        return torch.autocast(device, self.autocast)


class LearnedScore(LogScore):
    """The score of a `ScoreModel`, or of a module that wraps one, along a process.

    `labels` (batch,) are the classes of the samples, for a network that has classes. m and v of a
    time that is a number are computed once: samplers visit the same times batch after batch.
    """

    def __init__(self, model: nn.Module, process: Process, labels: Tensor | None = None) -> None:
        self._model, self._process = model, process
        self._labels = () if labels is None else (labels,)
        self._remembered = lru_cache(maxsize=4096)(self._schedule)

    def __call__(self, x: Tensor, t: Time) -> Tensor:
        """h(x, t) at positive `x` (batch, *event)."""
        return self.at_log(x.log(), t) - 1

    def at_log(self, y: Tensor, t: Time) -> Tensor:
        """1 + h(exp(y), t) at any real `y` (batch, *event)."""
        if isinstance(t, Tensor) and is_number(t):
            t = t.item()
        schedule = self._schedule if isinstance(t, Tensor) else self._remembered
        return self._model(y, *schedule(t, y.dtype, y.device), *self._labels)

    def _schedule(
        self, t: Time, dtype: torch.dtype, device: torch.device
    ) -> tuple[Tensor, Tensor]:
        parts = self._process.log_mean(t), self._process.log_var(t)
        log_mean, log_var = (part.to(device, dtype) for part in parts)
        return log_mean, log_var


def score_function(
    model: nn.Module, process: Process, labels: Tensor | None = None
) -> LearnedScore:
    """The score that steps and losses take, from a `ScoreModel` and a process."""
    return LearnedScore(model, process, labels)
