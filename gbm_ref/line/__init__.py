"""What is integrated on the line, d = 1, with an error that two rules without common nodes give.

| module | what it has |
| --- | --- |
| `samplers` | laws of samplers on mixtures and data sets: moments, averages, probabilities |
| `information` | Fisher information, floor of the denoising loss, the bound of a wrong score |
| `gamma_posterior` | the posterior of X_0 under gamma noise: moments, probabilities, quantiles |
| `transport` | what the probability flow makes of a start with any score, a guided one too |
| `quadrature` | the rules |

Of the oracle alone: docs/oracle.md says why, and how a score of torch is priced here.
"""

from gbm_ref.line.gamma_posterior import (
    gamma_posterior_cdf,
    gamma_posterior_log_moments,
    gamma_posterior_moment,
    gamma_posterior_ppf,
)
from gbm_ref.line.information import fisher_information, m_dsm_floor, score_error_bound
from gbm_ref.line.samplers import CdfValues, sampler_average, sampler_cdf, sampler_moments
from gbm_ref.line.transport import flow_cdf, flow_moments, flow_ppf

__all__ = [
    "CdfValues", "fisher_information", "flow_cdf", "flow_moments", "flow_ppf",
    "gamma_posterior_cdf", "gamma_posterior_log_moments", "gamma_posterior_moment",
    "gamma_posterior_ppf", "m_dsm_floor", "sampler_average", "sampler_cdf", "sampler_moments",
    "score_error_bound",
]  # fmt: skip
