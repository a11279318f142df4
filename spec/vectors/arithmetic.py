"""The number systems in which the formula of a function can be evaluated.

Formulas are functions of an `Arithmetic` and of the arguments; they use + - * / abs, whole numbers
and what is named here. So the same text is evaluated by mpmath at any precision, by
the tests in ball arithmetic, and in float64 where a mistake consists of losing digits."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any

import mpmath
from mpmath import mpf

# mpf, float or a ball, according to the arithmetic.
Number = Any
# f(arithmetic, one argument after the other, in the order of the names)
Formula = Callable[..., Number]


@dataclass(frozen=True)
class Arithmetic:
    """exp, log, sqrt, Phi (normal cumulative), log Gamma and pi for one kind of number.

    number(text)                          the number that a text such as "1e-8" stands for
    gamma_lower(a, x), gamma_upper(a, x)  P(a, x) and Q(a, x) = 1 - P(a, x), regularised
    beta_lower(a, b, y)                   I_y(a, b), regularised"""

    exp: Callable[[Number], Number]
    log: Callable[[Number], Number]
    sqrt: Callable[[Number], Number]
    ncdf: Callable[[Number], Number]
    log_gamma: Callable[[Number], Number]
    pi: Callable[[], Number]
    number: Callable[[str], Number]
    gamma_lower: Callable[[Number, Number], Number]
    gamma_upper: Callable[[Number, Number], Number]
    beta_lower: Callable[[Number, Number, Number], Number]

    def power(self, base: Number, exponent: Number) -> Number:
        """base^exponent for a positive base."""
        return self.exp(exponent * self.log(base))

    def log_normal_density(self, y: Number, mean: Number, var: Number) -> Number:
        """log N(y; mean, var), the density of log X where y = log x."""
        return -self.log(2 * self.pi() * var) / 2 - (y - mean) * (y - mean) / (2 * var)


def whole(n: Number) -> int:
    """A whole number of any kind, a ball among them, as an int."""
    return int(float(n))


def to_float(value: mpf) -> float:
    """The nearest float64, below the normal range as well (where mpmath rounds twice)."""
    sign, mantissa, exponent, bits = value._mpf_
    if exponent + bits < -1100:
        return 0.0
    size = float(Fraction(int(mantissa)) * Fraction(2) ** exponent)
    return -size if sign else size


def _rounded(function: Callable[..., mpf]) -> Callable[..., float]:
    """`function` correctly rounded to float64, the same on every machine."""

    def call(*args: float) -> float:
        with mpmath.workprec(160):
            return float(function(*map(mpf, args)))

    return call


MPMATH = Arithmetic(
    mpmath.exp, mpmath.log, mpmath.sqrt, mpmath.ncdf, mpmath.loggamma, lambda: +mpmath.pi, mpf,
    lambda a, x: mpmath.gammainc(a, 0, x, regularized=True),
    lambda a, x: mpmath.gammainc(a, x, mpmath.inf, regularized=True),
    lambda a, b, y: mpmath.betainc(a, b, 0, y, regularized=True))  # fmt: skip
FLOAT64 = Arithmetic(*(_rounded(getattr(MPMATH, field.name)) for field in fields(MPMATH)))


def log_slope(formula: Formula) -> Formula:
    """d/dlog x of a formula of x and others, by Richardson's central difference."""

    def slope(f: Arithmetic, x: mpf, *others: mpf) -> mpf:
        with mpmath.extradps(140):
            y, h = mpmath.log(x), mpf(10) ** -45

            def central(step: mpf) -> mpf:
                ends = [formula(f, mpmath.exp(y + s * step), *others) for s in (1, -1)]
                return (ends[0] - ends[1]) / (2 * step)

            return (4 * central(h / 2) - central(h)) / 3

    return slope
