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
    Noise            h = -1 - F / sqrt(v)                 F = E[z | x_t] (claim R4)
    Denoiser         h = -1 + (D - u) / v                 D = E[log X_0 | x_t] (claim R5), with the
                     D = a + (s^2 (u - a) + sqrt(v) s sqrt(v + s^2) F) / (v + s^2)

The last line is what others call `edm` preconditioning (Karras et al. 2022), in log space: the
best linear denoiser plus F at the scale of what that leaves, so F has unit variance at every noise
level. It is the default; the others keep the paper's choice and its neighbours for comparison.

Everything is computed as the log score 1 + h at y: steps in log space need neither x nor h itself,
and 1 + h keeps its digits where it is small.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gbm_fast.checks import finite_number, has_values, integers, positive_number, require_floating
from gbm_fast.networks.conditions import Condition, log_variance
from gbm_fast.process import Process, Time
from gbm_fast.scores import LogScore
from gbm_fast.shapes import expand_like, is_number, lasting, may_overwrite, product, times_exp

Coefficients = Collection[Tensor]
"""What a parameterisation takes from v alone; each one says what."""


class Parameterisation(ABC):
    """1 + h from the network's output F and u, of one shape, and what depends on v alone."""

    def coefficients(self, v: Tensor) -> Coefficients:
        """What the formula takes from v, elementwise: of its shape. v itself unless overridden."""
        return (v,)

    @abstractmethod
    def __call__(self, output: Tensor, u: Tensor, coefficients: Coefficients) -> Tensor:
        """1 + h; the coefficients broadcast against `output` and `u` (batch, *event)."""


@dataclass(frozen=True)
class Stein(Parameterisation):
    """h = exp(u) F, the parameterisation of the paper."""

    def __call__(self, output: Tensor, u: Tensor, coefficients: Coefficients) -> Tensor:
        return 1 + times_exp(output, u)


@dataclass(frozen=True)
class Hyvarinen(Parameterisation):
    """h = F."""

    def __call__(self, output: Tensor, u: Tensor, coefficients: Coefficients) -> Tensor:
        return 1 + output


@dataclass(frozen=True)
class Noise(Parameterisation):
    """h = -1 - F / sqrt(v)."""

    def coefficients(self, v: Tensor) -> Coefficients:
        """(-sqrt(v),)."""
        return (-v.sqrt(),)

    def __call__(self, output: Tensor, u: Tensor, coefficients: Coefficients) -> Tensor:
        (minus_std,) = coefficients
        return output / minus_std


@dataclass(frozen=True)
class Denoiser(Parameterisation):
    """h = -1 + (D - u) / v, with D preconditioned by the moments of the log data.

    log_mean, log_std   a and s of the module docstring; s > 0
    """

    log_mean: float
    log_std: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "log_mean", finite_number(self.log_mean, "log_mean"))
        object.__setattr__(self, "log_std", positive_number(self.log_std, "log_std"))

    def coefficients(self, v: Tensor) -> Coefficients:
        """(-1 / (v + s^2), s / sqrt(v (v + s^2))): the slopes of 1 + h in u and in F."""
        total = v + self.log_std**2
        return -1 / total, self.log_std / (v * total).sqrt()

    def __call__(self, output: Tensor, u: Tensor, coefficients: Coefficients) -> Tensor:
        # (D - u) / v written without the difference of two nearly equal numbers at small v.
        in_u, in_output = coefficients
        linear = product(u - self.log_mean, in_u)
        if may_overwrite(linear, output, in_output):
            return linear.addcmul_(output, in_output)
        return torch.addcmul(linear, output, in_output)


