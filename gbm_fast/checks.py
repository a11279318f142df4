"""Checks of tensors and numbers that every module shares: cheap, clear about what was wrong.

Shapes and dtypes are always checked. Values are checked where there are values to look at: not
while torch.compile, torch.export or torch.func.vmap trace a function, nor for tensors without
data (fake tensors, the meta device). Eager code therefore refuses bad input; compiled code relies
on the checks of its caller, and `simulate` checks the start and the end of a run in any case.
"""

import math
import numbers

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch._C._functorch import (
    get_unwrapped,
    is_batchedtensor,
    is_functorch_wrapped_tensor,
)
from torch._subclasses import FakeTensor

SMALLEST = torch.finfo(torch.float64).tiny  # below it a float64 loses digits


def has_values(x: Tensor) -> bool:
    """Whether the entries of `x` can be looked at, so that a branch may depend on them."""
    if torch.compiler.is_compiling():
        return False
    while is_functorch_wrapped_tensor(x):  # vmap of grad wraps a batch in a tensor that tracks it
        if is_batchedtensor(x):
            return False
        x = get_unwrapped(x)
    return not (isinstance(x, FakeTensor) or x.is_meta)


def numbers_of(x: Tensor) -> NDArray[np.float64]:
    """The entries of `x`, which `has_values`, in NumPy and float64, whatever tracks `x`."""
    while is_functorch_wrapped_tensor(x):
        x = get_unwrapped(x)
    return np.asarray(x.detach().cpu(), dtype=np.float64)


def real_number(value: object, name: str) -> float:
    """`value` as a float: a number of Python or NumPy, or an array or tensor of one, without axes.

    Raises ValueError for what float() would take or cut silently: text, booleans, complex numbers,
    arrays with a mask.
    """
    if type(value) in (float, int):
        number = value
    elif isinstance(value, Tensor):
        number = value.item() if value.ndim == 0 and _is_real(value) else None
    elif isinstance(value, np.ndarray) and not np.ma.isMaskedArray(value):
        number = value.item() if value.ndim == 0 else None
    else:
        number = value
    if isinstance(number, bool | np.bool) or not isinstance(number, numbers.Real):
        raise ValueError(f"{name} must be a number, got {value!r} ({type(value).__name__}).")
    try:
        return float(number)
    except OverflowError:
        raise ValueError(f"{name} is beyond the range of float64.") from None


def _is_real(x: Tensor) -> bool:
    """Whether the entries are integers or floating-point numbers."""
    return not x.is_complex() and x.dtype != torch.bool


def require_tensor(x: object, name: str) -> None:
    """Raise ValueError unless `x` is a tensor, no array of another kind, of real numbers."""
    if not isinstance(x, Tensor):
        raise ValueError(
            f"{name} must be a torch.Tensor, got {type(x).__name__}: pass torch.as_tensor({name})."
        )
    if not _is_real(x):
        raise ValueError(f"{name} must be real numbers, got {x.dtype}: convert them first.")


def require_floating(x: object, name: str) -> None:
    """Raise ValueError unless `x` is a floating-point tensor."""
    require_tensor(x, name)
    if isinstance(x, Tensor) and not x.is_floating_point():
        raise ValueError(f"{name} must be a floating-point tensor, got {x.dtype}.")


def real_tensor(value: object, name: str) -> Tensor:
    """A tensor of real numbers as it is; a number as 0-d, in float64 on the CPU."""
    if isinstance(value, Tensor):
        require_tensor(value, name)
        return value
    return torch.tensor(real_number(value, name), dtype=torch.float64, device="cpu")


def is_positive(x: Tensor) -> bool:
    """Whether every entry is finite and above zero, in one pass over `x` and one wait for it."""
    if x.numel() == 0:
        return True
    low, high = torch.aminmax(x.detach())  # NaN where `x` has one
    return bool((low > 0) & (high < torch.inf))


def require_positive(x: Tensor, name: str) -> None:
    """Raise ValueError unless `x` is floating-point and every entry is finite and above zero.

    The message says how many entries are zero, negative, NaN or infinite (an infinite entry is
    counted as infinite only, whatever its sign), and the index of the first offender.
    """
    require_floating(x, name)
    if not has_values(x) or is_positive(x):
        return
    good = (x > 0) & (x < torch.inf)
    infinite = torch.isinf(x)
    counts = {
        "zero": int((x == 0).sum()),
        "negative": int(((x < 0) & ~infinite).sum()),
        "NaN": int(torch.isnan(x).sum()),
        "infinite": int(infinite.sum()),
    }
    found = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count > 0)
    first = tuple(int(i) for i in (~good).nonzero()[0])
    raise ValueError(
        f"{name} must be positive and finite, but has {found} of {x.numel()} entries, the first "
        f"at index {first} (value {float(x[first])}): geometric Brownian motion lives on x > 0; "
        "rescale images to [1, 2] with positive_from_integers."
    )


