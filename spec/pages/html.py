"""One page of all claims for a browser: formulas as MathML, nothing loaded, no script needed."""

import html
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from string import Template

from latex2mathml.converter import convert

from spec.catalogue import ancestors
from spec.checking.claim import Claim, Kind
from spec.checking.record import exercised
from spec.checking.trace import described
from spec.inventory import PAPER
from spec.pages.errata import errata
from spec.pages.prose import refused, said
from spec.pages.table import figure_text, how
from spec.verdicts import Status

TEMPLATE = Path(__file__).with_name("template.html")


class NoMathML(ValueError):
    """A formula has a command that is not known."""


def page(statuses: Mapping[str, Status]) -> str:
    """The page, of the statuses of all claims."""
    found = list(statuses.values())
    first = [claim.id for claim in errata() if claim.id in statuses]
    rest = [status.claim.id for status in found if status.claim.id not in first]
    complete = sum(status.complete for status in found)
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        counts=_counts(found),
        complete=f"{complete} of {len(found)} fully checked",
        filters=_filters(found),
        contents=_contents([statuses[name] for name in [*first, *rest]]),
        errata="\n".join(_article(statuses[name], statuses) for name in first),
        claims="\n".join(_article(statuses[name], statuses) for name in rest),
    )


@cache
def formula(latex: str) -> str:
    """A formula as MathML. Raises NoMathML for a command that would be printed as it is typed."""
    known = re.sub(r"\\big(?=\\[{}])", "", latex.replace(r"\arg\min", r"\operatorname{arg\,min}"))
    made = str(convert(known))
    if "\\" in made:
        raise NoMathML(f"no MathML for {latex}")
    return made


def inline(text: str) -> str:
    """Markdown with $LaTeX$ as HTML: formulas, code, emphasis."""
    done = []
    for i, piece in enumerate(text.split("$")):
        if i % 2:
            done.append(formula(piece))
            continue
        escaped = html.escape(piece, quote=False)
        escaped = re.sub(r"`([^`]*)`", r"<code>\1</code>", escaped)
        done.append(re.sub(r"\*(\w[^*]*)\*", r"<em>\1</em>", escaped))
    return "".join(done)


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{inline(part)}</p>" for part in text.split("\n\n") if part.strip())


def _counts(statuses: list[Status]) -> str:
    of_kind = Counter((status.claim.kind, status.claim.means) for status in statuses)
    rows = [
        f"<tr><td>{kind}</td><td>{means}</td><td>{number}</td></tr>"
        for (kind, means), number in sorted(of_kind.items(), key=lambda item: -item[1])
    ]
    return "".join(rows)


def _filters(statuses: list[Status]) -> str:
    kinds = [kind for kind in Kind if any(s.claim.kind is kind for s in statuses)]
    places = [f"{version} {place}" for version, all_ in PAPER.items() for place in all_]
    return (
        _select("kind", "Kind", kinds)
        + _select("version", "Version of the paper", list(PAPER))
        + _select("place", "Equation or passage", places)
    )


def _select(name: str, label: str, options: Iterable[str]) -> str:
    listed = "".join(f"<option>{html.escape(option)}</option>" for option in options)
    return (
        f'<label>{label} <select data-filter="{name}"><option value="">all</option>{listed}'
        "</select></label>"
    )


def _contents(statuses: list[Status]) -> str:
    lines = [
        f'<li {_data(status.claim)}><a href="#{status.claim.id}">{status.claim.id}</a> '
        f"{inline(status.claim.title)} <small>{status.claim.kind}</small></li>"
        for status in statuses
    ]
    return "\n".join(lines)


def _data(claim: Claim) -> str:
    """What the filters look at."""
    versions = " ".join(sorted({source.version for source in claim.sources}))
    places = "|".join(f"{source.version} {source.place}" for source in claim.sources)
    return (
        f'data-kind="{claim.kind}" data-version="{versions}" '
        f'data-place="{html.escape(places, quote=True)}"'
    )


