"""Every pin: the function agrees with the claim's right-hand side at 50 digits, twins do not."""

import math

import pytest
from mpmath import nstr

from spec.catalogue import CLAIMS
from spec.checking.claim import Claim, Formula, Pin
from spec.checking.pins import bounds, reference
from spec.checking.symbols import H, h, v
from tests.spec.adapters import ADAPTERS
from tests.support.pin_check import PinDisagrees, compare, pinned_function, troubles

PINS = [(claim, pin) for claim in CLAIMS for pin in claim.pins]
TWINS = [(pin, name, twin) for _, pin in PINS for name, twin in pin.twins.items()]


@pytest.mark.parametrize(("claim", "pin"), PINS, ids=[f"{c.id}-{p.name}" for c, p in PINS])
def test_function_agrees_with_the_claim(claim: Claim, pin: Pin) -> None:
    compare(pin, pin.formula, ADAPTERS[pin.name])


@pytest.mark.parametrize(
    ("pin", "twin"), [(p, t) for p, _, t in TWINS], ids=[f"{p.name}-{n}" for p, n, _ in TWINS]
)
def test_false_twin_fails_the_same_comparison(pin: Pin, twin: Formula) -> None:
    with pytest.raises(PinDisagrees):
        compare(pin, twin, ADAPTERS[pin.name])


def test_every_adapter_belongs_to_a_pin() -> None:
    assert set(ADAPTERS) == {pin.name for _, pin in PINS}


POINTS = ({"h": -0.7}, {"h": 2.3})
PLANTED = Pin("gbm_ref.log_score_from_hyvarinen", 1 + h, {"no Jacobian": h}, POINTS)


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
    generous = Pin(PLANTED.function, 1 + h, {"equal": h + 1}, PLANTED.points)
    assert troubles(generous, {name: call}) == ["twin 'equal' agrees with the function too"]


def test_the_reference_has_fifty_digits_and_the_default_scale_sees_every_symbol() -> None:
    pin = Pin("gbm_ref.denoiser", H + v / 3, {"x": H}, ({"H": 0.1, "v": 3.0},))
    (value,) = reference(pin, pin.formula, pin.points[0])
    assert nstr(value, 60) == "1.1000000000000000055511151231257827021181583404541015625"
    # |f| + |H df/dH| + |v df/dv| = 1.1 + 0.1 + 1.
    (bound,) = bounds(pin, pin.points[0])
    assert float(bound) == pytest.approx(8 * 2.0**-53 * 2.2, rel=1e-12)
