"""A float64 oracle for diffusion models driven by geometric Brownian motion.

Plain NumPy and SciPy, written to be read and to be trusted rather than to be fast: every formula
is cited, noise is an argument, and each Gaussian case has its exact law beside it. Start with
`gbm_ref.process`, on which the other modules rest.

Sources: "version 1" and "version 2" are those of arXiv 2510.02730. "Claim R8" is a statement that
`spec` proves or refutes: `python -m spec --claim R8`, in a clone.

Domains: arrays are float64 and finite; positive data are never clipped, a `ValueError` refuses
what is not positive. Arrays of integers or of floating-point numbers of any width, byte order,
layout and class are converted, as are lists of Python's numbers; masked arrays, complex numbers,
booleans, text and other objects are refused. What a law, process or step keeps is a copy that
cannot be written to. The caller's `np.seterr` decides nothing. Densities and divergences are in
nats; times and logarithms have no unit.

Accuracy is stated in one of two forms,

    accurate to 8 * 2^-53 * S (accuracy vectors `name`)
    accurate to 8 * 2^-53 * S (claim `ID`)

both for the arguments exactly as given. S is the size of the terms that the function adds up. In
the first form docs/vectors.md explains it and m and v are exact; in the second it is
S = |f| + sum of |a df/da| over the arguments a of f, those of the process among them, where the
claim gives no other, and the bound is what the tests show at the points of the claim. Whatever is
x * exp(e) is infinite for e above 709, as in float64, also where the product is finite; `simulate`
refuses such a result.
"""

from importlib.metadata import PackageNotFoundError, version

from gbm_ref.closed_forms import (
    ancestral_law,
    annealed_limit_law,
    dale_langevin_law,
    euler_flow_law,
    inner_loop_law,
    path_divergence,
)
from gbm_ref.divergence import Gaussian, kl_divergence
from gbm_ref.exact import exact_law
from gbm_ref.flips import log_average_flip_probability, log_flip_probability
from gbm_ref.gamma_noise import (
    gamma_ancestral_step,
    gamma_chain_step,
    gamma_conditional_hyvarinen_score,
    gamma_denoiser,
    gamma_log_moments,
    gamma_marginal,
    gamma_noise_sample,
    gamma_posterior,
    looks_at_log_var,
)
from gbm_ref.grids import Grid, Row, annealed, geometric, power, printed, uniform
from gbm_ref.kernel import (
    bridge_law,
    bridge_sample,
    kernel_law,
    kernel_sample,
    two_time_law,
)
from gbm_ref.laws import BetaPrime, Gamma, InverseGamma, ProductLaw, Weibull
from gbm_ref.likelihood import (
    Divergence,
    bits_per_dim,
    exact_divergence,
    exact_log_likelihood,
    log_likelihood,
    log_score_divergence,
)
from gbm_ref.line import (
    CdfValues,
    fisher_information,
    flow_cdf,
    flow_moments,
    flow_ppf,
    gamma_posterior_cdf,
    gamma_posterior_log_moments,
    gamma_posterior_moment,
    gamma_posterior_ppf,
    m_dsm_floor,
    sampler_average,
    sampler_cdf,
    sampler_moments,
    score_error_bound,
)
from gbm_ref.mirror import (
    ENTROPY,
    EUCLIDEAN,
    Potential,
    bregman,
    exponentiated_gradient_step,
    gradient_step,
    mirrored_langevin_law,
    mirrored_langevin_step,
)
from gbm_ref.mismatch import PricedStart, best_start, terminal_gaussian, terminal_mismatch
from gbm_ref.objectives import (
    ImplicitLoss,
    LikelihoodWeighting,
    MDSMLoss,
    MESMLoss,
    PreconditionedWeighting,
    implicit_m_esm,
    m_dsm,
    m_esm,
    nonnegative_score_matching,
    squared_variance_weighting,
    unweighted,
    variance_weighting,
)
from gbm_ref.posterior import (
    log_posterior_moment,
    posterior_law,
    posterior_log_cov,
    posterior_log_mean,
    posterior_weights,
)
from gbm_ref.probe import (
    AffineMap,
    LawRejected,
    OneStep,
    Sampler,
    assert_law,
    assert_step,
    extract_affine_map,
    extract_step_polynomial,
)
from gbm_ref.process import (
    GBM,
    CoordinateGBM,
    PiecewiseGBM,
    Process,
    TimeVaryingGBM,
    VarianceExploding,
)
from gbm_ref.scores import (
    conditional_hyvarinen_score,
    conditional_logpdf,
    denoiser,
    exact_score,
    guided_score,
    hyvarinen_from_denoiser,
    hyvarinen_from_log_score,
    hyvarinen_from_noise,
    hyvarinen_from_stein,
    log_score_from_hyvarinen,
    noise_from_hyvarinen,
    stein_from_hyvarinen,
)
from gbm_ref.sign_agnostic_law import (
    Average,
    LogMoments,
    sign_agnostic_average,
    sign_agnostic_moments,
)
from gbm_ref.simulation import simulate
from gbm_ref.starts import (
    class_averages,
    fitted_lognormal,
    from_class_averages,
    from_data,
    log_moments,
    standard_lognormal,
)
from gbm_ref.steps import (
    DDIM,
    AmbientMarginalPreserving,
    AmbientMilstein,
    AmbientStep,
    Ancestral,
    Churn,
    Corrector,
    DaleLangevin,
    DPMSolver,
    LogAffineStep,
    LogCoefficients,
    MarginalPreserving,
    MultistepStep,
    PrintedAlgorithm1,
    ProbabilityFlow,
    Score,
    SignAgnostic,
    Step,
)
from gbm_ref.targets import LogNormal, LogNormalMixture, PointMasses, Target

