"""Claims about the forward process: Brownian motions of log X and their exact kernels."""

from spec.process import (
    chain,
    equations,
    equilibrium,
    log_normality,
    schedules,
    time_varying,
)

CLAIMS = (
    *equations.CLAIMS,
    *log_normality.CLAIMS,
    *equilibrium.CLAIMS,
    *time_varying.CLAIMS,
    *chain.CLAIMS,
    *schedules.CLAIMS,
)
