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
from gbm_fast.distributed import is_main
from gbm_fast.events import Events
from gbm_fast.image_samplers import (
    build_grid,
    build_step,
    require_label,
    require_served,
    sampling_process,
)
from gbm_fast.initialisation import (
    drawn_classes,
    fitted_lognormal,
    from_class_averages,
    from_data,
    from_lognormal,
)
from gbm_fast.noise import ImageNoise
from gbm_fast.parameterisation import LearnedScore, ScoreModel, score_function
from gbm_fast.process import Process
from gbm_fast.runs import Run
from gbm_fast.settings import SamplingSettings
from gbm_fast.simulate import Callback, simulate


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
