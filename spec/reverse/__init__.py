"""Claims about the equations in reverse time."""

from spec.checking.claim import Claim

CLAIMS: tuple[Claim, ...] = ()
