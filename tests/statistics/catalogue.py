"""All scenarios by name."""

from tests.statistics.families import (
    affine,
    data_laws,
    forward,
    images,
    independent,
    mirrored,
    other_laws,
    quadrature,
    random_source,
    training,
)
from tests.statistics.scenario import Scenario

FAMILIES = (
    random_source,
    data_laws,
    other_laws,
    forward,
    affine,
    images,
    quadrature,
    mirrored,
    independent,
    training,
)
SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario for family in FAMILIES for scenario in family.SCENARIOS
}
