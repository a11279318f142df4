"""Exponentiated gradient, mirrored Langevin dynamics and Bregman divergences (Appendix D).

Symbols
    w, grad, eta   weights, gradient of the loss at w, learning rate > 0
    phi            a convex potential; D_phi its Bregman divergence
    x, stein       a positive state and grad log p(x)
    delta          step of the mirrored Langevin dynamics, > 0
    z              standard normal draws

Accurate to 8 * 2^-53 * S (accuracy vectors `exponentiated_gradient_step`, `gradient_step`,
`mirrored_langevin_step`, `bregman_entropy`, `bregman_euclidean`), and so is
`mirrored_langevin_law`, to d = 2 (claims `R22`, `R22-matrix`); beyond, S has the condition of the
correlations as a factor, however unlike the scales are (d <= 128).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref._gaussians import principal_axes
from gbm_ref.divergence import Gaussian, checked_gaussian, r_minus_log1p


def exponentiated_gradient_step(w: Values, grad: Values, eta: float) -> Array:
    """w * exp(-eta grad * sign(w)): eq. (19) of version 2; claim A19. Keeps every sign.

    The unnormalised form, for weights of either sign (claim E12); zeros stay zero. w and grad
    have one shape, which is that of the result. Raises ValueError for eta <= 0 or other shapes.
    """
    weights = _checks.finite_array(w, "w")
    slope = _checks.like(grad, weights, "grad", "w")
    rate = _checks.positive_number(eta, "eta")
    with _checks.quiet():
        return _checks.times_exp(weights, -rate * slope * np.sign(weights))


def gradient_step(w: Values, grad: Values, eta: float) -> Array:
    """w - eta grad: the mirror step of phi = |w|^2 / 2 (not of |w|^2: claim E8).

    Shapes and errors as in `exponentiated_gradient_step`.
    """
    weights = _checks.finite_array(w, "w")
    slope = _checks.like(grad, weights, "grad", "w")
    return weights - _checks.positive_number(eta, "eta") * slope


def mirrored_langevin_step(x: Values, stein: Values, delta: float, z: Values) -> Array:
    """Euler-Maruyama for eq. (22) of version 2; claim A22.

        log x' = log x + delta (1 + x * stein) + sqrt(2 delta) z

    x positive, (..., d); stein = grad log p(x) and z of its shape. Returns x', positive. Raises
    ValueError for delta <= 0, a non-positive x or other shapes.
    """
    state = _checks.positive_array(x, "x")
    gradient = _checks.like(stein, state, "stein")
    draws = _checks.like(z, state, "z")
    delta = _checks.positive_number(delta, "delta")
    with _checks.quiet():
        exponent = delta * (1.0 + state * gradient) + math.sqrt(2.0 * delta) * draws
        return _checks.times_exp(state, exponent)


def mirrored_langevin_law(
    log_mean: Values, log_cov: Values, delta: float, num_steps: int, start: Gaussian
) -> Gaussian:
    """Exact law of log X after num_steps of `mirrored_langevin_step` on a log-normal target.

    log_mean (d,), log_cov a number, (d,) or (d, d), positive definite: the target. In each
    eigendirection of log_cov, of variance lambda, with alpha = 1 - delta / lambda (claim R22):

        e_k = alpha^k e_0,     V_k = alpha^(2k) V_0 + 2 delta (1 - alpha^(2k)) / (1 - alpha^2)

    A limit exists only for 0 < delta < 2 lambda in every direction, and its variance is then
    lambda / (1 - delta / (2 lambda)), above lambda: the bias of Euler-Maruyama (claim E20).
    Raises ValueError for delta <= 0, num_steps < 0, a singular log_cov or a wrong shape.
    """
    centre = _checks.vector(log_mean, "log_mean")
    target_vars, basis = principal_axes(_checks.covariance(log_cov, centre.size, "log_cov"))
    if target_vars[0] <= 0.0:
        raise ValueError("log_cov must be positive definite.")
    delta = _checks.positive_number(delta, "delta")
    steps = _checks.whole_number(num_steps, "num_steps", 0)
    start = checked_gaussian(start, "start", centre.size)
    powers, sums = _powers(delta / target_vars, steps)
    if not np.isfinite(np.concatenate([powers**2, sums])).all():
        raise ValueError(
            f"delta={delta} is too large: after {steps} steps the variance is beyond the range of "
            f"float64; below {2.0 * target_vars[0]} there is a limit."
        )
    added = 2.0 * delta * sums
    cov = powers[:, None] * (basis.T @ start.cov @ basis) * powers + np.diag(added)
    mean = powers * ((start.mean - centre) @ basis)
    return Gaussian(centre + basis @ mean, basis @ cov @ basis.T)


def _powers(gap: Array, steps: int) -> tuple[Array, Array]:
    """alpha^steps and 1 + alpha^2 + ... + alpha^(2 (steps - 1)) for alpha = 1 - gap.

    From the gap, since rounding alpha first costs `steps` units where alpha is nearly 1.
    """
    if steps == 0:
        return np.ones_like(gap), np.zeros_like(gap)
    square_gap = gap * (2.0 - gap)
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        logs = steps * np.log1p(-np.minimum(gap, 2.0 - gap))  # of |alpha|^steps
        sums = -np.expm1(2.0 * logs) / np.where(square_gap == 0.0, 1.0, square_gap)
        powers = np.sign(1.0 - gap) ** steps * np.exp(logs)
    return powers, np.where(square_gap == 0.0, float(steps), sums)


@dataclass(frozen=True)
class Potential:
    """A differentiable convex function: value (..., d) -> (...), gradient (..., d) -> (..., d).

    divergence  (w, w_ref) -> D_phi, (...), in a form without cancellation where there is one
    """

    value: Callable[[Array], Array]
    gradient: Callable[[Array], Array]
    divergence: Callable[[Array, Array], Array] | None = None


def _entropy_terms(w: Array) -> Array:
    size = np.abs(w)
    return np.asarray(np.sum(size * np.log(np.where(size > 0.0, size, 1.0)), axis=-1))


def _entropy_divergence(w: Array, w_ref: Array) -> Array:
    """Sum of |w| log |w / w_ref| - |w| + |w_ref| for equal signs, which is never negative.

    Near w = w_ref, with |w| = |w_ref| (1 + r), a term is |w_ref| (r^2 - (1 + r) (r - log(1 + r))).
    For other signs it is |w| (log |w w_ref| + 1) + |w_ref|.
    """
    size, reference = np.abs(w), np.abs(w_ref)
    logs, log_reference = np.log(np.where(size > 0.0, size, 1.0)), np.log(reference)
    same = w * np.sign(w_ref) >= 0.0
    near = same & (np.abs(size - reference) < 0.5 * reference)
    r = np.where(near, size - reference, 0.0) / reference
    close = reference * (r**2 - (1.0 + r) * r_minus_log1p(r))
    equal = size * (logs - log_reference) + (reference - size)
    other = size * (logs + log_reference + 1.0) + reference
    return np.asarray(np.sum(np.where(near, close, np.where(same, equal, other)), axis=-1))


EUCLIDEAN = Potential(
    lambda w: np.sum(w * w, -1) / 2.0,
    lambda w: w,
    lambda w, w_ref: np.sum((w - w_ref) ** 2, -1) / 2.0,
)
"""phi = |w|^2 / 2, whose mirror step is `gradient_step`."""

ENTROPY = Potential(
    _entropy_terms,
    lambda w: np.sign(w) * (1.0 + np.log(np.abs(w))),
    _entropy_divergence,
)
"""phi = sum |w| log |w|, whose mirror step is `exponentiated_gradient_step`.

Convex on each orthant only (claim E12): compare weights of equal signs.
"""


def bregman(phi: Potential, w: Values, w_ref: Values) -> Array:
    """D_phi(w, w_ref) = phi(w) - phi(w_ref) - <grad phi(w_ref), w - w_ref>, shape (...).

    The divergence in eq. (18) of version 2; claims A18, E12. w and w_ref have one shape (..., d),
    in the domain of phi. Not negative where phi is convex between them: `EUCLIDEAN` and `ENTROPY`
    keep their digits where w and w_ref nearly agree, and so does a `phi` with a `divergence`; one
    without loses as many as the difference above. Raises ValueError for other shapes or where
    phi's gradient is not finite.
    """
    point = _checks.finite_array(w, "w")
    reference = _checks.like(w_ref, point, "w_ref", "w")
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = _checks.like(phi.gradient(reference), point, "the gradient of phi", "w")
    if phi.divergence is not None:
        with _checks.quiet():
            return np.asarray(phi.divergence(point, reference))
    linear = np.sum(slope * (point - reference), axis=-1)
    return np.asarray(phi.value(point) - phi.value(reference) - linear)
