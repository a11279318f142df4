"""Images from a trained run: start, step and grid put together."""

from dataclasses import replace

import torch
from torch import Tensor
from tqdm import tqdm

from gbm_fast.build import build_process
from gbm_fast.config import noise_range
from gbm_fast.data import load_dataset, positive_from_integers
from gbm_fast.grids import Grid, Row, annealed, geometric, power
from gbm_fast.initialisation import (
    fitted_lognormal,
    from_class_averages,
    from_data,
    from_lognormal,
)
from gbm_fast.noise import ImageNoise
from gbm_fast.parameterisation import score_function
from gbm_fast.process import GBM, Process
from gbm_fast.runs import Run
from gbm_fast.settings import SamplingSettings
from gbm_fast.simulate import Callback, simulate
from gbm_fast.steps import DaleLangevin, ProbabilityFlow, SignAgnostic, Step


def build_step(settings: SamplingSettings) -> Step:
    """The step of the sampler."""
    match settings.sampler:
        case "dale-langevin":
            return DaleLangevin()
        case "sign-agnostic":
            return SignAgnostic()
        case "probability-flow":
            return ProbabilityFlow()


def _sampling_process(run: Run, settings: SamplingSettings) -> Process:
    if settings.process == "constant":
        return GBM(sigma=settings.sigma)
    return build_process(run.config)


def build_grid(run: Run, settings: SamplingSettings, process: Process) -> Grid:
    """The rows of the sampler, within the noise levels that the run was trained on.

    probability-flow   levels sqrt(v) spaced as in EDM
    constant process   Algorithms 1 and 2: uniform levels, L inner steps, annealed by chi
    exploding process  levels sqrt(v) spaced geometrically, annealed by chi

    Raises ValueError where the network was not trained on a level of the grid, or where a setting
    has no meaning on that grid.
    """
    low, high = noise_range(run.config)
    top = float(process.log_var(process.horizon)) ** 0.5
    constant = isinstance(process, GBM)
    if (settings.step_length is not None or settings.denoise_steps) and not constant:
        raise ValueError("step_length and denoise_steps belong to --process constant.")
    if settings.sampler == "probability-flow":
        unused = settings.chi < 1 or settings.inner_steps > 1 or settings.denoise_steps
        if unused or settings.step_length is not None:
            raise ValueError(
                "probability-flow has no noise and spaces its own levels: chi, inner_steps, "
                "denoise_steps and step_length do not apply."
            )
        grid = power(process, settings.levels, std_min=low, std_max=top)
    elif constant:
        grid = annealed(
            settings.levels,
            process.horizon,
            settings.step_length,
            settings.inner_steps,
            settings.chi,
            denoise_steps=settings.denoise_steps,
        )
    else:
        grid = _exploding_grid(settings, process, low, top)
    _require_trained(run, process, grid)
    return grid


def _exploding_grid(settings: SamplingSettings, process: Process, low: float, top: float) -> Grid:
    if settings.sampler == "sign-agnostic":
        raise ValueError(
            "the sign-agnostic step needs log-variance increments far below 1, which a grid "
            f"from sqrt(v) = {top:g} down does not have: use --process constant."
        )
    if settings.inner_steps > 1:
        raise ValueError(
            "inner_steps belongs to --process constant: a step of this grid goes from one level "
            "to the next, so a second one from the same level would pass it."
        )
    rows = geometric(process, settings.levels, low, top)
    return tuple(Row(row.t_score, row.dt, settings.chi**i) for i, row in enumerate(rows))


def _require_trained(run: Run, process: Process, grid: Grid) -> None:
    low, high = noise_range(run.config)
    stds = [float(process.log_var(row.t_score)) ** 0.5 for row in (grid[0], grid[-1])]
    if max(stds) > high * (1 + 1e-6) or min(stds) < low * (1 - 1e-6):
        raise ValueError(
            f"the network was trained for noise levels sqrt(v) in [{low:g}, {high:g}] and this "
            f"grid visits [{min(stds):g}, {max(stds):g}]: choose another process or num_steps."
        )


