"""All scenarios by name."""

from tests.statistics.families import (
    affine,
    data_laws,
    forward,
    images,
    quadrature,
    random_source,
    training,
)
from tests.statistics.scenario import Scenario

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for family in (random_source, data_laws, forward, affine, images, quadrature, training)
    for scenario in family.SCENARIOS
}
