"""Colour without a network: 32 x 32 patches of photographs that scikit-learn and -image ship.

Seven scenes, one class each. A photograph is cut into blocks of 64 x 64 pixels, of which those
with (2 row + column) % 5 == 4, a fifth in every row and column, are for testing; patches start
every 8 pixels and lie within one block, so that no test pixel is in a training patch. What is
left at the right and lower edges is not used. The photographs are small and their patches
overlap: a data set to see whether colour works, not one to compare models on.

Left out: the second picture of the stereo pair, the microscopes' and the telescope's pictures.
Three photographs are JPEG files, which another version of Pillow's decoder may round differently.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from gbm_fast.data.types import ImageData

PATCH, BLOCK, STRIDE, TEST_EVERY = 32, 64, 8, 5

Photograph = NDArray[np.uint8]


def load_natural_patches() -> ImageData:
    """8,100 training and 1,975 test patches, images (n, 3, 32, 32); needs no file, no network.

    Raises ValueError where scikit-image is not installed, or a photograph cannot be read.
    """
    scenes = _photographs()
    train, test = [], []
    for label, photograph in enumerate(scenes.values()):
        train_patches, test_patches = cut_patches(photograph)
        train.append((train_patches, np.full(len(train_patches), label)))
        test.append((test_patches, np.full(len(test_patches), label)))
    (train_images, train_labels), (test_images, test_labels) = (
        tuple(torch.from_numpy(np.concatenate(part)) for part in zip(*split, strict=True))
        for split in (train, test)
    )
    return ImageData(
        name="natural-patches",
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        max_value=255,
        class_names=tuple(scenes),
    )


def cut_patches(photograph: Photograph) -> tuple[Photograph, Photograph]:
    """(training, test) patches, each (n, 3, 32, 32), of a photograph (height, width, 3)."""
    height, width = photograph.shape[:2]
    rows, columns = height // BLOCK, width // BLOCK
    whole = photograph[: rows * BLOCK, : columns * BLOCK]
    blocks = whole.reshape(rows, BLOCK, columns, BLOCK, 3).swapaxes(1, 2)
    blocks = blocks.reshape(-1, BLOCK, BLOCK, 3)
    starts = range(0, BLOCK - PATCH + 1, STRIDE)
    cut = [blocks[:, t : t + PATCH, s : s + PATCH] for t in starts for s in starts]
    patches = np.stack(cut, axis=1).transpose(0, 1, 4, 2, 3)  # (blocks, 25, 3, 32, 32)
    row, column = np.divmod(np.arange(len(blocks)), columns)
    is_test = (2 * row + column) % TEST_EVERY == TEST_EVERY - 1
    shape = (-1, 3, PATCH, PATCH)
    return patches[~is_test].reshape(shape), patches[is_test].reshape(shape)


def _photographs() -> dict[str, Photograph]:
    """The scenes by name; each package has them in its wheel, so nothing is downloaded."""
    try:
        import skimage.data as scenes
    except ImportError as error:
        raise ValueError(
            "natural-patches needs scikit-image, which ships the photographs: "
            "pip install scikit-image."
        ) from error
    from sklearn.datasets import load_sample_image

    readers: dict[str, Callable[[], Photograph]] = {
        "astronaut": scenes.astronaut,
        "cat": scenes.chelsea,
        "coffee": scenes.coffee,
        "flower": lambda: load_sample_image("flower.jpg"),
        "motorcycle": lambda: scenes.stereo_motorcycle()[0],
        "rocket": scenes.rocket,
        "temple": lambda: load_sample_image("china.jpg"),
    }
    try:
        return {name: read() for name, read in readers.items()}
    except Exception as error:  # of whatever decoder the package has chosen
        raise ValueError(
            f"a photograph that scikit-image or scikit-learn ships cannot be read ({error}): "
            "install the two again."
        ) from error
