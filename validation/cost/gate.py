"""The goals of `validation.overhead`, and whether a run has met them.

A goal is met where the upper end of an interval meets it (`own_time` says what the intervals are):
what a run cannot resolve it does not pass. Ratios of whole times are recorded and decide nothing.
"""

from collections.abc import Mapping

from validation.cost.own_time import Cost
from validation.cost.timing import Interval
from validation.study import Check

TRAINING_GOAL, SAMPLING_GOAL = 1.03, 1.02


def gate(
    training: Mapping[str, Cost],
    sampling: Mapping[str, Mapping[str, Cost]],
    against: Mapping[str, Interval],
) -> tuple[Check, ...]:
    """One check a goal: by case, by case and loop of ours, and by pair of loops."""
    checks = [
        _within(f"training step, {case}", cost, TRAINING_GOAL) for case, cost in training.items()
    ]
    for case, loops in sampling.items():
        checks += [
            _within(f"{loop}, {case}", cost, SAMPLING_GOAL)
            for loop, cost in loops.items()
            if loop.startswith("ours")
        ]
    for pair, gap in against.items():
        detail = f"{gap.median:.0f} ({gap.low:.0f} to {gap.high:.0f}) microseconds a row"
        checks.append(Check(f"loop alone, {pair}", gap.high <= 0, detail))
    return tuple(checks)


def _within(name: str, cost: Cost, goal: float) -> Check:
    own = f"own {cost.own.median:.0f} ({cost.own.low:.0f} to {cost.own.high:.0f}) microseconds"
    detail = f"{cost.overhead}, goal {goal}: {own}; ratio of whole times {cost.direct}"
    return Check(name, cost.overhead.high <= goal, detail)
