"""Claims about the equations in reverse time."""

from spec.reverse import (
    additive_step,
    ambient,
    anderson,
    bridge,
    exact_kernel,
    log_coordinates,
    marginal_preserving,
    probability_flow,
    time_direction,
)

CLAIMS = (
    *anderson.CLAIMS,
    *ambient.CLAIMS,
    *log_coordinates.CLAIMS,
    *time_direction.CLAIMS,
    *marginal_preserving.CLAIMS,
    *probability_flow.CLAIMS,
    *exact_kernel.CLAIMS,
    *bridge.CLAIMS,
    *additive_step.CLAIMS,
)
