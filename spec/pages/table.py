"""What `python -m spec` prints: the table, one claim in full, the counts, JSON."""

import json
import textwrap
from collections import Counter
from collections.abc import Iterable

from spec.catalogue import CLAIMS
from spec.checking.claim import Assumption, Claim, Kind
from spec.checking.record import exercised
from spec.checking.trace import described
from spec.pages.prose import figures, places, refused, said
from spec.verdicts import Status


def table(statuses: Iterable[Status]) -> str:
    """One line a claim: id, kind, means, status, title, places."""
    found, lines = list(statuses), []
    width = max(len(status.claim.id) for status in found) + 2
    for status in found:
        claim = status.claim
        head = f"{claim.id:<{width}}{claim.kind:<15}{claim.means:<12}{status.rung:<15}"
        lines.append(f"{head}{claim.title}  ({places(claim.sources)})")
        lines += [f"{'':<{width}}! {trouble}" for trouble in status.troubles]
    return "\n".join(lines)


def kinds(claims: Iterable[Claim]) -> str:
    """How many claims there are of each kind, and by which means, as the README says it."""
    found, named = list(claims), []
    for kind in Kind:
        of_means = Counter(str(claim.means) for claim in found if claim.kind is kind)
        if not of_means:
            continue
        alone = set() if kind is Kind.REFUTED else {"literature", "points", "reading"}
        by = [f"{n} by {m}" for m, n in of_means.most_common() if m not in {"none", *alone}]
        named.append(f"{of_means.total()} {kind}" + (f" ({', '.join(by)})" if by else ""))
    return f"{len(found)} claims: {', '.join(named)}"


def counts(statuses: Iterable[Status]) -> str:
    """How many claims of each kind, and how many of them are fully checked."""
    found = list(statuses)
    complete = sum(status.complete for status in found)
    candidates = sum(status.outcome.candidates for status in found)
    pins = sum(len(status.claim.pins) for status in found)
    return (
        f"{kinds(status.claim for status in found)}.\n"
        f"{candidates} false candidates given to the same routines, {pins} pins on gbm_ref.\n"
        f"{complete} of {len(found)} fully checked."
    )


def fails(dropped: Assumption) -> str:
    """What goes wrong without an assumption, which several claims may share."""
    shared = sum(dropped in claim.assumptions for claim in CLAIMS)
    return "it fails" if shared == 1 else f"one of the {shared} claims that share it fails"


def details(status: Status) -> str:
    """One claim in full: statement, derivation, verdicts, figures."""
    claim, (tried, bare) = status.claim, exercised(status.claim)
    parts = [
        f"{claim.id}: {claim.title}",
        f"{how(status)}; {status.rung}; {status.outcome.seconds:.1f} s",
        f"stated in   {places(claim.sources)}",
        f"sheet       {', '.join(claim.sheet) or '-'}",
        f"rests on    {', '.join(claim.depends) or '-'}",
        *(f"assumes     {a.text} (dropped: {fails(a)}; used by {a.used})" for a in tried),
        *(f"assumes     {text} (assumed, not exercised)" for text in bare),
        *(f"we read     {reading}" for reading in claim.readings),
        *(f"!           {trouble}" for trouble in status.troubles),
    ]
    whys = {"": claim.statement, "Derivation\n": claim.derivation,
            "Why there is nothing to prove\n": claim.reason}  # fmt: skip
    for head, text in whys.items():
        indent = {"initial_indent": "  ", "subsequent_indent": "  "}
        parts += [f"\n{head}{textwrap.fill(said(claim, text), 96, **indent)}"] if text else []
    return "\n".join(
        [*parts, *_proof_lines(claim), *_erratum_lines(claim), *_pin_lines(claim), ""]
    )


def as_json(statuses: Iterable[Status]) -> str:
    """Everything but the routines, for other programs."""
    found = list(map(_entry, statuses))
    return json.dumps(found, indent=2, ensure_ascii=False, default=str)


def how(status: Status) -> str:
    """Kind and means of a claim, with the points at which its routine decided it."""
    claim, points = status.claim, status.outcome.points
    by = claim.routine and str(claim.means) not in str(claim.kind)
    found = f"{claim.kind} by {claim.means}" if by else str(claim.kind)
    return f"{found} ({described(points)})" if points else found


def _proof_lines(claim: Claim) -> list[str]:
    if claim.routine is None:
        return []
    lines = ["", f"Routine {claim.routine.__module__}.{claim.routine.__name__}"]
    for label, candidates in (("must refuse", claim.twins), ("printed, refused", claim.printed)):
        for name, shows in refused(claim, candidates):
            lines.append(f"  {label}: {name}" + (f": {shows}" if shows else ""))
    return lines


def _erratum_lines(claim: Claim) -> list[str]:
    if not (erratum := claim.erratum):
        return []
    lines = [
        ("printed", said(claim, erratum.quote)),
        ("trouble", said(claim, erratum.trouble)),
        *([("advice", said(claim, erratum.advice))] if erratum.advice else []),
        *(("figure", f"{label}: {value}") for label, value in figures(claim)),
        *([("open", erratum.remains_open)] if erratum.remains_open else []),
    ]
    return ["", f"Erratum ({erratum.fault})", *(f"  {what:<12}{text}" for what, text in lines)]


def _pin_lines(claim: Claim) -> list[str]:
    lines = []
    for pin in claim.compared:
        # A mistake of the statement may be in a part of it that the function does not compute.
        where = f"where {'one' if pin.reads else 'each'} of these is refused there"
        by = f"within {pin.k:g} u S at {len(pin.points)} points, {where}: {', '.join(pin.twins)}"
        by = f"by the accuracy vectors {pin.vectors}" if pin.vectors else by
        about = f"; not the statement: {pin.because}" if pin.because else ""
        lines.append(f"Pins {pin.name} {by}{about}")
    return lines


def _entry(status: Status) -> dict[str, object]:
    claim, outcome, (tried, bare) = status.claim, status.outcome, exercised(status.claim)
    return {
        "id": claim.id, "title": claim.title, "statement": said(claim, claim.statement),
        "kind": claim.kind, "means": claim.means, "points": outcome.points,
        "sources": [vars(source) for source in claim.sources], "sheet": claim.sheet,
        "assumptions": [a.text for a in tried], "assumed_not_exercised": bare,
        "depends": claim.depends, "false_twins": list(claim.twins),
        "printed": list(claim.printed), "pins": [pin.name for pin in claim.pins],
        "status": status.rung, "troubles": status.troubles, "seconds": round(outcome.seconds, 3),
    }  # fmt: skip
