"""The language of the tables of accuracy vectors: formulas, mistakes and cases in plain text."""

from dataclasses import replace

import mpmath
import pytest
from mpmath import mpf

from spec.vectors.arithmetic import FLOAT64, MPMATH
from spec.vectors.building import decimal
from spec.vectors.catalogue import BY_NAME, FUNCTIONS
from spec.vectors.expressions import Expression
from spec.vectors.records import Flag, VectorFunction
from spec.vectors.tables import functions

A, B = 1.75, -0.3
NAMES = ("a", "b")
TEXTS = {
    "a / 2 (1 + b)": A / 2 * (1 + B),
    "-a^2": -(A * A),
    "a b^-2 / a": A / B / B / A,
    "2 a b - 3 b / 2": 2 * A * B - 3 * B / 2,
    "|b| |a - 2| + ||b| - a|": abs(B) * abs(A - 2) + abs(abs(B) - A),
    "log 2 pi a / 2": float(mpmath.log(2 * mpmath.pi * A) / 2),
    "|b log|b||": abs(B * float(mpmath.log(-B))),
    "v(t) = g a: words, g = exp(b)": float(mpmath.exp(B)) * A,
    "p_1 + p2, p_j = a j_j + b, j1 = 1, j_2 = 2": 3 * A + 2 * B,
    "1 + sum_j w_j^2 a - b, w1 = 2, w2 = 3": 1 + 13 * A - B,
    "sum_i c_i, c_i = a, N the normal density": 3 * A,
    "sum_{k=1}^3 (r_k - 1), r_k = a k": 6 * A - 3,
    "prod_{k=0}^{n-1} (a + k), n = 2": A * (A + 1),
    "1/3 + e^(0 a) - sign(b)": 1 / 3 + 2,
    "max(a, b) - min(2, sqrt(4 a^0))": A - 2,
    "log Gamma(a + 2) - log N(a; b, 2)": float(
        mpmath.loggamma(A + 2) + mpmath.log(4 * mpmath.pi) / 2 + mpf(A - B) ** 2 / 4
    ),
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_read_as_it_stands(text: str) -> None:
    formula = Expression(NAMES, {}, {}).of(text)
    with mpmath.workdps(30):
        assert float(formula(MPMATH, mpf(A), mpf(B))) == pytest.approx(TEXTS[text], rel=1e-15)


def test_float64_rounds_in_the_order_of_the_text() -> None:
    """Three orders of the same three factors and terms, which round differently."""
    x, y, z = 0.1, 0.7, 1 / 3
    for text, value in (("a b / c", x * y / z), ("a (b / c)", x * (y / z)), ("a / c b", x / z * y),
                        ("a + b - c", x + y - z), ("a + (b - c)", x + (y - z))):  # fmt: skip
        assert Expression(("a", "b", "c"), {}, {}).of(text)(FLOAT64, x, y, z) == value
    assert len({x * y / z, x * (y / z), x / z * y}) > 1 and x + y - z != x + (y - z)


@pytest.mark.parametrize("text", ["", "a +", "(a", "a)", "|a", "a $ b", "a == b", "exp()"])
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no formula|missing"):
        Expression(NAMES, {}, {}).of(text)


def test_an_unknown_name_is_no_mistake_that_is_caught() -> None:
    """A slip in a table stops the generator; it does not count as a mistake without a number."""
    sample = BY_NAME["forward_sample"]
    slip = replace(sample.twins[0], formula=sample.formula.of("x0 exp(n)"))  # type: ignore[attr-defined]
    with pytest.raises(KeyError, match="n"):
        slip.at(sample.cases[0].args)


def test_replacements_are_made_at_once_and_reach_definitions() -> None:
    out = Expression(NAMES, {}, {}).of("a - b + g, g = 10 a", "out")
    assert out(FLOAT64, 1.0, 2.0) == 9.0
    assert out.changed("a -> b, b -> a")(FLOAT64, 1.0, 2.0) == 21.0
    assert out.changed("g -> a + b")(FLOAT64, 1.0, 2.0) == 2.0
    assert out.of("2 out + g")(FLOAT64, 1.0, 2.0) == 28.0


TABLE = """
where  a one; b other
name  A6  a b  guard 10
    out  a (1 + b), a word
    again  a + a b  S  |a| (1 + |b|)
    let  c = b
    common  twice
    one_more  SIGN  b + 1
        b -> b + 1
    rounded  CANCELLATION  a + a c, in float64
    ordinary 2+1 SIGN: 1e-3~1e3 1,2
    TAIL 1e9 -1-2^-20; e(2) 1/4;
        7 8; POW2 a: 3; SIGN 5 6
"""


def made(table: str) -> VectorFunction:
    """A function of a and b."""
    return functions(table)[0]


def test_a_table_makes_a_function() -> None:
    given = made(TABLE)
    assert given.text == "a (1 + b), a word" and given.arguments == ("a", "b")
    relative = made(TABLE.replace("  S  |a| (1 + |b|)", ""))
    assert given.guard == 10 and relative.scale_text == "out: a relative bound"
    assert [(t.name, t.flag, t.naive) for t in given.twins] == [
        ("twice", Flag.BASIC, False), ("one_more", Flag.SIGN, False),
        ("rounded", Flag.CANCELLATION, True)]  # fmt: skip
    flags = [case.flag.value for case in given.cases]
    assert flags == ["BASIC", "BASIC", "SIGN", "TAIL", "TAIL", "TAIL", "POW2", "SIGN"]
    rows = [tuple(case.args.values()) for case in given.cases]
    assert [b for _, b in rows[:3]] == [1.0, 2.0, 1.0]
    assert rows[3:6] == [(1e9, -1 - 2.0**-20), (FLOAT64.exp(2), 0.25), (7.0, 8.0)]
    assert rows[6:] == [(8 * rows[0][0], rows[0][1]), (5.0, 6.0)]
    at = given.cases[5].args
    assert given.at(at) == 63 and given.scale_at(at) == 63.0
    assert {name: float(wrong(at)) for name, wrong in given.wrong.items()} == {
        "twice": 126.0, "one_more": 70.0, "rounded": 63.0}  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("CANCELLATION", "CANCELATION"),
        ("SIGN: 1e-3", "SINE: 1e-3"),
        ("1,2", "1,2 3..4"),
        ("7 8", "7"),
        ("POW2 a: 3", "POW2 a: 3 x"),
        ("common  twice", "common  thrice"),
        ("again", "second"),
        ("a (1 + b)", "a (1 + b"),
    ],
)
def test_a_slip_in_a_table_is_refused(old: str, new: str) -> None:
    assert TABLE.count(old) >= 1
    with pytest.raises((ValueError, KeyError)):
        made(TABLE.replace(old, new))


@pytest.mark.parametrize("given", FUNCTIONS, ids=lambda given: given.name)
def test_a_function_of_the_catalogue_is_all_that_a_pin_needs(given: VectorFunction) -> None:
    """Value, scale and mistakes at a case, and no mistake that gives a number nowhere."""
    for name, wrong in given.wrong.items():
        assert any(mpmath.isfinite(wrong(case.args)) for case in given.cases[:12]), name
    args = given.cases[0].args
    assert tuple(args) == given.arguments and len(given.cases) >= 20
    value, scale = given.at(args), given.scale_at(args)
    with mpmath.workdps(60):
        assert scale > 0 and mpf(decimal(value)) == pytest.approx(value, rel=1e-48)
        far = [abs(wrong(args) - value) > 1e-14 * scale for wrong in given.wrong.values()]
    assert any(far)
