"""Claims about one step of a sampler, the rows it visits, and the loop over them."""

from spec.steps import (
    annealed_samplers, annealing, euler_maruyama, first_algorithm, flips, flow, multistep,
    noise_levels, orders, second_algorithm, spacings)  # fmt: skip

CLAIMS = (
    *euler_maruyama.CLAIMS, *first_algorithm.CLAIMS, *second_algorithm.CLAIMS,
    *annealed_samplers.CLAIMS, *annealing.CLAIMS, *flips.CLAIMS, *orders.CLAIMS, *flow.CLAIMS,
    *multistep.CLAIMS, *noise_levels.CLAIMS, *spacings.CLAIMS)  # fmt: skip
