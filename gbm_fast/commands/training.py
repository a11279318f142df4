"""What `python -m gbm_fast.train` does, end to end: data, training, samples, distances."""

from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor

from gbm_fast.data import ImageData, load_dataset, positive_from_integers
from gbm_fast.data.pictures import save_panels, save_png, tile
from gbm_fast.data.statistics import DataStatistics, data_statistics
from gbm_fast.data.toys import load_toy
from gbm_fast.evaluation.features import load_or_train
from gbm_fast.evaluation.known_laws import report_law, save_law_picture
from gbm_fast.evaluation.metrics import Evaluator, format_table, record_metrics
from gbm_fast.runtime.devices import choose_device
from gbm_fast.runtime.distributed import (
    all_sum,
    from_main,
    gather,
    is_main,
    process_group,
    shard,
    uses_cuda,
    world,
)
from gbm_fast.sampling.sampler import batches, generated_batches, standard_settings
from gbm_fast.settings.sampling import SamplingSettings
from gbm_fast.settings.training import TOYS, TrainConfig, noise_range
from gbm_fast.training.batches import Batches, ImageBatches, LawBatches
from gbm_fast.training.build import build_model
from gbm_fast.training.loop import fit, require_tensorboard
from gbm_fast.training.runs import ImageFacts, Run, load_run, run_folder, write_run_files
from gbm_fast.training.trainer import Trainer

_SHOWN = 64
# A grid of samples during the training, and how many classes it shows, a row each.
_COLUMNS, _ROWS, _CLASSES = 6, 6, 20


def _say(text: str) -> None:
    if is_main():
        print(text, flush=True)


def run_training(config: TrainConfig) -> int:
    """Train, sample and evaluate a resolved configuration; returns the exit status.

    Under `torchrun` every process calls this. Raises ValueError for settings or data that cannot
    be used, before anything is written, OSError where the disk is full, and FloatingPointError
    where the loss is not finite.
    """
    with process_group(uses_cuda(config.device), config.timeout_minutes):
        return _train(config)


def _train(config: TrainConfig) -> int:
    data = _load(config)
    source = _batches(config, data)
    facts = None if data is None else ImageFacts(_statistics(data), data.max_value)
    _require_fit(config, source)
    folder = Path(from_main(lambda: str(run_folder(config))))
    trainer = Trainer(config, source, folder)
    statistics = None if facts is None else facts.statistics
    from_main(lambda: write_run_files(folder, config, statistics))
    parameters = sum(p.numel() for p in trainer.model.parameters())
    size = "endless draws" if data is None else f"{len(data.train_images):,} images"
    processes = f", {world().size} processes" if world().size > 1 else ""
    _say(
        f"{config.dataset}: {size} {source.event_shape}, {parameters:,} parameters, "
        f"{trainer.device}{processes}, run folder {folder}"
    )
    done = fit(
        trainer,
        config.steps or 0,
        config.minutes,
        on_samples=lambda trainer: _sample_grid(trainer, facts),
    )
    if not done:
        _say(f"stopped by a signal at step {trainer.step}; go on with --resume auto")
        return 0
    _say(f"trained {trainer.step} steps in {trainer.seconds / 60:.1f} minutes")
    if config.metrics_images:
        _report(folder, data, config)
    if data is not None:
        _say(f"next:    python -m gbm_fast.sample --run {folder} --sampler dale-langevin")
    return 0


def _load(config: TrainConfig) -> ImageData | None:
    """The images; process 0 first, since it may have to fetch them. None for a law."""
    if config.dataset in TOYS:
        return None
    loaded: list[ImageData] = []
    from_main(lambda: loaded.append(load_dataset(config.dataset, config.data_dir)))
    return loaded[0] if loaded else load_dataset(config.dataset, config.data_dir)


def _batches(config: TrainConfig, data: ImageData | None) -> Batches:
    """The batches of the images, or of a law; ValueError where labels are wanted of none."""
    if data is None:
        return LawBatches(load_toy(config.dataset), config.class_conditional)
    return ImageBatches(data, config.class_conditional)


def _statistics(data: ImageData) -> DataStatistics:
    images = positive_from_integers(data.train_images, data.max_value)
    return data_statistics(images, data.train_labels)


