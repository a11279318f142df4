"""Claims about divergences, likelihoods and their bounds."""

from spec.divergence import costs, gaussian, likelihood, starts, terminal_mismatch

_MODULES = (gaussian, terminal_mismatch, starts, likelihood, costs)
CLAIMS = tuple(claim for module in _MODULES for claim in module.CLAIMS)
