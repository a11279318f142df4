"""The ledger: budgets, rows, tests elsewhere; and the matrix, as made and without a blind spot."""

import importlib
import math
from functools import reduce
from pathlib import Path

import pytest

from tests.statistics import matrix
from tests.statistics.catalogue import SCENARIOS
from tests.statistics.checks import STATISTICS
from tests.statistics.laws import normal
from tests.statistics.ledger import ALPHA, BETA, FILE, LEDGER, Entry, load, sums
from tests.statistics.scenario import Scenario, Twin
from tests.support.fixtures import Patch
from tests.support.source_tree import ROOT

ELSEWHERE = [entry for entry in LEDGER if entry.elsewhere]


def test_the_sums_are_within_the_budgets() -> None:
    assert 0.0 < ALPHA <= 1e-6
    assert 0.0 < BETA <= 1e-4
    assert math.isclose(ALPHA, sum(entry.alpha for entry in LEDGER))


def spoiled(folder: Path, start: str, replacement: str) -> Path:
    """The ledger with the first line that starts so replaced."""
    text, path = FILE.read_text(), folder / "ledger.toml"
    first = next(line for line in text.splitlines() if line.startswith(start))
    path.write_text(text.replace(first, replacement, 1))
    return path


@pytest.mark.parametrize(("field", "value"), [("alpha = ", "1e-6"), ("beta = ", "1e-4")])
def test_a_row_above_the_budget_stops_the_import(field: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="budget"):
        sums(load(spoiled(tmp_path, field, field + value))[1])


BROKEN = {
    "a field is missing": ("alpha = ", "", "not a row of the ledger"),
    "a field is unknown": ("alpha = ", "rerun = 3\nalpha = 1e-9", "not a row of the ledger"),
    "alpha is no chance": ("alpha = ", "alpha = 0.0", "alpha and beta in"),
    "alpha is NaN": ("alpha = ", "alpha = nan", "alpha and beta in"),
    "two effects": ("effect = ", "effect = { a = 1.0, b = 2.0 }", "one effect"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_rows_are_refused(name: str, tmp_path: Path) -> None:
    start, replacement, message = BROKEN[name]
    with pytest.raises(ValueError, match=message):
        load(spoiled(tmp_path, start, replacement))


def test_an_assertion_stands_once(tmp_path: Path) -> None:
    text, path = FILE.read_text(), tmp_path / "ledger.toml"
    path.write_text(text + "[[assertion]]" + text.split("[[assertion]]")[1])
    with pytest.raises(ValueError, match="stand twice"):
        load(path)


@pytest.mark.parametrize("entry", ELSEWHERE, ids=lambda entry: entry.id)
def test_assertions_elsewhere_are_designed_like_the_others(entry: Entry) -> None:
    """Their file and their twins exist, and n draws see the effect at alpha / count."""
    text = "".join(path.read_text() for path in (ROOT / entry.scenario).parent.glob("*.py"))
    assert (ROOT / entry.scenario).is_file()
    assert all(twin in text for twin in entry.twins)
    module, _, names = entry.null.partition(":")
    assert callable(reduce(getattr, names.split("."), importlib.import_module(module)))
    check = STATISTICS[entry.statistic](normal(0.0, 1.0), entry.n, entry.alpha / entry.count)
    assert list(entry.effect) == [check.effect]
    assert check.smallest(entry.beta) <= entry.size <= 1.1 * check.smallest(entry.beta)


def test_the_page_is_up_to_date() -> None:
    """To the last digit but one, which platforms share."""
    assert matrix.differences(matrix.PAGE.read_text(encoding="utf-8"), matrix.page()) == []


def test_every_twin_and_every_check_has_a_hit() -> None:
    assert matrix.unhit() == []


def test_a_twin_that_nothing_rejects_is_seen(monkeypatch: Patch) -> None:
    """Planted: a twin without a bug, which leaves a row of the matrix without a hit."""
    right = SCENARIOS["ddim"]
    harmless = Twin(right.draw, lambda view: matrix.entries_of("ddim")[0].reference())
    spoiled = Scenario("ddim", right.about, right.draw, {"nothing": harmless}, right.views)
    monkeypatch.setitem(SCENARIOS, "ddim", spoiled)
    assert "ddim: nothing" in matrix.unhit()
    assert {"ddim/log x/variance", "ddim/log x/shape"} <= set(matrix.unhit())


@pytest.mark.parametrize(
    ("line", "other", "same"),
    [
        ("| a | **0.33** |", "| a | **0.34** |", True),
        ("| a | **0.33** |", "| a | 0.33 |", False),
        ("| a | **0.33** |", "| a | **0.43** |", False),
        ("| a | – |", "| a | 0 |", False),
    ],
)
def test_pages_are_compared_up_to_a_last_digit(line: str, other: str, same: bool) -> None:
    assert (matrix.differences(line, other) == []) == same
