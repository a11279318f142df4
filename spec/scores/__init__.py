"""Claims about the score in its several forms."""

from spec.scores import (
    arithmetic_mean,
    change_of_variables,
    forms,
    identities,
    kernel,
    marginal_draws,
    mixture_posterior,
    tweedie,
)

CLAIMS = (
    *change_of_variables.CLAIMS,
    *kernel.CLAIMS,
    *forms.CLAIMS,
    *identities.CLAIMS,
    *tweedie.CLAIMS,
    *arithmetic_mean.CLAIMS,
    *mixture_posterior.CLAIMS,
    *marginal_draws.CLAIMS,
)
