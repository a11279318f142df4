"""What the benchmark will cost, before it starts: images x evaluations x seed blocks, and time."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from gbm_fast.evaluation.estimates import seconds_of_sampling, spoken
from gbm_fast.sampling.sampler import Sampler
from gbm_fast.training.runs import TrainedModel
from validation.benchmark.images import Kept
from validation.benchmark.rows import Row


class Cost(NamedTuple):
    """One seed block of a row: what has still to be made of it."""

    row: Row
    seed: int
    images: int
    seconds: float


def costs(
    run: TrainedModel, kept: Kept, rows: Sequence[Row], seeds: dict[str, Sequence[int]]
) -> list[Cost]:
    """The cost of each seed block of each row, from the pace of one evaluation here and now.

    seeds   of each row, by its name
    """
    one = replace(rows[0].settings, num_images=16)
    pace = seconds_of_sampling([Sampler(run, one)]) / (16 * rows[0].evaluations)
    found = []
    for row in rows:
        for seed in seeds[row.name]:
            images = kept.missing(row.settings, seed)
            found.append(Cost(row, seed, images, images * row.evaluations * pace))
    return found


def ledger(costs: Sequence[Cost]) -> list[dict[str, object]]:
    """What is left to make, by group: blocks, images, evaluations of the network, seconds."""
    made: dict[str, list[Cost]] = {}
    for cost in costs:
        made.setdefault(cost.row.group, []).append(cost)
    return [
        {
            "group": group,
            "blocks": len(of),
            "images": sum(cost.images for cost in of),
            "evaluations": sum(cost.images * cost.row.evaluations for cost in of),
            "seconds": round(sum(cost.seconds for cost in of), 1),
        }
        for group, of in made.items()
    ]


def announce(entries: Sequence[dict], minutes: float | None) -> None:
    """Print the ledger, and what the time budget makes of it."""
    for entry in entries:
        print(
            f"{entry['group']:<7} {entry['blocks']:>3} blocks, {entry['images']:>7,} images, "
            f"{entry['evaluations']:>12,} evaluations: {spoken(entry['seconds'])}"
        )
    total = sum(entry["seconds"] for entry in entries)
    print(f"to make: {spoken(total)} at the pace of this machine", flush=True)
    if minutes is not None and total > 60 * minutes:
        print(
            f"the budget is {minutes:g} minutes: what does not fit is left out and said, and the "
            "same command goes on with it",
            flush=True,
        )
