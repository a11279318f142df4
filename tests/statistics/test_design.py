"""The sizes of the samples follow from the named effects: no randomness.

For every assertion, n draws see the named effect with the stated alpha and beta, and the twins
that it names are exactly those of its scenario that it sees, by their exact laws.
"""

import pytest

from tests.statistics.catalogue import HERE, SCENARIOS, cell, check_of
from tests.statistics.ledger import Entry


@pytest.mark.parametrize("entry", HERE, ids=lambda entry: entry.id)
def test_the_draws_suffice_for_the_effect(entry: Entry) -> None:
    check = check_of(entry)
    assert list(entry.effect) == [check.effect]
    smallest = check.smallest(entry.beta)
    assert smallest <= entry.size
    # Not more than a tenth above what n can do: the ledger states what is really seen.
    assert entry.size <= 1.1 * smallest


@pytest.mark.parametrize("entry", HERE, ids=lambda entry: entry.id)
def test_the_twins_are_those_that_are_seen(entry: Entry) -> None:
    twins = SCENARIOS[entry.scenario].twins
    seen = [name for name in twins if cell(entry, name).seen(entry)]
    assert list(entry.twins) == seen
    assert len(seen) >= 1
