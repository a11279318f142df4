"""All functions, in the order in which the manifest lists them."""

from spec.vectors import (
    divergence,
    empirical,
    euler_maruyama,
    exploding,
    forms,
    gamma,
    gaussian_steps,
    kernel,
    law_densities,
    log_normal,
    marginal_preserving,
    mirror,
    mixtures,
    paths,
    probability_flow,
    standard_laws,
)
from spec.vectors.records import VectorFunction

FUNCTIONS: tuple[VectorFunction, ...] = (
    *kernel.FUNCTIONS,
    *exploding.FUNCTIONS,
    *log_normal.FUNCTIONS,
    *mixtures.FUNCTIONS,
    *empirical.FUNCTIONS,
    *forms.FUNCTIONS,
    *euler_maruyama.FUNCTIONS,
    *marginal_preserving.FUNCTIONS,
    *gaussian_steps.FUNCTIONS,
    *probability_flow.FUNCTIONS,
    *paths.FUNCTIONS,
    *mirror.FUNCTIONS,
    *divergence.FUNCTIONS,
    *gamma.FUNCTIONS,
    *standard_laws.FUNCTIONS,
    *law_densities.FUNCTIONS,
)
BY_NAME: dict[str, VectorFunction] = {function.name: function for function in FUNCTIONS}
