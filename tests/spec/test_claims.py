"""Every claim is complete; its routine accepts it, not its twins; its status is computed."""

from dataclasses import replace

import pytest
from sympy import Rational, cancel, exp, pi, sqrt, symbols

from spec import catalogue
from spec.catalogue import CLAIMS, ancestors, defects, shortfalls
from spec.checking.algebra import Undecidable, same, vanishes
from spec.checking.asking import decide
from spec.checking.claim import Claim, Kind, Means, Pin, Proof, v1
from spec.checking.record import gaps
from spec.checking.symbols import h
from spec.checking.verdicts import Status, run_proofs, statuses
from tests.support.fixtures import Patch


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_claim(claim: Claim) -> None:
    assert gaps(claim) == []
    outcome = decide(claim)
    assert outcome.proof_trouble is None
    assert outcome.twin_troubles == ()


def test_the_collection_is_sound_and_nothing_is_left_out() -> None:
    assert (defects(), shortfalls()) == ([], [])


def test_every_decided_claim_is_asked_about_mistakes() -> None:
    decided = [c for c in CLAIMS if c.kind in {Kind.PROVED, Kind.REFUTED}]
    assert len(decided) >= 120
    assert all(c.proof and len(c.proof.twins) >= 1 for c in decided)


def test_ancestors_reach_through_other_claims() -> None:
    assert "Robbins" in ancestors("A10-score")
    assert "A10-score" not in ancestors("Robbins")


PIN = Pin("gbm_ref.f", formula=1 + h, twins={"t": h}, points=({"h": 1.0}, {"h": 2.0}))
PROOF = Proof(lambda number: number == 4, holds=4, twins={"five": 5})
TEXTS = {"id": "planted", "title": "two and two", "statement": "2 + 2 = 4", "derivation": "count"}
CLAIM = Claim(**TEXTS, kind=Kind.PROVED, means=Means.ALGEBRA, sources=v1("eq. 1"), proof=PROOF)
AGREE = {"planted: gbm_ref.f": []}


def status(monkeypatch: Patch, *claims: Claim, pins: dict[str, list[str]] | None = None) -> Status:
    """Of the last of these claims, in a catalogue that holds no others."""
    monkeypatch.setattr(catalogue, "BY_ID", {c.id: c for c in claims})
    monkeypatch.setattr("spec.checking.verdicts.BY_ID", catalogue.BY_ID)
    found = statuses(run_proofs([c.id for c in claims], 1), pins or {})
    return found[claims[-1].id]


WRONG = replace(PROOF, holds=6)
LAX = replace(PROOF, routine=lambda number: number < 6)
BRITTLE = replace(PROOF, routine=lambda number: {4: True}[number])
# What is changed, what the comparison of the pins said, the rung and the troubles.
STATUSES: dict[str, tuple[dict, dict | None, str, tuple[str, ...]]] = {
    "sound": ({"pins": (PIN,)}, AGREE, "fully checked", ()),
    "incomplete record": ({"derivation": " "}, None, "open", ("no derivation",)),
    "refused": ({"proof": WRONG}, None, "stated", ("the routine refuses the statement",)),
    "accepted twin": ({"proof": LAX}, None, "proved", ("five: accepted",)),
    "exception, no refusal": ({"proof": BRITTLE}, None, "proved", ("five: KeyError: 5",)),
    "pin not compared": ({"pins": (PIN,)}, None, "twins refused", ("gbm_ref.f: not compared",)),
}


@pytest.mark.parametrize("name", STATUSES)
def test_the_status_of_a_claim(name: str, monkeypatch: Patch) -> None:
    change, pins, *expected = STATUSES[name]
    found = status(monkeypatch, replace(CLAIM, **change), pins=pins)
    assert [found.rung, found.troubles] == expected
    assert found.complete == (name == "sound")


def test_an_answer_that_is_not_a_truth_value_proves_nothing() -> None:
    outcome = decide(replace(CLAIM, proof=replace(PROOF, routine=lambda number: 1)))
    assert outcome.proof_trouble == "the routine answered 1, not True or False"


def test_a_claim_is_no_better_than_what_it_rests_on(monkeypatch: Patch) -> None:
    base = replace(CLAIM, id="base", proof=WRONG)
    middle = replace(CLAIM, id="middle", depends=("base",))
    found = status(monkeypatch, base, middle, replace(CLAIM, depends=("middle",)))
    assert (found.rung, found.troubles) == ("checked", ("rests on base",))


