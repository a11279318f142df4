"""The measurements of `validation.speed`: agreement (the gate), times, memory, goals."""

import os
from typing import NamedTuple

import torch
from torch import Tensor

from validation.cost.timing import Interval, interleaved, ratio
from validation.race.contenders import (
    COMPILED,
    EAGER,
    NOISE,
    REF,
    TORCHSDE,
    Contender,
    contenders,
    draw_noise,
)
from validation.race.memory import peak_over_state
from validation.race.problem import Work, work
from validation.study import Check, Findings

# Largest relative difference from the oracle: a row rounds some ten numbers of the size of log x
# (below 8 here) to 2^-24 of themselves, and adding v to S makes each row a contraction.
ROUNDING = 10 * 8 * 2.0**-24


class Plan(NamedTuple):
    """States and rows to time, rounds, states for the memory and for the agreement.

    The goals are for full size; at another one they are not judged.
    """

    count: int
    rows: int
    rounds: int
    memory_count: int
    agreement_count: int
    judged: bool


class Goal(NamedTuple):
    """A ratio, what it should reach, and whether a small one is good."""

    name: str
    wanted: float
    at_most: bool


GOALS = (
    Goal("compiled step / drawing its noise", 3.0, True),
    Goal("torchsde / gbm_fast, eager", 2.0, False),
    Goal("torchsde / gbm_fast, compiled", 3.0, False),
    Goal("peak memory / state, eager", 4.0, True),
)


def full() -> Plan:
    """A million states in two dimensions."""
    return Plan(10**6, 8, 60, 10**6, 2**14, True)


def quick() -> Plan:
    """Seconds; its times mean little."""
    return Plan(2**15, 4, 3, 2**20, 2**12, False)


def measure_with(plan: Plan, seed: int) -> Findings:
    """Agreement first, then times and memory."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found, missing = contenders()
        gaps = differences(found, work(plan.agreement_count, plan.rows, seed), seed)
        loads = [os.getloadavg()]
        spent = _times(found, work(plan.count, plan.rows, seed), plan.rounds)
        loads.append(os.getloadavg())
    finally:
        torch.set_num_threads(threads)
    memory = {name: peak_over_state(name, plan.memory_count, plan.rows) for name in found}
    ratios = _ratios(spent)
    measurements = {
        "load_before_and_after": loads,
        "not_measured": missing,
        "milliseconds_a_step": {
            name: 1e3 * sorted(times)[len(times) // 2] / plan.rows for name, times in spent.items()
        },
        "step_over_drawing_its_noise": {n: r._asdict() for n, r in ratios["noise"].items()},
        "torchsde_over": {n: r._asdict() for n, r in ratios["torchsde"].items()},
        "peak_memory_over_state": memory,
        "largest_relative_difference": gaps,
        "goals": goals_met(ratios, memory, plan.judged),
    }
    checks = tuple(
        Check(f"{name} computes the oracle's numbers", value <= ROUNDING, f"{value:.1e}")
        for name, value in gaps.items()
    )
    _print(measurements)
    return Findings(_parameters(plan), measurements, checks)


def _parameters(plan: Plan) -> dict[str, object]:
    return {
        **plan._asdict(),
        "dimensions": 2,
        "threads": 1,
        "dtype": "float32; gbm_ref float64",
        "coordinates": "log X",
        "a step includes": "drawing its noise, the score, the move, its share of the start's and "
        "the end's log, exp and checks",
        "compiled by": f"torch.compile of PyTorch {torch.__version__}",
    }


def differences(found: dict[str, Contender], task: Work, seed: int) -> dict[str, float]:
    """Largest relative difference from gbm_ref on the same start and noise."""
    generator = torch.Generator().manual_seed(seed + 1)
    noise = torch.randn(task.rows, *task.start.shape, generator=generator)
    expected = found[REF](task, noise)
    results = {name: run(task, noise) for name, run in found.items() if name != REF}
    return {name: _relative(result, expected) for name, result in results.items()}


def _relative(result: Tensor, expected: Tensor) -> float:
    return float(((result.double() - expected) / expected).abs().max())


def _times(found: dict[str, Contender], task: Work, rounds: int) -> dict[str, list[float]]:
    programs = {NOISE: draw_noise, **found}
    actions = {
        name: (lambda program=program: program(task, None)) for name, program in programs.items()
    }
    return interleaved(actions, rounds)


def _ratios(spent: dict[str, list[float]]) -> dict[str, dict[str, Interval]]:
    others = [name for name in spent if name != NOISE]
    noise = {name: ratio(spent[name], spent[NOISE]) for name in others}
    if TORCHSDE not in spent:
        return {"noise": noise, "torchsde": {}}
    torchsde = {n: ratio(spent[TORCHSDE], spent[n]) for n in [NOISE, *others] if n != TORCHSDE}
    return {"noise": noise, "torchsde": torchsde}


def goals_met(
    ratios: dict[str, dict[str, Interval]], memory: dict[str, float | None], judged: bool
) -> list[dict[str, object]]:
    """Each goal with what was measured; `met` is None where it was not judged."""
    values = (
        ratios["noise"][COMPILED].median,
        ratios["torchsde"][EAGER].median if ratios["torchsde"] else None,
        ratios["torchsde"][COMPILED].median if ratios["torchsde"] else None,
        memory[EAGER],
    )
    return [
        {
            **goal._asdict(),
            "measured": value,
            "met": (value <= goal.wanted) == goal.at_most
            if judged and value is not None
            else None,
        }
        for goal, value in zip(GOALS, values, strict=True)
    ]


def _print(measurements: dict) -> None:
    """The table that the command shows."""
    print(f"{'':22}{'ms a step':>10}{'/ noise':>9}{'torchsde /':>12}{'memory / state':>16}")
    for name, milliseconds in measurements["milliseconds_a_step"].items():
        noise = measurements["step_over_drawing_its_noise"].get(name, {}).get("median")
        other = measurements["torchsde_over"].get(name, {}).get("median")
        held = measurements["peak_memory_over_state"].get(name)
        cells = [f"{'' if v is None else format(v, '.2f'):>{w}}" for v, w in
                 ((noise, 9), (other, 12), (held, 16))]  # fmt: skip
        print(f"{name:22}{milliseconds:10.2f}{''.join(cells)}")
    for name in measurements["not_measured"]:
        print(f"{name}: not measured, it is not installed")
    words = {True: "met", False: "NOT met", None: "not judged"}
    for goal in measurements["goals"]:
        sign = "<=" if goal["at_most"] else ">="
        value = "-" if goal["measured"] is None else f"{goal['measured']:.2f}"
        print(
            f"goal {words[goal['met']]}: {goal['name']} = {value}, "
            f"wanted {sign} {goal['wanted']:g}"
        )
