"""Every claim: its record is complete, its routine accepts it and refuses its false twins."""

import pytest

from spec.catalogue import CLAIMS, ancestors, defects, shortfalls
from spec.checking.asking import decide
from spec.checking.claim import Claim, Kind
from spec.checking.record import gaps


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_claim(claim: Claim) -> None:
    assert gaps(claim) == []
    outcome = decide(claim)
    assert outcome.proof_trouble is None
    assert outcome.twin_troubles == ()


def test_the_collection_is_sound_and_nothing_is_left_out() -> None:
    assert defects() == []
    assert shortfalls() == []


def test_every_decided_claim_is_asked_about_mistakes() -> None:
    decided = [c for c in CLAIMS if c.kind in {Kind.PROVED, Kind.REFUTED}]
    assert len(decided) >= 120
    assert all(c.proof and len(c.proof.twins) >= 1 for c in decided)


def test_ancestors_reach_through_other_claims() -> None:
    assert "Robbins" in ancestors("A10-score")
    assert "A10-score" not in ancestors("Robbins")
