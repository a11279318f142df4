"""A small made-up data set of pictures, and a classifier for it that is trained in a moment."""

from pathlib import Path

import torch

import gbm_fast as gbm
from gbm_fast.evaluation.classifier import ClassifierSettings

# Enough to change every weight; the features of a barely trained network are features too.
BRIEF = ClassifierSettings(epochs=1, min_steps=6, batch_size=16)


def tiny_data(
    train: int = 60, test: int = 40, channels: int = 1, name: str = "tiny"
) -> gbm.ImageData:
    """Noisy gratings of 9 x 8 pixels in two classes: stripes across, stripes down."""
    generator = torch.Generator().manual_seed(train + 1000 * channels)
    total = train + test
    labels = torch.arange(total) % 2
    rows = torch.arange(9)[:, None] % 2 * torch.ones(8)
    columns = torch.arange(8) % 2 * torch.ones(9)[:, None]
    pattern = torch.where(labels[:, None, None] == 0, rows, columns)[:, None]
    noise = torch.rand((total, channels, 9, 8), generator=generator)
    images = (140 * pattern + 100 * noise).to(torch.uint8)
    return gbm.ImageData(
        name=name,
        train_images=images[:train],
        train_labels=labels[:train],
        test_images=images[train:],
        test_labels=labels[train:],
        max_value=255,
        class_names=("across", "down"),
    )


def tiny_extractor(data: gbm.ImageData, folder: Path) -> gbm.FeatureExtractor:
    """Features of a tiny data set, trained for six steps into `folder`."""
    return gbm.load_or_train_classifier(data, folder, settings=BRIEF)
