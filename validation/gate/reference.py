"""What a line of the benchmark should do, told to `gbm_ref` from the settings alone."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from torch import Tensor

import gbm_ref
from gbm_fast.runtime.random import ImageNoise
from gbm_fast.settings.sampling import SamplingSettings
from gbm_fast.settings.training import TrainConfig
from validation.gate.problem import Array, Problem


@dataclass(frozen=True)
class Reference:
    """The sampler of a line: step, process and grid of `gbm_ref`."""

    step: gbm_ref.Step
    process: gbm_ref.Process
    grid: gbm_ref.Grid


class Draws(NamedTuple):
    """The start (n, d) and the noise of every row (rows, n, d), in float64."""

    x_T: Array
    z: Array


def reference(config: TrainConfig, settings: SamplingSettings) -> Reference:
    """The sampler that `settings` ask for on a run with `config`.

    Raises ValueError for a sampler that has no counterpart here.
    """
    process = _process(config, settings)
    step = _step(settings)
    if settings.churn:
        step = gbm_ref.Churn(step, settings.churn)
    return Reference(step, process, _grid(config, settings, process))


def _step(settings: SamplingSettings) -> gbm_ref.Step:
    steps: dict[str, gbm_ref.Step] = {
        "dale-langevin": gbm_ref.DaleLangevin(),
        "sign-agnostic": gbm_ref.SignAgnostic(),
        "milstein": gbm_ref.AmbientMilstein(),
        "ancestral": gbm_ref.Ancestral(),
        "marginal-preserving": gbm_ref.MarginalPreserving(settings.kappa),
        "probability-flow": gbm_ref.ProbabilityFlow(),
        "ddim": gbm_ref.DDIM(),
        "dpmpp-2m": gbm_ref.DPMSolver(2),
        "dpmpp-3m": gbm_ref.DPMSolver(3),
    }
    if settings.sampler not in steps:
        raise ValueError(
            f"the gate has no reference for the sampler {settings.sampler!r}: add it to "
            "validation/gate/reference.py."
        )
    return steps[settings.sampler]


def _process(config: TrainConfig, settings: SamplingSettings) -> gbm_ref.Process:
    if settings.process == "constant":
        return gbm_ref.GBM(sigma=settings.sigma)
    if config.process == "constant":
        return gbm_ref.GBM(sigma=config.sigma)
    return gbm_ref.VarianceExploding(config.std_min, config.std_max)


def _grid(
    config: TrainConfig, settings: SamplingSettings, process: gbm_ref.Process
) -> gbm_ref.Grid:
    levels = settings.levels
    constant_run = config.process == "constant"
    low = config.sigma / math.sqrt(config.num_steps) if constant_run else config.std_min
    top = math.sqrt(process.log_var(process.horizon))
    if settings.sampler in ("probability-flow", "ddim", "dpmpp-2m", "dpmpp-3m"):
        return gbm_ref.power(process, levels, std_min=low, std_max=top)
    if isinstance(process, gbm_ref.GBM):
        return gbm_ref.annealed(
            levels,
            step_length=settings.step_length,
            inner_steps=settings.inner_steps,
            chi=settings.chi,
            denoise_steps=settings.denoise_steps,
        )
    rows = gbm_ref.geometric(process, levels, low, top)
    return tuple(gbm_ref.Row(t, dt, settings.chi**i) for i, (t, dt, _) in enumerate(rows))


def start_law(
    settings: SamplingSettings, problem: Problem, process: gbm_ref.Process, chosen: int = 0
) -> gbm_ref.Gaussian:
    """The law of log x_T given the class, or the picture, that the start has chosen."""
    m, v = process.log_mean(process.horizon), process.log_var(process.horizon)
    d = problem.log_mean.size
    averages = gbm_ref.class_averages(problem.points, problem.labels)
    match settings.start:
        case "class-average":
            return gbm_ref.Gaussian(averages.log_means[chosen] + m, v * np.eye(d))
        case "class-average-coded":
            overall = gbm_ref.log_moments(gbm_ref.PointMasses(problem.points))
            mean, var = fitted(overall.mean, np.diag(overall.cov), problem.event[0])
            t, var = 1.0 - 1.0 / settings.levels, var + v
            moved = averages.log_means[chosen] + (mean + m - var / 2.0) * t
            return gbm_ref.Gaussian(moved, np.diag(var) * t)
        case "lognormal-full":
            overall = gbm_ref.log_moments(gbm_ref.PointMasses(problem.points))
            return gbm_ref.Gaussian(overall.mean + m, overall.cov + v * np.eye(d))
        case "data":
            return gbm_ref.Gaussian(np.log(problem.points[chosen]) + m, v * np.eye(d))
        case "lognormal":
            law: gbm_ref.Target = gbm_ref.PointMasses(problem.points)
        case "lognormal-averages":
            law = averages
    overall = gbm_ref.log_moments(law)
    mean, var = fitted(overall.mean, np.diag(overall.cov), problem.event[0])
    return gbm_ref.Gaussian(mean + m, np.diag(var + v))


def fitted(mean: Array, var: Array, channels: int) -> tuple[Array, Array]:
    """Mean and variance (d,) of the pixels of each channel taken together, from those of each."""
    by_channel = mean.reshape(channels, -1)
    centre = by_channel.mean(1)
    second = (var.reshape(channels, -1) + by_channel**2).mean(1)
    each = by_channel.shape[1]
    return np.repeat(centre, each), np.repeat(second - centre**2, each)


def replay(
    settings: SamplingSettings, problem: Problem, sampler: Reference, noise: ImageNoise, n: int
) -> Draws:
    """The start and the noise that `noise`, fresh, means for n images.

    The order is that of the benchmark: the choice of a class or a picture, the noise of the
    start, the noise of each row of a step that uses any.
    """
    chosen = np.zeros(n, dtype=np.int64)
    if settings.start.startswith("class-average"):
        shares = np.bincount(problem.labels) / problem.labels.size
        chosen = np.searchsorted(np.cumsum(shares)[:-1], noise.uniform().numpy(), side="right")
    elif settings.start == "data":
        chosen = noise.integers(len(problem.points)).numpy()
    first = _flat(noise.normal(), n)
    laws = [start_law(settings, problem, sampler.process, int(one)) for one in chosen]
    means = np.stack([law.mean for law in laws])
    if settings.start == "lognormal-full":
        values, axes = np.linalg.eigh(laws[0].cov)
        x_T = np.exp(means + first @ (axes * np.sqrt(values)) @ axes.T)
    else:
        x_T = np.exp(means + np.stack([np.sqrt(np.diag(law.cov)) for law in laws]) * first)
    rows = len(sampler.grid) if sampler.step.uses_noise else 0
    drawn = [_flat(noise(row), n) for row in range(rows)]
    return Draws(x_T, np.stack(drawn) if rows else np.empty(0))


def _flat(draws: Tensor, n: int) -> Array:
    return draws.cpu().double().numpy().reshape(n, -1)
