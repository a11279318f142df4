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
from spec.inventory import PAPER, PLACES
from spec.pages.errata import errata
from spec.pages.prose import figures, places, refused, said
from spec.pages.table import fails, how
from spec.verdicts import Status

TEMPLATE = Path(__file__).with_name("template.html")


class NoMathML(ValueError):
    """A formula has a command that is not known."""


def page(statuses: Mapping[str, Status]) -> str:
    """The page, of the statuses of all claims."""
    found = list(statuses.values())
    first = [claim.id for claim in errata() if claim.id in statuses]
    rest = [name for name in statuses if name not in first]
    of_kind = Counter((status.claim.kind, status.claim.means) for status in found).most_common()
    kinds = [kind for kind in Kind if any(status.claim.kind is kind for status in found)]
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        counts="".join(f"<tr><td>{k}</td><td>{m}</td><td>{n}</td></tr>" for (k, m), n in of_kind),
        complete=f"{sum(status.complete for status in found)} of {len(found)} fully checked",
        filters=_select("kind", "Kind", kinds)
        + _select("version", "Version of the paper", PAPER)
        + _select("place", "Equation or passage", PLACES),
        contents="\n".join(_line(statuses[name].claim) for name in [*first, *rest]),
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
    pieces = text.split("$")
    pieces[1::2] = map(formula, pieces[1::2])
    for i, words in list(enumerate(pieces))[::2]:
        coded = re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(words, quote=False))
        pieces[i] = re.sub(r"\*(\w[^*]*)\*", r"<em>\1</em>", coded)
    return "".join(pieces)


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{inline(part)}</p>" for part in text.split("\n\n") if part.strip())


def _list(lines: Iterable[str]) -> str:
    listed = "".join(f"<li>{line}</li>" for line in lines)
    return f"<ul>{listed}</ul>" if listed else ""


def _select(name: str, label: str, options: Iterable[str]) -> str:
    listed = "".join(f"<option>{html.escape(option)}</option>" for option in options)
    listed = f'<select data-filter="{name}"><option value="">all</option>{listed}</select>'
    return f"<label>{label} {listed}</label>"


def _line(claim: Claim) -> str:
    link = f'<a href="#{claim.id}">{claim.id}</a>'
    return f"<li {_data(claim)}>{link} {inline(claim.title)} <small>{claim.kind}</small></li>"


def _data(claim: Claim) -> str:
    """What the filters look at."""
    versions = " ".join(sorted({source.version for source in claim.sources}))
    where = html.escape("|".join(map(str, claim.sources)))
    return f'data-kind="{claim.kind}" data-version="{versions}" data-place="{where}"'


def _article(status: Status, statuses: Mapping[str, Status]) -> str:
    claim, where = status.claim, places(status.claim.sources, "our own result")
    parts = [
        f'<article id="{claim.id}" {_data(claim)}>', f"<h3>{claim.id}: {inline(claim.title)}</h3>",
        f'<p class="meta">{html.escape(how(status))} · {html.escape(where)}</p>',
        *(f'<p class="trouble">{html.escape(trouble)}</p>' for trouble in status.troubles),
        *(_erratum(claim) if claim.erratum else []),
        f'<div class="statement">{_paragraphs(said(claim, claim.statement))}</div>',
        _assumptions(claim), _more("Derivation", _paragraphs(said(claim, claim.derivation))),
        _more("Why there is nothing to prove", _paragraphs(said(claim, claim.reason))),
        _refusals(claim), _pins(claim), _standing(status, statuses), "</article>",
    ]  # fmt: skip
    return "\n".join(filter(None, parts))


def _erratum(claim: Claim) -> list[str]:
    erratum, ask = claim.erratum, "Given to the routine, and refused"
    rows = [f"<tr><td>{inline(of)}</td><td>{size}</td></tr>" for of, size in figures(claim)]
    table = f'<table class="figures"><tbody>{"".join(rows)}</tbody></table>' if rows else ""
    remains = f"<p><b>Open.</b> {inline(erratum.remains_open)}</p>" if erratum.remains_open else ""
    advice, quote = _paragraphs(said(claim, erratum.advice)), inline(said(claim, erratum.quote))
    printed = refused(claim, claim.printed)
    return [
        f'<div class="erratum"><p><b>Printed ({erratum.fault}).</b> {quote}</p>',
        *(f"<p>{ask}: {html.escape(name)} {inline(shows)}</p>" for name, shows in printed),
        f"<p><b>What is wrong.</b> {inline(said(claim, erratum.trouble))}</p>",
        f"{table}{remains}{advice}</div><p><b>What holds:</b></p>",
    ]


def _assumptions(claim: Claim) -> str:
    tried, bare = exercised(claim)
    lines = [(a.text, f"without it {fails(a)}; used by {inline(a.used)}") for a in tried]
    lines += [(text, "assumed, not exercised") for text in bare]
    lines += [(reading, "our reading") for reading in claim.readings]
    return _list(f"{inline(text)} <small>{note}</small>" for text, note in lines)


def _more(label: str, content: str) -> str:
    return f"<details><summary>{label}</summary>{content}</details>" if content else ""


def _refusals(claim: Claim) -> str:
    if claim.routine is None:
        return ""
    shown = refused(claim, claim.twins)
    lines = [f"{html.escape(name)}{': ' if shows else ''}{inline(shows)}" for name, shows in shown]
    routine = f"<code>{claim.routine.__module__}.{claim.routine.__name__}</code>"
    return _more(f"Refused by the same routine: {len(lines)}", routine + _list(lines))


def _pins(claim: Claim) -> str:
    lines = []
    for pin in claim.compared:
        against = f"accuracy vectors {pin.vectors}" if pin.vectors else described(pin.points)
        about = f"; not the statement itself: {html.escape(pin.because)}" if pin.because else ""
        lines.append(f"<code>{pin.name}</code> {against}{about}")
    return f"<p>Pins:</p>{_list(lines)}" if lines else ""


def _standing(status: Status, statuses: Mapping[str, Status]) -> str:
    links = ", ".join(f'<a href="#{name}">{name}</a>' for name in status.claim.depends)
    above = ancestors(status.claim.id)
    good = sum(statuses[name].complete for name in above if name in statuses)
    rests = f"Rests on {links}; {good} of its {len(above)} ancestors are fully checked. "
    return f'<p class="standing">{rests if links else ""}Status: <b>{status.rung}</b>.</p>'
