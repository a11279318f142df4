"""The ledger's assertions: correct code is accepted, every twin is rejected, for any run seed.
A failure is a bug: nothing is run again. The sizes n see the named twins, by exact laws."""

import pytest

from tests.statistics.catalogue import HERE, SCENARIOS, cell, check_of, entries_of
from tests.statistics.ledger import Entry
from tests.statistics.seeds import Source

TWINS = [(name, twin) for name, scenario in SCENARIOS.items() for twin in scenario.twins]


@pytest.mark.parametrize("name", SCENARIOS)
def test_correct_code_is_accepted(name: str, source: Source) -> None:
    scenario, entries = SCENARIOS[name], entries_of(name)
    draws = scenario.draw(source)
    for entry in entries:
        assert check_of(entry)(scenario.views[entry.view](draws), entry.id) > entry.alpha
    assert entries


@pytest.mark.parametrize(("name", "twin"), TWINS)
def test_the_twin_is_rejected(name: str, twin: str, source: Source) -> None:
    """By each check that names it, and for the reason of that check."""
    scenario = SCENARIOS[name]
    entries = [entry for entry in entries_of(name) if twin in entry.twins]
    draws = scenario.twins[twin].draw(source)
    for entry in entries:
        check = check_of(entry)
        with pytest.raises(check.rejection):
            check(scenario.views[entry.view](draws), entry.id)
    assert entries


def test_every_assertion_of_the_ledger_is_made() -> None:
    assert {entry.scenario for entry in HERE} == set(SCENARIOS)
    for entry in HERE:
        assert entry.view in SCENARIOS[entry.scenario].views
        assert set(entry.twins) <= set(SCENARIOS[entry.scenario].twins)


@pytest.mark.parametrize("entry", HERE, ids=lambda entry: entry.id)
def test_the_draws_suffice_for_the_effect(entry: Entry) -> None:
    check = check_of(entry)
    assert list(entry.effect) == [check.effect]
    # Not more than a tenth above what n can do: the ledger states what is really seen.
    assert check.smallest(entry.beta) <= entry.size <= 1.1 * check.smallest(entry.beta)


@pytest.mark.parametrize("entry", HERE, ids=lambda entry: entry.id)
def test_the_twins_are_those_that_are_seen(entry: Entry) -> None:
    seen = [name for name in SCENARIOS[entry.scenario].twins if cell(entry, name).seen(entry)]
    assert list(entry.twins) == seen and len(seen) >= 1
