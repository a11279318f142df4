"""Draws of the logarithm of both chains, by `gbm_ref` (float64) and by `gbm_fast` (float32).

The samplers are the libraries' own loops, steps, scores, targets and random sources: nothing of
them is repeated here. `gbm_fast` runs in float32, as for images; over at most some hundreds of
steps its rounding moves a mean or a standard deviation by about 1e-6 of itself, a thousandth of
the narrowest interval in the study.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

import gbm_ref
from gbm_fast.grids import uniform
from gbm_fast.mirror import mirrored_langevin_step
from gbm_fast.process import GBM
from gbm_fast.scores import exact_score
from gbm_fast.simulation import simulate
from gbm_fast.steps import DaleLangevin
from gbm_fast.targets import LogNormal
from validation.kl.problem import MirroredProblem, ReverseProblem

CHUNK = 2**15

ReverseSampler = Callable[[ReverseProblem, int, int, np.random.SeedSequence], np.ndarray]
"""(problem, num_steps, size, seed) -> logarithms at t = 0, shape (size,)."""
MirroredSampler = Callable[
    [MirroredProblem, float, Sequence[int], int, np.random.SeedSequence], list[np.ndarray]
]
"""(problem, delta, checkpoints, size, seed) -> logarithms (size,) after each number of steps."""


@dataclass(frozen=True)
class Implementation:
    """A library under study: its name and its two samplers."""

    name: str
    reverse: ReverseSampler
    mirrored: MirroredSampler


def reverse_by_ref(
    problem: ReverseProblem, num_steps: int, size: int, seed: np.random.SeedSequence
) -> np.ndarray:
    """Dale-Langevin draws by `gbm_ref`, with the exact score, from the exact law at t = 1."""
    rng = np.random.default_rng(seed)
    process = gbm_ref.GBM(problem.mu, problem.sigma)
    target = gbm_ref.LogNormal(np.array([problem.log_mean]), problem.log_var)
    x_end = gbm_ref.simulate(
        gbm_ref.DaleLangevin(),
        process,
        gbm_ref.exact_score(target, process),
        target.diffuse(process, process.horizon).rvs(size, rng),
        gbm_ref.uniform(num_steps),
        lambda row: rng.standard_normal((size, 1)),
    )
    return np.log(x_end[:, 0])


def reverse_by_fast(
    problem: ReverseProblem, num_steps: int, size: int, seed: np.random.SeedSequence
) -> np.ndarray:
    """Dale-Langevin draws by `gbm_fast`, with the exact score, from the exact law at t = 1."""
    generator = torch_generator(seed)
    process = GBM(problem.mu, problem.sigma)
    target = _log_normal(problem.log_mean, problem.log_var)
    x_end = simulate(
        DaleLangevin(),
        process,
        exact_score(target, process),
        target.diffuse(process, process.horizon).rvs(size, generator),
        uniform(num_steps),
        lambda row: torch.randn(size, 1, generator=generator),
    )
    return x_end[:, 0].double().log().numpy()


def mirrored_by_ref(
    problem: MirroredProblem,
    delta: float,
    checkpoints: Sequence[int],
    size: int,
    seed: np.random.SeedSequence,
) -> list[np.ndarray]:
    """Mirrored Langevin draws by `gbm_ref` after each number of steps in `checkpoints`."""
    rng = np.random.default_rng(seed)
    target = gbm_ref.LogNormal(np.array([problem.log_mean]), problem.log_var)
    start = gbm_ref.LogNormal(np.array([problem.start_mean]), problem.start_var)
    x = start.rvs(size, rng)
    kept = []
    for taken in range(1, max(checkpoints) + 1):
        z = rng.standard_normal(x.shape)
        x = gbm_ref.mirrored_langevin_step(x, target.stein_score(x), delta, z)
        if taken in checkpoints:
            kept.append(np.log(x[:, 0]))
    return kept


def mirrored_by_fast(
    problem: MirroredProblem,
    delta: float,
    checkpoints: Sequence[int],
    size: int,
    seed: np.random.SeedSequence,
) -> list[np.ndarray]:
    """Mirrored Langevin draws by `gbm_fast` after each number of steps in `checkpoints`."""
    generator = torch_generator(seed)
    target = _log_normal(problem.log_mean, problem.log_var)
    start = _log_normal(problem.start_mean, problem.start_var)
    x = start.rvs(size, generator)
    kept = []
    for taken in range(1, max(checkpoints) + 1):
        z = torch.randn(x.shape, generator=generator)
        x = mirrored_langevin_step(x, target.stein_score(x), delta, z)
        if taken in checkpoints:
            kept.append(x[:, 0].double().log().numpy())
    return kept


def _log_normal(log_mean: float, log_var: float) -> LogNormal:
    """A one-dimensional target of `gbm_fast`, in float32."""
    return LogNormal(torch.tensor([log_mean]), torch.tensor(log_var))


def torch_generator(seed: np.random.SeedSequence) -> torch.Generator:
    """A torch stream that is a function of the seed sequence."""
    return torch.Generator().manual_seed(int(seed.generate_state(1, np.uint64)[0] >> np.uint64(1)))


@contextlib.contextmanager
def one_torch_thread() -> Iterator[None]:
    """Small tensors gain nothing from several threads, which then wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def chunks(
    size: int, seed: np.random.SeedSequence
) -> Iterator[tuple[int, np.random.SeedSequence]]:
    """Sizes of at most CHUNK that add up to `size`, each with a stream of its own."""
    count = -(-size // CHUNK)
    for index, child in enumerate(seed.spawn(count)):
        yield min(CHUNK, size - index * CHUNK), child


REF = Implementation("gbm_ref", reverse_by_ref, mirrored_by_ref)
FAST = Implementation("gbm_fast", reverse_by_fast, mirrored_by_fast)
