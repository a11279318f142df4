"""Claims about divergences, likelihoods and their bounds."""

from spec.checking.claim import Claim

CLAIMS: tuple[Claim, ...] = ()
