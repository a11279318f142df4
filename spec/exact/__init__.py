"""Claims about the law that a sampler of finitely many steps draws from."""

from spec.exact import (
    ancestral, annealing, churn, covariance, dale_langevin, flow, multistep, probe, published,
    schedule, sign_agnostic)  # fmt: skip

_MODULES = (
    dale_langevin, covariance, annealing, published, sign_agnostic, flow, multistep, ancestral,
    churn, schedule, probe)  # fmt: skip
CLAIMS = tuple(claim for module in _MODULES for claim in module.CLAIMS)
