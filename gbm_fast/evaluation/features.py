"""Image features from a classifier of the same data set, stored beside the runs.

Inception features, made for photographs, say little about digits or clothes. Here a small
convolutional network (`gbm_fast.evaluation.classifier`) is trained to tell the classes of the data
set apart, and the 64 numbers before its last layer are the features of an image.

A distance means something only together with the network it was measured with: `hash` is the
start of the SHA-256 of its weights. Training is deterministic on one machine with one number of
threads, but another machine may round differently. **Compare distances only under the same
hash.**
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gbm_fast.checks import require_positive
from gbm_fast.data import ImageData
from gbm_fast.evaluation.classifier import (
    ClassifierSettings,
    FeatureClassifier,
    accuracy,
    require_size,
    train_classifier,
)
from gbm_fast.runtime.files import load_tensors, save_tensors
from gbm_fast.runtime.folders import briefly_locked
from gbm_fast.runtime.places import require_writable

CLASSIFIER_FORMAT = "gbm-diffusion feature classifier 2"
_RANGE_SLACK = 1e-6  # float32 rounding of 1 + u / max_value at the ends of [1, 2]


@dataclass(frozen=True)
class FeatureExtractor:
    """Maps images to feature vectors, and says which network did it.

    name: what to print; hash: first 16 hexadecimal digits of the SHA-256 of the weights;
    dim: number of features; image_shape: (channels, height, width) it accepts; test_accuracy:
    of the classifier on the test images (None where it is no classifier of this data set);
    network: float32 images (b, *image_shape) in [1, 2] -> (b, dim); head: of a classifier,
    features (b, dim) -> (b, classes).
    """

    name: str
    hash: str
    dim: int
    image_shape: tuple[int, int, int]
    test_accuracy: float | None
    network: Callable[[Tensor], Tensor]
    batch_size: int = 500
    head: Callable[[Tensor], Tensor] | None = None

    def __call__(self, images: Tensor) -> NDArray[np.float64]:
        """Features of images (n, *image_shape), float, in [1, 2]: float64 array (n, dim).

        Raises:
            ValueError: no images, another shape, an integer dtype, NaN, zero or negative values,
                values outside [1, 2].
        """
        self._check(images)
        with torch.no_grad():
            batches = [self.network(b).double() for b in images.float().split(self.batch_size)]
        return torch.cat(batches).numpy()

    def _check(self, images: Tensor) -> None:
        if images.ndim != 4 or len(images) == 0 or tuple(images.shape[1:]) != self.image_shape:
            raise ValueError(
                f"the images have shape {tuple(images.shape)}; the features {self.name} take "
                f"(n, {', '.join(map(str, self.image_shape))}) with n >= 1."
            )
        if not images.is_floating_point():
            raise ValueError(
                f"the images are {images.dtype}; map integers to [1, 2] first "
                "(positive_from_integers)."
            )
        require_positive(images, "images")
        low, high = float(images.min()), float(images.max())
        if low < 1.0 - _RANGE_SLACK or high > 2.0 + _RANGE_SLACK:
            raise ValueError(
                f"the images run from {low:.4g} to {high:.4g}; features are defined on [1, 2] "
                "(1 is black, 2 is white): rescale them, or clip a sampler's output."
            )


def weights_hash(state: dict[str, Tensor]) -> str:
    """First 16 hexadecimal digits of the SHA-256 over names, shapes and values, sorted by name."""
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(f"{name} {tuple(state[name].shape)} {state[name].dtype}".encode())
        digest.update(state[name].contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def classifier_path(data: ImageData, folder: Path) -> Path:
    """Where the classifier of these images is kept: their name, and the start of their hash."""
    both = hashlib.sha256(f"{data.train_sha256} {data.test_sha256}".encode()).hexdigest()
    return folder / f"{data.name}-{both[:12]}-classifier.safetensors"


def require_classifier(data: ImageData, folder: Path) -> None:
    """Raise ValueError unless `load_or_train_classifier` will have what it needs.

    The classifier that is there is one of these images, or there can be one: images that are large
    enough, and a folder that takes it (OSError).
    """
    path = classifier_path(data, folder)
    if path.exists():
        _read(path, data)
        return
    require_size(data.image_size)
    require_writable(folder)


def load_or_train_classifier(
    data: ImageData,
    folder: Path,
    seed: int = 0,
    settings: ClassifierSettings | None = None,
) -> FeatureExtractor:
    """The features of `data`: read from `folder`, or trained and stored there the first time.

    The file is that of `classifier_path`, so that data sets of one name have one each; it is
    written in one step, so an interrupted training leaves nothing. `seed` and `settings` matter
    only where it is trained.

    Raises:
        ValueError: the file is damaged, is not such a classifier, or belongs to other images;
            the folder cannot be written.
    """
    path = classifier_path(data, folder)
    if path.exists():
        return _read(path, data)
    settings = settings or ClassifierSettings()
    network = train_classifier(data, seed, settings)
    state = network.state_dict()
    facts = {
        "dataset": data.name,
        "train_sha256": data.train_sha256,
        "test_sha256": data.test_sha256,
        "weights_hash": weights_hash(state),
        "seed": seed,
        "settings": asdict(settings),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with briefly_locked(path):
            save_tensors(path, state, CLASSIFIER_FORMAT, facts)
    except OSError as error:
        raise ValueError(f"the classifier cannot be stored in {folder}: {error}") from error
    return _read(path, data)


def _read(path: Path, data: ImageData) -> FeatureExtractor:
    """The extractor stored at `path`, after checking that it is whole and belongs to `data`."""
    state, facts = load_tensors(path, CLASSIFIER_FORMAT)
    advice = "delete it to train the classifier again"
    of = facts.get("train_sha256"), facts.get("test_sha256")
    if of != (data.train_sha256, data.test_sha256):
        raise ValueError(
            f"{path} was trained on other images ({facts.get('dataset')}) than the "
            f"{data.name} given here; {advice}, or use another folder."
        )
    network = FeatureClassifier(data.channels, data.image_size, data.num_classes)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"{path} holds another network: {error}; {advice}.") from error
    # With one class there is nothing to learn: the weights stay random, and the name says so.
    random = data.num_classes == 1
    return FeatureExtractor(
        name=f"{data.name}-{'random-features' if random else 'classifier'}",
        hash=weights_hash(state),
        dim=network.dim,
        image_shape=(data.channels, *data.image_size),
        # Measured, not remembered: it is what the file's weights do, whoever put them there.
        test_accuracy=None if random else accuracy(network, data),
        network=network.eval().features,
        head=None if random else network.classes,
    )
