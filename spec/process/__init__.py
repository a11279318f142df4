"""Claims about the forward process: Brownian motions of log X and their exact kernels."""

from spec.process import (
    between_times,
    equations,
    equilibrium,
    forward_step,
    growing_schedules,
    left_sums,
    log_normality,
    logarithm,
    path_and_law,
    reverse_index,
    solution,
    time_varying,
    variance_exploding,
)

CLAIMS = (
    *equations.CLAIMS,
    *solution.CLAIMS,
    *logarithm.CLAIMS,
    *forward_step.CLAIMS,
    *log_normality.CLAIMS,
    *equilibrium.CLAIMS,
    *time_varying.CLAIMS,
    *left_sums.CLAIMS,
    *path_and_law.CLAIMS,
    *growing_schedules.CLAIMS,
    *reverse_index.CLAIMS,
    *variance_exploding.CLAIMS,
    *between_times.CLAIMS,
)
