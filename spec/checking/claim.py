"""The record of one statement, and everything that is asserted about it.

A claim is decided by `routine`, a function of one candidate that returns whether the candidate
holds. The same routine is given
    holds     the statement as we make it: it must return True
    twins     named mistakes, one edit away from `holds`: each must return False
    printed   what the paper prints where that is wrong: each must return False
and `holds` once more in an equivalent arrangement, which it must accept, so that a comparison with
the text of the answer decides nothing. A routine that raises has decided nothing, so that an
exception is never a refusal.

Texts are Markdown with slots for what is computed (`spec.checking.text`). The docstring of the
routine holds the statement, its first paragraph, and the argument, the rest."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

from mpmath import mpf
from sympy import Expr

from spec.checking import typeset

# Whatever the routine of a claim takes: an expression, a coefficient, a recursion.
Candidate = Any
Values = Mapping[str, object]
Formula = Expr | tuple[Expr, ...] | Callable[[Mapping[str, mpf]], mpf | tuple[mpf, ...]]


class Kind(StrEnum):
    """What became of a statement."""

    PROVED = "proved"
    DECIDED = "decided at points"
    REFUTED = "refuted"
    DEFINITION = "definition"
    CITED = "cited"
    READING = "reading"
    UNRECOVERABLE = "unrecoverable"
    STATED = "stated by the authors' code"


class Means(StrEnum):
    """The strongest means by which all of a claim is decided."""

    ALGEBRA = "algebra"  # an identity of polynomials: decided for all values of the symbols
    CALCULUS = "calculus"  # exact symbolic limits, series, sums or integrals
    POINTS = "points"  # numbers, or expressions of given sizes, at the points that were walked
    READING = "reading"  # the words of the paper against each other or against public facts
    LITERATURE = "literature"  # proved elsewhere; what it assumes is checked
    NONE = "none"  # nothing to decide: a definition, or a text that is lost


class Fault(StrEnum):
    """How a refuted statement fails."""

    WRONG = "wrong"
    INCONSISTENT = "inconsistent"
    UNDEFINED = "undefined"
    OVERCLAIMED = "over-claimed"


@dataclass(frozen=True)
class Source:
    """A place in the paper: version "v1" or "v2", and a place as `spec.inventory` writes it."""

    version: str
    place: str

    def __str__(self) -> str:
        return f"{self.version} {self.place}"


@dataclass(frozen=True)
class Assumption:
    """What must hold for a statement, and what happens without it. A claim may state an
    assumption as a bare text instead: the pages then say "assumed, not exercised".

    used     what in the routine uses it
    without  whether a counterexample appears, or a twin is accepted, when it is dropped: it must
             return True"""

    text: str
    used: str
    without: Callable[[], bool]


@dataclass(frozen=True)
class Figure:
    """A computed number for the reader: what it is, its value, how many digits to show."""

    label: str
    value: mpf | float | int
    digits: int = 4


@dataclass(frozen=True)
class Erratum:
    """What a reader of ERRATA.md needs about a refuted statement besides the statement itself.

    quote    the paper's line, as we read it; where it is lost, say so in `remains_open`
    trouble  what is wrong with it, and the counterexample in words
    advice   what to write instead, where the statement does not say it
    figures  the size of the effect, computed when the page is made"""

    fault: Fault
    quote: str
    trouble: str
    advice: str = ""
    figures: Callable[[], tuple[Figure, ...]] = tuple
    remains_open: str = ""


@dataclass(frozen=True)
class Pin:
    """A public function of `gbm_ref` that computes what a claim is about.

    function  dotted public name, `gbm_ref.denoiser` or `gbm_ref.LogNormal.logpdf`
    points    values of the symbols, floats taken as exact; at least two
    reads     the formula that the function computes, of a candidate of the claim's routine: of
              `holds` it is what the function must agree with, of the twins what it must not
    because   why the function computes something else than the statement says, with `formula`
              and `twins` or `vectors` in place of `reads`
    vectors   the name of the accuracy vectors of the function: their points, scale and mistakes
              stand for `points`, `scale` and `twins`; with `reads`, the two must agree
    formula   the right-hand side: an expression (or several) in named symbols, or a function of
              a mapping from names to mpmath numbers
    twins     mistaken right-hand sides that the comparison must refuse, at least one
    scale     condition scale S, an expression or a function like `formula`; None means
              |f| + sum over symbols of |symbol * df/dsymbol|
    k         the function must be within k * 2^-53 * S of the formula
    variant   tells apart several ways of calling one function"""

    function: str
    points: tuple[Mapping[str, float], ...] = ()
    reads: Callable[[Candidate], Formula] | None = None
    because: str = ""
    vectors: str = ""
    formula: Formula | None = None
    twins: Mapping[str, Formula] = field(default_factory=dict)
    scale: Formula | None = None
    k: float = 8.0
    variant: str = ""

    @property
    def name(self) -> str:
        """The function, with the variant in brackets."""
        return f"{self.function}[{self.variant}]" if self.variant else self.function


@dataclass(frozen=True)
class Claim:
    """One statement; see the module docstring for routine, holds, twins and printed.

    id           "A7", "E16", "R8" as on the equation sheet, or a name of our own
    title        a few words
    shown        what the slots of the texts are called and show, of a candidate; by default its
                 parts (`spec.checking.typeset.parts`)
    values       more values for slots, computed when a page is made
    names        LaTeX of symbols, where it is not that of `spec.checking.typeset.LEXICON`
    equivalent   `holds` in another arrangement, where none can be made from it
    means        how it is decided
    sources      where the paper states it (empty for results of our own)
    sheet        items of the equation sheet; by default the claim's own id
    assumptions  what must hold for it
    readings     what we take the paper to mean, or what is reconstructed
    depends      ids of the claims it rests on
    statement    what is claimed, and derivation, why: from the routine's docstring by default
    reason       why there is nothing to prove: definitions, citations, lost texts"""

    id: str
    title: str
    routine: Callable[[Candidate], bool] | None = None
    holds: Candidate = None
    twins: Mapping[str, Candidate] = field(default_factory=dict)
    printed: Mapping[str, Candidate] = field(default_factory=dict)
    shown: Callable[[Candidate], Values] = typeset.parts
    values: Callable[[], Values] = dict
    names: Mapping[str, str] = field(default_factory=dict)
    equivalent: Candidate = None
    means: Means = Means.ALGEBRA
    sources: tuple[Source, ...] = ()
    sheet: tuple[str, ...] | None = None
    assumptions: tuple[Assumption | str, ...] = ()
    readings: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()
    statement: str = ""
    derivation: str = ""
    reason: str = ""
    erratum: Erratum | None = None
    pins: tuple[Pin, ...] = ()
    stated_kind: Kind | None = None

    def __post_init__(self) -> None:
        if self.sheet is None:
            object.__setattr__(self, "sheet", (self.id,))
        if self.routine is not None and not self.statement:
            said, _, why = inspect.cleandoc(self.routine.__doc__ or "").partition("\n\n")
            object.__setattr__(self, "statement", " ".join(said.split()))
            object.__setattr__(self, "derivation", self.derivation or why)

    @property
    def kind(self) -> Kind:
        """From the erratum and the means, unless it is said to be a definition or lost."""
        if self.erratum is not None:
            return Kind.REFUTED
        of_means = {Means.POINTS: Kind.DECIDED, Means.LITERATURE: Kind.CITED,
                    Means.READING: Kind.READING}  # fmt: skip
        return self.stated_kind or of_means.get(self.means, Kind.PROVED)

    @property
    def mistakes(self) -> dict[str, Candidate]:
        """What the routine must refuse: the twins and the printed forms."""
        return {**self.twins, **self.printed}

    @cached_property
    def slot_values(self) -> dict[str, object]:
        """What the slots of the claim's texts hold: of `holds`, of the first printed candidate
        under "printed:", and the computed values."""
        found: dict[str, object] = dict(self.shown(self.holds)) if self.routine else {}
        for candidate in list(self.printed.values())[:1]:
            found |= {f"printed:{k}": v for k, v in self.shown(candidate).items()}
        return found | dict(self.values())

    @cached_property
    def memo(self) -> dict[int, dict[str, str]]:
        """What was printed of candidates of the claim, by their ids: both live equally long."""
        return {}

    @cached_property
    def compared(self) -> tuple[Pin, ...]:
        """The pins with formula and twins filled in from the candidates that they read."""
        return tuple(
            replace(pin, formula=pin.reads(self.holds),
                    twins=pin.twins or {n: pin.reads(c) for n, c in self.mistakes.items()})
            if pin.reads and not pin.vectors else pin
            for pin in self.pins
        )  # fmt: skip


def v1(*places: str) -> tuple[Source, ...]:
    """Places in version 1."""
    return tuple(Source("v1", place) for place in places)


def v2(*places: str) -> tuple[Source, ...]:
    """Places in version 2."""
    return tuple(Source("v2", place) for place in places)
