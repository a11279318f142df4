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
from gbm_fast.divergence import r_minus_log1p
from gbm_fast.shapes import times_exp


def exponentiated_gradient_step(w: Tensor, grad: Tensor, eta: float) -> Tensor:
    """w exp(-eta grad sign(w)): eq. (19) of version 2; claim A19. Keeps every sign.

    The unnormalised form, for weights of either sign (claim E12); zeros stay zero. w and grad
    have one shape, which is that of the result. Raises ValueError for eta <= 0, other shapes or
    values that are not finite.
    """
    slope = _gradient(w, grad)
    return times_exp(w, -positive_number(eta, "eta") * slope * w.sign())


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
    return times_exp(x, drift + math.sqrt(2 * length) * draws)


@dataclass(frozen=True)
class Potential:
    """A differentiable convex function: value (..., d) -> (...), gradient (..., d) -> (..., d).

    divergence  (w, w_ref) -> D_phi, (...), in a form without cancellation where there is one
    """

    value: Callable[[Tensor], Tensor]
    gradient: Callable[[Tensor], Tensor]
    divergence: Callable[[Tensor, Tensor], Tensor] | None = None


def _entropy_divergence(w: Tensor, w_ref: Tensor) -> Tensor:
    """Sum of |w| log |w / w_ref| - |w| + |w_ref| for equal signs, which is never negative.

    Near w = w_ref, with |w| = |w_ref| (1 + r), a term is |w_ref| (r^2 - (1 + r) (r - log(1 + r))).
    For other signs it is |w| (log |w w_ref| + 1) + |w_ref|.
    """
    size, reference = w.abs(), w_ref.abs()
    same = w * w_ref.sign() >= 0
    gap = size - reference
    near = same & (gap.abs() < reference / 2)
    r = torch.where(near, gap, 0.0) / reference
    close = reference * (r.square() - (1 + r) * r_minus_log1p(r))
    product = torch.special.xlogy(size, size)
    equal = product - size * reference.log() - gap
    other = product + size * (reference.log() + 1) + reference
    return torch.where(near, close, torch.where(same, equal, other)).sum(-1)


EUCLIDEAN = Potential(
    lambda w: w.square().sum(-1) / 2,
    lambda w: w,
    lambda w, w_ref: (w - w_ref).square().sum(-1) / 2,
)
"""phi = |w|^2 / 2, whose mirror step is `gradient_step`."""

ENTROPY = Potential(
    lambda w: torch.special.xlogy(w.abs(), w.abs()).sum(-1),
    lambda w: w.sign() * (1 + w.abs().log()),
    _entropy_divergence,
)
"""phi = sum |w| log |w|, whose mirror step is `exponentiated_gradient_step`.

Convex on each orthant only (claim E12): compare weights of equal signs.
"""


def bregman(phi: Potential, w: Tensor, w_ref: Tensor) -> Tensor:
    """D_phi(w, w_ref) = phi(w) - phi(w_ref) - <grad phi(w_ref), w - w_ref>, shape (...).

    The divergence in eq. (18) of version 2; claims A18, E12. w and w_ref have one shape (..., d),
    in the domain of phi. Not negative where phi is convex between them: `EUCLIDEAN` and `ENTROPY`
    keep their digits where w and w_ref nearly agree, and so does a `phi` with a `divergence`; one
    without loses as many as the difference above. Raises ValueError for other shapes or where
    phi's gradient is not finite.
    """
    reference = _gradient(w, w_ref, "w_ref")
    slope = _gradient(w, phi.gradient(reference), "the gradient of phi")
    if phi.divergence is not None:
        return phi.divergence(w, reference)
    return phi.value(w) - phi.value(reference) - (slope * (w - reference)).sum(-1)


def _gradient(w: Tensor, grad: Tensor, name: str = "grad") -> Tensor:
    """`grad` in the dtype of w, once both are known to be finite and of one shape."""
    require_finite(w, "w")
    require_finite(grad, name)
    return like(w, grad, name)
