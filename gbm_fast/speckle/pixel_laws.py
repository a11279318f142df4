"""What a network says of each pixel of a clean image, given the image with speckle of L looks.

    Y = X G,   G ~ Gamma(L, rate L)        v = psi'(L), b = psi(L) - log L: the moments of log G

Symbols: y (batch, *event) the image with speckle, in units in which log X has mean 0 and deviation
s over the training data; u = log y - b; F_1..F_4 the network's outputs. With the slope
k = s^2 / (s^2 + v) and the deviation c = s sqrt(v / (s^2 + v)) of the best linear estimate of
log X from u,

    E[log X | y]     = k u + c F_1
    sd(log X_i | y)  = c exp(F_2)                      of each pixel i by itself, |F_2| <= 1.5
    E[sqrt(X) | y]   = exp((k u + c F_3) / 2 + c^2 / 8)
    E[X | y]         = exp(k u + c F_4 + c^2 / 2)

so that an untrained network (F = 0) gives the exact answers for a log-normal pixel with log-normal
speckle of the same v. The three means are each regressed by squares, whose minimum is the mean
itself; the deviation by the likelihood of a normal log X with that mean. A mean of X is not the
exponential of the mean of log X: which one is wanted is the user's choice, and each is learned.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from gbm_fast.checks import positive_number
from gbm_fast.gamma_noise import gamma_log_moments
from gbm_fast.networks.conditions import log_variance
from gbm_fast.shapes import expand_like

OUTPUTS = 4
"""Numbers that the network puts out for each pixel."""
_OF_DEVIATION = 0.1  # weight of the likelihood of the deviation beside the three squares
_MOST = 1.5  # of |F_2|, so that states which no training has shown stay finite


class PixelLaws(NamedTuple):
    """Of each pixel given the whole image with speckle, all (batch, *event).

    log_mean    E[log X_i]
    log_std     the standard deviation of log X_i
    root_mean   E[sqrt X_i]
    mean        E[X_i]
    """

    log_mean: Tensor
    log_std: Tensor
    root_mean: Tensor
    mean: Tensor


class SpeckleModel(nn.Module):
    """A network as the law of each clean pixel given an image with speckle.

    Args:
        network: module (input (batch, channels, height, width), condition (batch,)) ->
            (batch, OUTPUTS * channels, height, width).
        log_std: s of the module's docstring.
        autocast: dtype of the network's arithmetic, or None for that of its weights. Everything
            else is in the dtype of y.

    Raises ValueError for a log_std that is not positive.
    """

    def __init__(
        self, network: nn.Module, log_std: float, autocast: torch.dtype | None = None
    ) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)
        self.log_std = positive_number(log_std, "log_std")
        self.autocast = autocast

    def forward(self, log_y: Tensor, looks: Tensor) -> PixelLaws:
        """The laws given log y (batch, channels, height, width), for looks L > 0, (batch,)."""
        bias, v = (part.to(log_y) for part in gamma_log_moments(looks.double()))
        s = self.log_std**2
        inner = (s * v / (s + v)).sqrt()
        u = log_y - expand_like(bias, log_y)
        inputs = u * expand_like((s + v).rsqrt(), u)
        with torch.autocast(log_y.device.type, self.autocast, enabled=self.autocast is not None):
            out = self.network(inputs, log_variance(v).expand(len(u)))
        c = expand_like(inner, u)
        linear = u * expand_like(s / (s + v), u)
        f1, f2, f3, f4 = out.to(u.dtype).chunk(OUTPUTS, dim=1)
        return PixelLaws(
            linear + c * f1,
            c * f2.clamp(-_MOST, _MOST).exp(),
            ((linear + c * f3) / 2 + c.square() / 8).exp(),
            (linear + c * f4 + c.square() / 2).exp(),
        )


def speckle_loss(
    model: nn.Module, x0: Tensor, looks: Tensor, speckle: Tensor, log_std: float
) -> Tensor:
    """The loss of each image, (batch,), summed over its pixels.

    Three squares, each divided by what the best linear estimate of log X leaves, c^2, and a
    likelihood:

        {(log x - E[log X])^2 + (2 (sqrt x - E[sqrt X]))^2 + (x - E[X])^2} / c^2
          + w {(log x - E[log X])^2 / (2 sd^2) + log sd},         w = 0.1

    where the means inside the likelihood are not moved by it.

    x0       clean images (batch, *event), positive
    looks    L > 0, (batch,)
    speckle  G of mean 1 and L looks, of the shape of x0
    """
    laws = model((x0 * speckle).log(), looks)
    _, v = gamma_log_moments(looks.double())
    s = log_std**2
    inner = expand_like((s * v / (s + v)).to(x0), x0)
    off = x0.log() - laws.log_mean
    squares = off.square() + (2 * (x0.sqrt() - laws.root_mean)).square()
    squares = (squares + (x0 - laws.mean).square()) / inner
    fit = off.detach().square() / (2 * laws.log_std.square()) + laws.log_std.log()
    return (squares + _OF_DEVIATION * fit).flatten(1).sum(1)
