"""The law of the sign-agnostic sampler on log-normal data, without Monte Carlo.

With the score read at |X|, U_k = log |X_k| - a - m t_k is a Markov chain of its own:

    U_{k-1} = U_k + log |b + kappa sqrt(h) Z| + m' h,    b = 1 + h (1/2 - m' - U_k / v_k)

with m' = m / sigma^2 and v_k = v_0 + h k. E[U_0 | U_k] and E[U_0^2 | U_k], carried from k = 0 to
N, are polynomials in U_k / sqrt(v_k), interpolated at the nodes of a Gauss-Hermite rule; the mean
over Z is taken by another. The answer is given when a finer pair of rules agrees with it."""

from functools import cache
from itertools import accumulate
from operator import mul

import mpmath
from mpmath import mpf

_DIGITS = 30
_RULES = ((5, 8), (6, 9))


def law(
    v0: str, total: str, steps: int, drift: str = "0", kappa: str = "1", tolerance: str = "1e-8"
) -> tuple[mpf, mpf]:
    """(E U_0, Var U_0) for v_N = v_0 + total, an exact start and m' = drift.

    Raises ArithmeticError when the two pairs of rules differ by more than `tolerance`."""
    first, second = (_law(v0, total, steps, drift, kappa, *rules) for rules in _RULES)
    if max(abs(f - s) for f, s in zip(first, second, strict=True)) > mpf(tolerance):
        raise ArithmeticError(f"the recursion did not converge: {first} and {second}")
    return second


@cache
def _law(
    v0: str, total: str, steps: int, drift: str, kappa: str, outer: int, inner: int
) -> tuple[mpf, mpf]:
    with mpmath.workdps(_DIGITS):
        (nodes, weights), (draws, inner_weights) = map(_gauss_hermite, (outer, inner))
        to_coefficients = mpmath.matrix([[x**j for j in range(outer)] for x in nodes]) ** -1
        data, h, slope = mpf(v0), mpf(total) / steps, mpf(drift)
        draws, scale = [mpf(kappa) * mpmath.sqrt(h) * x for x in draws], mpmath.sqrt(data)
        # Coefficients from the lowest power on, of U_0 and of U_0^2.
        polynomials = [[mpf(0), scale], [mpf(0), mpf(0), data]]
        for k in range(1, steps + 1):
            root, values = mpmath.sqrt(data + h * k), ([], [])
            for x in nodes:
                b, still = 1 + h * (mpf("0.5") - slope - x / root), x * root + slope * h
                ends = [(still + mpmath.log(abs(b + d))) / scale for d in draws]
                moments = _moments(ends, inner_weights, outer)
                for polynomial, column in zip(polynomials, values, strict=True):
                    column.append(mpmath.fdot(polynomial, moments))
            scale = root
            polynomials = [list(to_coefficients * mpmath.matrix(c)) for c in values]
        moments = _moments(nodes, weights, outer)
        first, second = (mpmath.fdot(polynomial, moments) for polynomial in polynomials)
        return first, second - first**2


@cache
def _gauss_hermite(order: int) -> tuple[list[mpf], list[mpf]]:
    """Nodes and weights of the rule for the standard normal law, exact to degree 2 order - 1."""
    coefficients = mpmath.taylor(lambda x: mpmath.hermite(order, x / mpmath.sqrt(2)), 0, order)
    nodes = mpmath.polyroots(coefficients[::-1], maxsteps=200, extraprec=200)
    powers = mpmath.matrix([[x**j for x in nodes] for j in range(order)])
    moments = mpmath.matrix([mpmath.fac2(j - 1) if j % 2 == 0 else 0 for j in range(order)])
    return nodes, list(mpmath.lu_solve(powers, moments))


def _moments(at: list[mpf], weights: list[mpf], count: int) -> list[mpf]:
    by_power = accumulate(range(count - 1), lambda f, _: list(map(mul, f, at)), initial=weights)
    return list(map(mpmath.fsum, by_power))
