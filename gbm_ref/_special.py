"""Special functions and integrals of `closed_forms`, without cancellation."""

import math
from collections.abc import Callable

import numpy as np
from scipy.integrate import quad
from scipy.special import gammaln, hyp2f1, zetac

from gbm_ref._checks import Array

# Below this argument of the gamma functions a product or a sum replaces Stirling's series, whose
# first neglected terms are then 2702765 / 24 / 81^12 = 1.4e-18 and 0.253 / 20.5^13 = 2.3e-18.
_SERIES_FROM = 20
# Where e^-x ends, to 1e-26 of its integral.
_PEAK = 60.0


def step_divergence(gap: Array, ratio: Array) -> Array:
    """(r - 1 - log r) / 2 for gap = 1 - r and ratio = r in (0, 1), to a few u of itself.

    For a small gap it is gap^2 / 4 F(1, 2; 3; gap), where the plain form cancels.
    """
    small = np.minimum(gap, 0.5)
    series = 0.5 * small**2 * hyp2f1(1.0, 2.0, 3.0, small)
    return np.asarray(0.5 * np.where(gap < 0.5, series, -gap - np.log(ratio)))


def log_gamma_excess(x: Array) -> Array:
    """log Gamma(1 + 2 x) - 2 log Gamma(1 + x) for x > 0, without cancellation for small x.

    There it is the sum over k >= 2 of zeta(k) (2^k - 2) (-x)^k / k, in which the 1 of every zeta
    adds up to log((1 + x)^2 / (1 + 2 x)).
    """
    k = np.arange(2.0, 64.0)
    small = np.minimum(x, 0.5)
    series = np.sum(zetac(k) * (2.0**k - 2.0) * (-small[..., None]) ** k / k, axis=-1)
    plain = gammaln(1.0 + 2.0 * x) - 2.0 * gammaln(1.0 + x)
    return np.where(x < 0.5, series + np.log1p(small**2 / (1.0 + 2.0 * small)), plain)


def log_gamma_ratio(q: Array, steps: int) -> Array:
    """log of the gain of `euler_flow_law`, the product over k = 1 .. N of 1 - 1 / (2 (q + k)).

    Gamma(x + 1) / Gamma(x + 1/2) = sqrt(x + 1/4) exp(tail(x)) for large x, so that a difference
    of log-gammas, which would lose log10(q log q) digits, is not needed.
    """
    first = min(steps, _SERIES_FROM)
    head = np.sum(np.log1p(-0.5 / (q[:, None] + np.arange(1.0, first + 1.0))), axis=1)
    near, far = q + first, q + steps
    return head - 0.5 * np.log1p((steps - first) / (near + 0.25)) + _tail(near) - _tail(far)


def _tail(x: Array) -> Array:
    """- sum over even j of E_j / (2 j (4 x + 1)^j), E_j the Euler numbers -1, 5, -61, ...

    From Stirling's series in the Bernoulli polynomials at 1/4 and 3/4.
    """
    w = (4.0 * x + 1.0) ** -2
    return w * (1 / 4 - w * (5 / 8 - w * (61 / 12 - w * (1385 / 16 - w * 50521 / 20))))


def trigamma_difference(q: Array, steps: int) -> Array:
    """psi_1(q + 1) - psi_1(q + N), the sum over k = 1 .. N - 1 of 1 / (q + k)^2, to a few u.

    psi_1(w + 1/2) = 1 / w + tail(w) for large w, and the difference of two 1 / w is a product.
    """
    first = min(steps - 1, _SERIES_FROM)
    head = np.sum((q[:, None] + np.arange(1.0, first + 1.0)) ** -2.0, axis=1)
    near, far = q + (first + 0.5), q + (steps - 0.5)
    far_part = (steps - 1.0 - first) / (near * far) + _trigamma_tail(near) - _trigamma_tail(far)
    return np.asarray(head + far_part)


def _trigamma_tail(w: Array) -> Array:
    """Sum over j = 1 .. 5 of B_2j(1/2) / w^(2 j + 1), B_2j the Bernoulli polynomials."""
    u = w**-2.0
    series = 1 / 12 - u * (7 / 240 - u * (31 / 1344 - u * (127 / 3840 - u * 2555 / 33792)))
    return -u / w * series


def power_integral(data_vars: Array, widths: Array, power: float) -> Array:
    """Integral over v in [lambda, lambda e^width] of (lambda / v)^power."""
    x = (power - 1.0) * widths
    safe = np.where(x == 0.0, 1.0, x)
    return data_vars * widths * np.where(x == 0.0, 1.0, -np.expm1(-safe) / safe)


def annealed_integral(
    data_var: float, width: float, total: float, rho: float, decay: float
) -> float:
    """Integral over v in [lambda, v_N] of (lambda / v)^(2 rho) exp(-2 decay (v_N - v) / total).

    v_N = lambda + total; by quadrature over u = log(v / lambda) in [0, width]. Where the last
    factor is narrow, its peak at v_N is taken by itself, over x = 2 decay (v_N - v) / total.
    """

    def integrand(u: float) -> float:
        below = 1.0 - data_var * math.expm1(u) / total
        return math.exp((1.0 - 2.0 * rho) * u - 2.0 * decay * below)

    if 2.0 * decay <= _PEAK:
        return data_var * _converged(integrand, 0.0, width, 0.0, decay)
    end = data_var + total

    def peak(x: float) -> float:
        return math.exp(-2.0 * rho * math.log1p(-total / end * x / (2.0 * decay)) - x)

    scale = total / (2.0 * decay) * math.exp(-2.0 * rho * width)
    near = scale * _converged(peak, 0.0, _PEAK, 0.0, decay)
    rest = math.log1p(total / data_var * (1.0 - _PEAK / (2.0 * decay)))
    return near + data_var * _converged(integrand, 0.0, rest, 1e-14 * near / data_var, decay)


def _converged(
    integrand: Callable[[float], float], low: float, high: float, size: float, decay: float
) -> float:
    """An integral to 1e-12 of itself or to `size`."""
    value, error = quad(integrand, low, high, epsabs=size, epsrel=1e-12, limit=200, full_output=1)[
        :2
    ]
    if not error <= max(1e-10 * value, size):
        raise ValueError(f"the integral of the limit did not converge for decay={decay}.")
    return float(value)