class Level(NamedTuple):
    """What a model takes from m and v alone: each 0-d or (batch,), or (rows,) for many levels.

    m, 1 / sqrt(v + s^2), the network's condition, and the parameterisation's coefficients. None in
    place of m is 0: it saves a pass over the state.
    """

    log_mean: Tensor | None
    scale: Tensor
    condition: Tensor
    coefficients: Coefficients

    def unbind(self) -> "list[Level]":
        """The levels of (rows,) one by one, without m where it is 0 on all of them."""
        columns = [part.unbind() for part in (self.scale, self.condition, *self.coefficients)]
        rows, m = zip(*columns, strict=True), self.log_mean
        means = m.unbind() if m is not None and bool(m.any()) else [None] * len(self.scale)
        return [Level(m, scale, c, rest) for m, (scale, c, *rest) in zip(means, rows, strict=True)]


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
        self.log_mean = finite_number(log_mean, "log_mean")
        self.log_std = positive_number(log_std, "log_std")
        self.autocast = autocast

    def forward(
        self, y: Tensor, log_mean: Tensor, log_var: Tensor, labels: Tensor | None = None
    ) -> Tensor:
        """1 + h at `y` = log x (batch, *event), for m and v, 0-d or (batch,), all of one dtype.

        `labels` (batch,) are for networks with classes, and are not passed on when None.
        """
        return self.at_level(y, self.level(log_mean, log_var), labels)

    def level(self, log_mean: Tensor, log_var: Tensor) -> Level:
        """What `at_level` takes from m and v, of one shape: 0-d, (batch,), or (rows,)."""
        scale = (log_var + self.log_std**2).rsqrt()
        coefficients = self.parameterisation.coefficients(log_var)
        return Level(log_mean, scale, self.condition(log_var), coefficients)

    def at_level(self, y: Tensor, level: Level, labels: Tensor | None = None) -> Tensor:
        """1 + h at `y`, as `forward`, for a level whose parts are 0-d or (batch,)."""
        u = y if level.log_mean is None else y - expand_like(level.log_mean, y)
        inputs = product(u - self.log_mean, expand_like(level.scale, y))
        condition = level.condition.expand(len(y))
        given = (condition,) if labels is None else (condition, labels)
        with self._arithmetic(y.device.type):
            output = self.network(inputs, *given)
        coefficients = [expand_like(part, y) for part in level.coefficients]
        return self.parameterisation(output.to(y.dtype), u, coefficients)

    def _arithmetic(self, device: str) -> AbstractContextManager:
        """The autocast of the network, where it is not in force already."""
        in_force = torch.is_autocast_enabled(device) and torch.get_autocast_dtype(device)
        if self.autocast is None or self.autocast == in_force:
            return nullcontext()
        return torch.autocast(device, self.autocast)


class LearnedScore(LogScore):
    """The score of a `ScoreModel`, or of a module that wraps one, along a process.

    `labels` (batch,) are the classes of the samples, for a network that has classes.
    """

    def __init__(self, model: nn.Module, process: Process, labels: Tensor | None = None) -> None:
        self._model, self._process = model, process
        self._labels = () if labels is None else (integers(labels, "labels"),)
        self._prepared: dict[tuple[float, torch.dtype, torch.device], Level] = {}

    def prepare(self, times: Sequence[float], state: Tensor) -> None:
        """Compute the levels of `times` at once, where the model is not wrapped.

        `at_log` then calls `at_level`, so what is to be compiled is the network in the model.
        """
        if not isinstance(self._model, ScoreModel):
            return
        each = torch.tensor(times, dtype=torch.float64, device="cpu")
        with lasting():
            levels = self._model.level(*self._moments(each, state)).unbind()
        keys = [(t, state.dtype, state.device) for t in times]
        self._prepared = dict(zip(keys, levels, strict=True))

    def __call__(self, x: Tensor, t: Time) -> Tensor:
        """h(x, t) at positive `x` (batch, *event)."""
        require_floating(x, "x")
        return self.at_log(x.log(), t) - 1

    def at_log(self, y: Tensor, t: Time) -> Tensor:
        """1 + h(exp(y), t) at any real `y` (batch, *event)."""
        if isinstance(t, Tensor) and is_number(t):
            t = t.item()
        level = None if isinstance(t, Tensor) else self._prepared.get((t, y.dtype, y.device))
        if level is not None and isinstance(self._model, ScoreModel):
            return self._model.at_level(y, level, *self._labels)
        return self._model(y, *self._moments(t, y), *self._labels)

    def _moments(self, t: Time, state: Tensor) -> tuple[Tensor, Tensor]:
        """m(t) and v(t) in the dtype and on the device of `state`."""
        parts = self._process.log_mean(t), self._process.log_var(t)
        noise = parts[1].to(state.dtype)
        # Times on a device come from a sampler or a loss, and a look at them would wait for it.
        if noise.device.type == "cpu" and has_values(noise) and not bool((noise > 0).all()):
            raise ValueError(
                "t must be positive here: a learned score knows no level without noise (v = 0)."
            )
        log_mean, log_var = (part.to(state.device, state.dtype) for part in parts)
        return log_mean, log_var


def score_function(
    model: nn.Module, process: Process, labels: Tensor | None = None
) -> LearnedScore:
    """The score that steps and losses take, from a `ScoreModel` and a process."""
    return LearnedScore(model, process, labels)
