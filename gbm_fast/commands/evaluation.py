"""What `python -m gbm_fast.evaluate` does: samples or files, distances, metrics.json.

Under torchrun the processes share the samples, batch by batch, and only their features are put
together: image i has the same features whoever computes them, so the distances are those of one
process. Process 0 trains a classifier that is missing, prints, and writes.
"""

import dataclasses
from pathlib import Path

from torch import Tensor

from gbm_fast.data import ImageData
from gbm_fast.evaluation.features import FeatureExtractor
from gbm_fast.evaluation.foreign import read_draws, read_images
from gbm_fast.evaluation.generated import (
    GROUP_MINUTES,
    Array,
    choose_extractor,
    foreign_features,
    gathered,
    generated_features,
    measured_data,
    require_extractor,
    training_events,
)
from gbm_fast.evaluation.known_laws import law_distances, law_of, report_errors
from gbm_fast.evaluation.metrics import (
    METRICS_NAME,
    Evaluator,
    Result,
    copies,
    format_table,
    read_metrics,
    record_metrics,
    require_floor,
    shares_of,
)
from gbm_fast.evaluation.neighbours import FIGURE_NAME, save_neighbours, with_pixels
from gbm_fast.runtime.distributed import from_main, process_group, uses_cuda
from gbm_fast.runtime.files import tensors_sha256
from gbm_fast.runtime.places import require_writable
from gbm_fast.sampling.sampler import Sampler
from gbm_fast.settings.commands import EvaluateConfig, Measurement
from gbm_fast.settings.datasets import LAWS
from gbm_fast.settings.failures import naming_folder
from gbm_fast.training.runs import TrainedModel, load_trained, read_config

_SCORED = 10_000  # draws for the errors of a learned score


def run_evaluation(config: EvaluateConfig) -> None:
    """Evaluate, print a table, and record the result in the run's metrics.json.

    Raises:
        ValueError: no such run, data, images or weights, or settings that they cannot serve;
        OSError: a run folder that takes no result.

    Whatever can be checked is checked before the first sample is made. What was measured is
    printed also where it cannot be recorded.
    """
    with process_group(uses_cuda(config.device), GROUP_MINUTES), naming_folder(config.run):
        if read_config(config.run).dataset in LAWS:
            _evaluate_law(config)
        else:
            _evaluate_images(config)


def _settings(config: EvaluateConfig) -> tuple[tuple[str, str], dict[str, object]]:
    """What is measured: for the table, and for the record."""
    if config.images is None:
        settings = config.sampling
        return (settings.sampler, settings.start), dataclasses.asdict(settings)
    foreign = {"images": str(config.images.resolve()), "seed": config.sampling.seed}
    return (str(config.images), "-"), foreign


def _evaluate_images(config: EvaluateConfig) -> None:
    if config.images is not None and config.device != "auto":
        raise ValueError(
            "device is for making samples, and images from elsewhere are measured on the CPU: "
            "leave it out."
        )
    data = measured_data(config.run, config.measurement)
    if config.neighbours and len(data.test_images) < 3:
        raise ValueError(f"neighbours needs three test images or more: {data.name} has fewer.")
    _require_record(config.run)
    require_extractor(config.run, config.measurement, data)
    if config.images is None:
        total = range(config.sampling.num_images)
        require_floor(len(total), data)
        run = load_trained(config.run, config.device)
        sampler = Sampler(run, config.sampling, training_events(data, config.sampling))
        of: dict[str, str | int | None] = run.identity()
        extractor = choose_extractor(config.run, config.measurement, data)
        features = generated_features(sampler, total, _wanted(extractor, config))
    else:
        images = read_images(config.images, data)
        require_floor(len(images), data)
        of = _hash(images) | {"train_sha256": data.train_sha256, "test_sha256": data.test_sha256}
        extractor = choose_extractor(config.run, config.measurement, data)
        features = foreign_features(images, _wanted(extractor, config))
    from_main(lambda: _report_images(data, extractor, features, of, config))


def _report_images(
    data: ImageData,
    extractor: FeatureExtractor,
    features: Array,
    of: dict[str, str | int | None],
    config: EvaluateConfig,
) -> None:
    """Distances, the table, the figure and the record: the work of process 0."""
    shown, settings = _settings(config)
    evaluate = Evaluator(data, extractor, config.measurement.floor_repeats, config.sampling.seed)
    result: Result = evaluate.of_features(features[:, : extractor.dim])
    alarms = copies(result)
    if config.neighbours:
        near = evaluate.nearest()
        found = save_neighbours(config.run / FIGURE_NAME, features, data, extractor, near)
        result |= {f"pixel_{name}": value for name, value in shares_of(found).items()}
        alarms += [f"by pixels: {found}"] if found.alarm else []
    accuracy = extractor.test_accuracy
    known = "" if accuracy is None else f": {accuracy:.1%} of the test images"
    print(f"{extractor.name} {extractor.hash}{known}")
    print(format_table([(*shown, result)]), *alarms, sep="\n", flush=True)
    path = config.run / METRICS_NAME
    record_metrics(path, settings, result, of)
    print(f"numbers: {path}")
    if config.neighbours:
        print(f"nearest training images: {config.run / FIGURE_NAME}")


def _wanted(extractor: FeatureExtractor, config: EvaluateConfig) -> FeatureExtractor:
    return with_pixels(extractor) if config.neighbours else extractor


def _hash(images: Tensor) -> dict[str, str | int | None]:
    return {"images_sha256": tensors_sha256({"images": images})}


def _require_record(run: Path) -> None:
    """Raise ValueError or OSError where the result could not be recorded in the run folder."""

    def look() -> None:
        read_metrics(run / METRICS_NAME)
        require_writable(run)

    from_main(look)


def _evaluate_law(config: EvaluateConfig) -> None:
    if config.measurement != Measurement() or config.neighbours:
        raise ValueError(
            f"{config.run} is a run on a law, whose samples are measured by the law itself: the "
            "options of features and data do not apply."
        )
    run = load_trained(config.run, config.device)
    _require_record(config.run)
    if config.images is None:
        samples = gathered(Sampler(run, config.sampling))
        of: dict[str, str | int | None] = {}
    else:
        samples = read_draws(config.images, law_of(run).d)
        of = _hash(samples)
    from_main(lambda: _report_law(run, samples, of, config))


def _report_law(
    run: TrainedModel,
    samples: Tensor,
    of: dict[str, str | int | None],
    config: EvaluateConfig,
) -> None:
    """Distances to the law, the errors of the score, and the record: the work of process 0."""
    (sampler, start), settings = _settings(config)
    result = law_distances(samples, law_of(run))
    errors = report_errors(run, _SCORED, config.sampling.seed)
    print(
        f"{sampler}, start {start}, N {result['N']}: Kolmogorov-Smirnov distance "
        f"{result['ks']:.4f} (exact draws {result['ks_floor']:.4f}), mean of log x off by "
        f"{result['mean_error']:.4f} deviations (exact draws {result['mean_floor']:.4f}), "
        f"deviation by {result['std_error']:.2%}",
        flush=True,
    )
    path: Path = config.run / METRICS_NAME
    scores: Result = {f"score at {std:.3g}": error for std, error in errors}
    # The errors of the score are those of the run's weights, whatever was measured beside.
    record_metrics(path, settings, result | scores, run.identity() | of)
    print(f"numbers: {path}")
