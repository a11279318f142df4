"""Images from a trained run: start, step and grid put together.

Image i of a seed depends on (seed, i) alone, so the images of a set can be made in any order, in
batches of any size and by any number of processes. Sharing goes by whole batches: each batch has
the same images in it whoever makes it, and then even the rounding of the network is the same.

The class of an image is that of the average, or of the training image, that it starts from; the
other starts have none, and there a class-conditional run draws one by the classes' shares, so that
a set of images has the law of the data set that distances compare it with.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor
from tqdm import tqdm

from gbm_fast.data import load_dataset, positive_from_integers
from gbm_fast.data.types import Events
from gbm_fast.grids import Grid, Row, annealed, geometric, power
from gbm_fast.parameterisation import LearnedScore, ScoreModel, score_function
from gbm_fast.process import GBM, Process
from gbm_fast.runtime.distributed import is_main
from gbm_fast.runtime.random import ImageNoise
from gbm_fast.sampling.initial import (
    drawn_classes,
    fitted_lognormal,
    from_class_averages,
    from_data,
    from_lognormal,
)
from gbm_fast.settings.sampling import NOISE_FREE, SamplingSettings
from gbm_fast.settings.training import noise_range
from gbm_fast.simulation import Callback, simulate
from gbm_fast.steps import (
    DDIM,
    AmbientMilstein,
    Ancestral,
    DaleLangevin,
    MarginalPreserving,
    ProbabilityFlow,
    SignAgnostic,
    Step,
)
from gbm_fast.training.build import build_process
from gbm_fast.training.runs import Run


def fitted_start(run: Run, settings: SamplingSettings) -> tuple[Tensor, Tensor] | None:
    """The (mu_hat, sigma_hat) of a log-normal start, each (C,); None for the other starts."""
    process, statistics = sampling_process(run, settings), run.statistics
    match settings.start:
        case "lognormal":
            return fitted_lognormal(statistics.log_means, statistics.log_stds, process)
        case "lognormal-averages":
            moments = statistics.average_log_means, statistics.average_log_stds
            return fitted_lognormal(*moments, process)
    return None


def _chosen_classes(run: Run, settings: SamplingSettings, noise: ImageNoise) -> Tensor | None:
    """The classes of the images where the start is not to say them, int64 (batch,)."""
    if settings.label is not None:
        return torch.full((len(noise),), settings.label)
    if run.num_classes:
        return drawn_classes(run.statistics.class_frequencies, noise.label_uniform())
    return None


def initial_states(
    run: Run, settings: SamplingSettings, noise: ImageNoise, data: Events | None = None
) -> Events:
    """The states at the horizon, float32, and their classes; arguments as in `sampled_states`."""
    require_label(run, settings)
    process = sampling_process(run, settings)
    if settings.start == "data":
        if data is None:
            raise ValueError("the start from data needs the training images.")
        start = from_data(data, process, noise)
    else:
        classes, fit = _chosen_classes(run, settings, noise), fitted_start(run, settings)
        if fit is None:
            start = from_class_averages(run.statistics, process, noise, classes)
        else:
            start = Events(from_lognormal(*fit, noise), classes)
    return Events(start.x.float(), start.labels)


def learned_score(run: Run, process: Process, labels: Tensor | None) -> LearnedScore:
    """The run's score; where it is class-conditional, that of the classes `labels` (batch,)."""
    told = labels.to(run.device) if labels is not None and run.num_classes else None
    return score_function(run.model, process, told)


@torch.no_grad()
def sampled_states(
    run: Run,
    settings: SamplingSettings,
    noise: ImageNoise,
    data: Events | None = None,
    callback: Callback | None = None,
) -> Events:
    """The sampler's states at t = 0, before images are made of them, with their classes.

    `noise` gives the draws of the start and of every row, for as many images as it has; `data`
    are the positive training images, for the start from data alone (`start_images`). Float32 of
    the noise's shape, on the run's device; labels on the CPU, or None where an image has no class.
    Raises ValueError for settings that the run cannot serve (`require_served`).
    """
    process = sampling_process(run, settings)
    grid = build_grid(run, settings, process)
    x_T, labels = initial_states(run, settings, noise, data)
    score, step = learned_score(run, process, labels), build_step(settings)
    with _rounded_once(run.model, run.device):
        x_0 = simulate(step, process, score, x_T, grid, noise, callback=callback)
    return Events(x_0, labels)


@contextmanager
def _rounded_once(model: ScoreModel, device: torch.device) -> Iterator[None]:
    """The model's autocast round a whole loop, so that its weights are rounded once a batch.

    Autocast keeps what it has rounded only of parameters that ask for gradients: here they do, and
    under `no_grad` none is computed.
    """
    frozen = [part for part in model.parameters() if not part.requires_grad]
    try:
        for part in frozen:
            part.requires_grad_(True)
        with torch.autocast(device.type, model.autocast, enabled=model.autocast is not None):
            yield
    finally:
        for part in frozen:
            part.requires_grad_(False)


