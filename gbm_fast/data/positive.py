"""Between the numbers of the data and the positive numbers of the diffusion.

A grey level u in {0, ..., max_value} becomes x = 1 + u / max_value in [1, 2] (Section 6 of
version 1; claim E24). Multiplicative noise needs x > 0; starting at 1 also bounds log x to
[0, log 2]. float32 numbers in [1, 2] are 2^-23 apart, so that the 65,536 levels of 16 bits stay
apart as well: the way there and back is exact for every level.

The state of the diffusion is x itself, or exp(x) for additive noise, which is multiplicative noise
on exp(x): exp(x) exp(sqrt(v) z) = exp(x + sqrt(v) z). There and back by float32 costs at most two
units of 2^-23 in x, which no level of 16 bits notices.

Positive numbers y that have no box, such as intensities, concentrations or prices, are neither
mapped to [1, 2] nor cut. Only their scale is taken out, by the mean m and the deviation s of
log y, which are stored with the run:

    x = exp((log y - m) / s),        y = exp(m + s log x)

so that log x has mean 0 and deviation 1 whatever the units are. Geometric Brownian motion on x is
geometric Brownian motion on y: a log-variance v of x is s^2 v of y. Other units of y change m
alone, and leave x as it is.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gbm_fast.settings.training import NoiseName

# Images whose logarithms are taken at once, and what the rounding of float32 makes of one number.
_BLOCK, _ALIKE = 4096, 1e-7


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


@dataclass(frozen=True)
class LogScale:
    """Mean and deviation of log y, one each a channel of images or a column of vectors.

    log_means   (C,) finite
    log_stds    (C,) positive; of images all alike, so that one noise level is one for all channels

    Raises ValueError for numbers that are not so.
    """

    log_means: tuple[float, ...]
    log_stds: tuple[float, ...]

    def __post_init__(self) -> None:
        moments = torch.tensor([*self.log_means, *self.log_stds], dtype=torch.float64)
        if not bool(moments.isfinite().all()) or len(self.log_means) != len(self.log_stds):
            raise ValueError("log_means and log_stds must be finite and equally many.")
        if min(self.log_stds, default=0.0) <= 0:
            raise ValueError(f"log_stds must be positive, got {self.log_stds}.")

    def states(self, values: Tensor) -> Tensor:
        """x of values y (n, C, ...) > 0: float32, of the same shape."""
        mean, std = self.moments(values)
        return ((values.double().log() - mean) / std).exp().float()

    def values(self, states: Tensor) -> Tensor:
        """y of states x (n, C, ...): float32, of the same shape; 0 where x is not positive.

        Steps in x itself may end there; then no y is meant.
        """
        mean, std = self.moments(states)
        return (mean + std * states.double().clamp(min=0).log()).exp().float()

    def moments(self, tensor: Tensor) -> tuple[Tensor, Tensor]:
        """m and s, float64, in a shape that fits (n, C, ...)."""
        shape = (-1, *(1 for _ in tensor.shape[2:]))
        made = (tensor.new_tensor(m, dtype=torch.float64) for m in (self.log_means, self.log_stds))
        mean, std = (moment.reshape(shape) for moment in made)
        return mean, std


def scale_of_images(images: Tensor) -> LogScale:
    """The scale of positive images (n, C, H, W): the mean of log y of each channel, one deviation.

    Raises ValueError where all pixels of every channel are alike.
    """
    blocks = images.split(_BLOCK)
    count = images.numel() // images.shape[1]
    sums = [block.double().log().sum((0, 2, 3)) for block in blocks]
    mean = torch.stack(sums).sum(0) / count
    centred = [(b.double().log() - mean[:, None, None]).square().sum() for b in blocks]
    std = float((torch.stack(centred).sum() / images.numel()).sqrt())
    if not std > _ALIKE * (1 + float(mean.abs().max())):
        raise ValueError(
            "all pixels of the training images are alike: there is nothing to learn; use other "
            "images."
        )
    return LogScale(tuple(mean.tolist()), (std,) * images.shape[1])


def scale_of_columns(values: Tensor, columns: tuple[str, ...]) -> LogScale:
    """The scale of positive vectors (n, d): the mean and the deviation of log y of each column.

    Raises ValueError, with the column's name, where all numbers of a column are alike.
    """
    logs = values.double().log()
    mean, std = logs.mean(0), logs.std(0, correction=0)
    for name, centre, deviation in zip(columns, mean.tolist(), std.tolist(), strict=True):
        if not deviation > _ALIKE * (1 + abs(centre)):
            raise ValueError(
                f"all numbers of the column {name} are alike: there is nothing to learn; leave it "
                "out."
            )
    return LogScale(tuple(mean.tolist()), tuple(std.tolist()))
