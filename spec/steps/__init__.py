"""Claims about one step of a sampler."""

from spec.checking.claim import Claim

CLAIMS: tuple[Claim, ...] = ()
