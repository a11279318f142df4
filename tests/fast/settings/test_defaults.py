"""Defaults as they are documented, written down once more: those of every record of settings, and
of every public function of the rooms that work with data. A new one has to be entered here."""

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import gbm_fast as gbm
from gbm_fast.evaluation import inception
from gbm_fast.evaluation.classifier import ClassifierSettings
from gbm_fast.runtime.random import Stream
from gbm_fast.settings.commands import (
    EvaluateConfig,
    GridSearch,
    Measurement,
    SampleConfig,
    TrainOptions,
)
from gbm_fast.settings.sampling_presets import SamplingPreset
from gbm_fast.settings.training_presets import preset_config, resolve

SAMPLING = {
    "sampler": "dale-langevin", "process": "run", "sigma": 0.8, "start": "lognormal",
    "num_steps": None, "inner_steps": 1, "chi": 1.0, "kappa": 1.0, "churn": 0.0,
    "step_length": None,
    "denoise_steps": 0, "label": None, "guidance": 1.0, "num_images": 64, "seed": 0,
    "batch_size": 256, "image_size": None,
}  # fmt: skip
MEASUREMENT = {
    "features": "classifier", "features_dir": None, "inception_weights": None, "data_dir": None,
    "floor_repeats": 10,
}  # fmt: skip
SEARCH = {
    "chi": (0.99, 0.995, 1.0), "inner_steps": (1, 3), "step_length": (2e-4, 1e-3),
    "criterion": "frechet",
}  # fmt: skip
RECORDS: dict[type, dict[str, object]] = {
    gbm.TrainConfig: {
        "dataset": "digits", "preset": "auto", "data_dir": None, "out_dir": Path("runs"),
        "run_dir": None, "resume": "never", "class_conditional": False,
        "label_dropout": 0.0, "noise": "multiplicative", "range": "auto", "zeros": "refuse",
        "image_size": None, "crop": None, "symmetries": "none",
        "least_looks": 1.0, "most_looks": 100.0,
        "process": "variance-exploding", "sigma": 0.8, "std_min": 0.005, "std_max": 10.0,
        "num_steps": 1000, "parameterisation": "denoiser", "weighting": "preconditioned",
        "target_level": "same",
        "times": "log-normal", "importance": False, "network": None, "width": None, "depth": None,
        "multipliers": None, "blocks": None, "patch_size": None, "initial_weights": None,
        "dropout": 0.0, "batch_size": 128,
        "micro_batch": None, "learning_rate": 1e-3, "weight_decay": 0.0, "warmup_steps": 200,
        "clip_norm": 1.0, "ema_decay": 0.999, "average": "steps", "average_every": 1,
        "choose": "last", "steps": None, "minutes": None, "seed": 0, "precision": "auto",
        "compile": False, "device": "auto", "checkpoint_every": 500, "keep_last": 2,
        "keep_every": None, "log_every": 50, "tensorboard": False, "samples_every": None,
        "timeout_minutes": 30.0, "metrics_images": None,
    },
    gbm.SamplingSettings: SAMPLING,
    Measurement: MEASUREMENT,
    GridSearch: SEARCH,
    EvaluateConfig: {
        "images": None, "device": "auto", "measurement": Measurement(**MEASUREMENT),
        "sampling": gbm.SamplingSettings(**(SAMPLING | {"num_images": 256})), "neighbours": False,
    },
    SampleConfig: {
        "run": None, "pretrained": None, "out": None, "output": ("png", "npz", "grid"),
        "film": None, "preset": None,
        "grid_search": False, "search": GridSearch(**SEARCH), "device": "auto",
        "measurement": Measurement(**MEASUREMENT), "sampling": gbm.SamplingSettings(**SAMPLING),
    },
    TrainOptions: {"config": None},
    SamplingPreset: {"chi": 0.995, "inner_steps": 3, "step_length": 2e-4, "denoise_steps": 0},
    ClassifierSettings: {
        "epochs": 5, "min_steps": 200, "batch_size": 256, "peak_learning_rate": 4e-3,
        "weight_decay": 1e-2,
    },
}  # fmt: skip


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_has_the_defaults_that_are_documented(record: type) -> None:
    found = {f.name: f.default for f in dataclasses.fields(record)}
    assert {n: v for n, v in found.items() if v is not dataclasses.MISSING} == RECORDS[record]


