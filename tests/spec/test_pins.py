"""Every pin: the function agrees with the claim's right-hand side at 50 digits, twins do not."""

import math
from dataclasses import replace

import pytest
from mpmath import nstr

from spec.catalogue import CLAIMS
from spec.checking.claim import Claim, Formula, Pin
from spec.checking.pins import bounds, reference
from spec.checking.symbols import H, h, v
from validation.pins.adapters import ADAPTERS
from validation.pins.comparing import PinDisagrees, compare, pinned_function, troubles

ALL = [(claim, pin) for claim in CLAIMS for pin in claim.compared]
PINS = [(claim, pin) for claim, pin in ALL if not pin.vectors]
BY_VECTORS = [(claim, pin) for claim, pin in ALL if pin.vectors]
# A mistake of the statement may be in a part of it that the function does not compute.
TWINS = [(pin, n, twin) for _, pin in PINS if not pin.reads for n, twin in pin.twins.items()]
READ = [pin for _, pin in PINS if pin.reads]


@pytest.mark.parametrize(("claim", "pin"), PINS, ids=[f"{c.id}-{p.name}" for c, p in PINS])
def test_function_agrees_with_the_claim(claim: Claim, pin: Pin) -> None:
    compare(pin, pin.formula, ADAPTERS[pin.name])


@pytest.mark.parametrize(
    ("pin", "twin"), [(p, t) for p, _, t in TWINS], ids=[f"{p.name}-{n}" for p, n, _ in TWINS]
)
def test_false_twin_fails_the_same_comparison(pin: Pin, twin: Formula) -> None:
    with pytest.raises(PinDisagrees):
        compare(pin, twin, ADAPTERS[pin.name])


@pytest.mark.parametrize("pin", READ, ids=lambda pin: pin.name)
def test_some_mistake_of_the_statement_fails_the_same_comparison(pin: Pin) -> None:
    assert troubles(pin, ADAPTERS) == []


@pytest.mark.parametrize(
    ("claim", "pin"), BY_VECTORS, ids=[f"{c.id}-{p.name}" for c, p in BY_VECTORS]
)
def test_function_vectors_and_statement_agree(claim: Claim, pin: Pin) -> None:
    assert troubles(pin, ADAPTERS, claim) == []


def test_every_adapter_belongs_to_a_pin() -> None:
    assert set(ADAPTERS) == {pin.name for _, pin in PINS}


POINTS = ({"h": -0.7}, {"h": 2.3})
NAME = "gbm_ref.log_score_from_hyvarinen"
PLANTED = Pin(NAME, POINTS, because="a test", formula=1 + h, twins={"no Jacobian": h})


def call(function: object, at: dict[str, float]) -> object:
    return function([at["h"]])  # type: ignore[operator]


def test_the_pinned_function_is_the_one_that_is_named() -> None:
    seen = []

    def spy(function: object, at: dict[str, float]) -> object:
        seen.append(function)
        return call(function, at)

    compare(PLANTED, PLANTED.formula, spy)
    assert set(seen) == {pinned_function(PLANTED)}


WRONG = {
    "an error of 8e-15": lambda f, at: f([at["h"]]) + 8e-15,
    "nan": lambda f, at: math.nan,
    "infinity": lambda f, at: math.inf,
    "the twin": lambda f, at: at["h"],
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_planted_defect_in_the_function_is_refused(wrong: object) -> None:
    with pytest.raises(PinDisagrees):
        compare(PLANTED, PLANTED.formula, wrong)  # type: ignore[arg-type]


def test_troubles_are_told_apart() -> None:
    name = PLANTED.name
    assert troubles(PLANTED, {name: call}) == []
    assert troubles(PLANTED, {}) == ["no adapter says how to call it"]
    (found,) = troubles(PLANTED, {name: lambda f, at: [1.0, 2.0]})[:1]
    assert "returned 2 numbers, not 1" in found
    generous = replace(PLANTED, twins={"equal": h + 1})
    assert troubles(generous, {name: call}) == ["twin 'equal' agrees with the function too"]


def test_the_reference_has_fifty_digits_and_the_default_scale_sees_every_symbol() -> None:
    pin = Pin("gbm_ref.denoiser", ({"H": 0.1, "v": 3.0},), formula=H + v / 3, twins={"x": H})
    (value,) = reference(pin, pin.formula, pin.points[0])
    assert nstr(value, 60) == "1.1000000000000000055511151231257827021181583404541015625"
    # |f| + |H df/dH| + |v df/dv| = 1.1 + 0.1 + 1.
    (bound,) = bounds(pin, pin.points[0])
    assert float(bound) == pytest.approx(8 * 2.0**-53 * 2.2, rel=1e-12)


def test_vectors_of_another_function_are_refused() -> None:
    strange = Pin("gbm_ref.hyvarinen_from_denoiser", vectors="denoiser", because="a test")
    assert troubles(strange, {}) == ["the vectors denoiser are not computed by it"]
    assert troubles(replace(strange, function="gbm_ref.denoiser"), {}) == []
