"""In a copy of this repository: what is moved leaves every result current, what is changed not."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.validation.moving import change, definition, move, rename
from validation.dependencies import OURS, ROOT, sources
from validation.provenance import code_hashes, recorded, standing
from validation.study import RESULTS

# Definitions that some results rest on, functions and classes of each package.
MOVED = [
    ("gbm_ref", "exact_law"),
    ("gbm_ref", "LogNormal"),
    ("gbm_fast", "uniform"),
    ("gbm_fast", "annealed"),
    ("gbm_fast", "TrainConfig"),
    ("validation", "Findings"),
]
# A definition, and the results that rest on it.
CHANGED = [
    ("gbm_fast", "Compiled", {"speed"}),
    ("gbm_fast", "FeatureClassifier", {"fashion-mnist_samplers"}),
    ("gbm_fast", "gamma_chain_step", {"statistics_audit"}),
    ("gbm_ref", "path_divergence", {"learned_score"}),
    ("gbm_ref", "mirrored_langevin_law", {"kl_vs_stepsize", "statistics_audit"}),
    ("validation", "optimiser_seconds", {"overhead"}),
    ("gbm_ref", "log_average_flip_probability", set()),
]
Changes = dict[str, set[str]]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sources of this clone, elsewhere."""
    only_sources = shutil.ignore_patterns("*.json", "*.png", "__pycache__", "*.md")
    for package in OURS:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=only_sources)
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def new(copy: Path) -> Callable[[], Changes]:
    """What changes after the copy is made, by result, each as recorded with the copy's code, so
    that a stale one has a say."""
    records = {Path(name).stem: record for name, record in recorded(RESULTS).items()}
    for record in records.values():
        record["code"] = code_hashes(record.get("module", f"validation.{record['study']}"))

    def changes() -> Changes:
        found = {name: set(standing(record).changed) for name, record in records.items()}
        return {name: changed for name, changed in found.items() if changed}

    assert changes() == {}
    return changes


def test_definitions_that_move_leave_every_result_current(
    copy: Path, new: Callable[[], Changes]
) -> None:
    for package, name in MOVED:
        old = move(copy, package, name, "elsewhere")
        assert definition(copy, package, name)[0] != old
    assert new() == {}
    for package, name in MOVED:
        change(copy, package, name)
    assert set().union(*new().values()) == {f"{package}: {name}" for package, name in MOVED}


def test_modules_that_are_renamed_leave_every_result_current(
    copy: Path, new: Callable[[], Changes]
) -> None:
    for package, name in MOVED:
        stem = f"with_{name.lower()}"
        rename(copy, definition(copy, package, name)[0], f"{package}.elsewhere.{stem}")
        assert definition(copy, package, name)[0].endswith(stem)
    assert new() == {}


def test_a_formula_that_changes_makes_stale_what_rests_on_it(
    copy: Path, new: Callable[[], Changes]
) -> None:
    expected: Changes = {}
    for package, name, results in CHANGED:
        change(copy, package, name)
        for result in results:
            expected.setdefault(result, set()).add(f"{package}: {name}")
    assert new() == expected
