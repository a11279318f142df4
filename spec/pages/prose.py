"""The texts of a claim with their formulas filled in, for every page alike."""

from collections.abc import Mapping

from spec.checking import text
from spec.checking.claim import Claim
from spec.checking.record import printable


def said(claim: Claim, given: str) -> str:
    """A text of the claim as Markdown with LaTeX."""
    return text.filled(given, claim.slot_values, claim.names)


def refused(claim: Claim, candidates: Mapping[str, object]) -> list[tuple[str, str]]:
    """Name and formula of each refused candidate: only what differs from the statement."""
    if claim.routine is None:
        return [(name, "") for name in candidates]
    ours = printable(claim, claim.holds)
    printed = {name: printable(claim, candidate) for name, candidate in candidates.items()}
    return [
        (name, "; ".join(shows for slot, shows in other.items() if ours.get(slot) != shows))
        for name, other in printed.items()
    ]
