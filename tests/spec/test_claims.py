"""Every claim is complete; its routine accepts it, not its twins; its status is computed."""

from dataclasses import replace
from pathlib import Path

import pytest
from sympy import Rational, cancel, exp, pi, sqrt, symbols

from spec import catalogue
from spec.catalogue import CLAIMS, ancestors, defects, shortfalls
from spec.checking.algebra import Undecidable, same, vanishes
from spec.checking.asking import decide, rearranged
from spec.checking.claim import Assumption, Claim, Erratum, Fault, Kind, Means, Pin, v1
from spec.checking.record import gaps
from spec.checking.symbols import h, mu, t
from spec.checking.trace import described, each, points, recording
from spec.pages import reviewed
from spec.verdicts import Status, run_proofs, statuses
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
    decided = [c for c in CLAIMS if c.kind in {Kind.PROVED, Kind.DECIDED, Kind.REFUTED}]
    assert len(decided) >= 220
    assert all(c.routine and len(c.twins) >= 1 for c in decided)


def test_ancestors_reach_through_other_claims() -> None:
    assert "Robbins" in ancestors("A10-score")
    assert "A10-score" not in ancestors("Robbins")


PIN = Pin("gbm_ref.f", ({"h": 1.0}, {"h": 2.0}), because="a test", formula=1 + h, twins={"t": h})


def is_the_square(candidate: object) -> bool:
    r"""The square of the sum is $[[it]]$.

    Multiplied out.
    """
    return same((h + t) ** 2, candidate)


SQUARE = h**2 + 2 * h * t + t**2
CLAIM = Claim(
    "planted",
    "square of a sum",
    is_the_square,
    holds=SQUARE,
    twins={"no mixed term": h**2 + t**2},
    sources=v1("eq. 1"),
)
AGREE = {"planted: gbm_ref.f": []}


def status(monkeypatch: Patch, *claims: Claim, pins: dict[str, list[str]] | None = None) -> Status:
    """Of the last of these claims, in a catalogue that holds no others, with all words read."""
    monkeypatch.setattr(catalogue, "BY_ID", {c.id: c for c in claims})
    monkeypatch.setattr("spec.verdicts.BY_ID", catalogue.BY_ID)
    monkeypatch.setattr("spec.verdicts.unread", lambda claim: [])
    found = statuses(run_proofs([c.id for c in claims], 1), pins or {})
    return found[claims[-1].id]


def only_the_text(candidate: object) -> bool:
    r"""The square is $[[it]]$.

    Compared with the answer.
    """
    return same(candidate, candidate) and candidate == SQUARE  # type: ignore[arg-type]


def brittle(candidate: object) -> bool:
    r"""The square is $[[it]]$.

    Looked up.
    """
    return {2: True}[len(candidate.free_symbols)] and same((h + t) ** 2, candidate)  # type: ignore[attr-defined]


def at_points(candidate: object) -> bool:
    r"""The square is $[[it]]$.

    At the points shown.
    """
    return all([same(((h + t) ** 2).subs(t, n), candidate.subs(t, n)) for n in each("t", (1, 2))])  # type: ignore[attr-defined]


LAX, FORGETFUL = {"twins": {"the same": (h + t) ** 2}}, Assumption("h is real", "nothing", bool)
# What is changed, what the comparison of the pins said, the rung and the troubles.
STATUSES: dict[str, tuple[dict, dict | None, str, str]] = {
    "sound": ({"pins": (PIN,)}, AGREE, "fully checked", ""),
    "incomplete record": ({"derivation": " "}, None, "open", "no derivation"),
    "refused": ({"holds": h}, None, "stated", "the routine refuses the statement"),
    "accepted twin": (LAX, None, "proved", "the same: accepted"),
    "pin not compared": ({"pins": (PIN,)}, None, "twins refused", "gbm_ref.f: not compared"),
    "law == holds": ({"routine": only_the_text}, None, "stated",
                     "the routine refuses an equivalent arrangement"),
    "points, said to be algebra": ({"routine": at_points}, None, "stated",
                                   "its routine walks through points, so it is not decided by "
                                   "algebra"),
    "algebra, said to be points": ({"means": Means.POINTS}, None, "stated",
                                   "decided at points, but its routine walked through none "
                                   "(spec.checking.trace)"),
    "no algebra at all": ({"routine": lambda c: c != h**2 + t**2, "statement": "[[it]]",
                           "derivation": "none"}, None, "stated",
                          "decided by algebra, but its routine used none of it"),
    "assumption dropped in vain": ({"assumptions": (FORGETFUL,)}, None, "stated",
                                   "without 'h is real' nothing goes wrong: say it as a bare "
                                   "text"),
}  # fmt: skip


