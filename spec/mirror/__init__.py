"""Claims about mirror descent, exponentiated gradients and mirrored Langevin dynamics."""

from spec.checking.claim import Claim

CLAIMS: tuple[Claim, ...] = ()
