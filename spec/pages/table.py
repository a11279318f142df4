"""What `python -m spec` prints: the table, one claim in full, the counts, JSON."""

import json
import textwrap
from collections import Counter
from collections.abc import Iterable

import mpmath

from spec.checking.claim import Claim, Figure, Kind, Source
from spec.checking.record import exercised
from spec.checking.trace import described
from spec.pages.prose import refused, said
from spec.verdicts import Status


def places(sources: Iterable[Source]) -> str:
    """The places of a claim: "v1 eq. 9, v2 eq. 9"; a dash where there are none."""
    return ", ".join(f"{source.version} {source.place}" for source in sources) or "-"


def figure_text(figure: Figure) -> str:
    """The value with the number of digits that the figure asks for."""
    if isinstance(figure.value, int):
        return str(figure.value)
    return str(mpmath.nstr(mpmath.mpf(figure.value), figure.digits))


def table(statuses: Iterable[Status]) -> str:
    """One line a claim: id, kind, means, status, title, places."""
    found = list(statuses)
    width = max(len(status.claim.id) for status in found) + 2
    lines = []
    for status in found:
        claim = status.claim
        head = f"{claim.id:<{width}}{claim.kind:<15}{claim.means:<12}{status.rung:<15}"
        lines.append(f"{head}{claim.title}  ({places(claim.sources)})")
        lines += [f"{'':<{width}}! {trouble}" for trouble in status.troubles]
    return "\n".join(lines)


def kinds(claims: Iterable[Claim]) -> str:
    """How many claims there are of each kind, and by which means, as the README says it."""
    found = list(claims)
    named = []
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


def details(status: Status) -> str:
    """One claim in full: statement, derivation, verdicts, figures."""
    claim = status.claim
    parts = [
        f"{claim.id}: {claim.title}",
        f"{how(status)}; {status.rung}; {status.outcome.seconds:.1f} s",
        f"stated in   {places(claim.sources)}",
        f"sheet       {', '.join(claim.sheet) or '-'}",
        f"rests on    {', '.join(claim.depends) or '-'}",
        *_assumption_lines(claim),
        *(f"we read     {reading}" for reading in claim.readings),
        *(f"!           {trouble}" for trouble in status.troubles),
        "",
        _wrapped(said(claim, claim.statement)),
    ]
    if claim.derivation:
        parts += ["", "Derivation", _wrapped(said(claim, claim.derivation))]
    if claim.reason:
        parts += ["", "Why there is nothing to prove", _wrapped(said(claim, claim.reason))]
    return (
        "\n".join(parts + _proof_lines(claim) + _erratum_lines(claim) + _pin_lines(claim)) + "\n"
    )


def as_json(statuses: Iterable[Status]) -> str:
    """Everything but the routines, for other programs."""
    return json.dumps(
        [_entry(status) for status in statuses], indent=2, ensure_ascii=False, default=str
    )


def how(status: Status) -> str:
    """Kind and means of a claim, with the points at which its routine decided it."""
    claim, points = status.claim, status.outcome.points
    means = "" if str(claim.means) in str(claim.kind) else f" by {claim.means}"
    found = f"{claim.kind}{means if claim.routine else ''}"
    return f"{found} ({described(points)})" if points else found


def _assumption_lines(claim: Claim) -> list[str]:
    tried, bare = exercised(claim)
    lines = [f"assumes     {a.text} (dropped: it fails; used by {a.used})" for a in tried]
    return lines + [f"assumes     {a} (assumed, not exercised)" for a in bare]


def _proof_lines(claim: Claim) -> list[str]:
    if claim.routine is None:
        return []
    lines = ["", f"Routine {claim.routine.__module__}.{claim.routine.__name__}"]
    for label, candidates in (("must refuse", claim.twins), ("printed, refused", claim.printed)):
        for name, shows in refused(claim, candidates):
            lines.append(f"  {label}: {name}" + (f": {shows}" if shows else ""))
    return lines


def _erratum_lines(claim: Claim) -> list[str]:
    if claim.erratum is None:
        return []
    erratum = claim.erratum
    lines = ["", f"Erratum ({erratum.fault})", f"  printed     {said(claim, erratum.quote)}"]
    lines += [f"  trouble     {said(claim, erratum.trouble)}"]
    lines += [f"  advice      {said(claim, erratum.advice)}"] if erratum.advice else []
    lines += [f"  figure      {f.label}: {figure_text(f)}" for f in erratum.figures()]
    return lines + ([f"  open        {erratum.remains_open}"] if erratum.remains_open else [])


def _pin_lines(claim: Claim) -> list[str]:
    lines = []
    for pin in claim.compared:
        about = f"; not the statement: {pin.because}" if pin.because else ""
        if pin.vectors:
            lines.append(f"Pins {pin.name} by the accuracy vectors {pin.vectors}{about}")
        else:
            # A mistake of the statement may be in a part of it that the function does not compute.
            which = "one of" if pin.reads else "each of"
            lines.append(
                f"Pins {pin.name} within {pin.k:g} u S at {len(pin.points)} points, where {which} "
                f"these is refused there: {', '.join(pin.twins)}{about}"
            )
    return lines


def _entry(status: Status) -> dict[str, object]:
    claim = status.claim
    tried, bare = exercised(claim)
    return {
        "id": claim.id,
        "title": claim.title,
        "statement": said(claim, claim.statement),
        "kind": claim.kind,
        "means": claim.means,
        "points": list(status.outcome.points),
        "sources": [{"version": s.version, "place": s.place} for s in claim.sources],
        "sheet": list(claim.sheet or ()),
        "assumptions": [a.text for a in tried],
        "assumed_not_exercised": bare,
        "depends": list(claim.depends),
        "false_twins": list(claim.twins),
        "printed": list(claim.printed),
        "pins": [pin.name for pin in claim.pins],
        "status": status.rung,
        "troubles": list(status.troubles),
        "seconds": round(status.outcome.seconds, 3),
    }


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 96, initial_indent="  ", subsequent_indent="  ")
