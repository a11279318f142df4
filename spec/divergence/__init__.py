"""Claims about divergences, likelihoods and their bounds."""

from spec.divergence import (
    gaussian,
    initialisations,
    likelihood,
    path_space,
    score_error,
    starts,
    terminal_mismatch,
)

_LAWS = (gaussian, terminal_mismatch, initialisations, starts)
_PATHS = (likelihood, score_error, path_space)
CLAIMS = tuple(claim for module in (*_LAWS, *_PATHS) for claim in module.CLAIMS)
