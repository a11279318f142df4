"""Deciding identities between rational functions.

With L = log x as a symbol of its own (x d/dx L = 1), every density ratio, score and drift of the
log-normal world is a rational function of symbols, and whether such a function is identically zero
can be decided: its numerator, expanded over the rationals, is the zero polynomial or it is not.
`simplify` is never evidence. What is not rational (exp, log, sqrt, pi) has to be replaced by a
symbol first; an expression in which it was not is an error, not a refusal.
"""

from itertools import product

import mpmath
from sympy import Expr, Matrix, Poly, Symbol, fraction, lambdify, sympify, together
from sympy.polys.polyerrors import CoercionFailed, PolynomialError

# Values for the second, independent look at an identity; primes, so that nothing cancels.
_VALUES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79)


class Undecidable(ValueError):
    """The expression is not a rational function of symbols with rational coefficients."""


def vanishes(expression: Expr | Matrix | tuple) -> bool:
    """Whether a rational function of symbols is identically zero; of several, whether all are.

    Decided by the numerator as a polynomial over the rationals, and looked at again by evaluating
    the expression itself at 50 digits. Raises Undecidable for anything that is not rational.
    """
    if isinstance(expression, Matrix | tuple | list):
        return all([vanishes(entry) for entry in expression])
    expression = sympify(expression)
    symbols = sorted(expression.free_symbols, key=lambda symbol: symbol.name)
    numerator, denominator = fraction(together(expression))
    if _is_zero_polynomial(denominator, symbols):
        raise Undecidable(f"the denominator of {expression} is identically zero")
    zero = _is_zero_polynomial(numerator, symbols)
    if zero and not _zero_at_points(expression, symbols):
        raise Undecidable(f"polynomial arithmetic and 50-digit values disagree on {expression}")
    return zero


def same(left: Expr | Matrix, right: Expr | Matrix) -> bool:
    """Whether two rational functions (or matrices of the same shape) are identical."""
    if isinstance(left, Matrix):
        return vanishes(left - right)
    return vanishes(sympify(left) - sympify(right))


def _is_zero_polynomial(expression: Expr, symbols: list[Symbol]) -> bool:
    if not symbols:
        if not expression.is_Rational:
            raise Undecidable(f"{expression} is not a rational number")
        return bool(expression == 0)
    try:
        return bool(Poly(expression, *symbols, domain="QQ").is_zero)
    except (CoercionFailed, PolynomialError) as error:
        raise Undecidable(f"{expression} is not rational in {symbols}: {error}") from error


def _zero_at_points(expression: Expr, symbols: list[Symbol]) -> bool:
    """The size of the expression at four points, relative to that of its parts."""
    function = lambdify(symbols, expression, "mpmath")
    with mpmath.workdps(60):
        for shift, divisor in product((0, 5), (10, 37)):
            values = [
                mpmath.mpf(_VALUES[(i + shift) % len(_VALUES)]) / divisor + mpmath.mpf(i) / 97
                for i in range(len(symbols))
            ]
            try:
                size = abs(function(*values))
            except ZeroDivisionError:
                continue
            if size > mpmath.mpf(10) ** -25:
                return False
    return True
