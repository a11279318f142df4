"""Shapes: one number a sample against a batch of events."""

from torch import Tensor


def expand_like(value: Tensor, x: Tensor) -> Tensor:
    """`value`, 0-d or (batch,), reshaped to broadcast against `x` (batch, *event).

    Raises ValueError where `value` has another shape.
    """
    if value.ndim == 0:
        return value
    if value.ndim != 1 or x.ndim == 0 or value.shape[0] != x.shape[0]:
        raise ValueError(
            f"expected a scalar or one value a sample, shape ({x.shape[0] if x.ndim else 1},), "
            f"got shape {tuple(value.shape)}."
        )
    return value.reshape(-1, *[1] * (x.ndim - 1))
