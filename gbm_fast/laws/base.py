"""What the product laws share: their methods, their parameters and gamma draws (torch)."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from gbm_fast.checks import (
    RandomState,
    generator,
    real_tensor,
    require_positive,
    require_tensor,
    whole_number,
)
from gbm_fast.shapes import lasting
from gbm_fast.targets.quantiles import Coordinates, probabilities

Parameter = Tensor | float


def standard_gamma(shape: Tensor, size: int, random_state: RandomState) -> Tensor:
    """`size` draws of Gamma(shape_i, 1) for each entry of `shape` (d,): (size, d), positive.

    Drawn on the generator's device in the dtype of `shape` and moved to its device.
    """
    count = whole_number(size, "size", 1)
    source = generator(random_state)
    each = shape.to(source.device).expand(count, -1).contiguous()
    # torch.distributions.Gamma has no argument for a generator; this is what it calls.
    draws = torch._standard_gamma(each, generator=source)
    return draws.clamp(min=torch.finfo(shape.dtype).tiny).to(shape.device)


def in_range(draws: Tensor) -> Tensor:
    """Draws that overflowed or underflowed at the ends of the positive numbers of their dtype."""
    limits = torch.finfo(draws.dtype)
    return draws.clamp(limits.tiny, limits.max)


def set_parameters(law: object, names: tuple[str, ...], values: tuple[Parameter, ...]) -> None:
    """Set each parameter of a frozen `law` as (d,), positive, in the dtype of the tensors given.

    Raises ValueError for parameters that are not positive and finite, or of different lengths.
    """
    floating = [v for v in values if isinstance(v, Tensor) and v.is_floating_point()]
    pairs = zip(values, names, strict=True)
    like = floating[0] if floating else real_tensor(0.0, "")
    given = [real_tensor(value, name).to(like) for value, name in pairs]
    lengths = {value.numel() for value in given} - {1} or {1}
    if any(value.ndim > 1 for value in given) or len(lengths) > 1 or 0 in lengths:
        shapes = [tuple(value.shape) for value in given]
        raise ValueError(
            f"parameters must be numbers or of one shape (d,), got {', '.join(names)} of {shapes}."
        )
    for name, value in zip(names, given, strict=True):
        require_positive(value, name)
        with lasting():
            object.__setattr__(law, name, value.expand(*lengths).clone())


class ProductLaw(ABC):
    """A law with independent coordinates, given by one formula for each of them."""

    @property
    @abstractmethod
    def d(self) -> int:
        """Number of coordinates."""

    @abstractmethod
    def hyvarinen_score(self, x: Tensor) -> Tensor:
        """x * grad log p(x), the formula in the module docstring."""

    @abstractmethod
    def rvs(self, size: int = 1, random_state: RandomState = None) -> Tensor:
        """`size` >= 1 independent draws, (size, d); a generator, a seed, or torch's own."""

    @abstractmethod
    def mean(self) -> Tensor:
        """E[X], (d,), infinite where it does not exist."""

    @abstractmethod
    def var(self) -> Tensor:
        """Var[X_i], (d,), infinite where it does not exist."""

    @abstractmethod
    def marginal(self, coordinates: Coordinates) -> "ProductLaw":
        """The law of some coordinates: one index, or several in the order that is wanted."""

    @abstractmethod
    def _quantiles(self, q: Tensor) -> Tensor:
        """The inverse of `_cdfs`, (..., d), in float64."""

    @abstractmethod
    def _log_densities(self, x: Tensor) -> Tensor:
        """log p_i(x_i), (..., d)."""

    @abstractmethod
    def _cdfs(self, x: Tensor) -> Tensor:
        """P(X_i <= x_i), (..., d)."""

    def logpdf(self, x: Tensor) -> Tensor:
        """log p(x), in nats."""
        return self._log_densities(self._checked(x)).sum(-1)

    def cdf(self, x: Tensor) -> Tensor:
        """P(X <= x), for d = 1 only."""
        if self.d != 1:
            raise ValueError(f"cdf is defined for d = 1 only, this law has d = {self.d}.")
        return self._cdfs(self._checked(x))[..., 0]

    def ppf(self, q: Tensor | float) -> Tensor:
        """The x with P(X <= x) = q, for d = 1 only: q (...) in [0, 1] to (..., 1).

        SciPy's, computed on the CPU in float64 and without a gradient.
        """
        if self.d != 1:
            raise ValueError(f"ppf is defined for d = 1 only, this law has d = {self.d}.")
        return self._quantiles(probabilities(q).cpu()[..., None]).to(self.mean())

    def log_score(self, x: Tensor) -> Tensor:
        """1 + x * grad log p(x), the score of log X."""
        return 1 + self.hyvarinen_score(x)

    def stein_score(self, x: Tensor) -> Tensor:
        """grad log p(x)."""
        return self.hyvarinen_score(x) / x

    def _checked(self, x: Tensor) -> Tensor:
        require_tensor(x, "x")
        if x.ndim == 0 or x.shape[-1] != self.d:
            raise ValueError(f"x must have shape (..., {self.d}), got {tuple(x.shape)}.")
        require_positive(x, "x")
        return x
