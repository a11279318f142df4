"""Claims about the law that a sampler of finitely many steps draws from."""

from spec.exact import (
    ancestral,
    ancestral_bias,
    annealing,
    continuous,
    covariance,
    dale_langevin,
    dale_langevin_bias,
    flow,
    flow_heun,
    one_row,
    probe,
    published,
    schedule,
    sign_agnostic,
    sign_agnostic_noise,
)

CLAIMS = (
    *dale_langevin.CLAIMS,
    *dale_langevin_bias.CLAIMS,
    *covariance.CLAIMS,
    *annealing.CLAIMS,
    *continuous.CLAIMS,
    *published.CLAIMS,
    *sign_agnostic.CLAIMS,
    *sign_agnostic_noise.CLAIMS,
    *flow.CLAIMS,
    *flow_heun.CLAIMS,
    *ancestral.CLAIMS,
    *ancestral_bias.CLAIMS,
    *schedule.CLAIMS,
    *probe.CLAIMS,
    *one_row.CLAIMS,
)
