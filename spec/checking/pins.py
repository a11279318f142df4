"""The right-hand side of a pin at 50 digits, and its condition scale.

`validation.pins` compares them with the functions of `gbm_ref`, which are not imported here."""

from collections.abc import Callable, Mapping
from functools import cache

import mpmath
from mpmath import mpf
from sympy import Expr, sympify

from spec.checking.claim import Claim, Formula, Pin
from spec.checking.evaluate import function_of

# Working precision: 50 digits are wanted, and numerical derivatives cost some.
DIGITS = 70
Values = Mapping[str, mpf]


def table(names: str, *rows: tuple[float, ...]) -> tuple[dict[str, float], ...]:
    """Points from the names of their values, in one text, and a row of values for each."""
    return tuple(dict(zip(names.split(), row, strict=True)) for row in rows)


def evaluator(formula: Formula) -> Callable[[Values], list[mpf]]:
    """`formula` as a function from names to a list of numbers."""
    if isinstance(formula, Expr | int | tuple):
        names, function = function_of(tuple(sympify(f) for f in _several(formula)))
        return lambda values: [mpf(f) for f in function(*(values[name] for name in names))]
    return lambda values: [mpf(f) for f in _several(formula(values))]


def _several(value: object) -> tuple:
    return value if isinstance(value, tuple) else (value,)


def when_asked(scale: Callable[[], Formula]) -> Formula:
    """A scale that takes long to write down, for the time when a pin is compared."""
    once = cache(lambda: evaluator(scale()))
    return lambda at: tuple(once()(at))


def reference(pin: Pin, formula: Formula, point: Mapping[str, float]) -> list[mpf]:
    """`formula` at a point of the pin, to 50 digits; the floats are what they exactly are."""
    with mpmath.workdps(DIGITS):
        return evaluator(formula)({name: mpf(value) for name, value in point.items()})


def bounds(pin: Pin, point: Mapping[str, float]) -> list[mpf]:
    """The error that is allowed in each component: k * 2^-53 * S, with the scale S as the pin
    states it, or |f| + sum |symbol * df/dsymbol|."""
    with mpmath.workdps(DIGITS):
        if pin.scale is not None:
            sizes = reference(pin, pin.scale, point)
        else:
            values = {name: mpf(value) for name, value in point.items()}
            function = evaluator(pin.formula)
            sizes = [abs(f) for f in function(values)]
            for name, value in values.items():
                step = mpf(10) ** -25 * max(abs(value), mpf("1e-3"))
                up, down = (function({**values, name: value + d}) for d in (step, -step))
                for i, (high, low) in enumerate(zip(up, down, strict=True)):
                    sizes[i] += abs(value * (high - low) / (2 * step))
    return [mpf(pin.k) * mpf(2) ** -53 * abs(s) for s in sizes]


def vector_troubles(claim: Claim, pin: Pin) -> list[str]:
    """Where the vectors of a pin and what it reads in the statement differ, in words.

    The statement has to agree with the vectors at every row, each mistake has to differ at one."""
    if pin.reads is None:
        return []
    found = [] if _as_vectors(pin, claim.holds) else ["the vectors compute something else"]
    if all(_as_vectors(pin, twin) for twin in claim.mistakes.values()):
        found.append("the vectors agree with every mistake too")
    return found


def _as_vectors(pin: Pin, candidate: object) -> bool:
    call = evaluator(pin.reads(candidate))
    for digits, args, wanted, size in _of_vectors(pin.vectors):
        with mpmath.workdps(digits):
            (value,) = call(args)
            # A NaN is never within the bound.
            if not abs(value - wanted) <= size:
                return False
    return True


@cache
def _of_vectors(name: str) -> list[tuple[int, Values, mpf, mpf]]:
    """For each case of a function: digits, arguments, value, and how far off is still the same."""
    # Late: most claims pin no vectors.
    from spec.vectors.building import AGREEMENT, DIGITS, evaluate
    from spec.vectors.catalogue import BY_NAME

    function, found = BY_NAME[name], []
    digits = DIGITS + function.guard
    for args in (case.args for case in function.cases):
        wanted, size = (evaluate(f, args, digits) for f in (function.formula, function.scale))
        with mpmath.workdps(digits):
            exact = {k: tuple(map(mpf, v)) if isinstance(v, tuple) else mpf(v)
                     for k, v in args.items()}  # fmt: skip
            found.append((digits, exact, wanted, AGREEMENT * 10**10 * size))
    return found