def test_lost_texts_need_a_reason() -> None:
    lost = replace(CLAIM, kind=Kind.UNRECOVERABLE, means=Means.NONE, proof=None)
    assert gaps(lost) == ["no reason why there is nothing to prove"]
    assert gaps(replace(lost, reason="the entries are lost")) == []


@pytest.mark.parametrize(
    ("change", "gap"),
    [
        ({"sources": ()}, "no source"),
        ({"proof": None}, "no proof routine"),
        ({"proof": replace(PROOF, twins={})}, "no false twin"),
        ({"kind": Kind.REFUTED}, "what the paper prints is not given"),
        ({"means": Means.LITERATURE}, "decides nothing"),
        ({"pins": (replace(PIN, twins={}),)}, "has no twin"),
        ({"pins": (replace(PIN, points=PIN.points[:1]),)}, "fewer than two points"),
    ],
)
def test_gaps_of_a_record_are_named(change: dict[str, object], gap: str) -> None:
    assert any(gap in found for found in gaps(replace(CLAIM, **change)))  # type: ignore[arg-type]


def test_defects_of_the_collection_are_named() -> None:
    assert catalogue.defects(()) == ["there are no claims"]
    assert catalogue.defects((CLAIM, CLAIM)) == ["planted: two claims have this id"]
    (found,) = catalogue.defects((replace(CLAIM, depends=("nobody",)),))
    assert found == "planted: depends on nobody, which does not exist"
    circle = (replace(CLAIM, depends=("b",)), replace(CLAIM, id="b", depends=("planted",)))
    (found,) = catalogue.defects(circle)
    assert found.startswith("claims rest on each other in a circle")


def test_what_no_claim_is_about_is_named() -> None:
    found = catalogue.shortfalls((replace(CLAIM, sources=v1("eq. 1", "eq. 34"), sheet=("A99",)),))
    assert "v1 eq. 1: no claim is about it" not in found
    assert {"v1 eq. 2: no claim is about it", "sheet A1: no claim is about it"} <= set(found)
    assert found[-2:] == [f"{n}: spec/inventory.py does not list it" for n in ("v1 eq. 34", "A99")]


def test_several_processes_give_the_same_outcomes() -> None:
    found = [run_proofs(["Robbins", "A10-score"], jobs) for jobs in (1, 2)]
    alone, together = ({k: replace(o, seconds=0) for k, o in one.items()} for one in found)
    assert alone == together


def test_polynomials_decide() -> None:
    x, y = symbols("x y")
    assert vanishes((x**2 - y**2) / (x - y) - x - y)
    assert not vanishes((x**2 - y**2) / (x - y) - x + y)
    assert same(Rational(1, 3) * x, x / 3)
    assert not vanishes((x - x, y))


def test_quotients_are_added_multiplied_and_inverted_as_fractions_are() -> None:
    """Against SymPy's own normal form, which goes another way: by greatest common divisors."""
    x, y, z = symbols("x y z")
    inner = 3 / (x / 2 - y) - y / (6 * x * z * (2 * y - x))
    for known, below in [
        (inner, 1),
        (1 / inner + z**2 / (x * inner**3), 1),
        ((1 / x - 1 / y) ** -2 - (x * y) ** 2, (x - y) ** 2),
        (1 / (1 + 1 / (1 + 1 / (x + z))), Rational(7, 4)),
        (z / (x * y - y) + z / (y - x * y) + 1 / (1 - x), 1),
    ]:
        expression = known / below
        assert vanishes(expression - cancel(expression))
        assert not vanishes(expression - cancel(expression) * (1 + x / 10**9))


def test_a_denominator_that_is_zero_decides_nothing() -> None:
    x, y = symbols("x y")
    for nothing in (x * (y + 1) - x * y - x, (x - y) ** 2 - x**2 + 2 * x * y - y**2):
        with pytest.raises(Undecidable, match="identically zero"):
            vanishes(1 / nothing)
        with pytest.raises(Undecidable, match="identically zero"):
            vanishes(1 + (y / nothing) ** 2)


@pytest.mark.parametrize("make", [exp, sqrt, lambda x: pi * x - 3 * x], ids=["exp", "sqrt", "pi"])
def test_what_is_not_rational_is_an_error_not_a_refusal(make: object) -> None:
    with pytest.raises(Undecidable):
        vanishes(make(symbols("x")))  # type: ignore[operator]
