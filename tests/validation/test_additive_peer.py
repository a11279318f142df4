"""The study of additive noise, reduced: what both arms share, the intervals and verdicts by hand,
and what the gate refuses. The intervals are of Student's t, which is exact for normal numbers."""

import copy
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import gbm_fast as gbm
from tests.support.cases import seed
from tests.support.fixtures import Folders, Patch
from validation.additive.figure import build_figure, table
from validation.additive.measure import Peers, checks, comparison, fairness, measure_with, paired
from validation.additive.measure import verdict as nearer
from validation.additive.plan import ARMS, FULL, QUICK, block_seed, evaluations, training
from validation.study import Findings, plain

ROOT_SEED = seed("additive peer") % 2**31


@pytest.fixture(scope="module")
def runs(tmp_path_factory: Folders) -> Path:
    return tmp_path_factory.mktemp("peers")


@pytest.fixture(scope="module")
def findings(runs: Path) -> Findings:
    return measure_with(QUICK, ROOT_SEED, runs)


def test_the_gate_passes_whatever_the_networks_have_learned(findings: Findings) -> None:
    assert [check for check in findings.checks if not check.passed] == []
    assert len(findings.checks) == 2 and plain(findings.measurements)


def test_every_rate_is_tried_and_every_block_reported(findings: Findings) -> None:
    found = findings.measurements
    for noise in ARMS:
        tried = {row["rate"]: row["frechet"] for row in found["tuning"][noise]}
        assert tuple(tried) == QUICK.rates
        assert found["chosen_rate"][noise] == min(tried, key=tried.__getitem__)
    rows = [(r["noise"], r["training"], r["sampler"], r["block"]) for r in found["rows"]]
    assert len(set(rows)) == len(rows) == 2 * 1 * 2 * 2
    assert {block for *_, block in rows} == {1, 2}, "0 has chosen the rates"


def test_a_second_study_reads_the_trainings(
    findings: Findings, runs: Path, monkeypatch: Patch
) -> None:
    def refuse(self: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr("gbm_fast.training.trainer.Trainer.train_step", refuse)
    again = measure_with(QUICK, ROOT_SEED, runs)
    assert again.measurements == findings.measurements


def test_the_arms_differ_by_the_noise_and_its_unit_alone() -> None:
    plain_one, other = (training(FULL, noise, 1.5, 1e-3, 4) for noise in ARMS)
    different = {n for n in vars(other) if getattr(other, n) != getattr(plain_one, n)}
    assert different == {"noise"}
    assert (other.std_min, other.std_max) == (0.005 * 1.5, 15.0)
    assert {block_seed(4, block) for block in range(4)} == {1004, 1005, 1006, 1007}
    assert [evaluations(*one) for one in FULL.samplers] == [17, 35, 10, 20]


def test_levels_that_are_not_in_units_of_the_data_are_seen(runs: Path, monkeypatch: Patch) -> None:
    peers = Peers(QUICK, ROOT_SEED, runs / "unfair", gbm.load_dataset("digits"))
    assert fairness(peers)["relative_levels"] < 1e-9
    ratio = peers.scale("additive")
    assert ratio == pytest.approx(1.396, abs=2e-3) and peers.scale("multiplicative") == 1
    monkeypatch.setattr(Peers, "scale", lambda self, noise: 1.0)
    assert fairness(peers)["relative_levels"] > 0.1


MISTAKES: dict[str, Callable[[dict], object]] = {
    "other weights": lambda m: m["fairness"].update(initial_weights=1e-3),
    "other noise": lambda m: m["fairness"].update(noise=1e-3),
    "other images": lambda m: m["fairness"].update(images=1e-3),
    "other levels": lambda m: m["fairness"].update(relative_levels=1e-3),
    "a block is missing": lambda m: m["rows"].pop(),
    "no distance": lambda m: m["rows"][3].update(frechet=math.nan),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_the_gate_refuses(findings: Findings, name: str) -> None:
    wrong = copy.deepcopy(findings.measurements)
    MISTAKES[name](wrong)
    assert [check.passed for check in checks(QUICK, wrong)].count(False) == 1


def test_an_interval_is_that_of_students_t() -> None:
    """Of 1, 2 and 6: mean 3, deviation sqrt(7), and t of 2 degrees 4.302652730 at 97.5 %."""
    mean, half = paired([1.0, 2.0, 6.0])
    assert mean == 3
    assert half == pytest.approx(4.302652730 * math.sqrt(7 / 3), rel=1e-9)


@pytest.mark.parametrize(
    ("intervals", "wanted"),
    [
        ([(-2.0, 1.0), (-3.0, 2.9)], "additive"),
        ([(2.0, 1.0), (3.0, 2.9)], "multiplicative"),
        ([(-2.0, 1.0), (-3.0, 3.1)], "neither"),
        ([(-2.0, 1.0), (2.0, 1.0)], "neither"),
        ([(0.0, 0.0)], "neither"),
    ],
)
def test_an_arm_is_nearer_where_all_trainings_say_so(
    intervals: list[tuple[float, float]], wanted: str
) -> None:
    assert nearer(intervals) == wanted


def test_differences_are_taken_within_a_block(findings: Findings) -> None:
    """Blocks that move both arms by as much leave an interval of no width."""
    rows = copy.deepcopy(findings.measurements["rows"])
    for row in rows:
        row["frechet"] = 10.0 * row["block"] + (0.5 if row["noise"] == "additive" else 0.0)
    for entry in comparison(QUICK, rows):
        ((mean, half),) = entry["additive_minus_multiplicative"]
        assert (mean, half, entry["nearer"]) == (0.5, 0.0, "multiplicative")


def test_how_straight_the_logarithm_is(findings: Findings) -> None:
    """By a fine grid: of all lines the nearest one to log x on [1, 2]."""
    x = torch.linspace(1, 2, 100_001, dtype=torch.float64)
    gaps = x.log() - (x - 1) * math.log(2)
    best = float(gaps.max() - gaps.min()) / 2 / math.log(2)
    found = findings.measurements["straightness"]
    assert found["greatest_gap_over_range"] == pytest.approx(best, rel=1e-8)
    assert 0.99 < found["correlation_of_pixels"] < 1


def test_table_and_figure_have_all_of_it(findings: Findings) -> None:
    lines = table(findings).splitlines()
    assert len(lines) == 2 + 2 and all(line.count("|") == 9 for line in lines)
    for entry, line in zip(findings.measurements["comparison"], lines[2:], strict=True):
        cells = [f"{entry[noise][0]:.2f}" for noise in ARMS]
        assert f"| {' | '.join(cells)} | " in line and f"| {entry['nearer']} |" in line
    axes = build_figure(findings).axes
    assert [len(one.get_xticks()) for one in axes] == [2, 2]
