"""Deciding identities between rational functions.

With L = log x as a symbol of its own (x d/dx L = 1), every density ratio, score and drift of the
log-normal world is a rational function of symbols, and whether such a function is identically zero
can be decided: its numerator, expanded over the integers, is the zero polynomial or it is not.
`simplify` is never evidence. What is not rational (exp, log, sqrt, pi) has to be replaced by a
symbol first; an expression in which it was not is an error, not a refusal."""

from contextlib import suppress
from itertools import product

import mpmath
from mpmath import mpf
from sympy import Expr, Matrix, MatrixBase, Symbol, sympify

from spec.checking.evaluate import function_of
from spec.checking.rational import Quotients, Undecidable
from spec.checking.trace import ALGEBRA, note

# Values for the second, independent look at an identity; primes, so that nothing cancels.
_VALUES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79)


def vanishes(expression: Expr | Matrix | tuple) -> bool:
    """Whether a rational function of symbols is identically zero; of several, whether all are.

    Decided by the numerator as a polynomial over the integers, and looked at again by evaluating
    the expression itself at 50 digits. Raises Undecidable for anything that is not rational."""
    if isinstance(expression, MatrixBase | tuple | list):
        return all(vanishes(entry) for entry in expression)
    note(ALGEBRA)
    expression = sympify(expression)
    symbols = sorted(expression.free_symbols, key=lambda symbol: symbol.name)
    numerator, _ = Quotients(symbols)(expression)
    if not numerator and not _zero_at_points(expression, symbols):
        raise Undecidable(f"polynomial arithmetic and 50-digit values disagree on {expression}")
    return not numerator


def same(left: Expr | Matrix, right: Expr | Matrix) -> bool:
    """Whether two rational functions (or matrices of the same shape) are identical."""
    return vanishes(sympify(left) - sympify(right))


def _zero_at_points(expression: Expr, symbols: list[Symbol]) -> bool:
    """Whether the expression is nothing at four points, without those where it has poles."""
    if len({symbol.name for symbol in symbols}) < len(symbols):
        raise Undecidable(f"two symbols of one name in {expression}")
    sizes = []
    _, function = function_of((expression,))
    with mpmath.workdps(60):
        for shift, divisor in product((0, 5), (10, 37)):
            primes = [_VALUES[(i + shift) % len(_VALUES)] for i in range(len(symbols))]
            values = [mpf(prime) / divisor + mpf(i) / 97 for i, prime in enumerate(primes)]
            with suppress(ZeroDivisionError):
                sizes.append(abs(function(*values)[0]))
        return bool(sizes) and max(sizes) <= mpf(10) ** -25