PUBLISHED = {"path": None, "sha256": inception.WEIGHTS_SHA256}
LARGE = {"batch_size": 256, "learning_rate": 5e-4, "ema_decay": 0.9995}
SHORT = {"warmup_steps": 50}
# (data, preset) -> steps, minutes and images to measure, and what else is not the default.
PRESETS: dict[tuple[str, str], tuple[int, float, int, dict[str, object]]] = {
    ("digits", "cpu"): (4000, 1.5, 64, {}),
    ("digits", "gpu"): (20_000, 5.0, 64, LARGE),
    ("digits", "demo"): (4000, 0.5, 64, SHORT),
    ("mnist", "cpu"): (6000, 45.0, 256, {}),
    ("mnist", "gpu"): (100_000, 60.0, 2048, LARGE),
    ("mnist", "demo"): (6000, 3.0, 64, SHORT),
    ("cifar10", "cpu"): (30_000, 45.0, 256, {"batch_size": 32}),
    ("cifar10", "gpu"): (200_000, 120.0, 2048, LARGE),
    ("cifar10", "demo"): (30_000, 3.0, 64, SHORT | {"batch_size": 32}),
    ("lognormal-1d", "cpu"): (6000, 45.0, 4096, {"batch_size": 512}),
    ("lognormal-1d", "gpu"): (6000, 45.0, 4096, {"batch_size": 512}),
    ("lognormal-1d", "demo"): (6000, 0.5, 4096, SHORT | {"batch_size": 256}),
}
OF_THE_NETWORK = ("network", "width", "depth", "multipliers", "blocks", "patch_size", "precision")


@pytest.mark.parametrize(("dataset", "preset"), PRESETS)
def test_a_preset_is_what_is_documented(dataset: str, preset: str) -> None:
    """The shape of the network aside, which follows the data."""
    steps, minutes, images, rest = PRESETS[dataset, preset]
    found = vars(resolve(preset_config(preset, dataset)))
    wanted = RECORDS[gbm.TrainConfig] | rest | {"dataset": dataset, "preset": preset}
    wanted |= {"steps": steps, "minutes": minutes, "metrics_images": images}
    assert {n: v for n, v in found.items() if n not in OF_THE_NETWORK} == {
        n: v for n, v in wanted.items() if n not in OF_THE_NETWORK
    }


