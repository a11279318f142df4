"""What `python -m gbm_fast.evaluate` does: images, features, distances, metrics.json."""

import dataclasses

from gbm_fast.data import ImageData, load_dataset
from gbm_fast.features import FeatureExtractor, load_or_train
from gbm_fast.image_files import read_images
from gbm_fast.inception import load_inception
from gbm_fast.metrics import (
    evaluate_images,
    format_table,
    record_metrics,
    require_floor,
)
from gbm_fast.runs import load_run, read_config
from gbm_fast.sampling import generate
from gbm_fast.settings import EvaluateConfig

METRICS_NAME = "metrics.json"
FEATURES_NAME = "features"


def _extractor(config: EvaluateConfig, data: ImageData) -> FeatureExtractor:
    if config.features == "inception":
        return load_inception((data.channels, *data.image_size), config.inception_weights)
    folder = config.features_dir or config.run.resolve().parent / FEATURES_NAME
    extractor = load_or_train(data, folder)
    accuracy = extractor.test_accuracy
    known = "random weights" if accuracy is None else f"{accuracy:.1%} of the test images"
    print(f"{extractor.name} {extractor.hash}: {known}")
    return extractor


def run_evaluation(config: EvaluateConfig) -> None:
    """Evaluate, print a table, and record the result in the run's metrics.json.

    Raises:
        ValueError: no such run, data, images or weights, or settings that they cannot serve;
            whatever can be checked is checked before the first sample is made.
    """
    trained = read_config(config.run)
    data = load_dataset(trained.dataset, config.data_dir or trained.data_dir)
    if config.images is None:
        shown: tuple[str, str] = (config.sampling.sampler, config.sampling.start)
        settings = dataclasses.asdict(config.sampling)
        require_floor(config.sampling.num_images, data)
        run = load_run(config.run, config.device)
        extractor = _extractor(config, data)
        images = generate(run, config.sampling)
    else:
        shown = (str(config.images), "-")
        settings = {"images": str(config.images.resolve()), "seed": config.sampling.seed}
        images = read_images(config.images, data)
        require_floor(len(images), data)
        extractor = _extractor(config, data)
    result = evaluate_images(images, data, extractor, config.floor_repeats, config.sampling.seed)
    path = config.run / METRICS_NAME
    record_metrics(path, settings, result)
    print(format_table([(*shown, result)]))
    print(f"numbers: {path}")