def _article(status: Status, statuses: Mapping[str, Status]) -> str:
    claim = status.claim
    where = ", ".join(f"{s.version} {s.place}" for s in claim.sources) or "our own result"
    parts = [
        f'<article id="{claim.id}" {_data(claim)}>',
        f"<h3>{claim.id}: {inline(claim.title)}</h3>",
        f'<p class="meta">{html.escape(how(status))} · {html.escape(where)}</p>',
        *(f'<p class="trouble">{html.escape(trouble)}</p>' for trouble in status.troubles),
        *_erratum(claim),
        f'<div class="statement">{_paragraphs(said(claim, claim.statement))}</div>',
        *_assumptions(claim),
        *_more("Derivation", said(claim, claim.derivation)),
        *_more("Why there is nothing to prove", said(claim, claim.reason)),
        *_refusals(claim),
        *_pins(claim),
        _standing(status, statuses),
        "</article>",
    ]
    return "\n".join(parts)


def _erratum(claim: Claim) -> list[str]:
    erratum = claim.erratum
    if erratum is None:
        return []
    printed = [
        f"<p>Given to the routine, and refused: {html.escape(name)} {inline(shows)}</p>"
        for name, shows in refused(claim, claim.printed)
    ]
    rows = "".join(
        f"<tr><td>{inline(f.label)}</td><td>{figure_text(f)}</td></tr>" for f in erratum.figures()
    )
    table = f'<table class="figures"><tbody>{rows}</tbody></table>' if rows else ""
    remains = f"<p><b>Open.</b> {inline(erratum.remains_open)}</p>" if erratum.remains_open else ""
    advice, quote = _paragraphs(said(claim, erratum.advice)), inline(said(claim, erratum.quote))
    return [
        f'<div class="erratum"><p><b>Printed ({erratum.fault}).</b> {quote}</p>',
        *printed,
        f"<p><b>What is wrong.</b> {inline(said(claim, erratum.trouble))}</p>",
        f"{table}{remains}{advice}</div><p><b>What holds:</b></p>",
    ]


def _assumptions(claim: Claim) -> list[str]:
    tried, bare = exercised(claim)
    lines = [
        f"<li>{inline(a.text)} <small>exercised: without it the statement fails; "
        f"used by: {inline(a.used)}</small></li>"
        for a in tried
    ]
    lines += [f"<li>{inline(a)} <small>assumed, not exercised</small></li>" for a in bare]
    lines += [f"<li>{inline(r)} <small>our reading</small></li>" for r in claim.readings]
    return [f"<ul>{''.join(lines)}</ul>"] if lines else []


def _more(label: str, text: str) -> list[str]:
    if not text.strip():
        return []
    return [f"<details><summary>{label}</summary>{_paragraphs(text)}</details>"]


def _refusals(claim: Claim) -> list[str]:
    lines = [
        f"<li>{html.escape(name)}{': ' if shows else ''}{inline(shows)}</li>"
        for name, shows in refused(claim, claim.twins)
    ]
    if not lines:
        return []
    routine = f"<code>{claim.routine.__module__}.{claim.routine.__name__}</code>"  # type: ignore[union-attr]
    summary = f"Refused by the same routine: {len(lines)}"
    return [f"<details><summary>{summary}</summary>{routine}<ul>{''.join(lines)}</ul></details>"]


def _pins(claim: Claim) -> list[str]:
    lines = []
    for pin in claim.compared:
        against = f"accuracy vectors {pin.vectors}" if pin.vectors else described(pin.points)
        about = f"; not the statement itself: {html.escape(pin.because)}" if pin.because else ""
        lines.append(f"<li><code>{pin.name}</code> {against}{about}</li>")
    return [f"<p>Pins:</p><ul>{''.join(lines)}</ul>"] if lines else []


def _standing(status: Status, statuses: Mapping[str, Status]) -> str:
    claim = status.claim
    links = ", ".join(f'<a href="#{name}">{name}</a>' for name in claim.depends)
    above = ancestors(claim.id)
    good = sum(statuses[name].complete for name in above if name in statuses)
    rests = f"Rests on {links}; {good} of its {len(above)} ancestors are fully checked. "
    return f'<p class="standing">{rests if links else ""}Status: <b>{status.rung}</b>.</p>'
