"""Mirrored Langevin dynamics on the positive orthant (torch).

With the mirror map phi(x) = sum x_i log x_i the dual variable is log x (up to a constant), and for
a density p on x > 0, with Stein score grad log p and standard normal z, Euler-Maruyama of

    d log X = (1 + X grad log p(X)) dt + sqrt(2) dW          eq. (22) of version 2; sheet A22

is x' = x exp(delta (1 + x grad log p(x)) + sqrt(2 delta) z). The SDE leaves p as it is; the chain
leaves a law that is off by O(delta) (Appendix D of version 2; sheet E20, R22).
"""

import math

import torch
from torch import Tensor

from gbm_fast.checks import require_positive, require_same_shape


def mirrored_langevin_step(x: Tensor, stein: Tensor, delta: float, z: Tensor) -> Tensor:
    """One step x exp(delta (1 + x stein) + sqrt(2 delta) z): eq. (22) of version 2; sheet A37.

    `x` (batch, *event) positive; `stein` the score grad log p at x and `z` standard normal, both
    of the shape of x; `delta` > 0 the step length, in units of the squared log of x. Returns the
    shape and dtype of x. Raises ValueError for a non-positive or non-finite x, another shape, or a
    delta that is not positive and finite.
    """
    require_positive(x, "x")
    require_same_shape(x, stein, "stein")
    require_same_shape(x, z, "z")
    if not 0 < delta < math.inf:
        raise ValueError(f"delta must be positive and finite, got {delta!r}.")
    drift = delta * (1 + x * stein.to(x.dtype))
    return x * torch.exp(drift + math.sqrt(2 * delta) * z.to(x.dtype))
