"""Checks of tensors that every module shares: cheap, vectorised, clear about what was wrong."""

import math

import torch
from torch import Tensor


def require_positive(x: Tensor, name: str) -> None:
    """Raise ValueError unless `x` is floating-point and every entry is finite and above zero.

    The message says how many entries are zero, negative, NaN or infinite (an infinite entry is
    counted as infinite only, whatever its sign), and the index of the first offender.
    """
    if not x.is_floating_point():
        raise ValueError(f"{name} must be a floating-point tensor, got {x.dtype}.")
    good = (x > 0) & (x < torch.inf)
    if bool(good.all()):
        return
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
        "rescale images to [1, 2] with positive_from_integers"
    )


def require_finite(x: Tensor, name: str) -> None:
    """Raise ValueError unless every element of `x` is finite."""
    if not bool(torch.isfinite(x).all()):
        raise ValueError(f"{name} must be finite, got NaN or infinite elements.")


def require_same_shape(x: Tensor, other: Tensor, name: str) -> None:
    """Raise ValueError unless `other`, called `name`, has the shape of the state `x`."""
    if other.shape != x.shape:
        raise ValueError(
            f"{name} must have the shape of x, {tuple(x.shape)}, got {tuple(other.shape)}."
        )


def positive_number(value: float, name: str) -> float:
    """`value` as a float; ValueError unless it is positive and finite."""
    number = float(value)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{name} must be a positive finite number, got {value}.")
    return number
