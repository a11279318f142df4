"""The mistakes that the vectors name: each row refuses its own, by the rule of the reader."""

from collections.abc import Callable

import pytest

from gbm_ref.vectors import Report, Vector, load
from gbm_ref.vectors.records import verify_rows
from spec.vectors.building import mistaken
from spec.vectors.catalogue import FUNCTIONS
from spec.vectors.records import Case, Flag, Twin, VectorFunction


def implementation(twin: Twin) -> Callable[..., float]:
    """The mistake as somebody's function of floats."""
    return lambda **args: float(mistaken(twin, Case(Flag.BASIC, args)))


def refused(function: VectorFunction, twin: Twin) -> Report:
    """The report on that implementation."""
    return verify_rows(function.name, load(function.name), implementation(twin))


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_each_row_refuses_the_mistakes_that_it_names(function: VectorFunction) -> None:
    rows = load(function.name)
    for twin in function.twins:
        report = refused(function, twin)
        failed = {failure.vector.tc_id for failure in report.failures}
        named = {row.tc_id for row in rows if twin.name in row.kills}
        assert named and named <= failed, twin.name


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
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
    rows = load("forward_sample")
    others = [row for row in rows if "POW2" not in row.flags]

    def ratio(row: Vector, of: Vector) -> float:
        return float(row.args["x0"]) / float(of.args["x0"])  # type: ignore[arg-type]

    for row in rows:
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
                    value = mistaken(exact, Case(Flag.BASIC, row.args))
                    assert row.accepts(float(value)), (function.name, twin.name)
