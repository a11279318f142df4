"""Every value of the vectors once more in ball arithmetic, whose error bounds are rigorous.

Arb (python-flint) shares no code with mpmath. Each formula, evaluated at the stored arguments with
500 bits, gives an interval that certainly holds the value.
"""

from collections.abc import Callable
from fractions import Fraction

import flint
import pytest

from gbm_ref.vectors import Vector, load
from spec.vectors.arithmetic import Arithmetic
from spec.vectors.catalogue import FUNCTIONS
from spec.vectors.records import VectorFunction

BITS = 500
ARB = Arithmetic(
    exp=lambda x: ball(x).exp(),
    log=lambda x: ball(x).log(),
    sqrt=lambda x: ball(x).sqrt(),
    ncdf=lambda z: (-z / flint.arb(2).sqrt()).erfc() / 2,
    log_gamma=lambda x: ball(x).lgamma(),
    pi=flint.arb.pi,
    gamma_lower=lambda a, x: ball(x).gamma_lower(ball(a), regularized=1),
    gamma_upper=lambda a, x: ball(x).gamma_upper(ball(a), regularized=1),
    beta_lower=lambda a, b, y: ball(y).beta_lower(ball(a), ball(b), regularized=1),
)


def ball(x: object) -> flint.arb:
    """A number of any kind as a ball."""
    return flint.arb(x)


@pytest.fixture(autouse=True)
def precision() -> object:
    """500 bits here, what it was elsewhere."""
    before, flint.ctx.prec = flint.ctx.prec, BITS
    yield
    flint.ctx.prec = before


def rational(number: Fraction) -> flint.arb:
    """The ball of a rational number, which a correct value must come close to."""
    return flint.arb(flint.fmpq(number.numerator, number.denominator))


def evaluated(formula: Callable[..., object], row: Vector) -> flint.arb:
    """A formula at the arguments of a row."""
    args = [
        tuple(map(flint.arb, value)) if isinstance(value, tuple) else flint.arb(value)
        for value in row.args.values()
    ]
    return ball(formula(ARB, *args))


def agrees(value: flint.arb, row: Vector, tight: Fraction) -> bool:
    """Whether a ball is small and holds out50 up to the rounding of its fiftieth digit."""
    room = rational(tight) + rational(abs(row.exact)) * flint.arb(10) ** -49
    return bool(value.rad() < rational(tight) and abs(value - rational(row.exact)) < room)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_values_and_scales_agree_with_ball_arithmetic(function: VectorFunction) -> None:
    for row in load(function.name):
        scale = evaluated(function.scale, row)
        tight = Fraction(row.scale) / 10**60 + Fraction(1, 2**1200)
        assert agrees(evaluated(function.formula, row), row, tight), row.tc_id
        room = rational(Fraction(row.scale)) * flint.arb(2) ** -52 + flint.arb(2) ** -1074
        assert abs(scale - rational(Fraction(row.scale))) < room, row.tc_id


def test_a_digit_that_is_off_is_seen() -> None:
    function, row = FUNCTIONS[0], load(FUNCTIONS[0].name)[0]
    value, tight = evaluated(function.formula, row), Fraction(row.scale) / 10**60
    assert agrees(value, row, tight)
    off = row.exact * (1 + Fraction(1, 10**48))
    wrong = Vector(
        row.tc_id, row.fn, row.args, off, row.nearest, row.scale, row.k, row.flags, row.claim,
        row.kills,
    )  # fmt: skip
    assert not agrees(value, wrong, tight)
    assert not agrees(value + flint.arb(0, 1e-40), row, tight)
    assert not agrees(flint.arb("nan"), row, tight)
