"""The accuracy vectors: their generator, the mistakes that they name, and ball arithmetic.

The same files again; each check of a row bites; each row refuses its own mistakes. And once more
with 500 bits in Arb (python-flint), which shares no code with mpmath: rigorous intervals."""

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import flint
import mpmath
import pytest
from mpmath import mpf

from gbm_ref.vectors import Vector, load
from gbm_ref.vectors.records import verify_rows
from spec.catalogue import BY_ID
from spec.vectors import __main__, files
from spec.vectors.arithmetic import FLOAT64, Arithmetic, to_float
from spec.vectors.building import BadVector, decimal, make_row, rows
from spec.vectors.catalogue import BY_NAME, FUNCTIONS
from spec.vectors.records import Case, Flag, Twin, VectorFunction, evaluate
from spec.vectors.tables import spread
from tests.support.fixtures import Patch, Shown

SAMPLE = BY_NAME["forward_sample"]
EVERY_FUNCTION = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    return files.generate()


def test_the_stored_files_are_those_that_would_be_written(generated: dict[str, str]) -> None:
    assert files.differences(generated, files.stored()) == []


def test_differences_are_seen(generated: dict[str, str]) -> None:
    name = "denoiser.jsonl"
    changed = {**generated, name: generated[name].replace("0x1", "0x0", 1), "more.jsonl": ""}
    assert files.differences(generated, changed) == [name, "more.jsonl"]
    manifest = json.loads(generated[files.MANIFEST])
    for key, count in (("mpmath", 0), ("version", 1)):
        other = json.dumps({**manifest, key: "9.9"})
        assert len(files.differences(generated, {**generated, files.MANIFEST: other})) == count


def test_the_command_compares_and_writes(
    generated: dict[str, str], monkeypatch: Patch, capsys: Shown
) -> None:
    written: list[dict[str, str]] = []
    monkeypatch.setattr(files, "generate", lambda: generated)
    monkeypatch.setattr(files, "write", written.append)
    assert __main__.main([]) == 0 and written == []
    monkeypatch.setattr(files, "stored", lambda: {**generated, "denoiser.jsonl": "{}"})
    assert __main__.main([]) == 1 and written == []
    assert "denoiser.jsonl: differs" in capsys.readouterr().out
    assert __main__.main(["--write"]) == 0 and written == [generated]


def test_files_are_written_as_they_are_and_old_ones_removed(tmp_path: Path) -> None:
    (tmp_path / "gone.jsonl").write_text("{}\n", encoding="utf-8")
    texts = {"a.jsonl": '{"x": 1}\n', files.MANIFEST: "{}\n"}
    files.write(texts, tmp_path)
    assert files.stored(tmp_path) == texts


def test_every_claim_exists_and_every_name_is_used_once() -> None:
    assert {f.claim for f in FUNCTIONS} - set(BY_ID) == set()
    assert len(BY_NAME) == len(FUNCTIONS) >= 125
    for function in FUNCTIONS:
        twins = [twin.name for twin in function.twins]
        assert len(set(twins)) == len(twins) >= 2


CASE = Case(Flag.BASIC, {"x0": 1.7, "m": 0.3, "v": 0.64, "z": -1.1})


def test_a_good_row_is_made() -> None:
    row = make_row(3, SAMPLE, CASE)
    assert "ito_term" in row.kills and row.as_json()["tcId"] == 3
    with mpmath.workdps(60):
        assert abs(row.value - mpf(1.7) * mpmath.exp(mpf(0.3) - mpf("1.1") * 4 / 5)) < 1e-15


