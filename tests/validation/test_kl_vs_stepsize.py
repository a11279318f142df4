"""The step-size study passes on both libraries, repeats itself, and refuses planted curves and
laws. One quick study has a familywise false alarm of at most 5e-7, for any seed."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gbm_ref import Gaussian
from tests.statistics.seeds import sequence
from tests.support.fixtures import Shown
from validation import kl_vs_stepsize
from validation.kl import gate, points
from validation.kl.figure import build_figure
from validation.kl.measure import exact_checks, measure_with, plan
from validation.kl.problem import MirroredProblem, ReverseProblem, gaussian, moments_of
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
    rows = quick.measurements["points"]
    assert {row["implementation"] for row in rows} == {"gbm_ref", "gbm_fast"}
    assert {row["chain"] for row in rows} == {"reverse", "mirrored"}
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
    sizes = points.Plan(5000, (3, 6), (0.3,), (2, 5))
    first, again, other = (measure_with(sizes, seed, (REF, FAST)) for seed in (11, 11, 12))
    assert first == again
    assert first.measurements["points"] != other.measurements["points"]


def test_the_command_leaves_numbers_and_a_picture(
    seed: int, tmp_path: Path, capsys: Shown
) -> None:
    words = ["--quick", "--seed", str(seed), "--out-dir", str(tmp_path)]
    assert kl_vs_stepsize.STUDY.main(words) == 0
    record = json.loads((tmp_path / "kl_vs_stepsize-quick.json").read_text())
    assert record["passed"] is True
    assert record["command"] == f"python -m validation.kl_vs_stepsize --seed {seed} --quick"
    assert len(record["measurements"]["points"]) == 18
    picture = (tmp_path / "kl_vs_stepsize-quick.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n") and len(picture) > 20_000
    assert str(tmp_path / "kl_vs_stepsize-quick.png") in capsys.readouterr().out


def test_the_picture_holds_every_point_and_curve(quick: Findings) -> None:
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
    cells = points.reverse_cells(REVERSE, (4, 64, 1024))
    assert [cell.num_steps for cell in points.shown(cells, SIZE)] == [4]
    assert [cell.num_steps for cell in points.not_shown(cells, SIZE)] == [64, 1024]


def test_a_plan_that_resolves_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="sample_size"):
        measure_with(points.Plan(50, (64,), (0.05,), (400,)), 1, (REF,))


def test_draws_count_their_steps_and_keep_their_size(seed: int) -> None:
    taken: list[int] = []
    group, sequences = points.mirrored_cells(MIRRORED, 0.2, (2, 5)), np.random.SeedSequence(seed)
    columns = points.draws(REF, REVERSE, MIRRORED, list(group), 40_000, sequences, taken.append)
    assert [column.shape for column in columns] == [(40_000,), (40_000,)]
    assert sum(taken) == 40_000 * 5


def test_the_exact_part_of_the_gate_holds_in_full() -> None:
    assert all(check.passed for check in exact_checks(REVERSE, MIRRORED, plan(quick=False)))


def test_r8_reference_values() -> None:
    """V_0 / v_0 at v_0 = 0.1, sigma = 0.8 for N = 10, 100, 1000, as printed on the sheet (R8)."""
    problem = ReverseProblem(log_var=0.1)
    ratios = [moments_of(problem.law(count))[1] / 0.1 for count in (10, 100, 1000)]
    assert [round(ratio, 5) for ratio in ratios] == [1.37777, 1.03210, 1.00315]


REVERSE_DIVERGENCES: dict[str, Callable[[int], float]] = {
    "version 1": lambda n: REVERSE.divergence(REVERSE.version_one_law(n)),
    "factor two": lambda n: 2 * REVERSE.divergence(REVERSE.law(n)),
    "wrong in the fourth digit": lambda n: 1.0003 * REVERSE.divergence(REVERSE.law(n)),
    "first order": lambda n: math.sqrt(REVERSE.divergence(REVERSE.law(n))) / 97.0,
    "without the start's share": lambda n: REVERSE.divergence(
        gaussian(REVERSE.log_mean, moments_of(REVERSE.law(n))[1] + 0.01 * REVERSE.log_var / n)
    ),
}


@pytest.mark.parametrize("name", REVERSE_DIVERGENCES)
def test_another_curve_than_r8_is_refused(name: str) -> None:
    assert gate.reverse_leading_check(REVERSE).passed
    assert not gate.reverse_leading_check(REVERSE, REVERSE_DIVERGENCES[name]).passed


def scaled_limit(factor: Callable[[float], float]) -> Callable[[float], float]:
    """Divergence of a stationary law whose variance is `factor(u)` times the target's."""
    return lambda delta: MIRRORED.divergence(
        gaussian(MIRRORED.log_mean, MIRRORED.log_var * factor(delta / MIRRORED.stability_limit))
    )


MIRRORED_FACTORS: dict[str, Callable[[float], float]] = {
    "noise sqrt(delta) (E20)": lambda u: 0.5 / (1 - u),
    "factor on the standard deviation": lambda u: 1 / (1 - u) ** 2,
    "exact integration": lambda u: 1.0,
    "u twice as large": lambda u: 1 / (1 - 2 * u),
}


@pytest.mark.parametrize("name", MIRRORED_FACTORS)
def test_another_curve_than_e20_is_refused(name: str) -> None:
    assert gate.mirrored_leading_check(MIRRORED, scaled_limit(lambda u: 1 / (1 - u))).passed
    assert not gate.mirrored_leading_check(MIRRORED, scaled_limit(MIRRORED_FACTORS[name])).passed


class OffByOne(ReverseProblem):
    """Its closed form is that of one step more."""

    def closed_form(self, num_steps: int) -> Gaussian:
        return super().closed_form(num_steps + 1)


class WrongLimit(MirroredProblem):
    """Its stationary law is the target itself, as if Euler-Maruyama had no bias (E20)."""

    def stationary_law(self, delta: float) -> Gaussian:
        return self.target_law


def test_laws_that_disagree_are_refused() -> None:
    assert not gate.law_check(OffByOne(), (8, 64)).passed
    assert not gate.stationarity_check(WrongLimit(), (0.05, 0.3)).passed


def test_a_spent_false_alarm_budget_is_refused() -> None:
    assert gate.false_alarm_check(points.FALSE_ALARM / 40, 40).passed
    assert not gate.false_alarm_check(points.FALSE_ALARM / 40, 41).passed
    assert not gate.false_alarm_check(points.FALSE_ALARM / 40, 0).passed
