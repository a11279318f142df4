"""The features of images that a run makes, or of images from elsewhere, and what they need.

Under torchrun the processes share the images, batch by batch, and only their features are put
together: image i has the same features whoever computes them, so the distances are those of one
process. Process 0 trains a classifier that is missing, prints, and writes.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gbm_fast.data import ImageData, load_dataset
from gbm_fast.data.types import Events
from gbm_fast.evaluation.features import (
    FeatureExtractor,
    load_or_train_classifier,
    require_classifier,
)
from gbm_fast.evaluation.inception import find_weights, load_inception
from gbm_fast.runtime.distributed import all_sum, from_main, gather, shard, world
from gbm_fast.sampling.batching import batches
from gbm_fast.sampling.sampler import Sampler
from gbm_fast.settings.commands import Measurement
from gbm_fast.settings.datasets import BUILT_IN, IN_PYTHON, LAWS, VECTORS
from gbm_fast.settings.sampling import FROM_IMAGES, SamplingSettings
from gbm_fast.training.runs import read_config, require_same_images, weights_facts

FEATURES_NAME = "features"
GROUP_MINUTES = 24 * 60.0
"""How long a process waits for the others: batches of a slow sampler take hours on a CPU."""
_BATCH = 500  # foreign images at once

Array = NDArray[np.float64]


def measured_data(run: Path, measurement: Measurement) -> ImageData:
    """The data set that a run's images are compared with.

    Raises ValueError where it cannot be had, or has other images or labels than the training had.
    """
    trained = read_config(run)
    if trained.dataset in LAWS:
        raise ValueError(
            f"{run} is a run on {trained.dataset}, which is no image data set: its training "
            "compares the score with the exact one."
        )
    if trained.dataset in VECTORS:
        raise ValueError(
            f"{run} is a run on vectors, which have no features to measure distances with: "
            "compare their marginals with gbm_fast.marginal_distances."
        )
    if trained.dataset in IN_PYTHON:
        raise ValueError(
            f"the images of {run} were given in Python, and cannot be read again: measure with "
            "gbm_fast.evaluate_images(images, data, extractor)."
        )
    if measurement.data_dir is not None and trained.dataset in BUILT_IN:
        raise ValueError(
            f"data_dir is no option for {run}, a run on {trained.dataset}, which is not read from "
            "files: leave it out."
        )
    place = measurement.data_dir or trained.data_dir
    data = load_dataset(
        trained.dataset,
        place,
        range=trained.range,
        zeros=trained.zeros,
        image_size=trained.image_size,
    )
    data.grey_levels()
    of = weights_facts(run)
    require_same_images(run, data, of.get("train_sha256"), of.get("test_sha256"))
    return data


def training_events(data: ImageData, settings: SamplingSettings) -> Events | None:
    """The training images for a start that reads them; None for another start."""
    if settings.start not in FROM_IMAGES:
        return None
    return Events(data.positive(data.train_images), data.train_labels)


def features_folder(run: Path, measurement: Measurement) -> Path:
    """Where the classifier of a run's data is kept."""
    return measurement.features_dir or run.resolve().parent / FEATURES_NAME


def require_extractor(run: Path, measurement: Measurement, data: ImageData) -> None:
    """Raise ValueError or OSError where `choose_extractor` would, before any work."""
    if measurement.features == "classifier":
        from_main(lambda: require_classifier(data, features_folder(run, measurement)))
    else:
        find_weights(measurement.inception_weights)


def choose_extractor(run: Path, measurement: Measurement, data: ImageData) -> FeatureExtractor:
    """The features to measure with; process 0 trains them where they are missing."""
    if measurement.features == "inception":
        return load_inception((data.channels, *data.image_size), measurement.inception_weights)
    folder = features_folder(run, measurement)
    if world().size > 1:
        from_main(lambda: load_or_train_classifier(data, folder).hash)
    return load_or_train_classifier(data, folder)


def gathered(sampler: Sampler, show_progress: bool = True) -> Tensor:
    """All samples of a sampler, on every process; each makes its own share of them.

    Raises ValueError on every process where one of them cannot make its share.
    """
    count = sampler.settings.num_images
    mine, problem = shard(count), ""
    part = torch.ones(len(mine), *sampler.event_shape)
    wanted = batches(mine, sampler.settings.batch_size)
    try:
        for chosen, images in sampler.batches(wanted, show_progress):
            part[chosen.start - mine.start : chosen.stop - mine.start] = images.x
    except ValueError as error:
        problem = str(error)
    together = gather(part, count)
    if int(all_sum(torch.tensor(int(problem != "")))):
        raise ValueError(problem or "another process could not make its samples.")
    return together


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


def generated_features(sampler: Sampler, total: range, extractor: FeatureExtractor) -> Array:
    """Features of the images `total`, made by all processes, one batch of each at a time."""
    wanted = batches(total, sampler.settings.batch_size)
    share = shard(len(wanted))
    mine = wanted[share.start : share.stop]
    return shared_features(sampler.batches(mine), total, extractor)


def foreign_features(images: Tensor, extractor: FeatureExtractor) -> Array:
    """Features of images (n, C, H, W) in [1, 2] from elsewhere, on every process."""
    total = range(len(images))
    wanted = batches(total, _BATCH)
    mine = [wanted[i] for i in shard(len(wanted))]
    made = ((b, Events(images[b.start : b.stop], None)) for b in mine)
    return shared_features(made, total, extractor)