def nearly(f: Arithmetic, x0: mpf, m: mpf, v: mpf, z: mpf) -> mpf:
    return x0 * f.exp(m + f.sqrt(v) * z + mpf("1e-45"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"second": nearly}, "second"),
        ({"formula": lambda f, x0, m, v, z: f.exp(m) + mpmath.eps * 10**8}, "digits disagree"),
        ({"twins": (Twin("same", Flag.ITO, "none", SAMPLE.formula),)}, "catches no mistake"),
        ({"scale": lambda f, x0, m, v, z: 0 * x0}, "scale"),
        ({"scale": lambda f, x0, m, v, z: f.exp(1000 + x0)}, "too large"),
        ({"formula": lambda f, x0, m, v, z: mpf("nan")}, "value nan"),
        ({"meanings": {"x": ""}}, "the arguments are"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_rows_are_refused(change: dict, reason: str) -> None:
    with pytest.raises(BadVector, match=reason):
        make_row(1, replace(SAMPLE, **change), CASE)


def test_a_flag_must_be_earned_and_every_mistake_caught() -> None:
    bounded = Case(Flag.TAIL, {"x0": 1.7, "m": 0.0, "v": 1e-300, "z": 4.0})
    with pytest.raises(BadVector, match="flagged TAIL but|catches no mistake"):
        make_row(1, SAMPLE, bounded)
    with pytest.raises(BadVector, match="no row catches .*two_exponentials"):
        rows(replace(SAMPLE, cases=(CASE,)))


def test_a_mistake_that_gives_no_number_is_caught() -> None:
    nans = [lambda *given: mpf("nan"), lambda *given: mpf("inf")]
    for formula in (lambda f, x0, *more: f.log(-x0), lambda f, x0, *more: x0 / 0, *nans):
        twin = Twin("nothing", Flag.BASIC, "no number", formula)
        assert make_row(1, replace(SAMPLE, twins=(twin,)), CASE).kills == ("nothing",)


def test_numbers_are_written_to_the_last_digit() -> None:
    with mpmath.workdps(80):
        third = mpf(1) / 3
        assert decimal(third) == "3." + "3" * 49 + "e-1" and decimal(mpf(0)) == "0"
        assert decimal(-3 * third) == "-1." + "0" * 49 + "e+0"
        assert to_float(third) == 1 / 3 and to_float(-third) == -1 / 3
        tiny = mpf(2) ** -1074
        # Half-way cases below the normal range, where rounding twice would go wrong.
        assert to_float(tiny * mpf("1.5") * (1 - mpf(2) ** -70)) == 5e-324
        assert to_float(tiny * mpf("1.5")) == 1e-323
        assert to_float(tiny / 4) == 0.0 and to_float(mpf(10) ** -5000) == 0.0


def test_points_fill_their_box_evenly() -> None:
    names, box = ("x", "m"), "1e-3~1e3 -2..2"
    points = spread(60, names, box)
    assert all(1e-3 <= p["x"] <= 1e3 and -2 <= p["m"] <= 2 for p in points)
    assert len({(p["x"] > 1, p["m"] > 0) for p in points}) == 4
    assert 25 <= sum(p["x"] > 1 for p in points) <= 35
    assert points == spread(60, names, box) and spread(5, names, box) == points[:5]
    assert FLOAT64.exp(700.0) == float(mpmath.exp(700)) and FLOAT64.exp(0.0) == 1.0


def test_arguments_are_taken_as_exact() -> None:
    with mpmath.workdps(60):
        value = evaluate(lambda f, x: x * 10, {"x": 0.1}, 60)
        assert value == mpf(0.1) * 10 != 1


@EVERY_FUNCTION
def test_each_row_refuses_the_mistakes_that_it_names(function: VectorFunction) -> None:
    found = load(function.name)
    for twin in function.twins:

        def implementation(twin: Twin = twin, **args: float) -> float:
            """The mistake as somebody's function of floats."""
            return float(twin.at(args))

        report = verify_rows(function.name, found, implementation)
        failed = {failure.vector.tc_id for failure in report.failures}
        named = {row.tc_id for row in found if twin.name in row.kills}
        assert named and named <= failed, twin.name


@EVERY_FUNCTION
def test_each_special_row_catches_a_mistake_of_its_kind(function: VectorFunction) -> None:
    kind = {twin.name: twin.flag.value for twin in function.twins}
    for row in load(function.name):
        assert row.kills
        for flag in set(row.flags) & set(kind.values()) - {"BASIC"}:
            assert flag in {kind[name] for name in row.kills}, (row.tc_id, flag)


def test_kinds_that_no_function_plants_are_ranges_only() -> None:
    """Of each kind of mistake there is one; NEAR_ROOT and POW2 are ranges of arguments."""
    planted = {twin.flag for function in FUNCTIONS for twin in function.twins}
    assert set(Flag) - planted == {Flag.NEAR_ROOT, Flag.POW2}


def test_a_power_of_two_scales_the_value_exactly() -> None:
    """The POW2 rows of the kernel are ordinary rows, x0 and the value times one power of two."""
    found = load("forward_sample")
    others = [row for row in found if "POW2" not in row.flags]

    def ratio(row: Vector, of: Vector) -> float:
        return float(row.args["x0"]) / float(of.args["x0"])  # type: ignore[arg-type]

    for row in found:
        if "POW2" in row.flags:
            (base,) = [o for o in others if all(o.args[k] == row.args[k] for k in ("m", "v", "z"))]
            assert row.nearest == base.nearest * ratio(row, base)


def test_naive_formulas_are_right_in_exact_arithmetic() -> None:
    """A formula that loses digits is no other formula: with 60 digits it gives the value."""
    for function in FUNCTIONS:
        for twin in function.twins:
            if twin.naive:
                exact = Twin(twin.name, twin.flag, twin.mistake, twin.formula)
                for row in load(function.name)[:8]:
                    value = exact.at(row.args)
                    assert row.accepts(float(value)), (function.name, twin.name)


BITS = 500
ARB = Arithmetic(
    exp=lambda x: ball(x).exp(),
    log=lambda x: ball(x).log(),
    sqrt=lambda x: ball(x).sqrt(),
    ncdf=lambda z: (-z / flint.arb(2).sqrt()).erfc() / 2,
    log_gamma=lambda x: ball(x).lgamma(),
    pi=flint.arb.pi,
    number=flint.arb,
    gamma_lower=lambda a, x: ball(x).gamma_lower(ball(a), regularized=1),
    gamma_upper=lambda a, x: ball(x).gamma_upper(ball(a), regularized=1),
    beta_lower=lambda a, b, y: ball(y).beta_lower(ball(a), ball(b), regularized=1),
)


def ball(x: object) -> flint.arb:
    return flint.arb(x)


@pytest.fixture
def balls() -> object:
    """500 bits here, what it was elsewhere."""
    before, flint.ctx.prec = flint.ctx.prec, BITS
    yield
    flint.ctx.prec = before


def rational(number: Fraction) -> flint.arb:
    """The ball of a rational number, which a correct value must come close to."""
    return flint.arb(flint.fmpq(number.numerator, number.denominator))


def evaluated(formula: Callable[..., object], row: Vector) -> flint.arb:
    args = row.args.values()
    return ball(
        formula(ARB, *(tuple(map(ball, a)) if isinstance(a, tuple) else ball(a) for a in args))
    )


def agrees(value: flint.arb, row: Vector, tight: Fraction) -> bool:
    """Whether a ball is small and holds out50 up to the rounding of its fiftieth digit."""
    room = rational(tight) + rational(abs(row.exact)) * flint.arb(10) ** -49
    return bool(value.rad() < rational(tight) and abs(value - rational(row.exact)) < room)


@EVERY_FUNCTION
@pytest.mark.usefixtures("balls")
def test_values_and_scales_agree_with_ball_arithmetic(function: VectorFunction) -> None:
    for row in load(function.name):
        scale = evaluated(function.scale, row)
        tight = Fraction(row.scale) / 10**60 + Fraction(1, 2**1200)
        assert agrees(evaluated(function.formula, row), row, tight), row.tc_id
        room = rational(Fraction(row.scale)) * flint.arb(2) ** -52 + flint.arb(2) ** -1074
        assert abs(scale - rational(Fraction(row.scale))) < room, row.tc_id


@pytest.mark.usefixtures("balls")
def test_a_digit_that_is_off_is_seen() -> None:
    function, row = FUNCTIONS[0], load(FUNCTIONS[0].name)[0]
    value, tight = evaluated(function.formula, row), Fraction(row.scale) / 10**60
    assert agrees(value, row, tight)
    off = row.exact * (1 + Fraction(1, 10**48))
    assert not agrees(value, replace(row, exact=off), tight)
    assert not agrees(value + flint.arb(0, 1e-40), row, tight)
    assert not agrees(flint.arb("nan"), row, tight)
