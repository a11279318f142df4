"""Damaged files, and files made to harm: every reader gives a result or names the file, at once.

`python -m tests.support.fuzz` does the same for as many files as it is told.
"""

import os
from pathlib import Path

import pytest

from tests.support.fuzz import failures
from tests.support.fuzzed_readers import READERS

# Set to more than the few that there is time for.
COUNT = int(os.environ.get("GBM_FUZZ", "15"))


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_is_read_or_named(tmp_path: Path, name: str) -> None:
    found = [problem for problem, _ in failures("suite", READERS[name], COUNT, tmp_path)]
    assert found == []
