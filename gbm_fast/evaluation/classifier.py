"""A small convolutional classifier, whose last hidden layer gives image features.

The features are standardised over the training images (variance 1 each), so a Fréchet distance
of 64 is about that of a set whose features have no spread at all. `gbm_fast.evaluation.features`
stores and applies the trained network.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from gbm_fast.data import ImageData

_EVALUATION_BATCH = 500


def require_size(image_size: tuple[int, int]) -> None:
    """Raise ValueError for images that are too small for the classifier."""
    if min(image_size) < 8:
        raise ValueError(
            f"images of {image_size} pixels are too small to be measured; 8 x 8 is the least."
        )


class FeatureClassifier(nn.Module):
    """A convolutional classifier for images (n, channels, height, width) with values in [1, 2].

    Two strided convolutions, a linear map to `dim` standardised features, a linear head.
    """

    dim = 64

    def __init__(self, channels: int, image_size: tuple[int, int], num_classes: int) -> None:
        """Raises ValueError for images smaller than 8 x 8."""
        super().__init__()
        require_size(image_size)
        cells = [(side // 2 + 1) // 2 for side in image_size]  # after the two strides
        self.trunk = nn.Sequential(
            nn.Conv2d(channels, 32, kernel_size=4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 64, kernel_size=3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64 * cells[0] * cells[1], self.dim),
        )
        self.standardise = nn.BatchNorm1d(self.dim, affine=False)
        self.head = nn.Linear(self.dim, num_classes)

    def features(self, images: Tensor) -> Tensor:
        """(n, dim) features; the inputs are centred here, so pass values in [1, 2]."""
        return self.standardise(self.trunk(2.0 * (images - 1.5)))

    def forward(self, images: Tensor) -> Tensor:
        """(n, num_classes) logits."""
        return self.classes(self.features(images))

    def classes(self, features: Tensor) -> Tensor:
        """(n, num_classes) logits of (n, dim) features."""
        return self.head(functional.relu(features))


@dataclass(frozen=True)
class ClassifierSettings:
    """How the feature classifier is trained (AdamW, one-cycle learning rate)."""

    epochs: int = 5
    min_steps: int = 200  # a data set of a thousand images needs more than five epochs
    batch_size: int = 256
    peak_learning_rate: float = 4e-3
    weight_decay: float = 1e-2


def _batches(total: int, batch_size: int, steps: int, seed: int) -> Iterator[Tensor]:
    """`steps` index batches from one shuffle of the data after another.

    A ragged last batch is left out: the batch statistics of one image do not exist.
    """
    generator = torch.Generator().manual_seed(seed)
    per_epoch = total // batch_size
    for step in range(steps):
        if step % per_epoch == 0:
            order = torch.randperm(total, generator=generator)
        first = (step % per_epoch) * batch_size
        yield order[first : first + batch_size]


def _plan(data: ImageData, settings: ClassifierSettings) -> tuple[int, int]:
    """The size of a batch, and the number of steps.

    Images of more than 128 x 128 pixels come in batches of fewer, whose memory is that of these.
    """
    total = len(data.train_images)
    height, width = data.image_size
    fitting = max(16, settings.batch_size * 128**2 // (height * width))
    batch_size = min(settings.batch_size, total, fitting)
    return batch_size, max(settings.epochs * (total // batch_size), settings.min_steps)


def _new(data: ImageData, seed: int) -> FeatureClassifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return FeatureClassifier(data.channels, data.image_size, data.num_classes)


def _loss(network: FeatureClassifier, data: ImageData, index: Tensor) -> Tensor:
    images = data.positive(data.train_images[index])
    return functional.cross_entropy(network(images), data.train_labels[index])


def training_seconds(data: ImageData, settings: ClassifierSettings | None = None) -> float:
    """About how long `train_classifier` takes: two steps are made, and the second is measured."""
    batch_size, steps = _plan(data, settings or ClassifierSettings())
    network = _new(data, seed=0)
    for _ in range(2):
        started = time.perf_counter()
        _loss(network, data, torch.arange(batch_size)).backward()
        seconds = time.perf_counter() - started
    return seconds * steps


def train_classifier(
    data: ImageData, seed: int = 0, settings: ClassifierSettings | None = None
) -> FeatureClassifier:
    """Train a `FeatureClassifier` on the training images, on the CPU, with a progress bar.

    About 90 s of one core for 60,000 images of 28 x 28, a few for 1,438 digits. The global
    random state is left as it was; equal seeds give equal weights on one machine.

    Raises:
        ValueError: images smaller than 8 x 8, or fewer than two training images.
    """
    settings = settings or ClassifierSettings()
    total = len(data.train_images)
    if total < 2:
        raise ValueError(f"{data.name} has {total} training image(s); at least 2 are needed.")
    batch_size, steps = _plan(data, settings)
    network = _new(data, seed)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=settings.peak_learning_rate, total_steps=steps
    )
    batches = _batches(total, batch_size, steps, seed)
    for index in tqdm(batches, total=steps, desc=f"classifier for {data.name}", mininterval=1.0):
        optimiser.zero_grad()
        _loss(network, data, index).backward()
        optimiser.step()
        schedule.step()
    return network.eval()


def accuracy(network: FeatureClassifier, data: ImageData) -> float:
    """Share of the test images that the classifier labels correctly."""
    network.eval()
    correct = 0
    with torch.no_grad():
        for images, labels in zip(
            data.test_images.split(_EVALUATION_BATCH),
            data.test_labels.split(_EVALUATION_BATCH),
            strict=True,
        ):
            logits = network(data.positive(images))
            correct += int((logits.argmax(dim=1) == labels).sum())
    return correct / len(data.test_images)
