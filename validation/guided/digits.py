"""Guidance on digits: a network that learned a tenth of the items unlabelled, at all weights."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import gbm_fast as gbm
from gbm_fast.evaluation.metrics import Evaluator
from gbm_fast.sampling.batching import batches

WEIGHTS = (0.0, 1.0, 1.5, 2.0, 3.0, 5.0)
FULL = {"steps": 1200, "width": 16, "batch_size": 64}
QUICK = {"steps": 3, "width": 8, "batch_size": 8, "multipliers": (1,)}


@dataclass(frozen=True)
class Size:
    """How much is trained, and sampled at which weights."""

    training: dict[str, object]
    weights: tuple[float, ...]
    images: int
    levels: int


SIZES = {False: Size(FULL, WEIGHTS, 718, 20), True: Size(QUICK, (1.0, 3.0), 20, 4)}


def trained(size: Size, folder: Path, seed: int) -> gbm.Run:
    """The run, of `seed`, in `folder`."""
    config = gbm.TrainConfig(
        dataset="digits", class_conditional=True, label_dropout=0.1, run_dir=folder, device="cpu",
        metrics_images=0, seed=seed % 2**31, **size.training,
    )  # fmt: skip
    return gbm.train_run(config)


def measured(size: Size, seed: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A row for each weight, and what real images reach; all weights from the same noise."""
    data = gbm.load_dataset("digits", None)
    with tempfile.TemporaryDirectory() as folder:
        run = trained(size, Path(folder) / "run", seed)
        extractor = gbm.load_or_train_classifier(data, Path(folder) / "features")
    evaluate = Evaluator(data, extractor, seed=seed)
    rows = [_row(run, size, weight, seed, evaluate, extractor) for weight in size.weights]
    named = ("precision_floor", "recall_floor", "frechet_floor", "N_reference", "test_accuracy")
    floor = {name: rows[0]["result"][name] for name in named}
    return rows, floor | {"feature_hash": extractor.hash}


def _row(
    run: gbm.Run,
    size: Size,
    weight: float,
    seed: int,
    evaluate: Evaluator,
    extractor: gbm.FeatureExtractor,
) -> dict[str, Any]:
    settings = gbm.SamplingSettings(
        sampler="dpmpp-2m", num_steps=size.levels, num_images=size.images, seed=seed % 2**32,
        guidance=weight,
    )  # fmt: skip
    wanted = batches(range(size.images), settings.batch_size)
    made = [part for _, part in run.sampler(settings).batches(wanted, False)]
    labels = torch.cat([part.labels for part in made if part.labels is not None])
    features = extractor(torch.cat([part.x for part in made]))
    assert extractor.head is not None
    right = extractor.head(torch.from_numpy(features).float()).argmax(1) == labels
    result = evaluate.of_features(features)
    return {"weight": weight, "accuracy": float(right.double().mean()), "result": result}
