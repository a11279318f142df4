"""The record of one statement, and everything that is asserted about it.

A claim is decided by `proof.routine`, a function of one candidate that returns whether the
candidate holds. The same routine is given
    proof.holds     the statement as we make it: it must return True
    proof.twins     named mistakes, one edit away from `holds`: each must return False
    proof.printed   what the paper prints where that is wrong: each must return False
A routine that raises has decided nothing, so that an exception is never a refusal.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mpmath import mpf
from sympy import Expr

# Whatever the routine of a claim takes: an expression, a coefficient, a recursion.
Candidate = Any
Formula = Expr | tuple[Expr, ...] | Callable[[Mapping[str, mpf]], mpf | tuple[mpf, ...]]


class Kind(StrEnum):
    """What became of a statement."""

    PROVED = "proved"
    REFUTED = "refuted"
    DEFINITION = "definition"
    CITED = "cited"
    UNRECOVERABLE = "unrecoverable"


class Means(StrEnum):
    """The strongest means by which a claim is decided."""

    ALGEBRA = "algebra"  # an identity of polynomials: decided for all values of the symbols
    CALCULUS = "calculus"  # exact symbolic limits, series, sums or integrals
    EXACT_LAW = "exact law"  # the law of a finite chain, by its recursion, at 50 digits
    QUADRATURE = "quadrature"  # integrals at 30 digits or more, at stated points
    NUMBERS = "numbers"  # 50-digit values at stated points
    TEXT = "text"  # the words of the paper against each other or against public facts
    LITERATURE = "literature"  # proved elsewhere
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


@dataclass(frozen=True)
class Proof:
    """A routine and the candidates it must accept and refuse (see the module docstring)."""

    routine: Callable[[Candidate], bool]
    holds: Candidate
    twins: Mapping[str, Candidate]
    printed: Mapping[str, Candidate] = field(default_factory=dict)


@dataclass(frozen=True)
class Figure:
    """A computed number for the reader: what it is, its value, how many digits to show."""

    label: str
    value: mpf | float | int
    digits: int = 4


@dataclass(frozen=True)
class Erratum:
    """What a reader of ERRATA.md needs about a refuted statement. Markdown, with $LaTeX$.

    printed      the paper's line; `where` it is lost in version 2, say so in `remains_open`
    trouble      what is wrong with it, and the counterexample in words
    correction   the form that holds
    figures      the size of the effect, computed when the page is made
    """

    fault: Fault
    printed: str
    trouble: str
    correction: str
    figures: Callable[[], tuple[Figure, ...]] = tuple
    remains_open: str = ""


@dataclass(frozen=True)
class Pin:
    """A public function of `gbm_ref` that computes the right-hand side of a claim.

    function  dotted public name, `gbm_ref.denoiser` or `gbm_ref.LogNormal.logpdf`
    formula   the right-hand side: an expression (or several) in named symbols, or a function of
              a mapping from names to mpmath numbers
    twins     mistaken right-hand sides that the comparison must refuse, at least one
    points    values of the symbols, floats taken as exact; at least two
    scale     condition scale S, an expression or a function like `formula`; None means
              |f| + sum over symbols of |symbol * df/dsymbol|
    k         the function must be within k * 2^-53 * S of the formula
    variant   tells apart several ways of calling one function
    """

    function: str
    formula: Formula
    twins: Mapping[str, Formula]
    points: tuple[Mapping[str, float], ...]
    scale: Formula | None = None
    k: float = 8.0
    variant: str = ""

    @property
    def name(self) -> str:
        """The function, with the variant in brackets."""
        return f"{self.function}[{self.variant}]" if self.variant else self.function


@dataclass(frozen=True)
class Claim:
    """One statement. Texts are Markdown with $LaTeX$; see the module docstring for `proof`.

    id           "A7", "E16", "R8" as on the equation sheet, or a name of our own
    title        a few words
    statement    what is claimed, in the form that we hold to be true
    kind, means  what became of it, and how that was decided
    sources      where the paper states it (empty for results of our own)
    sheet        items of the equation sheet
    assumptions  what must hold for it
    depends      ids of the claims it rests on
    derivation   the argument in words, step by step
    reason       why there is nothing to prove: definitions, citations, lost texts
    """

    id: str
    title: str
    statement: str
    kind: Kind
    means: Means
    sources: tuple[Source, ...] = ()
    sheet: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()
    derivation: str = ""
    reason: str = ""
    proof: Proof | None = None
    erratum: Erratum | None = None
    pins: tuple[Pin, ...] = ()


def v1(*places: str) -> tuple[Source, ...]:
    """Places in version 1."""
    return tuple(Source("v1", place) for place in places)


def v2(*places: str) -> tuple[Source, ...]:
    """Places in version 2."""
    return tuple(Source("v2", place) for place in places)
