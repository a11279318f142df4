"""The shared runner: files whole or absent, a verdict that cannot be empty, clear refusals; and
`python -m validation --list` names all that can be run."""

import errno
import json
import math
import re
import sys
from pathlib import Path

import pytest

from tests.support.fixtures import Patch
from tests.support.source_tree import ROOT
from tests.test_commands import run_timed
from validation.__main__ import COMMANDS, OTHERS, STUDIES, listing
from validation.ending import leave
from validation.study import (
    OWN_RESULTS,
    RESULTS,
    Check,
    Findings,
    Settings,
    Study,
    command,
    plain,
    replacing,
    run,
)

PASSING = Check("holds", True, "0.1 below 0.2")
FAILING = Check("breaks", False, "0.3 above 0.2")


def study_with(*checks: Check) -> Study:
    def measure(settings: Settings) -> Findings:
        return Findings({"sigma": 0.8}, {"seed seen": settings.seed, "gap": math.inf}, checks)

    def draw(findings: Findings, path: Path) -> None:
        path.write_bytes(b"picture of " + repr(findings.measurements["seed seen"]).encode())

    return Study("planted", "a study for the tests", measure, draw)


def test_a_passing_study_leaves_its_two_files(tmp_path: Path) -> None:
    assert run(study_with(PASSING), Settings(seed=7, out_dir=tmp_path / "new"))
    folder = tmp_path / "new"
    assert sorted(path.name for path in folder.iterdir()) == ["planted.json", "planted.png"]
    record = json.loads((folder / "planted.json").read_text())
    assert record["passed"] is True and record["parameters"] == {"sigma": 0.8}
    assert record["seed"] == record["measurements"]["seed seen"] == 7
    assert record["command"] == "python -m validation.planted --seed 7"
    assert record["measurements"]["gap"] == "inf"
    assert {"python", "numpy", "scipy", "torch", "machine"} <= set(record["environment"])
    assert (folder / "planted.png").read_bytes() == b"picture of 7"


@pytest.mark.parametrize("checks", [(FAILING,), (PASSING, FAILING), ()])
def test_a_failed_or_empty_gate_fails(tmp_path: Path, checks: tuple[Check, ...]) -> None:
    assert not run(study_with(*checks), Settings(out_dir=tmp_path))
    assert json.loads((tmp_path / "planted.json").read_text())["passed"] is False


def test_a_quick_run_does_not_replace_a_full_one(tmp_path: Path) -> None:
    run(study_with(PASSING), Settings(seed=1, out_dir=tmp_path))
    run(study_with(PASSING), Settings(seed=2, quick=True, out_dir=tmp_path))
    assert json.loads((tmp_path / "planted.json").read_text())["seed"] == 1
    quick = json.loads((tmp_path / "planted-quick.json").read_text())
    assert quick["command"] == "python -m validation.planted --seed 2 --quick"


def test_a_writer_that_breaks_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="half-way"), replacing(path) as unfinished:
        unfinished.write_text("half")
        raise RuntimeError("half-way")
    assert [item.name for item in tmp_path.iterdir()] == ["kept.json"]
    assert path.read_text() == "old"


def test_an_unusable_folder_is_refused_before_measuring(tmp_path: Path) -> None:
    def never(settings: Settings) -> Findings:
        raise RuntimeError("measured in spite of the folder")

    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    study = Study("planted", "", never, lambda findings, path: None)
    with pytest.raises(ValueError, match="--out-dir"):
        run(study, Settings(out_dir=blocked))
    with pytest.raises(ValueError, match="seed"):
        run(study, Settings(seed=-1, out_dir=tmp_path))
    assert blocked.read_text() == "in the way"


def test_only_plain_values_are_stored() -> None:
    assert plain({"a": (1, math.nan, -math.inf)}) == {"a": [1, "nan", "-inf"]}
    with pytest.raises(ValueError, match="object"):
        plain([object()])


@pytest.mark.parametrize("module", ["validation", *(f"validation.{one.name}" for one in STUDIES)])
def test_help_is_quick_and_loads_nothing_heavy(module: str) -> None:
    done = run_timed("-m", module, "--help")
    assert done.returncode == 0
    assert "--seed" in done.stdout and "--quick" in done.stdout and "--out-dir" in done.stdout
    loaded = {entry.rsplit("|", 1)[-1].strip() for entry in done.stderr.splitlines()}
    assert "tyro" in loaded
    assert not loaded & {"torch", "scipy", "numpy", "matplotlib", "gbm_ref", "gbm_fast"}


def test_the_list_names_every_study_and_a_command_that_exists() -> None:
    done = run_timed("-m", "validation", "--list")
    assert done.returncode == 0
    for study in STUDIES:
        assert f"validation.{study.name}: {study.summary}" in done.stdout
        assert (ROOT / "validation" / f"{study.name}.py").is_file()
        assert command(study, Settings(seed=3)).startswith(f"python -m validation.{study.name} ")


def test_a_command_ends_with_its_verdict(tmp_path: Path, monkeypatch: Patch) -> None:
    out = ["--out-dir", str(tmp_path)]
    wanted = [(PASSING, [], 0), (FAILING, [], 1), (PASSING, ["--seed", "-3"], "error: seed must")]
    for check, words, status in wanted:
        monkeypatch.setattr(sys, "argv", ["study", *out, *words])
        with pytest.raises(SystemExit) as ended:
            study_with(check).script()
        code = ended.value.code
        assert code == status or (isinstance(status, str) and str(code).startswith(status))


def test_what_the_machine_refuses_ends_in_one_line() -> None:
    def full() -> int:
        raise OSError(errno.ENOSPC, "No space left on device", "/there")

    with pytest.raises(SystemExit) as ended:
        leave(full)
    assert str(ended.value.code).startswith("error: /there: No space left on device: free some")
    with pytest.raises(KeyError):
        leave(lambda: {}["a defect"])


def runnable(folder: Path) -> set[str]:
    """The modules of validation that are commands, by their last lines."""
    files = [*folder.glob("*.py"), *folder.glob("*/__main__.py")]
    found = [p for p in files if '__name__ == "__main__"' in p.read_text()]
    parts = [p.relative_to(folder.parent).with_suffix("").parts for p in found]
    return {".".join(part[:-1] if part[-1] == "__main__" else part) for part in parts}


def test_every_command_is_listed_and_every_listed_one_exists() -> None:
    listed = {f"validation.{study.name}" for study in STUDIES + OTHERS} | set(COMMANDS)
    assert listed - {"tests.statistics.audit"} == runnable(ROOT / "validation") - {"validation"}
    assert set(re.findall(r"python -m ([\w.]+):", listing())) - {"validation"} == listed


def test_only_a_run_that_is_asked_to_record_writes_into_the_repository() -> None:
    assert Settings().folder == OWN_RESULTS and not OWN_RESULTS.is_absolute()
    assert Settings(record=True).folder == RESULTS
    with pytest.raises(ValueError, match="a reduced run is no result to record"):
        Settings(quick=True, record=True)