@pytest.mark.parametrize("name", STATUSES)
def test_the_status_of_a_claim(name: str, monkeypatch: Patch) -> None:
    change, pins, rung, trouble = STATUSES[name]
    found = status(monkeypatch, replace(CLAIM, **change), pins=pins)
    assert (found.rung, found.troubles) == (rung, (trouble,) if trouble else ())
    assert found.complete == (name == "sound")


def test_an_exception_is_no_refusal() -> None:
    outcome = decide(replace(CLAIM, routine=brittle, twins={"a third symbol": SQUARE + mu}))
    assert outcome.twin_troubles == ("a third symbol: KeyError: 3",)


def test_an_answer_that_is_not_a_truth_value_proves_nothing() -> None:
    outcome = decide(replace(CLAIM, routine=lambda number: 1))
    assert outcome.proof_trouble == "the routine answered 1, not True or False"


def test_what_cannot_be_rearranged_needs_another_form() -> None:
    plain = replace(CLAIM, routine=lambda n: int(n) == 4, holds=4, means=Means.CALCULUS)
    assert "give one as `equivalent`" in (decide(plain).proof_trouble or "")
    assert decide(replace(plain, equivalent="4")).proof_trouble is None


def test_an_arrangement_is_equal_and_looks_different() -> None:
    given = {"pair": (h, t**2), "function": lambda x: x + h, "number": 3}
    other = rearranged(given)
    assert other["pair"] != given["pair"] and same(other["pair"][1], t**2)
    assert same(other["function"](t), t + h) and other["number"] == 3
    with recording() as trace:
        list(points([{"N": 1, "v": 0.5}, {"N": 3, "v": 0.25}, {"N": 3, "v": 0.25}]))
    assert described(trace.points) == "2 points: N from 1 to 3, v from 0.25 to 0.5"


def test_a_mistake_has_to_print_another_formula() -> None:
    deaf = replace(CLAIM, shown=lambda candidate: {"it": SQUARE})
    assert gaps(deaf) == ["no mixed term: prints as the statement does"]
    mute = replace(CLAIM, statement="The square is what it is.")
    assert gaps(mute) == ["the statement shows nothing of what the routine accepts"]
    wrong = replace(CLAIM, statement=r"The square of the sum is $h^2+t^2$ or $[[it]]$.")
    assert gaps(wrong) == ["statement: typed arithmetic in $h^2+t^2$"]


def test_words_are_bound_to_what_they_were_read_against(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(reviewed, "FILE", tmp_path / "reviewed.json")
    assert "--reviewed planted" in reviewed.unread(CLAIM)[0]
    reviewed.record([CLAIM], ["planted"])
    assert reviewed.unread(CLAIM) == []
    for change in (
        {"derivation": "Divided by two."},
        {"assumptions": ("any data",)},
        {"title": "cube of a sum"},
        {"routine": only_the_text, "statement": CLAIM.statement, "derivation": CLAIM.derivation},
        {"holds": SQUARE + t},
        {"pins": (PIN,)},
    ):
        assert reviewed.unread(replace(CLAIM, **change)), change  # type: ignore[arg-type]
    reviewed.record([], [])
    assert reviewed.known() == {}


def test_a_claim_is_no_better_than_what_it_rests_on(monkeypatch: Patch) -> None:
    base = replace(CLAIM, id="base", holds=h)
    middle = replace(CLAIM, id="middle", depends=("base",))
    found = status(monkeypatch, base, middle, replace(CLAIM, depends=("middle",)))
    assert (found.rung, found.troubles) == ("checked", ("rests on base",))


def test_lost_texts_need_a_reason() -> None:
    lost = replace(CLAIM, stated_kind=Kind.UNRECOVERABLE, means=Means.NONE, routine=None)
    assert gaps(lost) == ["no reason why there is nothing to prove"]
    assert gaps(replace(lost, reason="the entries are lost", statement="The entries.")) == []


ERRATUM = Erratum(Fault.WRONG, "the square is the sum of squares", "it is not")


@pytest.mark.parametrize(
    ("change", "gap"),
    [
        ({"sources": (), "sheet": ()}, "no source"),
        ({"routine": None, "statement": "x"}, "no proof routine"),
        ({"twins": {}}, "no false twin"),
        ({"erratum": ERRATUM}, "what the paper prints is not given"),
        ({"printed": {"x": h}}, "cannot have a refuted printed form"),
        ({"means": Means.NONE}, "decides nothing"),
        ({"pins": (replace(PIN, twins={}),)}, "has no twin"),
        ({"pins": (replace(PIN, points=PIN.points[:1]),)}, "fewer than two points"),
        ({"pins": (replace(PIN, because=""),)}, "why it pins another"),
        ({"pins": (Pin("gbm_ref.f", vectors="denoiser"),)}, "neither what it reads nor why"),
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
    unlisted = [f"{n}: spec/inventory.py does not list it" for n in ("sheet A99", "v1 eq. 34")]
    assert found[-2:] == unlisted


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
