"""Expressions as functions of mpmath numbers.

The operations of an expression stand one after the other, equal parts once. Printing code and
reading it, as `lambdify` does, takes longer than the few values that are wanted."""

from collections.abc import Callable, Sequence
from functools import cache
from math import prod

import mpmath
from mpmath import mpf
from sympy import Expr, Integral, Piecewise, S, lambdify

# An operation, and the places of what it is applied to; a symbol has none.
Operation = Callable[..., mpf]
Program = list[tuple[Operation | None, tuple[int, ...]]]
_OTHER_NAMES = {"Abs": "fabs", "Pi": "pi", "EulerGamma": "euler", "Exp1": "e"}


@cache
def function_of(expressions: tuple[Expr, ...]) -> tuple[list[str], Callable[..., Sequence[mpf]]]:
    """The names in some expressions, in order, and the function of them."""
    names = sorted({str(s) for e in expressions for s in e.free_symbols})
    if any(e.has(Integral, Piecewise) for e in expressions):
        return names, lambdify(names, expressions, "mpmath")
    places: dict[Expr, int] = {}
    program: Program = []
    ends = [_place(e, places, program) for e in expressions]
    given = [(place, names.index(str(s))) for s, place in places.items() if s.is_Symbol]

    def function(*values: mpf) -> list[mpf]:
        found = [mpf(0)] * len(program)
        for place, index in given:
            found[place] = values[index]
        for place, (operation, parts) in enumerate(program):
            if operation is not None:
                found[place] = operation(*(found[part] for part in parts))
        return [found[end] for end in ends]

    return names, function


def _place(expression: Expr, places: dict[Expr, int], program: Program) -> int:
    """Where the value of an expression will stand, its operations being added."""
    if expression not in places:
        operation, args = _operation(expression)
        parts = tuple(_place(part, places, program) for part in args)
        program.append((operation, parts))
        places[expression] = len(program) - 1
    return places[expression]


def _operation(e: Expr) -> tuple[Operation | None, tuple[Expr, ...]]:
    """What makes the value of an expression, and of which parts."""
    if e.is_Symbol:
        return None, ()
    if e.is_Rational:
        return (lambda: mpf(e.p) / e.q), ()
    if e.is_Add:
        return (lambda first, *others: sum(others, first)), e.args
    if e.is_Mul:
        return (lambda first, *others: prod(others, start=first)), e.args
    if e.is_Pow:
        return _power(e)
    name = type(e).__name__
    if name in {"Max", "Min"}:
        return (max if name == "Max" else min), e.args
    found = getattr(mpmath, _OTHER_NAMES.get(name, name))
    return (lambda: +found) if e.is_NumberSymbol else found, e.args


def _power(e: Expr) -> tuple[Operation, tuple[Expr, ...]]:
    if e.exp.is_Integer:
        exponent = int(e.exp)
        return (lambda base: base**exponent), (e.base,)
    if e.exp == S.Half:
        return mpmath.sqrt, (e.base,)
    return mpmath.power, e.args
