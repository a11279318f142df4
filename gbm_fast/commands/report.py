"""What a training shows at its end: samples of the standard samplers, with distances.

What could fail is looked at before the training. The samples are in samples.png before anything is
measured, and what was measured is printed before it is recorded, so that neither is lost.
"""

from dataclasses import asdict, replace
from pathlib import Path

from torch import Tensor

from gbm_fast.data import ImageData
from gbm_fast.data.own.vectors import VectorData
from gbm_fast.data.pictures import save_panels
from gbm_fast.evaluation.classifier import require_size, training_seconds
from gbm_fast.evaluation.estimates import seconds_of_sampling, spoken
from gbm_fast.evaluation.features import (
    classifier_path,
    load_or_train_classifier,
    require_classifier,
)
from gbm_fast.evaluation.generated import FEATURES_NAME, gathered
from gbm_fast.evaluation.marginals import marginal_distances, save_columns, spoken_marginals
from gbm_fast.evaluation.metrics import (
    METRICS_NAME,
    Evaluator,
    Result,
    copies,
    format_table,
    read_metrics,
    record_metrics,
    require_floor,
)
from gbm_fast.runtime.distributed import is_main, world
from gbm_fast.runtime.places import require_writable
from gbm_fast.sampling.sampler import Sampler
from gbm_fast.settings.failures import naming_memory
from gbm_fast.settings.sampling import SamplingSettings
from gbm_fast.settings.training import TrainConfig
from gbm_fast.training.runs import TrainedModel

_SHOWN = 64
_PICTURE, _REAL = "samples.png", "real test images"
_WITHOUT = "--metrics-images 0 trains without samples and distances"


def without_distances(config: TrainConfig, data: ImageData | None) -> str:
    """Why the samples at the end of a training on `data` will have no distances; empty if they do.

    Images that are too few or too small can be sampled, and not measured. Raises ValueError or
    OSError where they can, and the classifier's file or folder stands in the way.
    """
    if not config.metrics_images or data is None:
        return ""
    if data.max_value is None:
        return ""
    try:
        require_floor(_count(config, data), data)
        require_size(data.image_size)
    except ValueError as error:
        return str(error)
    runs = config.out_dir if config.run_dir is None else config.run_dir.resolve().parent
    require_classifier(data, runs / FEATURES_NAME)
    return ""


def require_record(folder: Path, config: TrainConfig) -> None:
    """Raise ValueError or OSError where the run folder takes no files, or has bad metrics."""
    require_writable(folder)
    if config.metrics_images:
        read_metrics(folder / METRICS_NAME)


def _count(config: TrainConfig, data: ImageData) -> int:
    """How many images are measured: those of the settings, or as many as there is a floor for."""
    return min(config.metrics_images or 0, len(data.train_images))


def standard_samplers(run: TrainedModel, num_images: int, seed: int) -> list[Sampler]:
    """What a training shows at its end: from noise where the process reaches it, then the paper's.

    The paper's samplers run at sigma = 0.8 from class averages, chi = 1, where the run's noise
    levels allow it.
    """
    flow = SamplingSettings(sampler="probability-flow", num_images=num_images, seed=seed)
    dale = replace(flow, sampler="dale-langevin", num_steps=run.config.num_steps)
    constant = run.config.process == "constant"
    # The default sigma = 0.8 of the settings is the paper's.
    paper = replace(dale, process="run" if constant else "constant", start="class-average")
    papers = [paper, replace(paper, sampler="sign-agnostic")]
    wanted = [replace(flow, start="class-average")] if constant else [flow, dale]
    served = []
    for settings in wanted + papers:
        try:
            served.append(Sampler(run, settings))
        except ValueError:
            continue
    return served


def report_images(run: TrainedModel, data: ImageData, measured: bool = True) -> None:
    """samples.png and, if `measured`, metrics.json: the standard samplers beside real images."""
    count = _count(run.config, data) if measured else min(run.config.metrics_images or 0, _SHOWN)
    samplers = standard_samplers(run, count, seed=0)
    if is_main():
        _announce(run, samplers, data, measured)
    with naming_memory(f"for samples and distances; the training is complete: {_WITHOUT}."):
        samples = _made(samplers)
        if is_main() and samples:
            panels = _show(run, data, samples)
            if measured:
                _measure(run, data, samples, panels)


