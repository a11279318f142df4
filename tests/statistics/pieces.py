"""A sampler taken apart, so that one piece of it can be replaced by a wrong one.

The pieces are gbm_fast's own. They are put together in float32 with a generator to draw, as users
do, and in float64 with injected noise to find the law (`gbm_ref.probe`) or the map of one row.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from tests.statistics.laws import Array
from tests.statistics.seeds import Source
from tests.support.twins import tensor, twin_process, twin_target

NoiseSource = Callable[[int], Tensor]


def unchanged(noise: NoiseSource) -> NoiseSource:
    return noise


class Pieces(NamedTuple):
    """A sampler: the start is the law of log X_T; `noise` may spoil the source of noise."""

    step: gbm.Step
    process: gbm.Process
    score: gbm.ScoreFunction
    grid: gbm.Grid
    start: ref.Gaussian
    noise: Callable[[NoiseSource], NoiseSource] = unchanged


Build = Callable[[torch.dtype], Pieces]
Edit = Callable[[Pieces], Pieces]


def correct(step: gbm.Step, data: ref.Target, process: ref.Process, grid: gbm.Grid) -> Build:
    """The right sampler of `data`, started from a normal law with the moments of log X_T.

    For log-normal data that is the law of log X_T itself.
    """
    end = ref.log_moments(data.diffuse(process, grid[0].t_score))

    def build(dtype: torch.dtype) -> Pieces:
        score = gbm.exact_score(twin_target(data, dtype), twin_process(process))
        return Pieces(step, twin_process(process), score, grid, end)

    return build


def edited(build: Build, edit: Edit) -> Build:
    return lambda dtype: edit(build(dtype))


def drawn(build: Build, n: int, source: Source) -> Array:
    """log x_0 (n, d) in float64, run in float32 with noise from the source's generator.

    An x_0 of the sign-agnostic step may be negative: `states` returns it as it is.
    """
    return np.log(states(build, n, source))


def states(build: Build, n: int, source: Source) -> Array:
    pieces = build(torch.float32)
    start = gbm.LogNormal(*(tensor(part, torch.float32) for part in pieces.start))
    x_T = start.rvs(n, source.torch)
    noise = pieces.noise(lambda row: torch.randn(x_T.shape, generator=source.torch))
    x_0 = gbm.simulate(pieces.step, pieces.process, pieces.score, x_T, pieces.grid, noise)
    return x_0.double().numpy()


def probed(build: Build) -> ref.Gaussian:
    """The law of log x_0 of a sampler that is affine in log x and its noise."""
    pieces = build(torch.float64)
    rows, d = len(pieces.grid), pieces.start.mean.size

    def run(x_T: Array, z: Array) -> Array:
        noise = pieces.noise(lambda row: tensor(z[row]))
        piece = pieces.step, pieces.process, pieces.score
        return gbm.simulate(*piece, tensor(x_T), pieces.grid, noise).numpy()

    return ref.extract_affine_map(run, rows, d).law(pieces.start)


def row_maps(build: Build) -> list[Callable[[Array, float], Array]]:
    """For each row of the grid, (x (n,), z) -> x_s (n,), in float64."""
    pieces = build(torch.float64)

    def row_map(index: int) -> Callable[[Array, float], Array]:
        row = pieces.grid[index]

        def apply(x: Array, z: float) -> Array:
            state = tensor(x)[:, None]
            given = pieces.process, pieces.score, state, *row, torch.full_like(state, z)
            return pieces.step(*given)[:, 0].numpy()

        return apply

    return [row_map(index) for index in range(len(pieces.grid))]
