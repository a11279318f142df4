"""Mistakes that the gate must refuse, made in the package that samples."""

from collections.abc import Callable

from torch import Tensor

from gbm_fast.grids import Grid, Row
from gbm_fast.parameterisation import Coefficients, Denoiser
from gbm_fast.process import Process, VarianceExploding
from gbm_fast.runtime.random import ImageNoise
from gbm_fast.sampling import sampler as sampling
from gbm_fast.settings.sampling import SamplingSettings
from gbm_fast.steps import PrintedAlgorithm1, Step
from gbm_fast.training.runs import TrainedModel as Run


def shifted(
    run: Run, settings: SamplingSettings, process: Process, build: Callable = sampling.build_grid
) -> Grid:
    """Every score is read where the next step will be: one row late."""
    grid = build(run, settings, process)
    times = [row.t_score for row in grid[1:]] + [grid[-1].t_score]
    return tuple(Row(t, row.dt, row.noise) for t, row in zip(times, grid, strict=True))


def forgets_one(
    self: Denoiser,
    output: Tensor,
    u: Tensor,
    slopes: Coefficients,
    right: Callable = Denoiser.__call__,
) -> Tensor:
    """The Hyvarinen score h where the log score 1 + h is asked for."""
    return right(self, output, u, slopes) - 1


def clipped(self: ImageNoise, count: int, draw: Callable = ImageNoise.rows) -> Tensor:
    return draw(self, count).clamp(-3, 3)


def reused(self: ImageNoise, row: int) -> Tensor:
    """Every second row has the noise of the one before it."""
    if row % 2 == 0:
        self._kept = self.normal()
    return self._kept


def build_printed_step(settings: SamplingSettings) -> Step:
    """Version 1's Algorithm 1, which lacks the 1 of 1 + h (sheet E2)."""
    return PrintedAlgorithm1()


def float_process(run: Run, settings: SamplingSettings) -> Process:
    """The variance-exploding process where the constant one is asked for."""
    return VarianceExploding(0.8 / 30**0.5, 0.8)
