"""Claims about score-matching losses."""

from spec.checking.claim import Claim

CLAIMS: tuple[Claim, ...] = ()
