"""Claims about score-matching losses."""

from spec.objectives import assumptions, equivalence, floor, implicit, losses, target_law

_MODULES = (losses, equivalence, target_law, assumptions, floor, implicit)
CLAIMS = tuple(claim for module in _MODULES for claim in module.CLAIMS)
