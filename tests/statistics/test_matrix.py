"""The committed matrix of planted bugs and checks is what the code makes, without a blind spot."""

import pytest

from tests.statistics import matrix
from tests.statistics.catalogue import SCENARIOS
from tests.statistics.scenario import Scenario, Twin


def test_the_page_is_up_to_date() -> None:
    """To the last digit but one, which platforms share."""
    assert matrix.differences(matrix.PAGE.read_text(encoding="utf-8"), matrix.page()) == []


def test_every_twin_and_every_check_has_a_hit() -> None:
    assert matrix.unhit() == []


def test_a_twin_that_nothing_rejects_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
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
