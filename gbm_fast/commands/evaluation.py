"""What `python -m gbm_fast.evaluate` does: images, features, distances, metrics.json.

Under torchrun the processes share the images, batch by batch, and only their features are put
together: image i has the same features whoever computes them, so the distances are those of one
process. Process 0 trains a classifier that is missing, prints, and writes.
"""

import dataclasses

from gbm_fast.evaluation.foreign import read_images
from gbm_fast.evaluation.generated import (
    GROUP_MINUTES,
    choose_extractor,
    foreign_features,
    generated_features,
    measured_data,
)
from gbm_fast.evaluation.metrics import (
    Evaluator,
    Result,
    format_table,
    record_metrics,
    require_floor,
)
from gbm_fast.runtime.distributed import from_main, process_group, uses_cuda
from gbm_fast.sampling.sampler import require_served
from gbm_fast.settings.commands import EvaluateConfig
from gbm_fast.training.runs import load_run

METRICS_NAME = "metrics.json"


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
        features = foreign_features(images, extractor)

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
