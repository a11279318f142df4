"""Claims about the forward process: Brownian motions of log X and their exact kernels."""

from spec.checking.claim import Claim

CLAIMS: tuple[Claim, ...] = ()
