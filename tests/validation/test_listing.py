"""`python -m validation --list` names all that can be run; nothing tracked is overwritten."""

import re
from pathlib import Path

import pytest

from validation import kl_vs_stepsize
from validation.__main__ import COMMANDS, OTHERS, STUDIES, listing
from validation.study import OWN_RESULTS, RESULTS, Settings


def runnable(folder: Path) -> set[str]:
    """The modules of validation that are commands, by their last lines."""
    files = [*folder.glob("*.py"), *folder.glob("*/__main__.py")]
    found = [p for p in files if '__name__ == "__main__"' in p.read_text()]
    parts = [p.relative_to(folder.parent).with_suffix("").parts for p in found]
    return {".".join(part[:-1] if part[-1] == "__main__" else part) for part in parts}


def test_every_command_is_listed_and_every_listed_one_exists() -> None:
    listed = {f"validation.{study.name}" for study in STUDIES + OTHERS} | set(COMMANDS)
    modules = runnable(Path(kl_vs_stepsize.__file__).parent)
    assert listed - {"tests.statistics.audit"} == modules - {"validation"}
    assert set(re.findall(r"python -m ([\w.]+):", listing())) - {"validation"} == listed


def test_only_a_run_that_is_asked_to_record_writes_into_the_repository() -> None:
    assert Settings().folder == OWN_RESULTS and not OWN_RESULTS.is_absolute()
    assert Settings(record=True).folder == RESULTS
    with pytest.raises(ValueError, match="a reduced run is no result to record"):
        Settings(quick=True, record=True)
