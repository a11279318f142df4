"""Whether a record says all that a reader needs: the first rung, "stated"."""

from spec.checking.claim import Claim, Kind, Means

_DECIDED = {Kind.PROVED, Kind.REFUTED}


def gaps(claim: Claim) -> list[str]:
    """What is missing from the record of a claim, in words; empty when it is fully stated."""
    found = [name for name in ("id", "title", "statement") if not getattr(claim, name).strip()]
    if not claim.sources and not claim.sheet:
        found.append("no source: neither a place in the paper nor an item of the sheet")
    if claim.kind in _DECIDED:
        found += _gaps_of_decided(claim)
    else:
        if not claim.reason.strip():
            found.append("no reason why there is nothing to prove")
        if claim.proof and not claim.proof.twins:
            found.append("a routine without twins")
    if (claim.kind is Kind.REFUTED) != (claim.erratum is not None):
        found.append("an erratum belongs to a refuted claim and to no other")
    for pin in claim.pins:
        if not pin.twins:
            found.append(f"the pin of {pin.name} has no twin")
        if len(pin.points) < 2:
            found.append(f"the pin of {pin.name} has fewer than two points")
    return found


def _gaps_of_decided(claim: Claim) -> list[str]:
    found = []
    if claim.proof is None:
        found.append("no proof routine")
    elif not claim.proof.twins:
        found.append("no false twin")
    if claim.kind is Kind.REFUTED and claim.proof and not claim.proof.printed:
        found.append("what the paper prints is not given to the routine")
    if claim.kind is Kind.PROVED and claim.proof and claim.proof.printed:
        found.append("a proved claim cannot have a refuted printed form")
    if not claim.derivation.strip():
        found.append("no derivation")
    if claim.means in {Means.NONE, Means.LITERATURE}:
        found.append(f"means {claim.means} decides nothing")
    return found
