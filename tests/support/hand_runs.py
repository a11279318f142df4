"""Runs on a folder of colour images and on a law, trained for a moment, and what the code that
does things by hand needs to know of them."""

from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

import gbm_fast as gbm
from gbm_fast.data.types import Events
from gbm_fast.settings.training_presets import resolve
from gbm_fast.training.runs import write_run_files
from tests.support.sampling_by_hand import HandRun
from tests.support.small_colour import NAMES, Told, levels
from tests.support.training_by_hand import HandData

LAW = gbm.LogNormalMixture(
    torch.tensor([0.3, 0.7], dtype=torch.float64),
    torch.tensor([[-0.5, 0.2], [0.6, -0.4]], dtype=torch.float64),
    torch.tensor([[[0.2, 0.1], [0.1, 0.3]], [[0.15, -0.05], [-0.05, 0.1]]], dtype=torch.float64),
)
TRAIN_LABELS = (0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 2)
TEST_LABELS = (0, 0, 1, 1, 2)
EXPLODING = {"std_min": 0.05, "std_max": 1.7}
CONSTANT = {"process": "constant", "sigma": 0.6, "num_steps": 8}


def write_folder(root: Path, shift: int = 0) -> Path:
    """A folder of colour images with a split of its own; returns it."""
    pictures = iter(levels(len(TRAIN_LABELS) + len(TEST_LABELS), shift))
    for split, labels in (("train", TRAIN_LABELS), ("test", TEST_LABELS)):
        for number, label in enumerate(labels):
            path = root / split / NAMES[label] / f"{number:02d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(next(pictures).transpose(1, 2, 0)).save(path)
    return root


def folder_data(shift: int = 0) -> tuple[HandData, HandData]:
    """The training and the test images of such a folder, in the order of classes and names."""
    pictures, count = levels(len(TRAIN_LABELS) + len(TEST_LABELS), shift), len(TRAIN_LABELS)
    train = HandData(pictures[:count], np.array(TRAIN_LABELS), 255)
    return train, HandData(pictures[count:], np.array(TEST_LABELS), 255)


def trained(
    folder: Path, data: gbm.Batches, network: nn.Module | None, steps: int, **settings: object
) -> gbm.Run:
    """A run of a few large steps in `folder`, which is made."""
    folder.mkdir(parents=True)
    rest = {"batch_size": 6, "warmup_steps": 0, "learning_rate": 0.05, "device": "cpu"}
    rest |= {"precision": "float32", "class_conditional": bool(data.num_classes), "seed": 3}
    own = {"network": "own"} if network is not None else {}
    config = resolve(gbm.TrainConfig(steps=steps, **(rest | own | settings)))
    trainer = gbm.Trainer(config, data, folder, network)
    for _ in range(steps):
        trainer.train_step()
    trainer.save()
    write_run_files(folder, config, data)
    return gbm.load_run(folder, "cpu", network)


def by_hand(run: gbm.Run, data: HandData) -> HandRun:
    """What there is to know of a run, with its network in float64."""
    return HandRun(run.config, data, deepcopy(run.model.network).double(), run.num_classes)


def image_run(
    folder: Path,
    pictures: Path,
    conditional: bool,
    network: nn.Module | None = None,
    **settings: object,
) -> gbm.Run:
    """A run on the images of a folder, with a network of three numbers a channel unless told."""
    images = gbm.load_dataset("folder", pictures)
    named = {"dataset": "folder", "data_dir": pictures}
    return trained(folder, gbm.ImageBatches(images, conditional), network, 3, **named, **settings)


def law_run(folder: Path, conditional: bool, **settings: object) -> gbm.Run:
    """A run on a law in the plane."""
    batches = gbm.LawBatches(LAW, conditional)
    return trained(folder, batches, Told(2), 3, dataset="own-law", **settings)


def events(data: HandData) -> Events:
    """Positive images with their labels, as gbm_fast takes them."""
    return Events(torch.from_numpy(data.positive()).float(), torch.from_numpy(data.labels))
