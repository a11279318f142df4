"""Which texts were read against which routine.

What a formula cannot say is words, and whether words are true only a reader can tell. For each
claim `spec/reviewed.json` holds the hash of all its words, with their formulas filled in, and of
the source of its routine, as they were when somebody read the one against the other. A claim whose
words or routine have changed since is not "stated" until it was read again:
`python -m spec --reviewed ID`.
"""

import hashlib
import inspect
import json
from pathlib import Path

from spec.checking.claim import Assumption, Claim
from spec.pages.prose import refused, said

FILE = Path(__file__).resolve().parent.parent / "reviewed.json"


def fingerprint(claim: Claim) -> str:
    """SHA-256 of the words of a claim and of its routine."""
    erratum = claim.erratum
    words = [claim.id, claim.title, *claim.readings]
    words += [said(claim, t) for t in (claim.statement, claim.derivation, claim.reason)]
    for assumption in claim.assumptions:
        tried = isinstance(assumption, Assumption)
        words += [assumption.text, assumption.used] if tried else [assumption]  # type: ignore[union-attr]
    if erratum is not None:
        words += [erratum.fault, erratum.quote, erratum.remains_open]
        words += [said(claim, t) for t in (erratum.trouble, erratum.advice)]
    for candidates in (claim.twins, claim.printed):
        words += [word for pair in refused(claim, candidates) for word in pair]
    words += [f"{pin.name}: {pin.because}" for pin in claim.pins]
    words += [f"{source.version} {source.place}" for source in claim.sources]
    words += [inspect.getsource(claim.routine) if claim.routine else ""]
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def known() -> dict[str, str]:
    """Claim id to the fingerprint that was read."""
    return dict(json.loads(FILE.read_text(encoding="utf-8"))) if FILE.exists() else {}


def unread(claim: Claim) -> list[str]:
    """The trouble of a claim whose words or routine were not read as they are."""
    if known().get(claim.id) == fingerprint(claim):
        return []
    return [
        "its words were not read against its routine as both are: look at "
        f"`python -m spec --claim {claim.id}`, then `python -m spec --reviewed {claim.id}`"
    ]


def record(claims: list[Claim]) -> None:
    """Note that the words of these claims were read, and forget claims that are gone."""
    from spec.catalogue import BY_ID

    found = {name: value for name, value in known().items() if name in BY_ID}
    found |= {claim.id: fingerprint(claim) for claim in claims}
    FILE.write_text(json.dumps(dict(sorted(found.items())), indent=0) + "\n", encoding="utf-8")
