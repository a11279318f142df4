"""Comparing high-precision numbers, for what algebra cannot decide."""

from collections.abc import Callable
from functools import cache

import mpmath
from mpmath import mpf

from spec.checking.trace import NUMBERS, note

DIGITS = 50


def agree(left: mpf, right: mpf, digits: int = 30, size: mpf | float = 0) -> bool:
    """|left - right| <= 10^-digits * max(|left|, |right|, size), and both finite.

    `size` is the size of the terms that cancel, where the values themselves may be near zero."""
    note(NUMBERS)
    if not (mpmath.isfinite(left) and mpmath.isfinite(right)):
        return False
    return bool(abs(left - right) <= mpf(10) ** -digits * max(abs(left), abs(right), mpf(size)))


def rounds_to(value: mpf | float, printed: str) -> bool:
    """Whether `value` rounds to `printed`, a decimal such as "-0.1315" or "6.9e-5"."""
    note(NUMBERS)
    mantissa, _, exponent = printed.partition("e")
    decimals = len(mantissa.partition(".")[2]) - int(exponent or 0)
    return bool(abs(mpf(value) - mpf(printed)) <= mpf("0.5000001") * mpf(10) ** -decimals)


def integral(function: Callable[[mpf], mpf], *nodes: object) -> mpf:
    """The integral of `function` over [nodes[0], nodes[-1]], split at the inner nodes, at two
    working precisions. Raises ArithmeticError unless they agree to 32 digits."""
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
    expectation of |function|). Raises ArithmeticError when a step of 1/128 is not enough."""
    with mpmath.workdps(DIGITS):
        total, size, value = mpf(0), mpf(0), mpmath.nan
        for level in range(1, 8):
            terms = [function(u) * density for u, density in _nodes(level)]
            total, size = total + mpmath.fsum(terms), size + mpmath.fsum(map(abs, terms))
            previous, value = value, total / 2**level
            if agree(value, previous, digits, size / 2**level):
                return value
    raise ArithmeticError(f"the expectation did not converge: {value}")


@cache
def _nodes(level: int) -> tuple[tuple[mpf, mpf], ...]:
    """Where the rule of step 2^-level looks and the one before it did not, with the density."""
    with mpmath.workdps(DIGITS):
        last = 18 * 2**level
        steps = range(-last, last + 1) if level == 1 else range(1 - last, last, 2)
        return tuple((u, mpmath.npdf(u)) for u in (mpf(k) / 2**level for k in steps))
