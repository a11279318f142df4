"""Claims about score-matching losses."""

from spec.checking.claim import Claim
from spec.objectives import (
    assumptions,
    equivalence,
    estimator,
    floor,
    implicit,
    losses,
    non_negative,
    target_law,
)

CLAIMS: tuple[Claim, ...] = (
    *losses.CLAIMS, *equivalence.CLAIMS, *target_law.CLAIMS, *assumptions.CLAIMS,
    *estimator.CLAIMS, *floor.CLAIMS, *implicit.CLAIMS, *non_negative.CLAIMS,
)  # fmt: skip
