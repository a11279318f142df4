"""Comparing high-precision numbers, for what algebra cannot decide."""

from collections.abc import Callable

import mpmath
from mpmath import mpf

DIGITS = 50


def agree(left: mpf, right: mpf, digits: int = 30, size: mpf | float = 0) -> bool:
    """|left - right| <= 10^-digits * max(|left|, |right|, size), and both finite.

    `size` is the size of the terms that cancel, where the values themselves may be near zero.
    """
    if not (mpmath.isfinite(left) and mpmath.isfinite(right)):
        return False
    bound = mpf(10) ** -digits * max(abs(left), abs(right), mpf(size))
    return bool(abs(left - right) <= bound)


def rounds_to(value: mpf | float, printed: str) -> bool:
    """Whether `value` rounds to `printed`, a decimal such as "-0.1315" or "6.9e-5"."""
    mantissa, _, exponent = printed.partition("e")
    decimals = len(mantissa.partition(".")[2]) - int(exponent or 0)
    return bool(abs(mpf(value) - mpf(printed)) <= mpf("0.5000001") * mpf(10) ** -decimals)


def integral(function: Callable[[mpf], mpf], *nodes: object) -> mpf:
    """The integral of `function` over [nodes[0], nodes[-1]], split at the inner nodes.

    Computed at two working precisions and returned when they agree to 32 digits; raises
    ArithmeticError when they do not.
    """
    with mpmath.workdps(DIGITS):
        first = mpmath.quad(function, [mpf(node) for node in nodes])
    with mpmath.workdps(DIGITS + 15):
        second = mpmath.quad(function, [mpf(node) for node in nodes], maxdegree=9)
    if not agree(first, second, 32, mpf("1e-3")):
        raise ArithmeticError(f"the integral did not converge: {first} and {second}")
    return second


def normal_expectation(function: Callable[[mpf], mpf], digits: int = 32) -> mpf:
    """E[function(Z)] for Z standard normal, by the trapezoidal rule.

    The rule converges exponentially for functions that are analytic near the real line and grow
    at most like e^{c u}; the step is halved until two values agree to `digits` digits (of the
    expectation of |function|). Raises ArithmeticError when a step of 1/128 is not enough.
    """
    with mpmath.workdps(DIGITS):
        previous = None
        for level in range(1, 8):
            step = mpf(2) ** -level
            nodes = [step * k for k in range(-18 * 2**level, 18 * 2**level + 1)]
            terms = [function(u) * mpmath.npdf(u) * step for u in nodes]
            value, size = mpmath.fsum(terms), mpmath.fsum(abs(term) for term in terms)
            if previous is not None and agree(value, previous, digits, size):
                return value
            previous = value
    raise ArithmeticError(f"the expectation did not converge: {value}")