def _start(
    run: Run,
    settings: SamplingSettings,
    process: Process,
    noise: ImageNoise,
    images: Tensor | None,
) -> Tensor:
    statistics = run.statistics
    match settings.start:
        case "class-average":
            return from_class_averages(statistics, process, noise)
        case "lognormal":
            fit = fitted_lognormal(statistics.log_means, statistics.log_stds, process)
            return from_lognormal(*fit, noise)
        case "lognormal-averages":
            moments = statistics.average_log_means, statistics.average_log_stds
            return from_lognormal(*fitted_lognormal(*moments, process), noise)
        case "data":
            if images is None:
                raise ValueError("the start from data needs the training images.")
            return from_data(images, process, noise)


@torch.no_grad()
def sampled_states(
    run: Run,
    settings: SamplingSettings,
    noise: ImageNoise,
    images: Tensor | None = None,
    callback: Callback | None = None,
) -> Tensor:
    """The sampler's states at t = 0 as they are, before images are made of them.

    `noise` gives the draws of the start and of every row, for as many images as it has; `images`
    are the positive training images, for the start from data alone. Float32 of the noise's shape,
    on the run's device. Raises ValueError for settings that the run cannot serve (`build_grid`).
    """
    process = _sampling_process(run, settings)
    grid = build_grid(run, settings, process)
    x_T = _start(run, settings, process, noise, images).float()
    score = score_function(run.model, process)
    return simulate(build_step(settings), process, score, x_T, grid, noise, callback=callback)


def generate(run: Run, settings: SamplingSettings, show_progress: bool = True) -> Tensor:
    """`settings.num_images` images, float32 (n, C, H, W) on the CPU, clipped to [1, 2].

    The state is float32 or better whatever the network runs in. Where the sign-agnostic sampler
    ends below zero the clip shows it as 1 (black). Raises ValueError for settings that the run
    cannot serve (see `build_grid`).
    """
    rows = len(build_grid(run, settings, _sampling_process(run, settings)))
    images = None
    if settings.start == "data":
        data = load_dataset(run.config.dataset, run.config.data_dir)
        images = positive_from_integers(data.train_images, data.max_value)
    batches = range(0, settings.num_images, settings.batch_size)
    bar = tqdm(
        total=len(batches) * rows,
        desc=settings.sampler,
        unit="step",
        disable=not show_progress,
        mininterval=0.5,
    )
    results = []
    for first in batches:
        indices = range(first, min(first + settings.batch_size, settings.num_images))
        shape = (run.channels, *run.image_size)
        noise = ImageNoise(settings.seed, indices, shape, run.device)
        x_0 = sampled_states(run, settings, noise, images, lambda i, row, x: bar.update())
        results.append(x_0.cpu())
    bar.close()
    return torch.cat(results).clamp(1, 2)


def standard_settings(run: Run, num_images: int, seed: int) -> list[SamplingSettings]:
    """What a training shows at its end: from noise where the process reaches it, then the paper's.

    The paper's samplers run at sigma = 0.8 from class averages, chi = 1, where the run's noise
    levels allow it.
    """
    flow = SamplingSettings(sampler="probability-flow", num_images=num_images, seed=seed)
    dale = replace(flow, sampler="dale-langevin", num_steps=run.config.num_steps)
    constant = run.config.process == "constant"
    # The default sigma = 0.8 of the settings is the paper's.
    paper = replace(
        dale,
        process="run" if constant else "constant",
        start="class-average",
    )
    papers = [paper, replace(paper, sampler="sign-agnostic")]
    wanted = [replace(flow, start="class-average")] if constant else [flow, dale]
    return [settings for settings in wanted + papers if _is_served(run, settings)]


def _is_served(run: Run, settings: SamplingSettings) -> bool:
    try:
        build_grid(run, settings, _sampling_process(run, settings))
    except ValueError:
        return False
    return True
