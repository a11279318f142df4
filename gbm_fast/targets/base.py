"""What every data law offers, and the checks that they share (torch).

`x` is (batch, d), or any (..., d), and positive; h = x * grad log p(x) is the Hyvarinen score and
s = 1 + h the log score.
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from gbm_fast.checks import (
    RandomState,
    generator,
    require_positive,
    require_tensor,
    whole_number,
)
from gbm_fast.process import CoordinateGBM, Process, Time
from gbm_fast.process.coordinates import fits, log_means, log_vars
from gbm_fast.process.times import float64
from gbm_fast.targets.quantiles import Coordinates, searched_quantile


def floating(values: Tensor, name: str) -> Tensor:
    """`values` if they are floating-point, integers in float64; ValueError for anything else."""
    require_tensor(values, name)
    return values if values.is_floating_point() else values.double()


def standard_normal(size: int, random_state: RandomState, like: Tensor) -> Tensor:
    """Draws (size, d) with d the last axis of `like`, moved from the generator to its device.

    Raises ValueError for a size below 1.
    """
    source = generator(random_state)
    return torch.randn(
        whole_number(size, "size", 1),
        like.shape[-1],
        generator=source,
        device=source.device,
        dtype=like.dtype,
    ).to(like.device)


def normal_cdf(residual: Tensor, std: Tensor) -> Tensor:
    """Phi(residual / std), and the unit step where std = 0; the shapes broadcast.

    By erfc, which keeps its digits in the lower tail, where torch's ndtr has none left.
    """
    step = (residual >= 0).to(residual.dtype)
    safe = torch.where(std > 0, std, torch.ones_like(std))
    return torch.where(std > 0, torch.erfc(-residual / (math.sqrt(2) * safe)) / 2, step)


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
    """A law on the positive orthant of dimension `d`; x (..., d) in, (...) or (..., d) out.

    A law of one's own derives from this class and defines `d`, `logpdf`, `rvs`, `diffuse` and
    `log_score_at`; `cdf`, `mean`, `var`, `marginal` and `responsibilities` where they are asked
    for. The scores and `ppf` follow from these. docs/oracle.md has an example.
    """

    @property
    @abstractmethod
    def d(self) -> int:
        """The dimension."""

    @abstractmethod
    def logpdf(self, x: Tensor) -> Tensor:
        """log p(x), shape (...). Raises ValueError for a bad `x` or a law without a density."""

    @abstractmethod
    def rvs(self, size: int = 1, random_state: RandomState = None) -> Tensor:
        """`size` >= 1 independent draws, shape (size, d).

        random_state  a generator, a seed, or None for torch's own generator
        """

    @abstractmethod
    def diffuse(self, process: Process, t: Time) -> "Target":
        """The law of X_t when X_0 has this law; `t` a scalar. Claim R2."""

    @abstractmethod
    def log_score_at(self, y: Tensor) -> Tensor:
        """The score of log X at log X = y, any real y (..., d): s(exp(y)), without the exp."""

    def cdf(self, x: Tensor) -> Tensor:
        """P(X <= x), shape (...), for d = 1 only (ValueError otherwise)."""
        raise self._lacks("cdf")

    def mean(self) -> Tensor:
        """E[X], (d,); infinite beyond the range of the dtype."""
        raise self._lacks("mean")

    def var(self) -> Tensor:
        """Var[X_i] of each coordinate, (d,); infinite beyond the range of the dtype."""
        raise self._lacks("var")

    def marginal(self, coordinates: Coordinates) -> "Target":
        """The law of some coordinates: one index, or several in the order that is wanted."""
        raise self._lacks("marginal")

    def responsibilities(self, x: Tensor) -> Tensor:
        """The probability of each component (or point) given a draw x: (..., J), rows sum to 1."""
        raise self._lacks("responsibilities")

    def ppf(self, q: Tensor | float) -> Tensor:
        """The smallest x with P(X <= x) >= q, for d = 1 only: q (...) in [0, 1] to (..., 1).

        0 at q = 0, the largest value or infinity at q = 1; by bisection of `cdf` in log x, in
        float64 and without a gradient.
        """
        self._require_line("ppf")
        return searched_quantile(q, lambda y: self.cdf(y.exp()[..., None])).exp()[..., None]

    def log_score(self, x: Tensor) -> Tensor:
        """s = 1 + h, the score of log X at log x, shape (..., d). Claims A10, R2."""
        return self.log_score_at(self._log(x))

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

    def _require_line(self, name: str = "cdf") -> None:
        if self.d != 1:
            raise ValueError(f"{name} exists for d = 1 only, this law has d = {self.d}.")

    def _lacks(self, name: str) -> ValueError:
        return ValueError(f"{type(self).__name__} has no {name}: define it in the class.")
