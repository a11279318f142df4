"""A sampler taken apart, so that one piece of it can be replaced by a wrong one, and such bugs.

gbm_fast's pieces, in float32 with a generator to draw, in float64 with injected noise to find the
law (`gbm_ref.probe`) or the map of one row. With h the score, the drift of the reverse equation is
- m' + sigma^2 (1 + h) in log X, sigma^2 / 2 more in X: Ito's term;
sigma^2 of it is the divergence of the diffusion, counted twice."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast.process import Time
from gbm_fast.steps.base import Schedule
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
    """The right sampler of `data`, from a normal start with the moments of log X_T."""
    end = ref.log_moments(data.diffuse(process, grid[0].t_score))

    def build(dtype: torch.dtype) -> Pieces:
        score = gbm.exact_score(twin_target(data, dtype), twin_process(process))
        return Pieces(step, twin_process(process), score, grid, end)

    return build


def edited(build: Build, edit: Edit) -> Build:
    return lambda dtype: edit(build(dtype))


def drawn(build: Build, n: int, source: Source) -> Array:
    """log x_0 (n, d) in float64, run in float32 with the source's noise; `states` keeps a sign."""
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

    def apply(row: gbm.Row, x: Array, z: float) -> Array:
        state = tensor(x)[:, None]
        given = pieces.process, pieces.score, state, *row, torch.full_like(state, z)
        return pieces.step(*given)[:, 0].numpy()

    return [partial(apply, row) for row in pieces.grid]


def score_plus(shift: float, factor: float = 1.0) -> Edit:
    return lambda p: p._replace(score=lambda x, t: factor * p.score(x, t) + shift)


def sigma_for_its_square(pieces: Pieces) -> Pieces:
    """sigma h dt in the place of sigma^2 h dt."""
    return score_plus(0.0, 1.0 / float(pieces.process.diffusion(pieces.grid[0].t_score)))(pieces)


def dt_for_its_root(pieces: Pieces) -> Pieces:
    """Noise sigma dt in the place of sigma sqrt(dt)."""
    rows = (row._replace(noise=row.noise * math.sqrt(row.dt)) for row in pieces.grid)
    return pieces._replace(grid=tuple(rows))


def no_noise_in_the_last_row(pieces: Pieces) -> Pieces:
    """The habit of additive samplers."""
    return pieces._replace(grid=(*pieces.grid[:-1], pieces.grid[-1]._replace(noise=0.0)))


def full_noise(pieces: Pieces) -> Pieces:
    """Annealing forgotten: every row at full noise."""
    return pieces._replace(grid=tuple(row._replace(noise=1.0) for row in pieces.grid))


def start_without_the_data(pieces: Pieces) -> Pieces:
    """The start has the variance of the noise alone."""
    v = float(pieces.process.log_var(pieces.grid[0].t_score))
    mean = pieces.start.mean
    return pieces._replace(start=ref.Gaussian(mean, v * np.eye(mean.size)))


def score_one_row_late(pieces: Pieces) -> Pieces:
    """The score read at the end of the step instead of its beginning."""
    ends = {row.t_score: max(row.t_score - row.dt, 1e-9) for row in pieces.grid}

    def score(x: Tensor, t: Time) -> Tensor:
        return pieces.score(x, ends.get(float(t), t))

    return pieces._replace(score=score)


def one_draw_for_all_rows(pieces: Pieces) -> Pieces:
    """The generator made anew in every row."""

    def spoiled(noise: NoiseSource) -> NoiseSource:
        first = cache(lambda: noise(0))
        return lambda row: first()

    return pieces._replace(noise=spoiled)


def one_draw_for_all_coordinates(pieces: Pieces) -> Pieces:
    """Noise of the shape (batch, 1), broadcast."""

    def spoiled(noise: NoiseSource) -> NoiseSource:
        return lambda row: noise(row)[..., :1].expand(-1, pieces.start.mean.size)

    return pieces._replace(noise=spoiled)


def schedule_reversed(pieces: Pieces) -> Pieces:
    """The step takes mu and sigma at T - t; the score is the right one."""
    process = pieces.process
    assert isinstance(process, gbm.TimeVaryingGBM)
    end = process.horizon
    rates = (lambda t: process.mu(end - t)), (lambda t: process.sigma(end - t))
    return pieces._replace(process=gbm.TimeVaryingGBM(*rates, horizon=end))


@dataclass(frozen=True)
class HalfPrecisionFlow(gbm.ProbabilityFlow):
    """Keeps x in bfloat16 between the rows, so that small increments are lost."""

    def move(
        self, score: gbm.ScoreFunction, state: Tensor, t: Time, rows: Schedule, z: Tensor | None
    ) -> Tensor:
        moved = super().move(score, state, t, rows, z)
        return moved.exp().to(torch.bfloat16).to(state.dtype).log()


def other_step(step: gbm.Step, noise: float = 1.0) -> Edit:
    """Another step, with that factor on the noise of every row."""

    def edit(pieces: Pieces) -> Pieces:
        rows = tuple(row._replace(noise=noise * row.noise) for row in pieces.grid)
        return pieces._replace(step=step, grid=rows)

    return edit


def half_precision(pieces: Pieces) -> Pieces:
    return pieces._replace(step=HalfPrecisionFlow())


COMMON: dict[str, Edit] = {
    "Ito term missing": score_plus(0.5),
    "Ito term of the wrong sign": score_plus(1.0),
    "divergence counted once": score_plus(-1.0),
    "score at half weight (the flow's)": score_plus(0.0, 0.5),
    "sigma for sigma^2": sigma_for_its_square,
    "dt for sqrt(dt)": dt_for_its_root,
    "start without the data": start_without_the_data,
    "score one row late": score_one_row_late,
    "no noise in the last row": no_noise_in_the_last_row,
    "one draw for all rows": one_draw_for_all_rows,
}
"""Bugs of a sampler with noise, by name."""
