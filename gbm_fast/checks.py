"""Checks of tensors that every module shares: cheap, vectorised, clear about what was wrong."""

import math

import torch
from torch import Tensor


def require_positive(x: Tensor, name: str) -> None:
    """Raise ValueError unless every element of `x` is positive and finite (so no NaN either)."""
    if not x.is_floating_point():
        raise ValueError(f"{name} must be a floating-point tensor, got {x.dtype}.")
    valid = (x > 0) & (x < torch.inf)
    if not bool(valid.all()):
        raise ValueError(
            f"{name} must be positive and finite: {int((~valid).sum())} of {x.numel()} elements "
            "are zero, negative, infinite or NaN. Map images to [1, 2] first (x = 1 + u / 255)."
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
