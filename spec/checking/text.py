"""Texts with slots: words are typed, formulas and numbers are put in from computed objects.

    [[name]]      the LaTeX of the value of that name, inside $...$ or, by itself, in words
    [[name|6]]    with six significant digits

What is typed between dollar signs may only name things: a relation needs a slot on one of its
sides, and arithmetic has to be in a slot. Digits in words are references (eq. 13, version 1,
A10) or they are slots."""

import re
from collections.abc import Mapping

from spec.checking.typeset import latex

_SLOT = re.compile(r"\[\[([^\]|]+)(?:\|(\d+))?\]\]")
_COMMAND = re.compile(r"\\[A-Za-z]+$")
_SCRIPT = re.compile(r"[_^](\{(?:[^{}]|\{[^{}]*\})*\}|\\[A-Za-z]+|\S)")
_RELATION = re.compile(
    r"=|<|>|\\(?:le|ge|leq|geq|ne|neq|to|leftarrow|propto|approx|equiv|preceq|succeq|ll|gg)\b"
)
_ARITHMETIC = re.compile(r"[0-9+/*]|(?<![A-Za-z])-|\\(?:[td]?frac|sqrt|sum|int|prod|pm|cdot)\b")
_STYLE = re.compile(r"\\(?:text|mathrm|operatorname|mathbb|mathbf|bm|boldsymbol)\b")
# An interval of named ends, a derivative of named things.
_NAMED = re.compile(r"[\[(]\s*[\\\w]+\s*,\s*[\\\w]+\s*[\])]|\bd\w+/d\w+\b")
_POWER = re.compile(r"\^(?!\{?(?:[0-9T+]|-1|\\top|\\ast|\*|\\prime|\([^)]*\)|[A-Za-z])\}?)")
# "eqs. (7) and (13)", "Section 6.2", "Appendix D.3", "Figure 1", "version 1"
_PLACE = re.compile(
    r"\b(?:eqs?\.|equations?|sec\.|sections?|app\.|appendix|appendices|tables?|fig\.|figures?|"
    r"algorithms?|theorems?|assumptions?|versions?|lines?|proposition|corollary|lemma|page|"
    r"references?|row|entry|entries|sheet|item)"
    r"\s+(?:[A-Z]\.?)?\(?\d[\w.]*\)?(?:\s*(?:,|and|to|or|-|–)\s*(?:[A-Z]\.?)?\(?\d[\w.]*\)?)*",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"`[^`]*`|\(\d{1,2}\)|“[^”]*”|\([12]\d{3}\)|\b(?:1[89]|20)\d\d\b|\b[A-Z]{1,2}\d+[\w-]*|\b[CL]\^?\d\b|"
    r"\b[A-Za-z]{3,}-?\d+\b|\b[123]-D\b|arXiv [\d.]+"
)


class UnknownSlot(ValueError):
    """A text has a slot for which there is no value."""


def filled(text: str, values: Mapping[str, object], names: Mapping[str, str]) -> str:
    """The text with its slots filled. Raises UnknownSlot for a name that has no value."""

    def value(slot: re.Match) -> str:
        name, before = slot[1], text[: slot.start()]
        if name not in values:
            raise UnknownSlot(f"[[{name}]]: the names are {', '.join(values) or 'none'}")
        tex = latex(values[name], names, int(slot[2] or 4))
        if before.count("$") % 2 == 0:
            return tex if isinstance(values[name], str) else f"${tex}$"
        # A space, or the value would be read as part of the name of a command before it.
        return f" {tex}" if _COMMAND.search(before) and tex[:1].isalpha() else tex

    return _SLOT.sub(value, text)


def slots(text: str) -> list[str]:
    """The names of the slots of a text, in order."""
    return [slot[1] for slot in _SLOT.finditer(text)]


def typed(text: str) -> list[str]:
    """What is typed in a text and ought to be computed, in words; empty when nothing is."""
    found = []
    for i, piece in enumerate(text.split("$")):
        found += _typed_mathematics(piece) if i % 2 else _typed_numbers(piece)
    if text.count("$") % 2:
        found.append(f"a dollar sign without its partner: {text[:60]}")
    return found


def _typed_mathematics(piece: str) -> list[str]:
    bare = _SLOT.sub(" ", piece)
    found = [f"typed exponent in ${piece}$"] if _POWER.search(bare) else []
    bare = _STYLE.sub(" ", _NAMED.sub(" ", _SCRIPT.sub(" ", bare)))
    found += [f"typed arithmetic in ${piece}$"] if _ARITHMETIC.search(bare) else []
    typed_relation = _RELATION.search(bare) and not _SLOT.search(piece)
    return found + ([f"typed relation ${piece}$"] if typed_relation else [])


def _typed_numbers(piece: str) -> list[str]:
    bare = _OTHER.sub(" ", _PLACE.sub(" ", _SLOT.sub(" ", piece)))
    found = re.search(r"\S*\d\S*", bare)
    return [f"typed number {found[0]!r} in words"] if found else []