def start_images(run: Run, settings: SamplingSettings) -> Events | None:
    """The positive training images, those of the wanted class, where the start needs them."""
    if settings.start != "data":
        return None
    data = load_dataset(run.config.dataset, run.config.data_dir)
    images, labels = data.train_images, data.train_labels
    if settings.label is not None:
        wanted = labels == settings.label
        if not bool(wanted.any()):
            raise ValueError(f"no training image of {data.name} has the label {settings.label}.")
        images, labels = images[wanted], labels[wanted]
    return Events(positive_from_integers(images, data.max_value), labels)


def image_noise(run: Run, seed: int, indices: range) -> ImageNoise:
    """The draws of the images `indices` of a seed."""
    return ImageNoise(seed, indices, (run.channels, *run.image_size), run.device)


def batches(indices: range, batch_size: int) -> list[range]:
    """`indices` in runs of `batch_size`, the last one shorter where they do not divide."""
    return [indices[i : i + batch_size] for i in range(0, len(indices), batch_size)]


def generated_batches(
    run: Run, settings: SamplingSettings, wanted: list[range], show_progress: bool = True
) -> Iterator[tuple[range, Events]]:
    """Each batch of `wanted` with its images and their classes, as they are made.

    Images are float32 (batch, C, H, W) on the CPU, clipped to [1, 2]: where an ambient sampler
    ends below zero the clip shows it as 1 (black). One batch is held at a time. Raises ValueError
    for settings that the run cannot serve (`require_served`).
    """
    require_served(run, settings)
    rows = len(build_grid(run, settings, sampling_process(run, settings)))
    data = start_images(run, settings)
    with tqdm(
        total=len(wanted) * rows,
        desc=settings.sampler,
        unit="step",
        disable=not (show_progress and is_main()),
        mininterval=0.5,
    ) as bar:
        for batch in wanted:
            noise = image_noise(run, settings.seed, batch)
            made = sampled_states(run, settings, noise, data, lambda i, row, x: bar.update())
            yield batch, Events(made.x.cpu().clamp(1, 2), made.labels)


def generate(run: Run, settings: SamplingSettings, show_progress: bool = True) -> Tensor:
    """`settings.num_images` images, float32 (n, C, H, W) on the CPU, clipped to [1, 2].

    All of them in memory; `generated_batches` is for more, and has the errors. The state is
    float32 or better whatever the network runs in.
    """
    wanted = batches(range(settings.num_images), settings.batch_size)
    made = generated_batches(run, settings, wanted, show_progress)
    return torch.cat([images.x for _, images in made])


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
        require_served(run, settings)
    except ValueError:
        return False
    return True


def build_step(settings: SamplingSettings) -> Step:
    """The step of the sampler."""
    match settings.sampler:
        case "dale-langevin":
            return DaleLangevin()
        case "sign-agnostic":
            return SignAgnostic()
        case "milstein":
            return AmbientMilstein()
        case "ancestral":
            return Ancestral()
        case "marginal-preserving":
            return MarginalPreserving(settings.kappa)
        case "probability-flow":
            return ProbabilityFlow()
        case "ddim":
            return DDIM()


def sampling_process(run: Run, settings: SamplingSettings) -> Process:
    """The process that is reversed: that of the training, or the paper's."""
    if settings.process == "constant":
        return GBM(sigma=settings.sigma)
    return build_process(run.config)


def require_served(run: Run, settings: SamplingSettings) -> None:
    """Raise ValueError for settings that the run cannot serve: its grid, or its classes."""
    build_grid(run, settings, sampling_process(run, settings))
    require_label(run, settings)


def require_label(run: Run, settings: SamplingSettings) -> None:
    """Raise ValueError for a `label` that the run has not, or that would change nothing."""
    if settings.label is None:
        return
    if not run.num_classes and settings.start not in ("class-average", "data"):
        raise ValueError(
            f"label: {run.folder} is not class-conditional, and the start {settings.start} has no "
            "class: train with --class-conditional, or pass --start class-average."
        )
    count = len(run.statistics.class_frequencies)
    if settings.label >= count:
        raise ValueError(
            f"label {settings.label}: the classes of {run.folder} are 0..{count - 1}."
        )


def build_grid(run: Run, settings: SamplingSettings, process: Process) -> Grid:
    """The rows of the sampler, within the noise levels that the run was trained on.

    without noise      levels sqrt(v) spaced as in EDM (probability-flow, ddim)
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
    if settings.sampler in NOISE_FREE:
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
    if not build_step(settings).keeps_sign:
        raise ValueError(
            f"the {settings.sampler} step needs log-variance increments far below 1, which a grid "
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
