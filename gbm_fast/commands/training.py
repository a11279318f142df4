"""A training, end to end: data, training, samples, distances; from the command line or Python."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from gbm_fast.commands.report import (
    report_images,
    report_vectors,
    require_record,
    standard_samplers,
    without_distances,
)
from gbm_fast.data import ImageData, load_dataset
from gbm_fast.data.own.vectors import VectorData, load_vectors
from gbm_fast.data.pictures import save_png, tile
from gbm_fast.data.toys import load_toy
from gbm_fast.evaluation.generated import gathered
from gbm_fast.evaluation.known_laws import report_law, save_law_picture
from gbm_fast.evaluation.marginals import save_columns
from gbm_fast.runtime.devices import choose_device
from gbm_fast.runtime.distributed import (
    from_main,
    is_main,
    process_group,
    uses_cuda,
    world,
)
from gbm_fast.runtime.folders import locked
from gbm_fast.runtime.state import callers_state_aside
from gbm_fast.sampling.runs import Run, load_run
from gbm_fast.sampling.sampler import Sampler
from gbm_fast.settings.datasets import IN_PYTHON, TOYS, InPython
from gbm_fast.settings.failures import naming_folder
from gbm_fast.settings.training import TrainConfig, noise_range
from gbm_fast.settings.training_presets import require_patch_size, resolve
from gbm_fast.targets import LogNormal, LogNormalMixture
from gbm_fast.training.batches import Batches, LawBatches
from gbm_fast.training.build import build_model
from gbm_fast.training.images import ImageBatches
from gbm_fast.training.loop import fit, require_tensorboard
from gbm_fast.training.memory import require_memory
from gbm_fast.training.origin import read_origin
from gbm_fast.training.resuming import continuing, run_folder
from gbm_fast.training.runs import TrainedModel, write_run_files
from gbm_fast.training.trainer import Trainer
from gbm_fast.training.vectors import VectorBatches

Data = ImageData | VectorData | LogNormal | LogNormalMixture
"""What a training learns: images, vectors, or a law with a known score."""
# A grid of samples during the training, and how many classes it shows, a row each.
_COLUMNS, _ROWS, _CLASSES = 6, 6, 20
_SAMPLING = "sample --run {0} --sampler probability-flow"


def _say(text: str) -> None:
    if is_main():
        print(text, flush=True)


@callers_state_aside()
def train_run(
    config: TrainConfig, data: Data | None = None, network: nn.Module | None = None
) -> Run:
    """Train as `python -m gbm_fast.train` does, and return the run; `load_run` opens it again.

    config    the settings, such as `TrainConfig(dataset="digits", minutes=1.0)` or those of
              `preset_config`; what is None in them follows the data
    data      a data set or a law of your own, in place of `config.dataset`
    network   a module of your own, (input (n, *event), condition (n,), and labels (n,) where the
              training is class-conditional) -> (n, *event); a copy is trained, and `load_run` asks
              for the module again

    Signals end the training early, with a checkpoint: the run is what there is by then (outside
    the main thread they do what they did before). What the caller has set in torch, a default
    dtype, autocast, `no_grad` or random numbers, changes nothing here and is not changed. Raises
    what `run_training` does.
    """
    if data is not None:
        own: InPython = "own-law"
        if isinstance(data, ImageData | VectorData):
            own = "own-images" if isinstance(data, ImageData) else "own-vectors"
        config = replace(config, dataset=own)
    if network is not None:
        config = replace(config, network="own")
    config = resolve(config)
    with process_group(uses_cuda(config.device), config.timeout_minutes):
        folder, _ = _train(config, data, network)
        return load_run(folder, config.device, network)


def run_training(config: TrainConfig) -> int:
    """Train, sample and evaluate resolved settings; returns the exit status.

    Under `torchrun` every process calls this. Raises ValueError for settings or data that cannot
    be used, before anything is written, OSError where the disk is full, and FloatingPointError
    where the loss is not finite.
    """
    with process_group(uses_cuda(config.device), config.timeout_minutes):
        folder, done = _train(config, None, None)
        if not done:
            _say(f"go on:   {continuing(folder, world().size)}")
        else:
            restores = config.noise == "gamma"
            then = "restore --run {0} IMAGE" if restores else _SAMPLING
            _say(f"next:    python -m gbm_fast.{then.format(folder)}")
    return 0


def _train(config: TrainConfig, data: Data | None, network: nn.Module | None) -> tuple[Path, bool]:
    """The run folder, and whether the training came to its end."""
    data = _loaded(config) if data is None else data
    images = data if isinstance(data, ImageData) else None
    if images is not None:
        config = resolve(config, images.image_size)
    source = _batches(config, data)
    _require_fit(config, source, network)
    known = source.facts() | read_origin(config.initial_weights).facts()
    problem = from_main(lambda: without_distances(config, images))
    if problem:
        _say(f"no distances at the end: {problem}")
    folder = Path(from_main(lambda: str(run_folder(config, known))))
    with naming_folder(folder), locked(folder, "wait for it, or choose another --run-dir"):
        from_main(lambda: require_record(folder, config))
        trainer = Trainer(config, source, folder, network)
        from_main(lambda: write_run_files(folder, config, source))
        if not _fitted(trainer, data):
            return folder, False
        if config.metrics_images:
            run = load_run(folder, config.device, network)
            if images is not None:
                report_images(run, images, measured=not problem)
            elif isinstance(data, VectorData):
                report_vectors(run, data)
            elif is_main():
                report_law(run, config.metrics_images)
    return folder, True


def _fitted(trainer: Trainer, data: Data) -> bool:
    """Train; whether the training came to its end."""
    config, shape = trainer.config, trainer.batches.event_shape
    parameters = sum(p.numel() for p in trainer.model.parameters())
    size = "endless draws"
    if isinstance(data, ImageData):
        size = f"{len(data.train_images):,} images"
    elif isinstance(data, VectorData):
        size = f"{len(data.train):,} vectors"
    processes = f", {world().size} processes" if world().size > 1 else ""
    _say(
        f"{config.dataset}: {size} {shape}, {parameters:,} parameters, "
        f"{trainer.device}{processes}, run folder {trainer.folder}"
    )
    done = fit(trainer, config.steps or 0, config.minutes, on_samples=_sample_grid)
    if done:
        _say(f"trained {trainer.step} steps in {trainer.seconds / 60:.1f} minutes")
    else:
        _say(f"stopped by a signal at step {trainer.step}")
    return done


def _loaded(config: TrainConfig) -> Data:
    """The data of that name; process 0 first, since it may have to fetch images."""
    if config.dataset in TOYS:
        return load_toy(config.dataset)
    if config.dataset in IN_PYTHON:
        raise ValueError(
            f"the data set {config.dataset} is an object in Python: call "
            "gbm_fast.train_run(config, data)."
        )
    loaded: list[ImageData | VectorData] = []

    def load() -> ImageData | VectorData:
        place, own, zeros = config.data_dir, config.range, config.zeros
        if config.dataset == "vectors":
            return load_vectors(place, zeros)
        size = config.image_size
        return load_dataset(config.dataset, place, range=own, zeros=zeros, image_size=size)

    from_main(lambda: loaded.append(load()))
    return loaded[0] if loaded else load()


def _batches(config: TrainConfig, data: Data) -> Batches:
    """The batches of the data; ValueError where labels are wanted of data without."""
    if isinstance(data, ImageData):
        made = config.class_conditional, config.noise, config.crop, config.symmetries
        return ImageBatches(data, *made)
    if isinstance(data, VectorData):
        return VectorBatches(data)
    return LawBatches(data, config.class_conditional)


@torch.no_grad()
def _require_fit(config: TrainConfig, source: Batches, network: nn.Module | None) -> None:
    """Raise ValueError unless the device exists and the network takes such events and noise."""
    device = choose_device(config.device)
    if config.tensorboard:
        require_tensorboard()
    shape, classes = source.event_shape, source.num_classes
    if config.network == "own" and network is None:
        raise ValueError(
            "network own is a module in Python: call gbm_fast.train_run(config, network=module)."
        )
    if config.network == "unet":
        require_patch_size(config, (shape[1], shape[2]))
    require_memory(config, shape, classes, device, network)
    model = build_model(config, shape, 0.0, 1.0, num_classes=classes, own_network=network)
    read_origin(config.initial_weights).fill(model)
    if config.noise == "gamma":
        model(torch.zeros(2, *shape), torch.tensor([config.least_looks, config.most_looks]))
        return
    log_vars = torch.tensor(noise_range(config)).square()
    labels = torch.zeros(2, dtype=torch.int64) if classes else None
    if network is None:
        model(torch.ones(2, *shape), torch.zeros(2), log_vars, labels)
        return
    given = (torch.zeros(2, *shape), log_vars.log() / 4)
    try:
        output = model.network(*given) if labels is None else model.network(*given, labels)
    except (TypeError, RuntimeError) as error:
        raise ValueError(
            f"the network cannot be called with (input {(2, *shape)}, condition (2,)"
            f"{', labels (2,)' if classes else ''}): {error}"
        ) from error
    if output.shape != given[0].shape:
        raise ValueError(
            f"the network returns shape {tuple(output.shape)} for input {(2, *shape)}: it must "
            "return the shape of its input."
        )


def _sample_grid(trainer: Trainer) -> None:
    """samples/step-*.png: samples of the averaged weights as they are now, if they make any.

    A network that has not learnt enough may lead a sampler out of its range: no reason to stop.
    """
    run = trainer.trained_model()
    path = run.folder / "samples" / f"step-{trainer.step:08d}.png"
    if is_main():
        path.parent.mkdir(exist_ok=True)
    try:
        if run.columns:
            made = {"samples": _shown(run)}
            from_main(lambda: save_columns(path, made, run.columns, run.config.dataset))
        elif run.law is None:
            images = _shown(run)
            shown = run.pictured(images)
            picture = tile(shown.images, _COLUMNS, shown.max_value)
            from_main(lambda: save_png(path, picture, scale=3))
        elif is_main():
            save_law_picture(run, path, 2000)
    except ValueError as error:
        _say(f"no samples at step {trainer.step}: {error}")


def _shown(run: TrainedModel) -> Tensor:
    """Images for a grid; of a class-conditional run a class a row, with the same noise in each."""
    settings = standard_samplers(run, _COLUMNS * _ROWS, seed=0)[0].settings
    rows = [settings]
    if run.num_classes:
        classes = range(min(run.num_classes, _CLASSES))
        rows = [replace(settings, label=label, num_images=_COLUMNS) for label in classes]
    return torch.cat([gathered(Sampler(run, row), False) for row in rows])
