"""Claims about data laws that are closed under the process."""

from spec.targets import (
    empirical_data,
    gamma_chain,
    gamma_noise,
    log_normal_density,
    log_normal_moments,
    log_normal_vectors,
    mixture_scores,
    mixtures,
    moments,
    quantiles,
    standard_laws,
    terminal_law,
)

CLAIMS = (
    *log_normal_density.CLAIMS,
    *log_normal_moments.CLAIMS,
    *log_normal_vectors.CLAIMS,
    *mixtures.CLAIMS,
    *mixture_scores.CLAIMS,
    *empirical_data.CLAIMS,
    *terminal_law.CLAIMS,
    *gamma_noise.CLAIMS,
    *gamma_chain.CLAIMS,
    *standard_laws.CLAIMS,
    *moments.CLAIMS,
    *quantiles.CLAIMS,
)
