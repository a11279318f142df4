"""The speed study: its programs compute the same numbers, planted ones do not, goals are judged.
Compiled code, not traceable here, is in tests/fast/mathematics/test_devices.py; times nowhere."""

from collections.abc import Callable

import pytest
import torch

import gbm_fast as gbm
from validation.cost.timing import Interval
from validation.race import contenders
from validation.race.contenders import COMPILED, EAGER, NOISE, NUMPY, REF, Contender, fast
from validation.race.figure import build_figure
from validation.race.measure import ROUNDING, differences, goals_met
from validation.race.problem import work
from validation.study import Findings


def gap(contender: Contender) -> float:
    return differences({"it": contender, REF: contenders.ref_loop}, work(256, 4, 7), 7)["it"]


@pytest.mark.parametrize(
    "make",
    [lambda: fast(gbm.DaleLangevin()), lambda: contenders.numpy_loop, contenders.torchsde_loop],
    ids=["gbm_fast", "NumPy", "torchsde"],
)
def test_the_programs_compute_the_oracles_numbers(make: Callable[[], Contender]) -> None:
    assert gap(make()) <= ROUNDING


# The first two take noise a thousandth too large, and one row's noise for all.
PLANTED: dict[str, Contender] = {
    "noise": lambda work, noise: contenders.numpy_loop(work, 1.001 * noise),
    "rows": lambda work, noise: contenders.numpy_loop(work, noise[:1].expand_as(noise)),
    "no Ito term": fast(gbm.PrintedAlgorithm1()),
    "half the drift": fast(gbm.Corrector()),
}


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED)
def test_a_program_that_does_something_else_is_refused(planted: Contender) -> None:
    assert gap(planted) > 10 * ROUNDING


def interval(median: float) -> Interval:
    return Interval(median, 0.9 * median, 1.1 * median, 9)


RATIOS = {
    "noise": {EAGER: interval(2.5), COMPILED: interval(2.0), NUMPY: interval(5.0)},
    "torchsde": {EAGER: interval(1.9), COMPILED: interval(3.1)},
}
MEMORY: dict[str, float | None] = {EAGER: 4.5, COMPILED: 3.0, NUMPY: None}


def test_goals_are_met_or_not_or_not_judged() -> None:
    assert [goal["met"] for goal in goals_met(RATIOS, MEMORY, True)] == [True, False, True, False]
    assert [goal["met"] for goal in goals_met(RATIOS, MEMORY, False)] == [None] * 4
    without = {**RATIOS, "torchsde": {}}
    assert [goal["met"] for goal in goals_met(without, MEMORY, True)] == [True, None, None, False]
    assert [goal["measured"] for goal in goals_met(RATIOS, MEMORY, True)] == [2.0, 1.9, 3.1, 4.5]


def test_the_figure_shows_every_program() -> None:
    times = {name: value._asdict() for name, value in RATIOS["noise"].items()}
    measured = {"step_over_drawing_its_noise": times, "peak_memory_over_state": MEMORY}
    figure = build_figure(Findings({"count": 10, "rows": 2, "rounds": 3}, measured, ()))
    labels = {label.get_text() for label in figure.axes[0].get_yticklabels()}
    assert labels == {EAGER, COMPILED, NUMPY} and NOISE not in labels


def test_a_start_is_a_function_of_the_seed() -> None:
    assert torch.equal(work(9, 2, 3).start, work(9, 2, 3).start)
    assert not torch.equal(work(9, 2, 3).start, work(9, 2, 4).start)
