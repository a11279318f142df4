"""Claims about data laws that are closed under the process."""

from spec.targets import (
    empirical_data, gamma_noise, log_normal, mixtures, moments, standard_laws, terminal_law,
)  # fmt: skip

CLAIMS = (
    *log_normal.CLAIMS, *mixtures.CLAIMS, *empirical_data.CLAIMS, *terminal_law.CLAIMS,
    *gamma_noise.CLAIMS, *standard_laws.CLAIMS, *moments.CLAIMS)  # fmt: skip
