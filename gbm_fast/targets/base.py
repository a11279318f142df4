"""What every data law offers, and the checks that they share (torch).

`x` is (batch, d), or any (..., d), and positive; h = x * grad log p(x) is the Hyvarinen score and
s = 1 + h the log score.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from gbm_fast.checks import require_positive, require_tensor, whole_number
from gbm_fast.process import CoordinateGBM, Process, Time
from gbm_fast.process.coordinates import fits, log_means, log_vars
from gbm_fast.process.times import float64


def floating(values: Tensor, name: str) -> Tensor:
    """`values` if they are floating-point, integers in float64; ValueError for anything else."""
    require_tensor(values, name)
    return values if values.is_floating_point() else values.double()


def standard_normal(size: int, random_state: torch.Generator, like: Tensor) -> Tensor:
    """Draws (size, d) with d the last axis of `like`, moved from the generator to its device.

    Raises ValueError for a size below 1.
    """
    return torch.randn(
        whole_number(size, "size", 1),
        like.shape[-1],
        generator=random_state,
        device=random_state.device,
        dtype=like.dtype,
    ).to(like.device)


def normal_cdf(residual: Tensor, std: Tensor) -> Tensor:
    """Phi(residual / std), and the unit step where std = 0; the shapes broadcast."""
    step = (residual >= 0).to(residual.dtype)
    safe = torch.where(std > 0, std, torch.ones_like(std))
    return torch.where(std > 0, torch.special.ndtr(residual / safe), step)


def schedule_at(process: Process, t: Time, d: int) -> tuple[Tensor, Tensor]:
    """m(t) and v(t) of one time, in float64, each 0-d or (d,); ValueError for one time a sample.

    Broadcast against d coordinates, the times of a batch would be taken for those of coordinates.
    """
    fits(process, d, "this law")
    if isinstance(process, CoordinateGBM) and float64(t).ndim == 0:
        m, v = log_means(process, t)[0], log_vars(process, t)
        return m, v[0] if v.ndim == 2 else v
    m, v = process.log_mean(t), process.log_var(t)
    if v.ndim != 0:
        raise ValueError(
            f"a law is diffused to one time, got t of shape {tuple(v.shape)}; exact_score and "
            "gbm_fast.distributions take one time a sample."
        )
    return m, v


class Target(ABC):
    """A law on the positive orthant of dimension `d`; x (..., d) in, (...) or (..., d) out."""

    @property
    @abstractmethod
    def d(self) -> int:
        """The dimension."""

    @abstractmethod
    def logpdf(self, x: Tensor) -> Tensor:
        """log p(x), shape (...). Raises ValueError for a bad `x` or a law without a density."""

    @abstractmethod
    def cdf(self, x: Tensor) -> Tensor:
        """P(X <= x), shape (...), for d = 1 only (ValueError otherwise)."""

    @abstractmethod
    def rvs(self, size: int, random_state: torch.Generator) -> Tensor:
        """`size` >= 1 independent draws, shape (size, d)."""

    @abstractmethod
    def diffuse(self, process: Process, t: Time) -> "Target":
        """The law of X_t when X_0 has this law; `t` a scalar. Claim R2."""

    @abstractmethod
    def log_score_at(self, y: Tensor) -> Tensor:
        """The score of log X at log X = y, any real y (..., d): s(exp(y)), without the exp."""

    def log_score(self, x: Tensor) -> Tensor:
        """s = 1 + h, the score of log X at log x, shape (..., d). Claims A10, R2."""
        return self.log_score_at(self._log(x))

    @abstractmethod
    def responsibilities(self, x: Tensor) -> Tensor:
        """The probability of each component (or point) given a draw x: (..., J), rows sum to 1."""

    def hyvarinen_score(self, x: Tensor) -> Tensor:
        """h = x * grad log p(x), shape (..., d). Claim R2."""
        return self.log_score(x) - 1

    def stein_score(self, x: Tensor) -> Tensor:
        """grad log p(x) = h / x, shape (..., d)."""
        return self.hyvarinen_score(x) / x

    def _log(self, x: Tensor) -> Tensor:
        """log x for a checked `x` (..., d)."""
        self._rows(x)
        require_positive(x, "x")
        return x.log()

    def _rows(self, y: Tensor) -> Tensor:
        """`y` (..., d) as rows (n, d); ValueError where its last axis is of another length."""
        require_tensor(y, "x")
        if y.ndim == 0 or y.shape[-1] != self.d:
            raise ValueError(f"x must have shape (..., {self.d}), got {tuple(y.shape)}.")
        return y.reshape(-1, self.d)

    def _require_line(self) -> None:
        if self.d != 1:
            raise ValueError(f"cdf exists for d = 1 only, this law has d = {self.d}.")
