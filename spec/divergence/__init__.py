"""Claims about divergences, likelihoods and their bounds."""

from spec.divergence import (
    costs,
    gaussian,
    initialisations,
    likelihood,
    starts,
    terminal_mismatch,
)

_LAWS = (gaussian, terminal_mismatch, initialisations, starts)
_PATHS = (likelihood, costs)
CLAIMS = tuple(claim for module in (*_LAWS, *_PATHS) for claim in module.CLAIMS)
