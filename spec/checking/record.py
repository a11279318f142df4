"""Whether a record says all that a reader needs: the first rung, "stated"."""

from spec.checking import text
from spec.checking.claim import Assumption, Claim, Kind, Means, Pin
from spec.checking.typeset import latex


def gaps(claim: Claim) -> list[str]:
    """What is missing from the record of a claim, in words; empty when it is fully stated."""
    found = [name for name in ("id", "title", "statement") if not getattr(claim, name).strip()]
    if not claim.sources and not claim.sheet:
        found.append("no source: neither a place in the paper nor an item of the sheet")
    if claim.kind in {Kind.PROVED, Kind.DECIDED, Kind.REFUTED, Kind.READING}:
        found += _gaps_of_decided(claim)
    else:
        found += [] if claim.reason.strip() else ["no reason why there is nothing to prove"]
        found += ["a routine without twins"] if claim.routine and not claim.twins else []
    for pin in claim.pins:
        found += [f"the pin of {pin.name} {gap}" for gap in _gaps_of_pin(pin, claim)]
    return found or _gaps_of_texts(claim)


def _gaps_of_decided(claim: Claim) -> list[str]:
    refuted = claim.kind is Kind.REFUTED
    found = {
        "no proof routine": claim.routine is None,
        "no false twin": claim.routine is not None and not claim.twins,
        "what the paper prints is not given to the routine": refuted and not claim.printed,
        "a claim without an erratum cannot have a refuted printed form":
            claim.printed and not refuted,
        "no derivation": not claim.derivation.strip(),
        f"means {claim.means} decides nothing": claim.means in {Means.NONE, Means.LITERATURE},
    }  # fmt: skip
    return [gap for gap, missing in found.items() if missing]


def _gaps_of_pin(pin: Pin, claim: Claim) -> list[str]:
    if pin.vectors:
        return [] if pin.reads or pin.because else ["says neither what it reads nor why"]
    # A pin that reads the statement reads the mistakes too.
    found = [] if pin.twins or (pin.reads and claim.mistakes) else ["has no twin"]
    found += ["has fewer than two points"] if len(pin.points) < 2 else []
    if bool(pin.reads) is bool(pin.because):
        found.append("has to say either what it reads in the statement or why it pins another")
    return found


def _gaps_of_texts(claim: Claim) -> list[str]:
    """What is typed and ought to be computed, slots without values, formulas that show nothing."""
    texts = {"statement": claim.statement, "derivation": claim.derivation, "reason": claim.reason}
    if claim.erratum:
        texts |= {"trouble": claim.erratum.trouble, "advice": claim.erratum.advice}
    found = []
    for name, said in texts.items():
        found += [f"{name}: {trouble}" for trouble in text.typed(said)]
        try:
            text.filled(said, claim.slot_values, claim.names)
        except Exception as error:  # whatever keeps a text from being printed is shown
            found.append(f"{name}: {type(error).__name__}: {error}")
    return found or (_gaps_of_shown(claim) if claim.routine else [])


def _gaps_of_shown(claim: Claim) -> list[str]:
    """The printed formula has to come from the candidate: each mistake has to print another."""
    if not set(text.slots(claim.statement)) & set(claim.shown(claim.holds)):
        return ["the statement shows nothing of what the routine accepts"]
    ours, found = printable(claim, claim.holds), []
    for name, candidate in claim.mistakes.items():
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
