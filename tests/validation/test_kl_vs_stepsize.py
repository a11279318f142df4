"""The step-size study: it passes on both libraries, repeats itself, and shows what it may.

Statistics: one run of the quick study has a familywise false alarm of at most 5e-7, for any seed.
What it would refuse is in test_kl_sampler_mistakes.py and test_kl_exact_mistakes.py.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.statistics.seeds import sequence
from validation import kl_vs_stepsize
from validation.kl.measure import measure_with, plan
from validation.kl.points import (
    Cell,
    Plan,
    draws,
    mirrored_cells,
    not_shown,
    reverse_cells,
    shown,
)
from validation.kl.problem import (
    MirroredProblem,
    ReverseProblem,
)
from validation.kl.samplers import FAST, REF
from validation.study import Findings

REVERSE, MIRRORED = ReverseProblem(), MirroredProblem()
SIZE = 2**15


@pytest.fixture(scope="module")
def seed(request: pytest.FixtureRequest) -> int:
    """One seed for the study and its command, so that a run makes its assertions once."""
    root = sequence(request.config.option.run_seed, "kl_vs_stepsize")
    return int(root.generate_state(1, np.uint32)[0])


@pytest.fixture(scope="module")
def quick(seed: int) -> Findings:
    return measure_with(plan(quick=True), seed, (REF, FAST))


def test_both_implementations_pass(quick: Findings) -> None:
    """False alarm at most 5e-7; would catch a mistake of test_kl_sampler_mistakes.py."""
    assert [check for check in quick.checks if not check.passed] == []
    assert len(quick.checks) == 7
    points = quick.measurements["points"]
    assert {row["implementation"] for row in points} == {"gbm_ref", "gbm_fast"}
    assert {row["chain"] for row in points} == {"reverse", "mirrored"}
    assert quick.measurements["false_alarm_of_the_study_at_most"] < 1e-6


def test_what_cannot_be_resolved_is_listed_and_not_shown(quick: Findings) -> None:
    limit = quick.measurements["smallest_shown_kl"]
    assert limit == 10 / quick.measurements["sample_size"]
    hidden = quick.measurements["not_resolvable_at_this_n"]
    assert len(hidden) >= 1
    assert all(row["exact_kl"] <= limit for row in hidden)
    assert all(row["exact_kl"] > limit for row in quick.measurements["points"])


def test_each_interval_holds_its_estimate(quick: Findings) -> None:
    for row in quick.measurements["points"]:
        low, high = row["kl_interval"]
        assert 0 <= low < row["kl"] < high < math.inf


def test_the_two_libraries_draw_different_numbers(quick: Findings) -> None:
    """Otherwise one of them would be compared with itself."""
    means = [row["sample_log_mean"] for row in quick.measurements["points"]]
    assert len(set(means)) == len(means)


def test_the_same_seed_gives_the_same_numbers() -> None:
    sizes = Plan(5000, (3, 6), (0.3,), (2, 5))
    first, again, other = (measure_with(sizes, seed, (REF, FAST)) for seed in (11, 11, 12))
    assert first == again
    assert first.measurements["points"] != other.measurements["points"]


def test_the_command_leaves_numbers_and_a_picture(
    seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        kl_vs_stepsize.STUDY.main(["--quick", "--seed", str(seed), "--out-dir", str(tmp_path)])
        == 0
    )
    record = json.loads((tmp_path / "kl_vs_stepsize-quick.json").read_text())
    assert record["passed"] is True
    assert record["command"] == f"python -m validation.kl_vs_stepsize --seed {seed} --quick"
    assert len(record["measurements"]["points"]) == 18
    picture = (tmp_path / "kl_vs_stepsize-quick.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n")
    assert len(picture) > 20_000
    assert str(tmp_path / "kl_vs_stepsize-quick.png") in capsys.readouterr().out


def test_the_picture_holds_every_point_and_curve(quick: Findings) -> None:
    from validation.kl.figure import build_figure

    for axes, chain in zip(build_figure(quick).axes, ("reverse", "mirrored"), strict=True):
        bars = axes.containers
        rows = [row for row in quick.measurements["points"] if row["chain"] == chain]
        assert [bar.get_label() for bar in bars] == ["gbm_ref, sampled", "gbm_fast, sampled"]
        heights = [height for bar in bars for height in bar.lines[0].get_ydata()]
        assert sorted(heights) == sorted(row["kl"] for row in rows)
        assert axes.get_xscale() == axes.get_yscale() == "log"
        labels = [text.get_text() for text in axes.get_legend().get_texts()]
        assert "leading term, slope 2 in δ" in labels


def test_cells_are_split_by_what_can_be_resolved() -> None:
    cells = reverse_cells(REVERSE, (4, 64, 1024))
    assert [cell.num_steps for cell in shown(cells, SIZE)] == [4]
    assert [cell.num_steps for cell in not_shown(cells, SIZE)] == [64, 1024]


def test_a_plan_that_resolves_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="sample_size"):
        measure_with(Plan(50, (64,), (0.05,), (400,)), 1, (REF,))


def test_draws_count_their_steps_and_keep_their_size(seed: int) -> None:
    taken: list[int] = []
    group: Sequence[Cell] = mirrored_cells(MIRRORED, 0.2, (2, 5))
    columns = draws(
        REF, REVERSE, MIRRORED, list(group), 40_000, np.random.SeedSequence(seed), taken.append
    )
    assert [column.shape for column in columns] == [(40_000,), (40_000,)]
    assert sum(taken) == 40_000 * 5
