"""The programs: each integrates `Work` on noise that it draws, or on noise that is given.

Every contender is a function (work, noise) -> x_0 (count, 2), with noise None to draw it (each row
into one buffer, where the program allows), or a tensor (rows, count, 2).
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

import gbm_ref
from gbm_fast.grids import uniform
from gbm_fast.simulation import simulate
from gbm_fast.steps import Compiled, DaleLangevin, Step
from validation.race.problem import (
    LOG_COV,
    LOG_MEAN,
    MU,
    SIGMA,
    Work,
    fast_process,
    fast_score,
    ref_process,
    ref_target,
)

Contender = Callable[[Work, Tensor | None], Tensor]
NOISE = "noise alone"
EAGER, COMPILED = "gbm_fast, eager", "gbm_fast, compiled"
NUMPY, REF, TORCHSDE = "NumPy loop", "gbm_ref", "torchsde, Euler"


def draw_noise(work: Work, noise: Tensor | None) -> Tensor:
    """The draws of a run into one buffer, and nothing else."""
    generator, buffer = torch.Generator().manual_seed(1), torch.empty_like(work.start)
    for _ in range(work.rows):
        buffer.normal_(generator=generator)
    return buffer


def fast(step: Step) -> Contender:
    """gbm_fast in float32: the library's own loop, step, score and checks."""

    @torch.no_grad()
    def run(work: Work, noise: Tensor | None) -> Tensor:
        generator, buffer = torch.Generator().manual_seed(1), torch.empty_like(work.start)
        return simulate(
            step,
            fast_process(),
            fast_score(),
            work.start,
            uniform(work.rows),
            (lambda row: buffer.normal_(generator=generator)) if noise is None else noise,
        )

    return run


def numpy_loop(work: Work, noise: Tensor | None) -> Tensor:
    """What one would write by hand in NumPy, float32 throughout, without checks."""
    rng, length = np.random.default_rng(1), 1.0 / work.rows
    y = np.log(work.start.numpy())
    cov, mean = np.array(LOG_COV), np.array(LOG_MEAN)
    rate, dv = MU - SIGMA**2 / 2, SIGMA**2 * length
    for row in range(work.rows):
        t = 1.0 - row * length
        precision = np.linalg.inv(cov + SIGMA**2 * t * np.eye(2)).astype(np.float32)
        score = (mean + rate * t).astype(np.float32) - y
        score = score @ precision
        if noise is None:
            z = rng.standard_normal(y.shape, dtype=np.float32)
        else:
            z = noise[row].numpy()
        y = y + np.float32(dv) * score + np.float32(math.sqrt(dv)) * z
        y -= np.float32(rate * length)
    return torch.from_numpy(np.exp(y))


def ref_loop(work: Work, noise: Tensor | None) -> Tensor:
    """The oracle, float64, with all its checks; the others' rounding is measured against it."""
    rng, start = np.random.default_rng(1), work.start.double().numpy()
    x_0 = gbm_ref.simulate(
        gbm_ref.DaleLangevin(),
        ref_process(),
        gbm_ref.exact_score(ref_target(), ref_process()),
        start,
        gbm_ref.uniform(work.rows),
        (lambda row: rng.standard_normal(start.shape))
        if noise is None
        else noise.double().numpy(),
    )
    return torch.from_numpy(x_0)


def torchsde_loop() -> Contender:
    """torchsde's Euler scheme, float32, on the same score; ImportError where it is missing."""
    from validation.race.with_torchsde import integrate

    return integrate


def contenders() -> tuple[dict[str, Contender], list[str]]:
    """All that are installed, and the names of those that are not."""
    found: dict[str, Contender] = {
        EAGER: fast(DaleLangevin()),
        COMPILED: fast(Compiled(DaleLangevin())),
        NUMPY: numpy_loop,
        REF: ref_loop,
    }
    try:
        found[TORCHSDE] = torchsde_loop()
    except ImportError:
        return found, [TORCHSDE]
    return found, []
