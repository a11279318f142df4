"""Between the integers of image files and the positive numbers of the diffusion.

A grey level u in {0, ..., max_value} becomes x = 1 + u / max_value in [1, 2] (Section 6 of
version 1; claim E24). Multiplicative noise needs x > 0; starting at 1 also bounds log x to
[0, log 2]. float32 numbers in [1, 2] are 2^-23 apart, so that the 65,536 levels of 16 bits stay
apart as well: the way there and back is exact for every level.

The state of the diffusion is x itself, or exp(x) for additive noise, which is multiplicative noise
on exp(x): exp(x) exp(sqrt(v) z) = exp(x + sqrt(v) z). There and back by float32 costs at most two
units of 2^-23 in x, which no level of 16 bits notices.
"""

import torch
from torch import Tensor

from gbm_fast.settings.training import NoiseName


def positive_from_integers(images: Tensor, max_value: int) -> Tensor:
    """x = 1 + u / max_value, float32 in [1, 2], of the same shape as `images`.

    `images` holds integers u in 0..max_value (any shape, any integer dtype). Raises ValueError
    for a floating dtype (an image that has been rescaled already) and for values out of range.
    """
    _check_max_value(max_value)
    if images.is_floating_point() or images.is_complex() or images.dtype == torch.bool:
        raise ValueError(
            f"images must be integers in 0..{max_value}, found {images.dtype}: pass the data "
            "set's own grey levels, not images that were rescaled already."
        )
    if images.numel() > 0:
        low, high = level_range(images)
        if low < 0 or high > max_value:
            raise ValueError(
                f"images run from {low} to {high}, outside 0..{max_value}: check max_value."
            )
    return 1.0 + images.to(torch.float32) / max_value


def integers_from_positive(x: Tensor, max_value: int) -> Tensor:
    """The nearest grey level of every pixel in 0..max_value, same shape as `x`.

    uint8 where max_value <= 255, else uint16.

    x is clipped to [1, 2] first, which is for output only (pictures, foreign feature
    extractors): distances are to be computed before it. Infinite values clip like any large
    value; NaN has no grey level and raises ValueError.
    """
    _check_max_value(max_value)
    num_nan = int(torch.isnan(x).sum())
    if num_nan > 0:
        raise ValueError(
            f"{num_nan} of {x.numel()} pixels are NaN: the sampler or the network diverged, and "
            "there is no picture to write."
        )
    levels = (x.clamp(1.0, 2.0) - 1.0) * max_value
    return levels.round().to(level_dtype(max_value))


def state_from_pixels(x: Tensor, noise: NoiseName) -> Tensor:
    """The state of images x: x, or exp(x) for additive noise; of the shape and dtype of x."""
    return x.exp() if noise == "additive" else x


def pixels_from_state(state: Tensor, noise: NoiseName) -> Tensor:
    """The inverse of `state_from_pixels`, not clipped: additive noise has pixels of any sign."""
    return state.log() if noise == "additive" else state


def level_dtype(max_value: int) -> torch.dtype:
    """The integer type of grey levels 0..max_value: uint8, or uint16 where 8 bits are too few.

    Raises ValueError for max_value outside 1..65535.
    """
    _check_max_value(max_value)
    return torch.uint8 if max_value <= 255 else torch.uint16


def level_range(images: Tensor) -> tuple[int, int]:
    """(least, greatest) value of a non-empty integer tensor; torch has none of uint16."""
    array = images.cpu().numpy()
    return int(array.min()), int(array.max())


def _check_max_value(max_value: int) -> None:
    if not 1 <= max_value <= 65535:
        raise ValueError(
            f"max_value must be an integer in 1..65535 (grey levels have 8 or 16 bits), "
            f"found {max_value}."
        )
