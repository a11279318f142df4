"""The measurement of the step-size study: exact curves, Monte-Carlo points, and the gate."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import numpy as np
from tqdm import tqdm

from validation.intervals import resolution
from validation.kl.gate import (
    false_alarm_check,
    law_check,
    mirrored_leading_check,
    points_check,
    reverse_leading_check,
    stationarity_check,
)
from validation.kl.points import (
    FALSE_ALARM,
    Cell,
    Plan,
    Point,
    draws,
    mirrored_cells,
    not_shown,
    point,
    reverse_cells,
    shown,
)
from validation.kl.problem import MirroredProblem, ReverseProblem
from validation.kl.samplers import Implementation, one_torch_thread
from validation.study import Check, Findings

WORKERS = 2
CURVE_STEPS = tuple(
    sorted(2**a * 3**b for a in range(1, 12) for b in (0, 1) if 2**a * 3**b < 2500)
)
CURVE_CHECKPOINTS = (8, 32, 256)


def plan(quick: bool) -> Plan:
    """What is drawn: every step length here is a candidate, shown where it can be resolved."""
    if quick:
        return Plan(2**15, (2, 8, 32, 128), (0.03, 0.2, 0.8), (8, 32))
    deltas = (0.01, 0.022, 0.05, 0.11, 0.24, 0.5, 0.95)
    return Plan(2**18, (2, 4, 8, 16, 32, 64, 128, 256, 512), deltas, (8, 32))


def measure_with(sizes: Plan, seed: int, implementations: tuple[Implementation, ...]) -> Findings:
    """The study on any implementations: a test plants mistakes in them and expects a refusal."""
    reverse, mirrored = ReverseProblem(), MirroredProblem()
    candidates = _candidates(reverse, mirrored, sizes)
    groups = [group for group in (shown(one, sizes.sample_size) for one in candidates) if group]
    hidden = [cell for group in candidates for cell in not_shown(group, sizes.sample_size)]
    expected = sum(map(len, groups))
    if expected == 0:
        raise ValueError(
            f"no step length of the plan can be resolved with {sizes.sample_size} draws: "
            "raise sample_size or lengthen the steps."
        )
    alpha = FALSE_ALARM / (expected * len(implementations))
    points = _draw_points(
        reverse, mirrored, groups, sizes.sample_size, seed, implementations, alpha
    )
    measurements = {
        "sample_size": sizes.sample_size,
        "smallest_shown_kl": resolution(sizes.sample_size),
        "joint_coverage_of_each_rectangle_at_least": 1.0 - alpha,
        "false_alarm_of_each_point_at_most": alpha,
        "false_alarm_of_the_study_at_most": alpha * len(points),
        "points": [one.as_dict() for one in points],
        "not_resolvable_at_this_n": [cell.as_dict() for cell in hidden],
        "reverse_curve": reverse_curve(reverse),
        "mirrored_curve": mirrored_curve(mirrored),
    }
    parameters = {"reverse": asdict(reverse), "mirrored": asdict(mirrored), "plan": asdict(sizes)}
    checks = [points_check(points, one.name, expected) for one in implementations]
    checks.append(false_alarm_check(alpha, len(points)))
    return Findings(parameters, measurements, (*checks, *exact_checks(reverse, mirrored, sizes)))


def _candidates(
    reverse: ReverseProblem, mirrored: MirroredProblem, sizes: Plan
) -> list[list[Cell]]:
    """All cells of the plan, grouped by the paths they share."""
    single = [[cell] for cell in reverse_cells(reverse, sizes.reverse_steps)]
    shared = [
        mirrored_cells(mirrored, delta, sizes.checkpoints) for delta in sizes.mirrored_deltas
    ]
    return single + shared


def _draw_points(
    reverse: ReverseProblem,
    mirrored: MirroredProblem,
    groups: list[list[Cell]],
    size: int,
    seed: int,
    implementations: tuple[Implementation, ...],
    alpha: float,
) -> list[Point]:
    """Every group by every implementation, each from a random stream of its own.

    The streams do not depend on the order of the work, so threads (NumPy and torch let go of the
    interpreter while they compute) change the time and nothing else.
    """
    work = [(implementation, group) for implementation in implementations for group in groups]
    seeds = np.random.SeedSequence(seed).spawn(len(work))
    total = size * sum(max(cell.num_steps for cell in group) for _, group in work)
    with (
        tqdm(total=total, unit="steps", unit_scale=True, desc="sampling", leave=False) as bar,
        one_torch_thread(),
        ThreadPoolExecutor(WORKERS) as pool,
    ):
        columns = pool.map(
            lambda job: draws(job[0][0], reverse, mirrored, job[0][1], size, job[1], bar.update),
            zip(work, seeds, strict=True),
        )
        return [
            point(cell, implementation.name, column, alpha)
            for (implementation, group), drawn in zip(work, columns, strict=True)
            for cell, column in zip(group, drawn, strict=True)
        ]


def exact_checks(
    reverse: ReverseProblem, mirrored: MirroredProblem, sizes: Plan
) -> tuple[Check, ...]:
    """The part of the gate that needs no random number."""
    return (
        law_check(reverse, sizes.reverse_steps),
        stationarity_check(mirrored, sizes.mirrored_deltas),
        reverse_leading_check(reverse),
        mirrored_leading_check(mirrored),
    )


def reverse_curve(problem: ReverseProblem) -> list[dict[str, object]]:
    """Exact divergences of the Dale-Langevin sampler and of version 1's Algorithm 1 (claim E2).

    From R8's closed form, which the gate compares with gbm_ref's recursion.
    """
    return [
        {
            "delta": 1.0 / count,
            "num_steps": count,
            "kl": problem.divergence(problem.closed_form(count)),
            "leading_term": problem.leading(1.0 / count),
            "version_1_algorithm_1_kl": problem.divergence(problem.version_one_law(count)),
        }
        for count in CURVE_STEPS
    ]


def mirrored_curve(problem: MirroredProblem) -> list[dict[str, object]]:
    """Exact divergences of mirrored Langevin: stationary, and after CURVE_CHECKPOINTS steps."""
    deltas = problem.stability_limit * np.geomspace(2.0**-10, 0.9, 121)
    return [
        {
            "delta": delta,
            "stationary_kl": problem.divergence(problem.stationary_law(delta)),
            "leading_term": problem.leading(delta),
            "kl_after_steps": {
                str(count): problem.divergence(problem.law(delta, count))
                for count in CURVE_CHECKPOINTS
            },
        }
        for delta in deltas.tolist()
    ]