TRAINED = {"num_classes": 0, "law": None, "class_names": (), "step": 0, "train_sha256": None}
TRAINED |= {"test_sha256": None, "scale": None, "columns": ()}
FUNCTIONS: dict[str, dict[str, object]] = {
    "data.download.fetch": {"timeout": 30.0, "most_bytes": 2**28},
    "data.load.load_dataset": {
        "data_dir": None,
        "download": True,
        "range": "auto",
        "zeros": "refuse",
        "image_size": None,
    },
    "data.pictures.save_panels": {"columns": 8},
    "data.pictures.save_png": {"scale": 1},
    "data.pictures.tile": {"gap": 1},
    "data.statistics.data_statistics": {"noise": "multiplicative"},
    "data.sources.CifarSource": {
        "records_per_member": 10_000,
        "image_shape": (32, 32),
        "foreign": (),
        "per_class": None,
    },
    "data.sources.IdxFile": {"raw_md5": None},
    "data.sources.IdxSource": {
        "train_count": 60_000,
        "test_count": 10_000,
        "image_shape": (28, 28),
        "per_class": None,
    },
    "training.images.ImageBatches": {
        "with_labels": False,
        "noise": "multiplicative",
        "crop": None,
        "symmetries": "none",
    },  # fmt: skip
    "training.pieces.Pieces": {"crop": None, "symmetries": "none"},
    "training.batches.LawBatches": {"with_labels": False},
    "training.batches.TrainingData.draw_ahead": {"pin": False},
    "training.batches.law_draws": {"streams": (Stream.COMPONENT, Stream.LAW)},
    "training.build.build_model": {"autocast": None, "num_classes": 0, "own_network": None},
    "training.build.build_network": {"num_classes": 0},
    "training.loop.StatsLog": {"show_progress": True},
    "training.loop.fit": {"show_progress": True, "on_samples": None},
    "training.memory.images_at_once": {"own": None, "sampling": False},
    "training.memory.require_memory": {"own": None},
    "training.resuming.continuing": {"processes": 1},
    "training.runs.TrainedModel": TRAINED,
    "training.runs.load_trained": {"device": "auto", "network": None},
    "training.trainer.Trainer": {"network": None},
    "sampling.batching.Runs": {"known": ()},
    "sampling.files.draw_grid": {"scale": None},
    "sampling.files.finish": {"name": "images", "columns": ()},
    "sampling.initial.from_class_averages": {"classes": None},
    "sampling.initial.from_data": {"kind": "multiplicative"},
    "sampling.initial.from_law": {"classes": None},
    "sampling.runs.Run.sample": {
        "seed": 0,
        "sampler": "probability-flow",
        "start": "lognormal",
        "num_steps": None,
        "label": None,
        "batch_size": 256,
        "show_progress": False,
    },
    "sampling.runs.Run.score": {"labels": None},
    "sampling.runs.Run.denoiser": {"labels": None},
    "sampling.runs.Run.log_likelihood": {
        "labels": None,
        "num_steps": 64,
        "num_probes": 4,
        "seed": 0,
    },
    "sampling.pretrained.load_pretrained": {"device": "auto"},
    "sampling.runs.load_run": {"device": "auto", "network": None},
    "sampling.sampler.Sampler": {"data": None, "data_dir": None},
    "sampling.sampler.Sampler.noise": {"seed": None},
    "sampling.sampler.Sampler.states": {"callback": None},
    "sampling.sampler.Sampler.batches": {"show_progress": True, "seed": None},
    "sampling.sampler.Sampler.__call__": {
        "num_samples": None,
        "seed": None,
        "show_progress": True,
    },
    "evaluation.classifier.ClassifierSettings": RECORDS[ClassifierSettings],
    "evaluation.classifier.train_classifier": {"seed": 0, "settings": None},
    "evaluation.classifier.training_seconds": {"settings": None},
    "evaluation.distances.kernel_distance": {"num_subsets": 100, "subset_size": 1000, "seed": 0},
    "evaluation.features.FeatureExtractor": {"batch_size": 500, "head": None},
    "evaluation.features.load_or_train_classifier": {"seed": 0, "settings": None},
    "evaluation.generated.gathered": {"show_progress": True},
    "evaluation.inception.find_weights": PUBLISHED,
    "evaluation.inception.load_inception": PUBLISHED,
    "evaluation.known_laws.report_errors": {"seed": 0},
    "evaluation.known_laws.report_law": {"seed": 0},
    "evaluation.known_laws.save_law_picture": {"seed": 0},
    "evaluation.manifolds.Balls": {"k": 5},
    "evaluation.manifolds.blocks": {"without_itself": False, "exact": True},
    "evaluation.marginals.marginal_distances": {"repeats": 10, "seed": 0},
    "evaluation.metrics.Evaluator": {"floor_repeats": 10, "seed": 0},
    "evaluation.metrics.evaluate_images": {"floor_repeats": 10, "seed": 0},
}


def functions(room: str) -> Iterator[tuple[str, Callable]]:
    """The public functions and methods of a room by their names; a class is its constructor."""
    package = importlib.import_module(f"gbm_fast.{room}")
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        place = module.name.removeprefix("gbm_fast.")
        for name, found in vars(importlib.import_module(module.name)).items():
            ours = getattr(found, "__module__", None) == module.name and not name.startswith("_")
            if ours and inspect.isfunction(found):
                yield f"{place}.{name}", found
            elif ours and inspect.isclass(found):
                for inner, method in vars(found).items():
                    if not inspect.isfunction(method):
                        continue
                    if inner == "__init__":
                        yield f"{place}.{name}", method
                    elif not inner.startswith("_") or inner == "__call__":
                        yield f"{place}.{name}.{inner}", method


@pytest.mark.parametrize("room", ["data", "training", "sampling", "evaluation"])
def test_functions_have_the_defaults_that_are_documented(room: str) -> None:
    found = {}
    for name, function in functions(room):
        arguments = inspect.signature(function).parameters.values()
        given = {a.name: a.default for a in arguments if a.default is not inspect.Parameter.empty}
        found |= {name: given} if given else {}
    expected = {name: given for name, given in FUNCTIONS.items() if name.startswith(f"{room}.")}
    assert found == expected and len(found) > 5


PUBLISHED_SHA256 = "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4"


def test_the_published_weights_are_known_by_their_checksum() -> None:
    assert inception.WEIGHTS_SHA256 == PUBLISHED_SHA256
