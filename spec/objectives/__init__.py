"""Claims about score-matching losses."""

from spec.checking.old import Claim
from spec.objectives import (
    assumptions,
    cross_term,
    equivalence,
    estimator,
    floor,
    floor_values,
    implicit,
    log_normal_constant,
    losses,
    m_dsm,
    non_negative,
    target_law,
    weighting,
)

CLAIMS: tuple[Claim, ...] = (
    *losses.CLAIMS,
    *m_dsm.CLAIMS,
    *cross_term.CLAIMS,
    *equivalence.CLAIMS,
    *log_normal_constant.CLAIMS,
    *target_law.CLAIMS,
    *assumptions.CLAIMS,
    *estimator.CLAIMS,
    *floor.CLAIMS,
    *floor_values.CLAIMS,
    *weighting.CLAIMS,
    *implicit.CLAIMS,
    *non_negative.CLAIMS,
)
