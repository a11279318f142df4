"""Exponentiated gradient, mirrored Langevin dynamics and Bregman divergences (torch; Appendix D).

Symbols
    w, grad, eta   weights, gradient of the loss at w, learning rate > 0
    phi            a convex potential; D_phi its Bregman divergence
    x, stein       a positive state (batch, *event) and grad log p(x)
    delta          step of the mirrored Langevin dynamics, > 0
    z              standard normal draws

With the mirror map phi(x) = sum x_i log x_i the dual variable is log x (up to a constant), and for
a density p on x > 0 Euler-Maruyama of

    d log X = (1 + X grad log p(X)) dt + sqrt(2) dW          eq. (22) of version 2; claim A22

is x' = x exp(delta (1 + x grad log p(x)) + sqrt(2 delta) z). The SDE leaves p as it is; the chain
leaves a law that is off by O(delta) (Appendix D of version 2; claims E20, R22).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gbm_fast.checks import like, positive_number, require_finite, require_positive


def exponentiated_gradient_step(w: Tensor, grad: Tensor, eta: float) -> Tensor:
    """w exp(-eta grad sign(w)): eq. (19) of version 2; claim A19. Keeps every sign.

    The unnormalised form, for weights of either sign (claim E12); zeros stay zero. w and grad
    have one shape, which is that of the result. Raises ValueError for eta <= 0, other shapes or
    values that are not finite.
    """
    slope = _gradient(w, grad)
    return w * torch.exp(-positive_number(eta, "eta") * slope * w.sign())


def gradient_step(w: Tensor, grad: Tensor, eta: float) -> Tensor:
    """w - eta grad: the mirror step of phi = |w|^2 / 2 (not of |w|^2: claim E8).

    Shapes and errors as in `exponentiated_gradient_step`.
    """
    slope = _gradient(w, grad)
    return w - positive_number(eta, "eta") * slope


def mirrored_langevin_step(x: Tensor, stein: Tensor, delta: float, z: Tensor) -> Tensor:
    """One step x exp(delta (1 + x stein) + sqrt(2 delta) z): eq. (22) of version 2; claim A37.

    `x` (batch, *event) positive; `stein` the score grad log p at x and `z` standard normal, both
    of the shape of x; `delta` > 0 the step length, in units of the squared log of x. Returns the
    shape and dtype of x. Raises ValueError for a non-positive or non-finite x, another shape, or a
    delta that is not positive and finite.
    """
    require_positive(x, "x")
    gradient, draws = like(x, stein, "stein"), like(x, z, "z")
    length = positive_number(delta, "delta")
    drift = length * (1 + x * gradient)
    return x * torch.exp(drift + math.sqrt(2 * length) * draws)


@dataclass(frozen=True)
class Potential:
    """A differentiable convex function: value (..., d) -> (...), gradient (..., d) -> (..., d)."""

    value: Callable[[Tensor], Tensor]
    gradient: Callable[[Tensor], Tensor]


EUCLIDEAN = Potential(lambda w: w.square().sum(-1) / 2, lambda w: w)
"""phi = |w|^2 / 2, whose mirror step is `gradient_step`."""

ENTROPY = Potential(
    lambda w: torch.special.xlogy(w.abs(), w.abs()).sum(-1),
    lambda w: w.sign() * (1 + w.abs().log()),
)
"""phi = sum |w| log |w|, whose mirror step is `exponentiated_gradient_step`.

Convex on each orthant only (claim E12): compare weights of equal signs.
"""


def bregman(phi: Potential, w: Tensor, w_ref: Tensor) -> Tensor:
    """D_phi(w, w_ref) = phi(w) - phi(w_ref) - <grad phi(w_ref), w - w_ref>, shape (...).

    The divergence in eq. (18) of version 2; claims A18, E12. w and w_ref have one shape (..., d),
    in the domain of phi. Not negative where phi is convex between them. Raises ValueError for
    other shapes or where phi's gradient is not finite.
    """
    reference = _gradient(w, w_ref, "w_ref")
    slope = _gradient(w, phi.gradient(reference), "the gradient of phi")
    return phi.value(w) - phi.value(reference) - (slope * (w - reference)).sum(-1)


def _gradient(w: Tensor, grad: Tensor, name: str = "grad") -> Tensor:
    """`grad` in the dtype of w, once both are known to be finite and of one shape."""
    require_finite(w, "w")
    require_finite(grad, name)
    return like(w, grad, name)
