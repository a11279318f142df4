"""Posterior samples of a clean image: the chain of falling looks, run backwards from the image.

The image with speckle of L looks is the state of the chain at L (claim R24b). Given X_0 the state
at more looks M is

    Y_M = (L Y_L + X_0 gamma) / M,      gamma ~ Gamma(M - L, 1)

(claim R24b-ancestral). As M - L goes to 0, pixels change one at a time, so that all that the step
needs of X_0 is its law at each pixel by itself given the whole state, which is what the network
gives: X_0 is drawn from that law at every step, here a log-normal one, and in steps that are small
the joint law of the image follows. After the last step X_0 is drawn once more.

The draws are functions of (seed, sample, step): they do not depend on how many samples are made
together, nor on tiles.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from gbm_fast.gamma_noise import PixelLaws, gamma_ancestral_step
from gbm_fast.runtime.random import Stream, normal_events
from gbm_fast.training.speckle import speckle_events

Laws = Callable[[Tensor, Tensor], PixelLaws]
"""(log y (n, C, H, W), looks (n,)) to the laws of the clean pixels."""


def looks_levels(looks: float, most: float, num_steps: int) -> Tensor:
    """Looks from `looks` to `most`, geometric, float64 (num_steps + 1,); `most` above `looks`.

    Where the image has as many looks already there is nothing to step over: (1,).
    """
    if looks >= most:
        return torch.tensor([looks], dtype=torch.float64)
    steps = torch.linspace(0, 1, num_steps + 1, dtype=torch.float64)
    return looks * (most / looks) ** steps


def reverse_speckle(
    laws: Laws,
    y: Tensor,
    levels: Tensor,
    seed: int,
    samples: range,
    on_step: Callable[[], None] = lambda: None,
) -> Tensor:
    """Samples of X_0 given the image y (C, H, W): (len(samples), C, H, W), in units of y.

    levels   looks, rising; the first is that of y
    samples  their numbers
    on_step  called after each evaluation of the network
    """
    count, shape = len(samples), tuple(y.shape)
    x = y.expand(count, *shape)

    def clean(k: int) -> Tensor:
        at = laws(x.log(), levels[k].expand(count))
        z = torch.cat(
            [
                normal_events(seed, Stream.POSTERIOR, [j], range(k, k + 1), shape)[0]
                for j in samples
            ]
        )
        on_step()
        return (at.log_mean + at.log_std * z.to(x)).exp()

    for k in range(len(levels) - 1):
        fewer, more = float(levels[k]), float(levels[k + 1])
        gamma = speckle_events(
            seed, Stream.RESTORE, k, samples, torch.full((count,), more - fewer), shape
        ) * (more - fewer)
        x = gamma_ancestral_step(x, clean(k), fewer, more, gamma.to(x))
    return clean(len(levels) - 1)
