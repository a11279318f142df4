"""What a network says of each pixel of a clean image, given the image with speckle of L looks.

    Y = X G,   G ~ Gamma(L, rate L)        v = psi'(L), b = psi(L) - log L: the moments of log G

Symbols: y (batch, *event) the image with speckle, in units in which log X has mean 0 and deviation
s over the training data; u = log y - b; F_1..F_6 the network's outputs. With the slope
k = s^2 / (s^2 + v) and the deviation c = s sqrt(v / (s^2 + v)) of the best linear estimate of
log X from u,

    E[log X | y]     = k u + c F_1
    sd(log X_i | y)  = c exp(F_2)                      of each pixel i by itself
    E[sqrt(X) | y]   = exp((k u + c F_3) / 2 + c^2 / 8)
    E[X | y]         = exp(k u + c F_4 + c^2 / 2)
    5 %, 95 % of X_i = exp(E[log X | y] -+ 1.645 c exp(F_5, F_6))

with -4 <= F_2, F_5, F_6 <= 1.5, so that an untrained network (F = 0) gives the exact answers for a
log-normal pixel with log-normal speckle of the same v. The three means are each regressed by
squares, whose minimum is the mean itself; the deviation by the likelihood of a normal log X with
that mean; the quantiles by the pinball loss, whose minimum is the quantile, whatever the law is. A
mean of X is not the exponential of the mean of log X: which one is wanted is the user's choice,
and each is learned.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from gbm_fast.checks import positive_number
from gbm_fast.gamma_noise.looks import gamma_log_moments
from gbm_fast.networks.conditions import log_variance
from gbm_fast.shapes import expand_like

OUTPUTS = 6
"""Numbers that the network puts out for each pixel."""
# Weights of the likelihood of the deviation, and of the quantiles' losses, beside the squares.
_OF_DEVIATION, _OF_QUANTILES = 0.1, 0.3
TAIL = 0.05
Z95 = 1.6448536269514722
"""The normal quantile of 95 %."""
_LEAST, _MOST = -4.0, 1.5  # of F_2, F_5 and F_6: states that no training has shown stay finite


class PixelLaws(NamedTuple):
    """Of each pixel given the whole image with speckle, all (batch, *event).

    log_mean    E[log X_i]
    log_std     the standard deviation of log X_i
    root_mean   E[sqrt X_i]
    mean        E[X_i]
    low, high   the 5 % and the 95 % quantile of X_i
    """

    log_mean: Tensor
    log_std: Tensor
    root_mean: Tensor
    mean: Tensor
    low: Tensor
    high: Tensor


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
        f1, f2, f3, f4, f5, f6 = out.to(u.dtype).chunk(OUTPUTS, dim=1)
        log_mean = linear + c * f1
        std, below, above = (c * f.clamp(_LEAST, _MOST).exp() for f in (f2, f5, f6))
        return PixelLaws(
            log_mean,
            std,
            ((linear + c * f3) / 2 + c.square() / 8).exp(),
            (linear + c * f4 + c.square() / 2).exp(),
            # Of the mean as it is: the quantiles' losses do not move it.
            (log_mean.detach() - Z95 * below).exp(),
            (log_mean.detach() + Z95 * above).exp(),
        )


def speckle_loss(
    model: nn.Module, x0: Tensor, looks: Tensor, speckle: Tensor, log_std: float
) -> Tensor:
    """The loss of each image, (batch,), summed over its pixels.

    Three squares, each divided by what the best linear estimate of log X leaves, c^2, a
    likelihood, and two pinball losses rho_p(e) = max(p e, (p - 1) e):

        {(log x - E[log X])^2 + (2 (sqrt x - E[sqrt X]))^2 + (x - E[X])^2} / c^2
          + 0.1 {(log x - E[log X])^2 / (2 sd^2) + log sd}
          + 0.3 {rho_0.05(log x - log low) + rho_0.95(log x - log high)} / c

    where the means in the last two lines are not moved by them.

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
    low, high = (x0.log() - end.log() for end in (laws.low, laws.high))
    quantiles = torch.maximum(TAIL * low, (TAIL - 1) * low)
    quantiles = quantiles + torch.maximum((1 - TAIL) * high, -TAIL * high)
    rest = _OF_DEVIATION * fit + _OF_QUANTILES * quantiles / inner.sqrt()
    return (squares + rest).flatten(1).sum(1)
