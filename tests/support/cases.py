"""What the tests of gbm_fast run over: the table of problems, states, and seeds from names."""

import hashlib
import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
from gbm_fast.process import Time
from gbm_ref import PointMasses, Process, Target
from tests.support.problems import DATA_SETS, PROCESSES, TARGETS
from tests.support.twins import Array as Array


@dataclass(frozen=True)
class Problem:
    """A data law and a process, with a name."""

    name: str
    target: Target
    process: Process

    def __str__(self) -> str:
        """The name, for pytest's ids."""
        return self.name


def _images(n: int, pixels: int) -> PointMasses:
    """Smooth square pictures with values in [1, 2], one for each of n orientations."""
    rows, columns = np.meshgrid(np.arange(pixels), np.arange(pixels), indexing="ij")
    angles = np.linspace(0.2, 2.9, n)[:, None, None]
    waves = np.sin(angles * rows + (3.1 - angles) * columns)
    return PointMasses((1.5 + 0.45 * waves).reshape(n, -1))


Event = tuple[int, ...]
# What is tested with one process alone.
PROCESS = gbm.GBM(mu=0.13, sigma=0.7)


def log_linear(x: Tensor, t: Time) -> Tensor:
    """A model, no exact score of anything."""
    return -0.4 - 0.7 * x.log()


LAWS: dict[str, Target] = {**TARGETS, "data-1d": DATA_SETS["points-1d"], "images": _images(5, 3)}
# Each law with one process, each process with several laws.
PROBLEMS = [
    Problem(f"{law}-{list(PROCESSES)[i % 3]}", LAWS[law], PROCESSES[list(PROCESSES)[i % 3]])
    for i, law in enumerate(LAWS)
]


def crossed(**values: Iterable[object]) -> pytest.MarkDecorator:
    """Parametrizes a test over every combination of values of its arguments."""
    found = list(itertools.product(*values.values()))
    ids = ["-".join(map(str, combination)) for combination in found]
    return pytest.mark.parametrize(tuple(values), found, ids=ids)


def seed(*names: str) -> int:
    """A number made from names, so that no test depends on the order of the others."""
    return int.from_bytes(hashlib.sha256("/".join(names).encode()).digest()[:6], "big")


def generator(*names: str) -> np.random.Generator:
    return np.random.default_rng(seed(*names))


def torch_generator(*names: str) -> torch.Generator:
    return torch.Generator().manual_seed(seed(*names))


def states(problem: Problem, t: float, size: int = 9) -> Array:
    """Draws (size, d) of X_t and, as many, points spread wider than the law."""
    rng = generator("states", problem.name, repr(t))
    diffused = problem.target.diffuse(problem.process, t)
    wide = np.exp(rng.uniform(-2, 2, (size, diffused.d)))
    return np.concatenate([diffused.rvs(size, rng), wide])
