"""All scenarios by name, and every check on every twin of its scenario: how large a bug is to a
check, and whether it is seen, from the exact laws of the twins without a random number."""

import math
from functools import cache
from typing import NamedTuple

from tests.statistics.checks import STATISTICS, Check
from tests.statistics.families import (
    affine,
    data_laws,
    equations,
    forward,
    quadrature,
    random_source,
    training,
)
from tests.statistics.ledger import LEDGER, Entry
from tests.statistics.scenario import Scenario

FAMILIES = random_source, data_laws, forward, affine, quadrature, equations, training
SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario for family in FAMILIES for scenario in family.SCENARIOS
}
HERE = tuple(entry for entry in LEDGER if not entry.elsewhere)
"""The assertions that this folder makes."""


class Cell(NamedTuple):
    """A twin under a check: NaN where its law has no formula."""

    size: float
    miss: float

    def seen(self, entry: Entry) -> bool:
        """Whether the bug is as large as the named effect and missed at most with beta."""
        return self.size >= entry.size and self.miss <= entry.beta


def entries_of(scenario: str) -> list[Entry]:
    return [entry for entry in HERE if entry.scenario == scenario]


@cache
def check_of(entry: Entry) -> Check:
    return STATISTICS[entry.statistic](entry.reference(), entry.n, entry.alpha)


@cache
def cell(entry: Entry, twin: str) -> Cell:
    truth = SCENARIOS[entry.scenario].twins[twin].truth(entry.view)
    if truth is None:
        return Cell(math.nan, math.nan)
    check = check_of(entry)
    return Cell(check.size(truth), check.miss(truth))
