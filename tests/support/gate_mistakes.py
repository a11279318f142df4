"""Mistakes that the gate must refuse, made in the package that samples."""

from torch import Tensor

import gbm_fast as gbm
from gbm_fast.runtime.random import ImageNoise
from gbm_fast.sampling import sampler as sampling
from gbm_fast.training.runs import TrainedModel

# As they are before a test replaces them.
RIGHT_GRID, RIGHT_HEAD = sampling.build_grid, gbm.Denoiser.__call__
RIGHT_DRAW, RIGHT_CALL = ImageNoise.rows, ImageNoise.__call__


def shifted(run: TrainedModel, settings: gbm.SamplingSettings, process: gbm.Process) -> gbm.Grid:
    """Every score is read where the next step will be: one row late."""
    grid = RIGHT_GRID(run, settings, process)
    times = [row.t_score for row in grid[1:]] + [grid[-1].t_score]
    return tuple(gbm.Row(t, row.dt, row.noise) for t, row in zip(times, grid, strict=True))


def forgets_one(self: gbm.Denoiser, output: Tensor, u: Tensor, slopes: list[Tensor]) -> Tensor:
    """The Hyvarinen score h where the log score 1 + h is asked for."""
    return RIGHT_HEAD(self, output, u, slopes) - 1


def clipped(self: ImageNoise, wanted: range) -> Tensor:
    return RIGHT_DRAW(self, wanted).clamp(-3, 3)


def reused(self: ImageNoise, row: int) -> Tensor:
    """Every second row has the noise of the one before it."""
    return RIGHT_CALL(self, row - row % 2)


def build_printed_step(settings: gbm.SamplingSettings) -> gbm.Step:
    """Version 1's Algorithm 1, which lacks the 1 of 1 + h (claim E2)."""
    return gbm.PrintedAlgorithm1()


def float_process(run: TrainedModel, settings: gbm.SamplingSettings) -> gbm.Process:
    """The variance-exploding process where the constant one is asked for."""
    return gbm.VarianceExploding(0.8 / 30**0.5, 0.8)
