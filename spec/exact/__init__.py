"""Claims about the law that a sampler of finitely many steps draws from."""

from spec.checking.claim import Claim

CLAIMS: tuple[Claim, ...] = ()
