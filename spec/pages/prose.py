"""The texts of a claim with their formulas filled in, for every page alike."""

from collections.abc import Iterable, Mapping

import mpmath

from spec.checking import text
from spec.checking.claim import Claim, Source
from spec.checking.record import printable


def said(claim: Claim, given: str) -> str:
    """A text of the claim as Markdown with LaTeX."""
    return text.filled(given, claim.slot_values, claim.names)


def places(sources: Iterable[Source], nowhere: str = "-") -> str:
    """The places of a claim: "v1 eq. 9, v2 eq. 9"."""
    return ", ".join(map(str, sources)) or nowhere


def figures(claim: Claim) -> list[tuple[str, str]]:
    """Label and value of each figure of an erratum, with as many digits as the figure asks for."""
    found = claim.erratum.figures() if claim.erratum else ()
    return [(f.label, str(f.value) if isinstance(f.value, int)
             else str(mpmath.nstr(mpmath.mpf(f.value), f.digits))) for f in found]  # fmt: skip


def refused(claim: Claim, candidates: Mapping[str, object]) -> list[tuple[str, str]]:
    """Name and formula of each refused candidate: only what differs from the statement."""
    if claim.routine is None:
        return [(name, "") for name in candidates]
    ours = printable(claim, claim.holds).items()
    printed = {name: printable(claim, candidate) for name, candidate in candidates.items()}
    return [
        (name, "; ".join(shows for slot, shows in other.items() if (slot, shows) not in ours))
        for name, other in printed.items()
    ]
