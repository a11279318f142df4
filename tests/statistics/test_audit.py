"""The audit's gate bites, and it goes on where it was broken off. Nothing is drawn."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from tests.statistics import audit
from tests.statistics.audit import PValues
from tests.statistics.catalogue import HERE
from tests.support.fixtures import Patch

Given = Callable[[int], PValues]
SEEDS = 40


def even(seed: int) -> PValues:
    """P-values that are even over the seeds, each assertion from another place on."""
    numbers = {audit.run_seed(1, k): k for k in range(SEEDS)}
    found = {}
    for shift, entry in enumerate(HERE):
        p = ((numbers[seed] * 7 + shift) % SEEDS + 0.5) / SEEDS
        found[entry.id] = (p, p if entry.statistic in audit.UNIFORM else math.nan)
    return found


def refused_once(seed: int) -> PValues:
    found = even(seed)
    if seed == audit.run_seed(1, 3):
        found[HERE[0].id] = (HERE[0].alpha, 0.5)
    return found


def too_good(seed: int) -> PValues:
    """The p-values of one assertion are all near 1/2: its null law or its draws are wrong."""
    found = even(seed)
    p = 0.5 + 0.02 * (found[HERE[0].id][0] - 0.5)
    return {**found, HERE[0].id: (p, p)}


def run(monkeypatch: Patch, folder: Path, given: Given, seeds: int = SEEDS) -> tuple[int, dict]:
    monkeypatch.setattr(audit, "p_values", given)
    monkeypatch.setattr(audit, "code_hashes", lambda module: {"a definition": "its hash"})
    status = audit.main(["--seeds", str(seeds), "--out-dir", str(folder)])
    return status, json.loads((folder / "statistics_audit.json").read_text())


def test_correct_code_passes(tmp_path: Path, monkeypatch: Patch) -> None:
    status, record = run(monkeypatch, tmp_path, even)
    assert status == 0 and record["passed"] is True
    assert record["seeds"] == SEEDS and len(record["assertions"]) == len(HERE)
    assert (tmp_path / "statistics_audit.png").stat().st_size > 20_000


@pytest.mark.parametrize(
    ("given", "failed"), [(refused_once, "no false alarm"), (too_good, "p-values uniform")]
)
def test_a_defect_fails(given: Given, failed: str, tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(audit, "build_figure", lambda rows, seeds: Figure())
    status, record = run(monkeypatch, tmp_path, given)
    assert status == 1
    assert [check["name"] for check in record["checks"] if not check["passed"]] == [failed]


def test_a_broken_off_audit_goes_on(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(audit, "build_figure", lambda rows, seeds: Figure())
    asked: list[int] = []

    def counted(seed: int) -> PValues:
        asked.append(seed)
        return even(seed)

    run(monkeypatch, tmp_path, counted, seeds=12)
    run(monkeypatch, tmp_path, counted)
    assert len(asked) == len(set(asked)) == SEEDS
    notes = tmp_path / ".statistics_audit.jsonl"
    notes.write_text(notes.read_text().replace('"root": 1', '"root": 2'))
    run(monkeypatch, tmp_path, counted, seeds=3)
    assert len(asked) == SEEDS + 3
