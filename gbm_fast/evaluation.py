"""What `python -m gbm_fast.evaluate` does: images, features, distances, metrics.json.

Under torchrun the processes share the images, batch by batch, and only their features are put
together: image i has the same features whoever computes them, so the distances are those of one
process. Process 0 trains a classifier that is missing, prints, and writes.
"""

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gbm_fast.config import TOYS
from gbm_fast.data import ImageData, load_dataset
from gbm_fast.distributed import all_sum, from_main, process_group, shard, uses_cuda, world
from gbm_fast.events import Events
from gbm_fast.features import FeatureExtractor, load_or_train
from gbm_fast.image_files import read_images
from gbm_fast.image_samplers import require_served
from gbm_fast.inception import load_inception
from gbm_fast.metrics import Evaluator, Result, format_table, record_metrics, require_floor
from gbm_fast.options import EvaluateConfig, Measurement
from gbm_fast.runs import Run, load_run, read_config
from gbm_fast.sampling import batches, generated_batches
from gbm_fast.settings import SamplingSettings

METRICS_NAME = "metrics.json"
FEATURES_NAME = "features"
GROUP_MINUTES = 24 * 60.0
"""How long a process waits for the others: batches of a slow sampler take hours on a CPU."""
_BATCH = 500  # foreign images at once

Array = NDArray[np.float64]


def measured_data(run: Path, measurement: Measurement) -> ImageData:
    """The data set that a run's images are compared with; ValueError where it cannot be had."""
    trained = read_config(run)
    if trained.dataset in TOYS:
        raise ValueError(
            f"{run} is a run on {trained.dataset}, which is no image data set: its training "
            "compares the score with the exact one."
        )
    return load_dataset(trained.dataset, measurement.data_dir or trained.data_dir)


def choose_extractor(run: Path, measurement: Measurement, data: ImageData) -> FeatureExtractor:
    """The features to measure with; process 0 trains them where they are missing."""
    if measurement.features == "inception":
        return load_inception((data.channels, *data.image_size), measurement.inception_weights)
    folder = measurement.features_dir or run.resolve().parent / FEATURES_NAME
    if world().size > 1:
        from_main(lambda: load_or_train(data, folder).hash)
    return load_or_train(data, folder)


def shared_features(
    made: Iterable[tuple[range, Events]], total: range, extractor: FeatureExtractor
) -> Array:
    """Features (len(total), dim) of the images of all processes, on every process.

    made: the batches of this process with their images; together, the processes' batches are the
    indices `total`, each once.
    """
    features = torch.zeros(len(total), extractor.dim, dtype=torch.float64)
    for batch, images in made:
        rows = slice(batch.start - total.start, batch.stop - total.start)
        features[rows] = torch.from_numpy(extractor(images.x))
    # Zeros but for the rows of one process: the sum is exact.
    return all_sum(features).numpy()


def generated_features(
    run: Run, settings: SamplingSettings, total: range, extractor: FeatureExtractor
) -> Array:
    """Features of the run's images `total`, made by all processes, one batch of each at a time."""
    wanted = batches(total, settings.batch_size)
    mine = [wanted[i] for i in shard(len(wanted))]
    return shared_features(generated_batches(run, settings, mine), total, extractor)


def _foreign_features(images: Tensor, extractor: FeatureExtractor) -> Array:
    total = range(len(images))
    wanted = batches(total, _BATCH)
    mine = [wanted[i] for i in shard(len(wanted))]
    made = ((b, Events(images[b.start : b.stop], None)) for b in mine)
    return shared_features(made, total, extractor)


def run_evaluation(config: EvaluateConfig) -> None:
    """Evaluate, print a table, and record the result in the run's metrics.json.

    Raises:
        ValueError: no such run, data, images or weights, or settings that they cannot serve;
            whatever can be checked is checked before the first sample is made.
    """
    with process_group(uses_cuda(config.device), GROUP_MINUTES):
        _evaluate(config)


def _evaluate(config: EvaluateConfig) -> None:
    data = measured_data(config.run, config.measurement)
    if config.images is None:
        shown: tuple[str, str] = (config.sampling.sampler, config.sampling.start)
        settings = dataclasses.asdict(config.sampling)
        total = range(config.sampling.num_images)
        require_floor(len(total), data)
        run = load_run(config.run, config.device)
        require_served(run, config.sampling)
        extractor = choose_extractor(config.run, config.measurement, data)
        features = generated_features(run, config.sampling, total, extractor)
    else:
        shown = (str(config.images), "-")
        settings = {"images": str(config.images.resolve()), "seed": config.sampling.seed}
        images = read_images(config.images, data)
        require_floor(len(images), data)
        extractor = choose_extractor(config.run, config.measurement, data)
        features = _foreign_features(images, extractor)

    def report() -> None:
        """Distances, the table and the record: the work of process 0."""
        evaluate = Evaluator(
            data, extractor, config.measurement.floor_repeats, config.sampling.seed
        )
        result: Result = evaluate.of_features(features)
        path = config.run / METRICS_NAME
        record_metrics(path, settings, result)
        accuracy = extractor.test_accuracy
        known = "" if accuracy is None else f": {accuracy:.1%} of the test images"
        print(f"{extractor.name} {extractor.hash}{known}")
        print(format_table([(*shown, result)]))
        print(f"numbers: {path}")

    from_main(report)
