"""What `python -m gbm_fast.train` does, end to end: data, training, samples, distances."""

from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from gbm_fast.batches import ImageBatches, LawBatches
from gbm_fast.build import build_network, choose_device
from gbm_fast.config import TOYS, TrainConfig
from gbm_fast.data import ImageData, load_dataset, positive_from_integers
from gbm_fast.data.toys import load_toy
from gbm_fast.features import load_or_train
from gbm_fast.initialisation import DataStatistics, data_statistics
from gbm_fast.law_report import report_law
from gbm_fast.metrics import Evaluator, format_table, record_metrics
from gbm_fast.pictures import save_panels
from gbm_fast.runs import load_run, run_folder, write_run_files
from gbm_fast.sampling import generate, standard_settings
from gbm_fast.trainer import Trainer
from gbm_fast.training import fit

_SHOWN = 64


def run_training(config: TrainConfig) -> int:
    """Train, sample and evaluate a resolved configuration; returns the exit status.

    Raises ValueError for settings or data that cannot be used, before anything is written.
    """
    data = None if config.dataset in TOYS else load_dataset(config.dataset, config.data_dir)
    batches = LawBatches(load_toy(config.dataset)) if data is None else ImageBatches(data)
    statistics = None if data is None else _statistics(data)
    _require_fit(config, batches.event_shape)
    folder = run_folder(config)
    trainer = Trainer(config, batches, folder)
    write_run_files(folder, config, statistics)
    parameters = sum(p.numel() for p in trainer.model.parameters())
    source = "endless draws" if data is None else f"{len(data.train_images):,} images"
    print(
        f"{config.dataset}: {source} {batches.event_shape}, "
        f"{parameters:,} parameters, {trainer.device}, run folder {folder}"
    )
    if not fit(trainer, config.steps or 0, config.minutes):
        print(f"stopped by a signal at step {trainer.step}; go on with --resume auto")
        return 0
    print(f"trained {trainer.step} steps in {trainer.seconds / 60:.1f} minutes")
    if data is None and config.metrics_images:
        report_law(load_run(folder, config.device), config.metrics_images)
    elif data is not None and config.metrics_images:
        _sample_and_measure(folder, data, config.metrics_images, config.device)
    if data is not None:
        print(f"next:    python -m gbm_fast.sample --run {folder} --sampler dale-langevin")
    return 0


def _statistics(data: ImageData) -> DataStatistics:
    images = positive_from_integers(data.train_images, data.max_value)
    return data_statistics(images, data.train_labels)


@torch.no_grad()
def _require_fit(config: TrainConfig, event_shape: tuple[int, ...]) -> None:
    """Raise ValueError unless the device exists and the network takes events of this shape."""
    choose_device(config.device)
    network = build_network(config, event_shape)
    network(torch.zeros(1, *event_shape), torch.zeros(1))


def _sample_and_measure(folder: Path, data: ImageData, num_images: int, device: str) -> None:
    """samples.png and metrics.json: each standard sampler beside real images, with distances."""
    run = load_run(folder, device)
    extractor = load_or_train(data, folder.parent / "features")
    evaluate = Evaluator(data, extractor)
    panels: list[tuple[str, Tensor]] = []
    rows = []
    count = min(num_images, len(data.train_images))
    for settings in standard_settings(run, count, seed=0):
        generated = generate(run, settings)
        result = evaluate(generated)
        record_metrics(folder / "metrics.json", asdict(settings), result)
        rows.append((settings.sampler, settings.start, result))
        caption = f"{settings.label}\nFréchet {result['frechet']:.1f}"
        panels.append((caption, generated[:_SHOWN]))
    real = positive_from_integers(data.test_images[:_SHOWN], data.max_value)
    floor = rows[0][2]["frechet_floor"]
    panels.append((f"real test images\nFréchet of real training images {floor:.1f}", real))
    title = f"{data.name}: N = {count}, {extractor.name} features"
    save_panels(folder / "samples.png", panels, data.max_value, title)
    print(format_table(rows))
    print(f"picture: {folder / 'samples.png'}\nnumbers: {folder / 'metrics.json'}")