@torch.no_grad()
def _require_fit(config: TrainConfig, source: Batches) -> None:
    """Raise ValueError unless the device exists and the network takes such events and noise."""
    choose_device(config.device)
    if config.tensorboard:
        require_tensorboard()
    shape, classes = source.event_shape, source.num_classes
    model = build_model(config, shape, log_mean=0.0, log_std=1.0, num_classes=classes)
    log_vars = torch.tensor(noise_range(config)).square()
    labels = torch.zeros(2, dtype=torch.int64) if classes else None
    model(torch.ones(2, *shape), torch.zeros(2), log_vars, labels)


def _sample_grid(trainer: Trainer, facts: ImageFacts | None) -> None:
    """samples/step-*.png: samples of the averaged weights as they are now, if they make any.

    A network that has not learnt enough may lead a sampler out of its range: no reason to stop.
    """
    folder, config = trainer.folder, trainer.config
    model = trainer.averaged()
    if config.precision == "float64":
        model = deepcopy(model).float()
    data = trainer.batches
    run = Run(folder, config, model, trainer.device, data.event_shape, facts, data.num_classes)
    path = folder / "samples" / f"step-{trainer.step:08d}.png"
    if is_main():
        path.parent.mkdir(exist_ok=True)
    try:
        if facts is not None:
            images = _shown(run)
            from_main(lambda: save_png(path, tile(images, _COLUMNS, facts.max_value), scale=3))
        elif is_main():
            save_law_picture(run, path, 2000)
    except ValueError as error:
        _say(f"no samples at step {trainer.step}: {error}")


def _shown(run: Run) -> Tensor:
    """Images for a grid; of a class-conditional run a class a row, with the same noise in each."""
    settings = standard_settings(run, _COLUMNS * _ROWS, seed=0)[0]
    if not run.num_classes:
        return _generate(run, settings, False)
    classes = range(min(run.num_classes, _CLASSES))
    rows = [replace(settings, label=label, num_images=_COLUMNS) for label in classes]
    return torch.cat([_generate(run, row, False) for row in rows])


def _generate(run: Run, settings: SamplingSettings, show_progress: bool = True) -> Tensor:
    """The images of `settings` on every process; each makes its own share of them.

    Raises ValueError on every process where one of them cannot make its share.
    """
    mine, problem = shard(settings.num_images), ""
    part = torch.ones(len(mine), *run.event_shape)
    wanted = batches(mine, settings.batch_size)
    try:
        for chosen, images in generated_batches(run, settings, wanted, show_progress):
            part[chosen.start - mine.start : chosen.stop - mine.start] = images.x
    except ValueError as error:
        problem = str(error)
    together = gather(part, settings.num_images)
    if int(all_sum(torch.tensor(int(problem != "")))):
        raise ValueError(problem or "another process could not make its samples.")
    return together


def _report(folder: Path, data: ImageData | None, config: TrainConfig) -> None:
    """What the finished run shows: samples, and how good they are."""
    run, count = load_run(folder, config.device), config.metrics_images or 0
    if data is not None:
        _sample_and_measure(run, data, min(count, len(data.train_images)))
    elif is_main():
        report_law(run, count)


def _sample_and_measure(run: Run, data: ImageData, count: int) -> None:
    """samples.png and metrics.json: each standard sampler beside real images, with distances."""
    samples = [
        (settings, _generate(run, settings)) for settings in standard_settings(run, count, seed=0)
    ]
    if not is_main():
        return
    folder = run.folder
    extractor = load_or_train(data, folder.parent / "features")
    evaluate = Evaluator(data, extractor)
    panels: list[tuple[str, Tensor]] = []
    rows = []
    for settings, generated in samples:
        result = evaluate(generated)
        record_metrics(folder / "metrics.json", asdict(settings), result)
        rows.append((settings.sampler, settings.start, result))
        caption = f"{settings.caption}\nFréchet {result['frechet']:.1f}"
        panels.append((caption, generated[:_SHOWN]))
    real = positive_from_integers(data.test_images[:_SHOWN], data.max_value)
    floor = rows[0][2]["frechet_floor"]
    panels.append((f"real test images\nFréchet of real training images {floor:.1f}", real))
    title = f"{data.name}: N = {count}, {extractor.name} features"
    save_panels(folder / "samples.png", panels, data.max_value, title)
    print(format_table(rows))
    print(f"picture: {folder / 'samples.png'}\nnumbers: {folder / 'metrics.json'}")
