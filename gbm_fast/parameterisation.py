"""From a network's output to the Hyvarinen score.

Symbols: x (batch, *event) positive state; u = log x - m(t), what the network sees (standardised);
v = v(t) (batch,) the log-variance of the forward kernel; F the network's output; a and s the mean
and standard deviation of the logarithm of all training pixels. In (u, v) every process is the same
one, so a network that was trained for one process serves each other whose v it has seen.

    network input    (u - a) / sqrt(v + s^2),  conditioned on log(v) / 4
    Stein            h = e^u F                      the paper's s_theta (eq. (14) of version 2),
                     for the standardised state e^u, which is x in the paper, where m = 0
    Hyvarinen        h = F
    Noise            h = -1 - F / sqrt(v)                 F = E[z | x_t] (sheet C4, R4)
    Denoiser         h = -1 + (D - u) / v                 D = E[log X_0 | x_t] (sheet R5), with the
                     D = a + (s^2 (u - a) + sqrt(v) s sqrt(v + s^2) F) / (v + s^2)

The last line is the preconditioning of EDM (Karras et al. 2022) in log space: the best linear
denoiser plus F at the scale of what that leaves, so F has unit variance at every noise level. It
is the default; the others keep the paper's choice and its neighbours for comparison.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gbm_fast.checks import positive_number
from gbm_fast.process import Process, Time
from gbm_fast.shapes import expand_like

Parameterisation = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(F, u, v) -> h: the network's output and u, shaped alike, and v, shaped (batch, 1, ...)."""


@dataclass(frozen=True)
class Stein:
    """h = exp(u) F, the parameterisation of the paper."""

    def __call__(self, output: Tensor, u: Tensor, v: Tensor) -> Tensor:
        return u.exp() * output


@dataclass(frozen=True)
class Hyvarinen:
    """h = F."""

    def __call__(self, output: Tensor, u: Tensor, v: Tensor) -> Tensor:
        return output


@dataclass(frozen=True)
class Noise:
    """h = -1 - F / sqrt(v)."""

    def __call__(self, output: Tensor, u: Tensor, v: Tensor) -> Tensor:
        return -1 - output / v.sqrt()


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
        residual = (self.log_mean - u) / total + self.log_std * output / (v * total).sqrt()
        return -1 + residual


class ScoreModel(nn.Module):
    """A network with its parameterisation: (x, m, v) -> h.

    Args:
        network: module (input (batch, *event), condition (batch,)) -> (batch, *event).
        parameterisation: one of the classes above.
        log_mean, log_std: mean and standard deviation of the logarithm of the training data.
        autocast: dtype of the network's arithmetic, or None for that of its weights. The state,
            logarithms and the score stay in the dtype of `x`.
    """

    def __init__(
        self,
        network: nn.Module,
        parameterisation: Parameterisation,
        log_mean: float,
        log_std: float,
        autocast: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.parameterisation = parameterisation
        self.log_mean, self.log_std = log_mean, positive_number(log_std, "log_std")
        self.autocast = autocast

    def forward(self, x: Tensor, log_mean: Tensor, log_var: Tensor) -> Tensor:
        """The Hyvarinen score at `x` (batch, *event) for m and v, each (batch,), of x's dtype."""
        v = expand_like(log_var, x)
        u = x.log() - expand_like(log_mean, x)
        inputs = (u - self.log_mean) / (v + self.log_std**2).sqrt()
        with torch.autocast(x.device.type, dtype=self.autocast, enabled=self.autocast is not None):
            output = self.network(inputs, log_var.log() / 4)
        return self.parameterisation(output.to(x.dtype), u, v)


def score_function(model: nn.Module, process: Process) -> Callable[[Tensor, Time], Tensor]:
    """The score (x, t) -> h that steps and losses take, from a `ScoreModel` and a process."""

    def hyvarinen(x: Tensor, t: Time) -> Tensor:
        log_mean = process.log_mean(t).to(x).expand(x.shape[0])
        log_var = process.log_var(t).to(x).expand(x.shape[0])
        return model(x, log_mean, log_var)

    return hyvarinen
