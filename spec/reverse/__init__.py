"""Claims about the equations in reverse time."""

from spec.reverse import equations, flows, log_coordinates, steps

CLAIMS = (*equations.CLAIMS, *log_coordinates.CLAIMS, *flows.CLAIMS, *steps.CLAIMS)
