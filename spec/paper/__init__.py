"""Claims about the paper's experiments, tables, notation and figures of speech."""

from spec.checking.claim import Claim

CLAIMS: tuple[Claim, ...] = ()
