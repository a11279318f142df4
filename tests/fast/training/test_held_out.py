"""Test images and their labels have no part in what is learned, sampled or trained for features: a
run whose test images are noise is the same bit for bit."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gbm_fast as gbm
from gbm_fast.data.statistics import DataStatistics
from gbm_fast.evaluation.classifier import train_classifier
from gbm_fast.settings.sampling import StartName
from tests.support import tiny_runs as tiny
from tests.support.fixtures import Folders
from tests.support.hand_runs import EXPLODING, write_folder
from tests.support.tiny_data import BRIEF

STARTS: tuple[StartName, ...] = (
    *("class-average", "lognormal", "lognormal-averages", "lognormal-full", "data"),
)
SETTINGS = {
    "dataset": "folder", "steps": 3, "batch_size": 4, "width": 8, "multipliers": (1,), "blocks": 1,
    "patch_size": 4, "metrics_images": 0, "device": "cpu", "class_conditional": True,
    "learning_rate": 0.02, "precision": "float32", "warmup_steps": 0, "log_every": 1,
}  # fmt: skip


def spoil(folder: Path) -> None:
    """Test images become noise, of which one class has more and another fewer than before."""
    for number, path in enumerate(sorted((folder / "test").rglob("*.png"))):
        waves = np.sin(np.arange(192) * (11.3 + 7 * number) ** 2).reshape(8, 8, 3)
        Image.fromarray((127 + 127 * waves).astype(np.uint8)).save(path)
    (folder / "test" / "left" / "00.png").rename(folder / "test" / "right" / "99.png")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: Folders) -> list[gbm.Run]:
    """The same training twice, once with test images that are noise."""
    made = []
    for name in ("plain", "spoilt"):
        root = tmp_path_factory.mktemp(name)
        folder = write_folder(root / "pictures")
        if name == "spoilt":
            spoil(folder)
        settings = SETTINGS | EXPLODING | {"data_dir": folder, "run_dir": root / "run"}
        made.append(gbm.train_run(gbm.TrainConfig(**settings)))
    return made


def test_the_test_images_differ(pair: list[gbm.Run]) -> None:
    one, other = (gbm.load_dataset("folder", run.config.data_dir) for run in pair)
    assert torch.equal(one.train_images, other.train_images)
    assert not torch.equal(one.test_images, other.test_images)
    assert not torch.equal(one.test_labels, other.test_labels)


def test_the_training_is_the_same(pair: list[gbm.Run]) -> None:
    """Weights, averages, moments of the optimiser and of the data, classes, the log."""
    (tensors, facts), (others, other_facts) = (tiny.saved(run.folder) for run in pair)
    assert tensors.keys() == others.keys()
    assert all(torch.equal(tensors[name], others[name]) for name in tensors)
    for name in ("event_shape", "log_mean", "log_std", "num_classes", "max_value", "step"):
        assert facts[name] == other_facts[name]
    assert tiny.log(pair[0].folder) == tiny.log(pair[1].folder)


def test_the_statistics_and_the_samples_are_the_same(pair: list[gbm.Run]) -> None:
    for field in fields(DataStatistics):
        one, other = (getattr(run.statistics, field.name) for run in pair)
        assert torch.equal(one, other), field.name
    for start in STARTS:
        settings = {"start": start, "num_steps": 3, "seed": 8, "sampler": "ddim"}
        images, others = (run.sample(6, **settings) for run in pair)
        assert torch.equal(images, others), start


def test_the_features_are_the_same(pair: list[gbm.Run]) -> None:
    states = [
        train_classifier(gbm.load_dataset("folder", run.config.data_dir), 4, BRIEF).state_dict()
        for run in pair
    ]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
