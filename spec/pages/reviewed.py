"""Which texts were read against which routine.

What a formula cannot say is words, and whether words are true only a reader can tell. For each
claim `spec/reviewed.json` holds the hash of all its words, with their formulas filled in, and of
the sources of its routine, as they were when somebody read the one against the other. A claim
whose words or routine have changed since is not "stated" until it was read again:
`python -m spec --reviewed ID`."""

import hashlib
import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType

from spec.checking.claim import Assumption, Claim
from spec.pages.prose import refused, said

FILE = Path(__file__).resolve().parent.parent / "reviewed.json"


def fingerprint(claim: Claim) -> str:
    """SHA-256 of the words of a claim and of the functions of `spec` that decide it."""
    words = [claim.id, claim.title, claim.kind, claim.means, *claim.readings, *claim.depends]
    words += [*claim.sheet, *map(str, claim.sources)]
    words += [said(claim, t) for t in (claim.statement, claim.derivation, claim.reason)]
    for assumption in claim.assumptions:
        tried = isinstance(assumption, Assumption)
        words += [assumption.text, assumption.used] if tried else [assumption]
    if erratum := claim.erratum:
        plain = isinstance(erratum.figures, FunctionType)
        words += [erratum.fault, erratum.remains_open]
        words += [inspect.getsource(erratum.figures) if plain else ""]
        words += [said(claim, t) for t in (erratum.quote, erratum.trouble, erratum.advice)]
    for candidates in (claim.twins, claim.printed):
        words += [word for pair in refused(claim, candidates) for word in pair]
    words += [f"{pin.name} {pin.k} {pin.vectors} {pin.because}" for pin in claim.pins]
    if claim.routine is not None:
        words += sorted(inspect.getsource(function) for function in reached(claim.routine))
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def reached(routine: Callable) -> set[FunctionType]:
    """The routine and what it calls by name in `spec`, but for the means of proof."""
    found: set[FunctionType] = set()
    waiting = [routine]
    while waiting:
        function = inspect.unwrap(waiting.pop())  # what a cache keeps has a source as well
        if isinstance(function, FunctionType) and function not in found:
            found.add(function)
            named = (function.__globals__.get(name) for name in _names(function.__code__))
            waiting += [other for other in named if _is_of_a_subject(other)]
    return found


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _is_of_a_subject(value: object) -> bool:
    module = getattr(value, "__module__", None) or ""
    own = module.startswith("spec.") and not module.startswith("spec.checking")
    return own and callable(value)


def known() -> dict[str, str]:
    """Claim id to the fingerprint that was read."""
    return dict(json.loads(FILE.read_text(encoding="utf-8"))) if FILE.exists() else {}


def unread(claim: Claim) -> list[str]:
    """The trouble of a claim whose words or routine were not read as they are."""
    if known().get(claim.id) == fingerprint(claim):
        return []
    look = f"`python -m spec --claim {claim.id}`, then `python -m spec --reviewed {claim.id}`"
    return [f"its words were not read against its routine as both are: look at {look}"]


def record(claims: list[Claim], ids: list[str]) -> None:
    """Note that the words of these claims were read; forget claims that are not among `ids`."""
    found = {name: value for name, value in known().items() if name in ids}
    found |= {claim.id: fingerprint(claim) for claim in claims}
    FILE.write_text(json.dumps(dict(sorted(found.items())), indent=0) + "\n", encoding="utf-8")