def _announce(run: TrainedModel, samplers: list[Sampler], data: ImageData, measured: bool) -> None:
    seconds = seconds_of_sampling(samplers) / world().size
    features = classifier_path(data, run.folder.parent / FEATURES_NAME)
    if measured and data.max_value is not None and not features.exists():
        seconds += training_seconds(data)
    what = "samples and distances" if measured else "samples"
    print(f"{what}: {spoken(seconds)} (skip with --metrics-images 0)", flush=True)


Samples = list[tuple[SamplingSettings, Tensor]]
Panels = list[tuple[str, Tensor]]


def _made(samplers: list[Sampler]) -> Samples:
    """The samples of each, on every process; one that cannot make them is said and left out."""
    samples = []
    for sampler in samplers:
        try:
            samples.append((sampler.settings, gathered(sampler)))
        except ValueError as error:
            if is_main():
                print(f"no samples of {sampler.settings.caption}: {error}")
    return samples


def _show(run: TrainedModel, data: ImageData, samples: Samples) -> Panels:
    """samples.png without distances; the work of process 0."""
    kept = [(settings.caption, images[:_SHOWN]) for settings, images in samples]
    real = run.images_of(data.positive(data.test_images[:_SHOWN]))
    shown = [(label, run.pictured(images)) for label, images in [*kept, (_REAL, real)]]
    panels = [(label, picture.images) for label, picture in shown]
    save_panels(run.folder / _PICTURE, panels, shown[-1][1].max_value, data.name)
    print(f"picture: {run.folder / _PICTURE}", flush=True)
    return panels


def _measure(run: TrainedModel, data: ImageData, samples: Samples, panels: Panels) -> None:
    """The table, the picture with distances, and the record; the work of process 0."""
    if data.max_value is None:
        _measure_marginals(run, data.train_images, data.test_images, samples)
        return
    extractor = load_or_train_classifier(data, run.folder.parent / FEATURES_NAME)
    evaluate = Evaluator(data, extractor)
    results: list[tuple[SamplingSettings, Result]] = []
    for number, (settings, images) in enumerate(samples):
        try:
            result = evaluate(images)
        except ValueError as error:
            print(f"no distances of {settings.caption}: {error}")
            continue
        results.append((settings, result))
        for alarm in copies(result):
            print(f"{settings.caption}: {alarm}")
        caption = f"{settings.caption}\nFréchet {result['frechet']:.1f}"
        panels[number] = caption, panels[number][1]
    if not results:
        return
    print(format_table([(s.sampler, s.start, result) for s, result in results]), flush=True)
    floor = results[0][1]["frechet_floor"]
    panels[-1] = f"{_REAL}\nFréchet of real training images {floor:.1f}", panels[-1][1]
    title = f"{data.name}: N = {len(samples[0][1])}, {extractor.name} features"
    save_panels(run.folder / _PICTURE, panels, data.max_value, title)
    of = run.identity()
    for settings, result in results:
        record_metrics(run.folder / METRICS_NAME, asdict(settings), result, of)
    print(f"numbers: {run.folder / METRICS_NAME}")


def report_vectors(run: TrainedModel, data: VectorData) -> None:
    """samples.png and metrics.json of vectors: the probability flow beside the test vectors."""
    count = max(2, min(run.config.metrics_images or 0, len(data.train)))
    settings = SamplingSettings(sampler="probability-flow", num_images=count)
    samples = _made([Sampler(run, settings)])
    if is_main() and samples:
        sets = {"test": data.test, "samples": samples[0][1]}
        save_columns(run.folder / _PICTURE, sets, run.columns, f"{data.name}: {settings.caption}")
        print(f"picture: {run.folder / _PICTURE}", flush=True)
        _measure_marginals(run, data.train, data.test, samples)


def _measure_marginals(run: TrainedModel, train: Tensor, test: Tensor, samples: Samples) -> None:
    """Of data in units of their own: the marginals of each sampler, printed and recorded.

    Of no more than half as many as there are training ones, so that the sets of the floor differ.
    """
    of, most = run.identity(), max(2, len(train) // 2)
    for settings, values in samples:
        try:
            result = marginal_distances(values[:most], train, test)
        except ValueError as error:
            print(f"no distances of {settings.caption}: {error}")
            continue
        print(f"{settings.caption}: {spoken_marginals(result)}")
        record_metrics(run.folder / METRICS_NAME, asdict(settings), result, of)
    print(f"numbers: {run.folder / METRICS_NAME}")