try:
    __version__ = version("gbm-diffusion")
except PackageNotFoundError:
    __version__ = "0+not-installed"

__all__ = [
    "DDIM", "ENTROPY", "EUCLIDEAN", "GBM", "AffineMap", "AmbientMarginalPreserving",
    "AmbientMilstein", "AmbientStep", "Ancestral", "Average", "BetaPrime", "CdfValues", "Churn",
    "CoordinateGBM", "Corrector", "DPMSolver", "DaleLangevin", "Divergence", "Gamma", "Gaussian",
    "Grid", "ImplicitLoss", "InverseGamma", "LawRejected", "LikelihoodWeighting", "LogAffineStep",
    "LogCoefficients", "LogMoments", "LogNormal", "LogNormalMixture", "MDSMLoss", "MESMLoss",
    "MarginalPreserving", "MultistepStep", "OneStep", "PiecewiseGBM", "PointMasses", "Potential",
    "PreconditionedWeighting", "PricedStart", "PrintedAlgorithm1", "ProbabilityFlow", "Process",
    "ProductLaw", "Row", "Sampler", "Score", "SignAgnostic", "Step", "Target", "TimeVaryingGBM",
    "VarianceExploding", "Weibull", "__version__", "ancestral_law", "annealed",
    "annealed_limit_law", "assert_law", "assert_step", "best_start", "bits_per_dim", "bregman",
    "bridge_law", "bridge_sample", "class_averages", "conditional_hyvarinen_score",
    "conditional_logpdf", "dale_langevin_law", "denoiser", "euler_flow_law", "exact_divergence",
    "exact_law", "exact_log_likelihood", "exact_score", "exponentiated_gradient_step",
    "extract_affine_map", "extract_step_polynomial", "fisher_information", "fitted_lognormal",
    "flow_cdf", "flow_moments", "flow_ppf", "from_class_averages", "from_data",
    "gamma_ancestral_step", "gamma_chain_step", "gamma_conditional_hyvarinen_score",
    "gamma_denoiser", "gamma_log_moments", "gamma_marginal", "gamma_noise_sample",
    "gamma_posterior", "gamma_posterior_cdf", "gamma_posterior_log_moments",
    "gamma_posterior_moment", "gamma_posterior_ppf", "geometric", "gradient_step",
    "guided_score", "hyvarinen_from_denoiser", "hyvarinen_from_log_score", "hyvarinen_from_noise",
    "hyvarinen_from_stein", "implicit_m_esm", "inner_loop_law", "kernel_law", "kernel_sample",
    "kl_divergence", "log_average_flip_probability", "log_flip_probability", "log_likelihood",
    "log_moments", "log_posterior_moment", "log_score_divergence", "log_score_from_hyvarinen",
    "looks_at_log_var", "m_dsm", "m_dsm_floor", "m_esm", "mirrored_langevin_law",
    "mirrored_langevin_step",
    "noise_from_hyvarinen", "nonnegative_score_matching", "path_divergence", "posterior_law",
    "posterior_log_cov", "posterior_log_mean", "posterior_weights", "power", "printed",
    "sampler_average", "sampler_cdf", "sampler_moments", "score_error_bound",
    "sign_agnostic_average", "sign_agnostic_moments", "simulate", "squared_variance_weighting",
    "standard_lognormal",
    "stein_from_hyvarinen", "terminal_gaussian", "terminal_mismatch", "two_time_law", "uniform",
    "unweighted", "variance_weighting",
]  # fmt: skip
