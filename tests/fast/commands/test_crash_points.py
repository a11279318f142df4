"""Commands that end at some operation on a file go on when they are given again.

`python -m tests.support.crash_points` ends them at every one.
"""

from pathlib import Path

import pytest

from tests.support import crash_points
from tests.support.crash_points import survive


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", crash_points.WORKS)
def test_a_command_that_stops_at_an_operation_on_a_file_goes_on(name: str, tmp_path: Path) -> None:
    """Three of its operations, spread over the command."""
    survived = survive(name, tmp_path, lambda n: [n // 5, n // 2, n - 1])
    assert survived == 3


def test_work_that_writes_in_place_does_not_survive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A twin that the crashes have to find out: a log that is appended to before it is counted."""
    monkeypatch.setitem(crash_points.WORKS, "twin", (careless, crash_points._of_files))
    with pytest.raises(AssertionError, match="twin, crash at operation"):
        survive("twin", tmp_path, lambda n: range(1, n + 1))


def careless(folder: Path) -> None:
    """Two lines, of which the first is written again by a second call."""
    for line in ("first", "second"):
        with (folder / "log").open("a") as file:
            file.write(f"{line}\n")
    lines = (folder / "log").read_text().splitlines()
    (folder / "sum").write_text(str(len(lines)))
