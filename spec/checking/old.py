"""The former record, for claims that have not been rewritten; goes when there are none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from spec.checking import claim as new
from spec.checking.claim import Fault, Figure, Formula, Source, v1, v2  # noqa: F401

Candidate = Any


class Kind(StrEnum):
    PROVED = "proved"
    REFUTED = "refuted"
    DEFINITION = "definition"
    CITED = "cited"
    UNRECOVERABLE = "unrecoverable"


class Means(StrEnum):
    ALGEBRA = "algebra"
    CALCULUS = "calculus"
    EXACT_LAW = "exact law"
    QUADRATURE = "quadrature"
    NUMBERS = "numbers"
    TEXT = "text"
    LITERATURE = "literature"
    NONE = "none"


@dataclass(frozen=True)
class Proof:
    routine: Any
    holds: Any
    twins: Mapping[str, Any]
    printed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Erratum:
    fault: Fault
    printed: str
    trouble: str
    correction: str
    figures: Any = tuple
    remains_open: str = ""


def Pin(function, formula, twins, points, scale=None, k=8.0, variant=""):  # noqa: ANN001, ANN201, N802
    return new.Pin(
        function, tuple(points), None, "former record", "", formula, twins, scale, k, variant
    )


_MEANS = {
    "algebra": "algebra", "calculus": "calculus", "exact law": "points", "quadrature": "points",
    "numbers": "points", "text": "reading", "literature": "literature", "none": "none",
}  # fmt: skip


def Claim(proof=None, erratum=None, kind=None, means=Means.ALGEBRA, sheet=(), **rest):  # noqa: ANN001, ANN003, ANN201, N802
    made = {}
    if proof:
        made = {n: getattr(proof, n) for n in ("routine", "holds", "twins", "printed")}
    if erratum:
        made["erratum"] = new.Erratum(
            erratum.fault, erratum.printed, erratum.trouble, erratum.correction,
            erratum.figures, erratum.remains_open,
        )  # fmt: skip
    stated = new.Kind(str(kind)) if kind in ("definition", "unrecoverable") else None
    return new.Claim(
        **rest,
        **made,
        means=new.Means(_MEANS[str(means)]),
        sheet=sheet,
        stated_kind=stated,
        former=True,
    )
