"""Whether a record says all that a reader needs: the first rung, "stated"."""

from spec.checking import text
from spec.checking.claim import Assumption, Claim, Kind, Means, Pin
from spec.checking.typeset import latex

_DECIDED = {Kind.PROVED, Kind.DECIDED, Kind.REFUTED, Kind.READING}


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
        if claim.routine and not claim.twins:
            found.append("a routine without twins")
    for pin in claim.compared:
        found += [f"the pin of {pin.name} {gap}" for gap in _gaps_of_pin(pin)]
    return found or _gaps_of_texts(claim)


def _gaps_of_decided(claim: Claim) -> list[str]:
    found = []
    if claim.routine is None:
        found.append("no proof routine")
    elif not claim.twins:
        found.append("no false twin")
    if claim.kind is Kind.REFUTED and not claim.printed:
        found.append("what the paper prints is not given to the routine")
    if claim.kind is not Kind.REFUTED and claim.printed:
        found.append("a claim without an erratum cannot have a refuted printed form")
    if not claim.derivation.strip():
        found.append("no derivation")
    if claim.means in {Means.NONE, Means.LITERATURE}:
        found.append(f"means {claim.means} decides nothing")
    return found


def _gaps_of_pin(pin: Pin) -> list[str]:
    if pin.vectors:
        return [] if pin.reads or pin.because else ["says neither what it reads nor why"]
    found = [] if pin.twins else ["has no twin"]
    if len(pin.points) < 2:
        found.append("has fewer than two points")
    if (pin.reads is None) is not bool(pin.because):
        found.append("has to say either what it reads in the statement or why it pins another")
    return found


def texts(claim: Claim) -> dict[str, str]:
    """The texts whose formulas and numbers have to be computed, by what they are."""
    found = {"statement": claim.statement, "derivation": claim.derivation, "reason": claim.reason}
    if claim.erratum:
        found |= {"trouble": claim.erratum.trouble, "advice": claim.erratum.advice}
    return {name: said for name, said in found.items() if said}


def _gaps_of_texts(claim: Claim) -> list[str]:
    """What is typed and ought to be computed, slots without values, formulas that show nothing."""
    found = []
    for name, said in texts(claim).items():
        found += [f"{name}: {trouble}" for trouble in text.typed(said)]
        try:
            text.filled(said, claim.slot_values, claim.names)
        except Exception as error:  # whatever keeps a text from being printed is shown
            found.append(f"{name}: {type(error).__name__}: {error}")
    if claim.routine and not found:
        found += _gaps_of_shown(claim)
    return found


def _gaps_of_shown(claim: Claim) -> list[str]:
    """The printed formula has to come from the candidate: each mistake has to print another."""
    used = set(text.slots(claim.statement))
    if not used & set(claim.shown(claim.holds)):
        return ["the statement shows nothing of what the routine accepts"]
    ours, found = printable(claim, claim.holds), []
    for name, candidate in {**claim.twins, **claim.printed}.items():
        try:
            if printable(claim, candidate) == ours:
                found.append(f"{name}: prints as the statement does")
        except Exception as error:
            found.append(f"{name}: cannot be printed: {type(error).__name__}: {error}")
    return found


def printable(claim: Claim, candidate: object) -> dict[str, str]:
    """What is shown of a candidate of the claim, by slot: words, or $LaTeX$."""
    if id(candidate) not in claim.memo:
        found = {}
        for slot, value in claim.shown(candidate).items():
            tex = latex(value, claim.names, 12)
            found[slot] = tex if isinstance(value, str) and "\\" not in tex else f"${tex}$"
        claim.memo[id(candidate)] = found
    return claim.memo[id(candidate)]


def exercised(claim: Claim) -> tuple[list[Assumption], list[str]]:
    """The assumptions that are dropped and found to be needed, and the bare ones."""
    tried = [a for a in claim.assumptions if isinstance(a, Assumption)]
    return tried, [a for a in claim.assumptions if isinstance(a, str)]
