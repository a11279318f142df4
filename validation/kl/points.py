"""Monte-Carlo points of the step-size study: what is drawn, and what is made of the draws.

A point is one implementation, one chain and one step length. Its confidence rectangle for mean and
variance of the logarithm has error at most `alpha`, the same for all points, chosen so that the
whole run has a familywise false alarm of at most FALSE_ALARM (Bonferroni over the points; points
that share draws, as those of one mirrored chain do, need no independence for that). Which points
are drawn is decided by the exact divergence alone, before any draw.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from gbm_ref.divergence import Gaussian
from validation.intervals import (
    Interval,
    Moments,
    Region,
    confidence_region,
    divergence_range,
    plug_in_divergence,
    resolvable,
    sample_moments,
)
from validation.kl.problem import MirroredProblem, ReverseProblem, moments_of
from validation.kl.samplers import Implementation, chunks

FALSE_ALARM = 5e-7
REVERSE, MIRRORED = "reverse", "mirrored"

Advance = Callable[[int], object]
"""Told how many steps of single paths have just been taken."""


@dataclass(frozen=True)
class Plan:
    """Sizes of a run: paths a point, the step lengths, the numbers of mirrored steps looked at."""

    sample_size: int
    reverse_steps: tuple[int, ...]
    mirrored_deltas: tuple[float, ...]
    checkpoints: tuple[int, ...]


@dataclass(frozen=True)
class Cell:
    """A step length and a number of steps, with the exact law of the chain's logarithm there."""

    chain: str
    delta: float
    num_steps: int
    exact_law: Gaussian
    target_law: Gaussian
    exact_kl: float

    def as_dict(self) -> dict[str, object]:
        """Plain numbers for the result file."""
        mean, variance = moments_of(self.exact_law)
        return {
            "chain": self.chain,
            "delta": self.delta,
            "num_steps": self.num_steps,
            "exact_kl": self.exact_kl,
            "exact_log_mean": mean,
            "exact_log_var": variance,
        }


@dataclass(frozen=True)
class Point:
    """What one implementation's draws say about one cell."""

    cell: Cell
    implementation: str
    moments: Moments
    region: Region
    kl: float
    kl_range: Interval

    @property
    def accepted(self) -> bool:
        """The rectangle holds the exact mean and variance, and its image the exact divergence."""
        inside = self.region.contains(*moments_of(self.cell.exact_law))
        return inside and self.kl_range.contains(self.cell.exact_kl)

    def as_dict(self) -> dict[str, object]:
        """Plain numbers for the result file."""
        return {
            "implementation": self.implementation,
            **self.cell.as_dict(),
            "sample_log_mean": self.moments.mean,
            "sample_log_var": self.moments.variance,
            "log_mean_interval": list(self.region.mean),
            "log_var_interval": list(self.region.variance),
            "kl": self.kl,
            "kl_interval": list(self.kl_range),
            "accepted": self.accepted,
        }


def reverse_cells(problem: ReverseProblem, num_steps: Iterable[int]) -> list[Cell]:
    """The Dale-Langevin chain at each number of steps."""
    cells = []
    for count in num_steps:
        law = problem.law(count)
        exact_kl = problem.divergence(law)
        cells.append(Cell(REVERSE, 1.0 / count, count, law, problem.target_law, exact_kl))
    return cells


def mirrored_cells(
    problem: MirroredProblem, delta: float, checkpoints: Iterable[int]
) -> list[Cell]:
    """The mirrored Langevin chain with step length `delta` after each number of steps."""
    cells = []
    for count in checkpoints:
        law = problem.law(delta, count)
        exact_kl = problem.divergence(law)
        cells.append(Cell(MIRRORED, delta, count, law, problem.target_law, exact_kl))
    return cells


def shown(cells: Iterable[Cell], size: int) -> list[Cell]:
    """The cells whose exact divergence can be seen with `size` draws."""
    return [cell for cell in cells if resolvable(cell.exact_kl, size)]


def not_shown(cells: Iterable[Cell], size: int) -> list[Cell]:
    """The other cells."""
    return [cell for cell in cells if not resolvable(cell.exact_kl, size)]


def point(cell: Cell, implementation: str, log_samples: np.ndarray, alpha: float) -> Point:
    """The interval that these draws, shape `(n,)`, give for the cell, with error at most alpha."""
    moments = sample_moments(log_samples)
    region = confidence_region(moments, alpha)
    target = moments_of(cell.target_law)
    plug_in = plug_in_divergence(moments, *target)
    image = divergence_range(region, *target)
    return Point(cell, implementation, moments, region, plug_in, image)


def draws(
    implementation: Implementation,
    reverse: ReverseProblem,
    mirrored: MirroredProblem,
    group: list[Cell],
    size: int,
    seed: np.random.SeedSequence,
    advance: Advance,
) -> list[np.ndarray]:
    """`size` logarithms for each cell of a group, whose cells lie along the same paths."""
    first, counts = group[0], [cell.num_steps for cell in group]
    parts = []
    for part_size, child in chunks(size, seed):
        if first.chain == REVERSE:
            part = [implementation.reverse(reverse, first.num_steps, part_size, child)]
        else:
            part = implementation.mirrored(mirrored, first.delta, counts, part_size, child)
        parts.append(part)
        advance(part_size * max(counts))
    return [np.concatenate(columns) for columns in zip(*parts, strict=True)]
