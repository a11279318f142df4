"""The right-hand side of a pin at 50 digits, its condition scale, and its twins.

Comparing them with the functions of `gbm_ref` is the work of tests/spec, since this package
imports SymPy and mpmath alone.
"""

from collections.abc import Callable, Mapping
from functools import cache

import mpmath
from mpmath import mpf
from sympy import Expr, lambdify, sympify

from spec.checking.claim import Claim, Formula, Pin

# Working precision: 50 digits are wanted, and numerical derivatives cost some.
DIGITS = 70
Values = Mapping[str, mpf]


def table(names: str, *rows: tuple[float, ...]) -> tuple[dict[str, float], ...]:
    """Points from the names of their values, in one text, and a row of values for each."""
    return tuple(dict(zip(names.split(), row, strict=True)) for row in rows)


def evaluator(formula: Formula) -> Callable[[Values], list[mpf]]:
    """`formula` as a function from names to a list of numbers."""
    if isinstance(formula, Expr | int) or (
        isinstance(formula, tuple) and all(isinstance(f, Expr | int) for f in formula)
    ):
        names, function = _compiled(formula if isinstance(formula, tuple) else (formula,))
        return lambda values: [mpf(f) for f in function(*(values[name] for name in names))]

    def call(values: Values) -> list[mpf]:
        result = formula(values)
        return [mpf(f) for f in (result if isinstance(result, tuple) else (result,))]

    return call


def when_asked(scale: Callable[[], Formula]) -> Formula:
    """A scale that takes long to write down, for the time when a pin is compared."""
    once = cache(lambda: evaluator(scale()))
    return lambda at: tuple(once()(at))


@cache
def _compiled(formulas: tuple[Expr | int, ...]) -> tuple[list[str], Callable]:
    """The names in some expressions, in order, and the function of them."""
    expressions = [sympify(f) for f in formulas]
    names = sorted({str(s) for f in expressions for s in f.free_symbols})
    return names, lambdify(names, expressions, "mpmath")


def exact_point(point: Mapping[str, float]) -> dict[str, mpf]:
    """The floats of a point as the numbers that they exactly are."""
    return {name: mpf(value) for name, value in point.items()}


def reference(pin: Pin, formula: Formula, point: Mapping[str, float]) -> list[mpf]:
    """`formula` at a point of the pin, to 50 digits."""
    with mpmath.workdps(DIGITS):
        return evaluator(formula)(exact_point(point))


def condition_scale(pin: Pin, point: Mapping[str, float]) -> list[mpf]:
    """S of each component: as the pin states it, or |f| + sum |symbol * df/dsymbol|."""
    with mpmath.workdps(DIGITS):
        values = exact_point(point)
        if pin.scale is not None:
            return [abs(s) for s in evaluator(pin.scale)(values)]
        function = evaluator(pin.formula)
        sizes = [abs(f) for f in function(values)]
        for name, value in values.items():
            step = mpf(10) ** -25 * max(abs(value), mpf("1e-3"))
            up = function({**values, name: value + step})
            down = function({**values, name: value - step})
            for i, (high, low) in enumerate(zip(up, down, strict=True)):
                sizes[i] += abs(value * (high - low) / (2 * step))
        return sizes


def bounds(pin: Pin, point: Mapping[str, float]) -> list[mpf]:
    """The error that is allowed in each component: k * 2^-53 * S."""
    return [mpf(pin.k) * mpf(2) ** -53 * s for s in condition_scale(pin, point)]


def vector_troubles(claim: Claim, pin: Pin) -> list[str]:
    """Where the vectors of a pin and what it reads in the statement differ, in words.

    The statement has to agree with the vectors at every row, each mistake has to differ at one.
    """
    if pin.reads is None:
        return []
    found = [] if _as_vectors(pin, claim.holds) else ["the vectors compute something else"]
    mistakes = {**claim.twins, **claim.printed}
    if all(_as_vectors(pin, twin) for twin in mistakes.values()):
        found.append("the vectors agree with every mistake too")
    return found


def _as_vectors(pin: Pin, candidate: object) -> bool:
    # Imported late: most claims pin no vectors.
    from spec.vectors.building import AGREEMENT, DIGITS, evaluate
    from spec.vectors.catalogue import BY_NAME

    assert pin.reads is not None
    function, call = BY_NAME[pin.vectors], evaluator(pin.reads(candidate))
    for case in function.cases:
        digits = DIGITS + function.guard
        wanted, size = (evaluate(f, case.args, digits) for f in (function.formula, function.scale))
        with mpmath.workdps(digits):
            (value,) = call({name: _exact(value) for name, value in case.args.items()})
            # A NaN is never within the bound.
            if not abs(value - wanted) <= AGREEMENT * 10**10 * size:
                return False
    return True


def _exact(value: float | tuple[float, ...]) -> mpf | tuple[mpf, ...]:
    return tuple(map(mpf, value)) if isinstance(value, tuple) else mpf(value)
