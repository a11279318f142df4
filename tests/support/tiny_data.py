"""A small made-up data set of pictures, and classifiers that are trained in a moment."""

from pathlib import Path

import torch

import gbm_fast as gbm
from gbm_fast.evaluation.classifier import ClassifierSettings
from gbm_fast.evaluation.features import load_or_train_classifier

# Enough to change every weight; the features of a barely trained network are features too.
BRIEF = ClassifierSettings(epochs=1, min_steps=6, batch_size=16)


def tiny_data(train: int = 60, test: int = 40, channels: int = 1) -> gbm.ImageData:
    """Noisy gratings of 9 x 8 pixels in two classes: stripes across, stripes down."""
    generator = torch.Generator().manual_seed(train + 1000 * channels)
    total = train + test
    labels = torch.arange(total) % 2
    rows = torch.arange(9)[:, None] % 2 * torch.ones(8)
    columns = torch.arange(8) % 2 * torch.ones(9)[:, None]
    pattern = torch.where(labels[:, None, None] == 0, rows, columns)[:, None]
    noise = torch.rand((total, channels, 9, 8), generator=generator)
    images = (140 * pattern + 100 * noise).to(torch.uint8)
    parts = images[:train], labels[:train], images[train:], labels[train:]
    return gbm.ImageData("tiny", *parts, max_value=255, class_names=("across", "down"))


def tiny_extractor(data: gbm.ImageData, folder: Path) -> gbm.FeatureExtractor:
    """Features of a tiny data set, trained for six steps into `folder`."""
    return load_or_train_classifier(data, folder, settings=BRIEF)


def digits_extractor(root: Path, steps: int = 30) -> gbm.FeatureExtractor:
    """Features of the digits beside the runs of `root`, where the commands look for them."""
    settings = ClassifierSettings(epochs=1, min_steps=steps)
    digits = gbm.load_dataset("digits")
    return load_or_train_classifier(digits, root / "features", settings=settings)
