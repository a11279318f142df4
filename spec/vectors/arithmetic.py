"""The number systems in which the formula of a function can be evaluated.

Formulas are functions of an `Arithmetic` and of the arguments; they use + - * / abs, whole numbers
and what is named here. So the same text is evaluated by mpmath at any precision, by
the tests in ball arithmetic, and in float64 where a mistake consists of losing digits.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
from mpmath import mpf

# mpf, float or a ball, according to the arithmetic.
Number = Any


@dataclass(frozen=True)
class Arithmetic:
    """exp, log, sqrt, Phi (normal cumulative), log Gamma and pi for one kind of number."""

    exp: Callable[[Number], Number]
    log: Callable[[Number], Number]
    sqrt: Callable[[Number], Number]
    ncdf: Callable[[Number], Number]
    log_gamma: Callable[[Number], Number]
    pi: Callable[[], Number]

    def power(self, base: Number, exponent: Number) -> Number:
        """base^exponent for a positive base."""
        return self.exp(exponent * self.log(base))

    def log_normal_density(self, y: Number, mean: Number, var: Number) -> Number:
        """log N(y; mean, var), the density of log X where y = log x."""
        return -self.log(2 * self.pi() * var) / 2 - (y - mean) * (y - mean) / (2 * var)


def whole(n: Number) -> int:
    """A whole number of any kind, a ball among them, as an int."""
    return int(float(n))


def _rounded(function: Callable[[mpf], mpf]) -> Callable[[float], float]:
    """`function` correctly rounded to float64, the same on every machine."""

    def call(x: float) -> float:
        with mpmath.workprec(160):
            return float(function(mpf(x)))

    return call


MPMATH = Arithmetic(
    mpmath.exp, mpmath.log, mpmath.sqrt, mpmath.ncdf, mpmath.loggamma, lambda: +mpmath.pi
)
FLOAT64 = Arithmetic(
    _rounded(mpmath.exp),
    _rounded(mpmath.log),
    _rounded(mpmath.sqrt),
    _rounded(mpmath.ncdf),
    _rounded(mpmath.loggamma),
    lambda: float(mpmath.pi),
)
