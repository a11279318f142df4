"""Claims about divergences, likelihoods and their bounds."""

from spec.divergence import (
    class_averages,
    gaussian,
    gaussian_eigenvalues,
    initialisations,
    invariance,
    likelihood,
    likelihood_examples,
    path_space,
    score_error,
    starts,
    terminal_mismatch,
)

CLAIMS = (
    *invariance.CLAIMS,
    *gaussian.CLAIMS,
    *gaussian_eigenvalues.CLAIMS,
    *likelihood.CLAIMS,
    *likelihood_examples.CLAIMS,
    *score_error.CLAIMS,
    *path_space.CLAIMS,
    *terminal_mismatch.CLAIMS,
    *initialisations.CLAIMS,
    *class_averages.CLAIMS,
    *starts.CLAIMS,
)
