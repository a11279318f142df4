"""Between positive data in units of their own and the positive numbers of the diffusion.

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

# Images whose logarithms are taken at once, and what the rounding of float32 makes of one number.
_BLOCK, _ALIKE = 4096, 1e-7


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