def require_finite(x: Tensor, name: str) -> None:
    """Raise ValueError unless `x` is floating-point and every element is finite."""
    require_floating(x, name)
    if has_values(x) and not bool(torch.isfinite(x).all()):
        raise ValueError(f"{name} must be finite, got NaN or infinite elements.")


def require_same_shape(x: Tensor, other: Tensor, name: str) -> None:
    """Raise ValueError unless `other`, `name`, is floating-point and has the shape of `x`."""
    require_floating(other, name)
    if other.shape != x.shape:
        raise ValueError(
            f"{name} must have the shape of x, {tuple(x.shape)}, got {tuple(other.shape)}."
        )


def like(x: Tensor, other: Tensor, name: str) -> Tensor:
    """`other` in the dtype of the state `x`, once it is known to have its shape."""
    require_same_shape(x, other, name)
    return other.to(x.dtype)


def integers(labels: Tensor, name: str) -> Tensor:
    """A copy of `labels` in int64; ValueError unless they are a tensor of integers."""
    require_tensor(labels, name)
    if labels.is_floating_point():
        raise ValueError(f"{name} must be integers, got {labels.dtype}.")
    return labels.to(torch.int64, copy=True)


RandomState = int | np.integer | torch.Generator | None
"""Where random numbers come from; `generator` says what each means."""


def generator(random_state: RandomState) -> torch.Generator:
    """The generator that is meant: itself, a new one on the CPU with that seed, or torch's own."""
    if random_state is None:
        return torch.default_generator
    if isinstance(random_state, torch.Generator):
        return random_state
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        return torch.Generator().manual_seed(int(random_state))
    raise ValueError(
        "random_state must be None, a whole number or a torch.Generator, got "
        f"{random_state!r}; a generator of NumPy draws for gbm_ref."
    )


def finite_number(value: float, name: str) -> float:
    """`value` as a float; ValueError unless it is a finite number."""
    number = real_number(value, name)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number, got {value}.")
    return number


def positive_number(value: float, name: str) -> float:
    """`value` as a float; ValueError unless it is positive and finite."""
    number = real_number(value, name)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{name} must be a positive finite number, got {value}.")
    return number


def whole_number(value: int, name: str, least: int) -> int:
    """`value` as an int; ValueError unless it is a whole number of at least `least`."""
    number = real_number(value, name)
    if not (math.isfinite(number) and number == int(number) and number >= least):
        raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}.")
    return int(value)


def require_non_negative(value: float | Tensor, name: str) -> None:
    """Raise ValueError unless `value`, a number or a tensor, is finite and nowhere negative."""
    if isinstance(value, Tensor):
        require_tensor(value, name)
        good = not has_values(value) or bool(((value >= 0) & (value < torch.inf)).all())
    else:
        good = 0 <= real_number(value, name) < math.inf
    if not good:
        raise ValueError(f"{name} must be finite and not negative, got {value}.")


def square(value: float, name: str) -> float:
    """value^2, once it is known to be a float64 with all its digits."""
    squared = value * value
    if not SMALLEST <= squared < math.inf:
        raise ValueError(
            f"{name} must lie between 1.5e-154 and 1.3e154, so that its square is within the "
            f"range of float64, got {value}."
        )
    return squared


def require_covariance(cov: Tensor, name: str) -> None:
    """Raise ValueError unless `cov` (..., d, d) is finite, symmetric and positive semidefinite."""
    require_floating(cov, name)
    if cov.ndim < 2 or cov.shape[-1] != cov.shape[-2]:
        raise ValueError(f"{name} must be a square matrix, got shape {tuple(cov.shape)}.")
    require_finite(cov, name)
    if not has_values(cov):
        return
    rounding = max(1e-10, 8 * torch.finfo(cov.dtype).eps * cov.shape[-1])
    # Of unlike scales the small ones count as much as the large.
    stds = cov.detach().diagonal(dim1=-2, dim2=-1).clamp(min=0).sqrt()
    flat = stds == 0
    if bool(((cov - cov.mT).abs() > rounding * stds[..., :, None] * stds[..., None, :]).any()):
        raise ValueError(f"{name} must be symmetric.")
    units = torch.where(flat, torch.ones_like(stds), stds)
    correlations = cov.detach() / units[..., :, None] / units[..., None, :]
    negative = bool((torch.linalg.eigvalsh(correlations)[..., 0] < -rounding).any())
    # Where a variance is 0 the eigenvalue is of second order in what must be 0 too.
    if negative or bool((flat[..., None] & (correlations != 0)).any()):
        raise ValueError(f"{name} must be positive semidefinite: it has a negative eigenvalue.")


def require_shares(weights: Tensor) -> None:
    """Raise ValueError unless `weights` (J,) are positive and sum to 1 up to rounding."""
    if not has_values(weights):
        return
    if not bool((weights > 0).all()):
        raise ValueError("weights must be positive numbers, one a row of log_means.")
    rounding = 8 * len(weights) * torch.finfo(weights.dtype).eps
    total = float(weights.detach().double().sum())
    if not abs(total - 1) <= (1e-12 if weights.dtype == torch.float64 else rounding):
        raise ValueError(f"weights must sum to 1, got {total!r}.")
