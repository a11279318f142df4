"""The sampler of a trained run: process, step, grid and start, built once from its settings.

Sample i of a seed depends on (seed, i) alone, so the samples of a set can be made in any order, in
batches of any size and by any number of processes. Sharing goes by whole batches: each batch has
the same samples in it whoever makes it, and then even the rounding of the network is the same.

The class of a sample is that of the average, or of the training image, that it starts from; the
other starts have none, and there a class-conditional run draws one by the classes' shares, so that
a set of samples has the law of the data set that distances compare it with.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from gbm_fast.data import load_dataset
from gbm_fast.data.own.vectors import VectorData, load_vectors
from gbm_fast.data.positive import state_from_pixels
from gbm_fast.data.types import Events, ImageData
from gbm_fast.gamma_noise import SpeckleModel
from gbm_fast.networks import LocalUNet
from gbm_fast.networks.tiles import TiledNetwork
from gbm_fast.parameterisation import ScoreModel, score_function
from gbm_fast.process import GBM
from gbm_fast.runtime.distributed import is_main
from gbm_fast.runtime.random import ImageNoise
from gbm_fast.runtime.state import callers_state_aside
from gbm_fast.sampling.batching import batches
from gbm_fast.sampling.build import build_grid, build_step, sampling_process
from gbm_fast.sampling.initial import (
    LogAxes,
    fitted_lognormal,
    from_class_averages,
    from_class_averages_as_coded,
    from_data,
    from_law,
    from_log_normal_law,
    from_lognormal,
    log_axes,
)
from gbm_fast.sampling.labels import require_class, require_guidance, score_of_classes
from gbm_fast.scores import LogScore
from gbm_fast.settings.datasets import IN_PYTHON
from gbm_fast.settings.sampling import SamplingSettings
from gbm_fast.simulation import Callback, simulate
from gbm_fast.targets.components import drawn_classes
from gbm_fast.training.memory import images_at_once
from gbm_fast.training.runs import TrainedModel

_OF_ANY_SIZE = ("lognormal", "lognormal-averages")
_MOST_AT_ONCE = 2**20


class Sampler:
    """What makes samples of a run: `Sampler(run, settings)(n, seed)`.

    Args:
        run: the trained run, from `load_run`.
        settings: which sampler, process, start and grid, for how many samples.
        data: positive training images and their labels, in place of those that the run's own data
            set has, for the starts data and lognormal-full.
        data_dir: where that data set is by now, None for where it was.

    The parts are attributes: `process`, `step`, `grid` (in the order in which the loop takes
    them), and `fit`, the (mu_hat, sigma_hat) of a log-normal start, each (C,), or None.

    Raises ValueError for settings that the run cannot serve: its noise levels, its classes, or
    guidance without a score of all classes.
    """

    def __init__(
        self,
        run: TrainedModel,
        settings: SamplingSettings,
        data: Events | None = None,
        data_dir: Path | None = None,
    ) -> None:
        if settings.label is not None:
            settings = replace(settings, label=run.class_number(settings.label))
        if run.config.noise == "gamma":
            raise ValueError(
                f"the run {run.folder} has learned to restore and no score: use gbm_fast.restore."
            )
        settings.require_noise(run.config.noise)
        self.run, self.settings = run, settings
        self.event_shape = _event_shape(run, settings)
        self.process = sampling_process(run, settings)
        self.grid = build_grid(run, settings, self.process)
        self.step = build_step(settings)
        require_guidance(run, settings.guidance)
        if settings.start == "class-average-coded" and not isinstance(self.process, GBM):
            raise ValueError("start class-average-coded belongs to --process constant.")
        if self.label is not None:
            require_class(run, self.label, settings.start, self.process)
        self.fit = self._fitted()
        self._given, self._data_dir = data, data_dir

    @property
    def label(self) -> int | None:
        """The number of the class of all samples; None where each has its own, or none."""
        chosen = self.settings.label
        return None if chosen is None else self.run.class_number(chosen)

    @property
    def caption(self) -> str:
        """The settings in words, with the name of the class."""
        text = self.settings.caption
        if self.label is None:
            return text
        return text.replace(f"class {self.label}", self.run.class_text(self.label), 1)

    def _fitted(self) -> tuple[Tensor, Tensor] | None:
        statistics = self.run.statistics
        match self.settings.start:
            case "lognormal" | "class-average-coded":
                moments = statistics.log_means, statistics.log_stds
            case "lognormal-averages":
                moments = statistics.average_log_means, statistics.average_log_stds
            case _:
                return None
        return fitted_lognormal(*moments, self.process)

    @cached_property
    def data(self) -> Events:
        """The positive training images of the wanted class, read once, for the start from data."""
        if self._given is not None:
            return self._given
        data = self._read_again()
        if isinstance(data, VectorData):
            return Events(data.positive(data.train), None)
        images, labels = data.train_images, data.train_labels
        if (label := self.label) is not None:
            wanted = labels == label
            if not bool(wanted.any()):
                raise ValueError(f"no training image of {data.name} has the label {label}.")
            images, labels = images[wanted], labels[wanted]
        return Events(data.positive(images), labels)

    @cached_property
    def log_axes(self) -> LogAxes:
        """The principal axes of the training data's logarithms, for the start lognormal-full."""
        if self.run.law is not None:
            return log_axes(self.run.law)
        if self._given is not None:
            images = self._given.x
        else:
            data = self._read_again()
            kept = data.train if isinstance(data, VectorData) else data.train_images
            images = data.positive(kept)
        return log_axes(state_from_pixels(images, self.run.config.noise))

    def read(self) -> None:
        """Read what the start is made of; ValueError or OSError where it is not there."""
        if self.settings.start == "lognormal-full":
            _ = self.log_axes
        elif self.settings.start == "data" and self.run.law is None:
            _ = self.data

    def _read_again(self) -> ImageData | VectorData:
        """What the run was trained on."""
        config = self.run.config
        if config.dataset in IN_PYTHON:
            raise ValueError(
                f"the training images of {self.run.folder} were given in Python and cannot be "
                "read again: choose another start, or pass them as data to Sampler."
            )
        place = self._data_dir or config.data_dir
        data: ImageData | VectorData
        if config.dataset == "vectors":
            data = load_vectors(place, config.zeros)
        else:
            data = load_dataset(
                config.dataset,
                place,
                range=config.range,
                zeros=config.zeros,
                image_size=config.image_size,
            )
        self.run.require_same_images(data, tested=False)
        return data

    def noise(self, indices: range, seed: int | None = None) -> ImageNoise:
        """The draws of the samples `indices` of a seed, that of the settings if none is given."""
        chosen = self.settings.seed if seed is None else seed
        return ImageNoise(chosen, indices, self.event_shape, self.run.device)

    def initial_states(self, noise: ImageNoise) -> Events:
        """The states at the horizon, float32, and their classes, for as many as `noise` has."""
        run, classes = self.run, self._chosen_classes(noise)
        match self.settings.start:
            case "class-average":
                start = from_class_averages(run.statistics, self.process, noise, classes)
            case "class-average-coded":
                assert self.fit is not None
                time = 1 - 1 / self.settings.levels
                start = from_class_averages_as_coded(
                    run.statistics, self.fit, time, noise, classes
                )
            case "lognormal-full":
                start = Events(from_log_normal_law(self.log_axes, self.process, noise), classes)
            case "data" if run.law is not None:
                start = from_law(run.law, self.process, noise, classes)
            case "data":
                start = from_data(self.data, self.process, noise, run.config.noise)
            case _:
                assert self.fit is not None
                start = Events(from_lognormal(*self.fit, noise), classes)
        return Events(start.x.float(), start.labels)

    def _chosen_classes(self, noise: ImageNoise) -> Tensor | None:
        """The classes where the start is not to say them, int64 (batch,)."""
        if self.label is not None:
            return torch.full((len(noise),), self.label)
        if self.run.num_classes and not (self.settings.start == "data" and self.run.law is None):
            return drawn_classes(self.run.statistics.class_frequencies, noise.label_uniform())
        return None

    def score(self, labels: Tensor | None) -> LogScore:
        """The run's score along the process; where it has classes of `labels` (batch,), guided."""
        if labels is None or not self.run.num_classes:
            return score_function(self._model(), self.process, None)
        return score_of_classes(self.run, self.process, labels, self.settings.guidance)

    def _model(self) -> nn.Module:
        """The run's model; of larger images by tiles."""
        model = self.run.model
        if self.settings.image_size is None or not isinstance(model.network, LocalUNet):
            return model
        assert isinstance(model, ScoreModel)
        parts = model.parameterisation, model.log_mean, model.log_std, model.autocast
        return ScoreModel(TiledNetwork(model.network), *parts, model.condition).eval()

    @callers_state_aside()
    @torch.no_grad()
    def states(self, noise: ImageNoise, callback: Callback | None = None) -> Events:
        """The states at t = 0, with their classes; `run.images_of` makes images of them.

        `noise` gives the draws of the start and of every row, for as many samples as it has.
        Float32 of the noise's shape, on the run's device; labels on the CPU, or None where a
        sample has no class.
        """
        x_T, labels = self.initial_states(noise)
        score = self.score(labels)
        parts = self.step, self.process, score, x_T, self.grid, noise
        with _rounded_once(self.run.model, self.run.device):
            x_0 = simulate(*parts, callback=callback)
        return Events(x_0, labels)

    def batches(
        self, wanted: Sequence[range], show_progress: bool = True, seed: int | None = None
    ) -> Iterator[tuple[range, Events]]:
        """Each batch of indices in `wanted` with its samples and their classes, as they are made.

        float32 (batch, *event) on the CPU; images are clipped to [1, 2]: where an ambient sampler
        ends below zero the clip shows it as 1 (black). Images in units of their own are neither
        clipped nor shown so. One batch is held at a time.
        """
        most = self._at_once()
        parts = len(wanted)
        if most < self.settings.batch_size:
            parts = sum(math.ceil(len(batch) / most) for batch in wanted)
        with tqdm(
            total=parts * len(self.grid),
            desc=self.settings.sampler,
            unit="step",
            disable=not (show_progress and is_main()),
            mininterval=0.5,
        ) as bar:
            for batch in wanted:
                made = [self._part(part, seed, bar) for part in batches(batch, most)]
                labels = [part.labels for part in made if part.labels is not None]
                together = made[0].x if len(made) == 1 else torch.cat([part.x for part in made])
                yield batch, Events(together, torch.cat(labels) if labels else None)

    def _part(self, indices: range, seed: int | None, bar: tqdm) -> Events:
        """These samples and their classes, on the CPU; the bar goes on by a step a row."""
        x, labels = self.states(self.noise(indices, seed), lambda i, row, x: bar.update())
        return Events(self.run.images_of(x.cpu()), labels)

    def _at_once(self) -> int:
        """How many samples of a batch the network is given together: what the memory takes."""
        run, size = self.run, min(self.settings.batch_size, _MOST_AT_ONCE)
        own = run.model.network if run.config.network == "own" else None
        return images_at_once(
            run.config, self.event_shape, run.num_classes, run.device, size, own, sampling=True
        )

    def __call__(
        self,
        num_samples: int | None = None,
        seed: int | None = None,
        show_progress: bool = True,
    ) -> Tensor:
        """Samples 0..num_samples-1 of a seed, float32 (n, *event) on the CPU.

        Images are in [1, 2], or in units of their own.
        Number and seed are those of the settings where none are given. All samples are in memory;
        `batches` is for more. The state is float32 or better whatever the network runs in.

        Raises ValueError for a number below 1 or a seed outside [0, 2**32).
        """
        count = self.settings.num_images if num_samples is None else num_samples
        if count < 1:
            raise ValueError(f"num_samples must be 1 or more, got {count}.")
        wanted = batches(range(count), self.settings.batch_size)
        return torch.cat([made.x for _, made in self.batches(wanted, show_progress, seed)])


def _event_shape(run: TrainedModel, settings: SamplingSettings) -> tuple[int, ...]:
    """The shape of a sample; ValueError where the run makes none of the size that is asked for."""
    size = settings.image_size
    if size is None:
        return run.event_shape
    if run.config.network != "local" or settings.start not in _OF_ANY_SIZE:
        starts, network = " or ".join(_OF_ANY_SIZE), run.config.network
        raise ValueError(
            f"image_size needs a run with --network local and --start {starts}, and {run.folder} "
            f"has the network {network}, the start {settings.start}: leave it out."
        )
    return run.event_shape[0], size, size


@contextmanager
def _rounded_once(model: ScoreModel | SpeckleModel, device: torch.device) -> Iterator[None]:
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
