"""Reading images that another program made, so that they can be measured like our own."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gbm_fast.checks import require_positive
from gbm_fast.data import ImageData, positive_from_integers
from gbm_fast.data.codecs import Levels, is_grey, read_image
from gbm_fast.data.own.listing import list_images
from gbm_fast.runtime.reading import read_array

_SUFFIXES = (".png", ".tif", ".tiff", ".bmp")  # without loss: a JPEG has artefacts of its own


def read_images(path: Path, data: ImageData) -> Tensor:
    """Images (n, channels, height, width), float32 in [1, 2], of the kind of `data`.

    path: either a folder of PNG, TIFF or BMP files (searched recursively, in the order of their
    names; hidden files and notes are left out, which is said, and other files refused; 0..255, and
    0..65535 for files of 16 bits, become [1, 2] for every data set), or an array
    (n, channels, height, width), or (n, height, width) for grey images, in a `.npy` file or under
    the name `images` in a `.npz` file: floats are already in [1, 2], unsigned integers are the
    data set's own grey levels, 0..data.max_value.

    Raises:
        ValueError: the path is neither, a file cannot be read or is none of these, there are no
            images, they have another shape, depth or number type, or an element is not positive
            and finite. The range [1, 2] is checked where the features are computed.
    """
    shape = (data.channels, *data.image_size)
    if path.is_dir():
        files = list_images(path, _SUFFIXES)
        if not files:
            raise ValueError(f"{path} holds no {' or '.join(_SUFFIXES)} file.")
        return torch.stack([_read_file(file, shape) for file in files])
    if path.suffix not in (".npy", ".npz") or not path.is_file():
        raise ValueError(f"{path} is neither a folder of images nor a .npy or .npz file.")
    array = read_array(path, "images", lambda *found: _require_images(path, shape, *found))
    return _as_images(path, array, data.grey_levels())


def _read_file(file: Path, shape: tuple[int, ...]) -> Tensor:
    """One image of the given (channels, height, width); colour is never thrown away."""
    levels: Levels = read_image(file)
    if shape[0] == 1 and is_grey(levels):
        levels = levels[:1]
    if levels.shape != shape:
        raise ValueError(
            f"{file} is an image of shape {levels.shape} (channels, height, width); "
            f"the data set has {shape}."
        )
    return positive_from_integers(torch.from_numpy(levels), int(np.iinfo(levels.dtype).max))


def read_draws(path: Path, d: int) -> Tensor:
    """Draws (n, d), positive floats, of a law: a `.npy` file, or `samples` of a `.npz` file.

    Raises ValueError where it is neither, cannot be read, has another shape or number type, or
    holds a number that is not positive and finite.
    """
    if path.suffix not in (".npy", ".npz") or not path.is_file():
        raise ValueError(f"{path} is neither a .npy nor a .npz file.")

    def require_draws(shape: tuple[int, ...], dtype: np.dtype) -> None:
        if len(shape) != 2 or shape[0] == 0 or shape[1] != d or dtype.kind != "f":
            raise ValueError(
                f"{path} holds {dtype} of shape {shape}: floats (n, {d}) are wanted, n >= 1."
            )

    array = read_array(path, "samples", require_draws)
    with np.errstate(all="ignore"):
        draws = torch.from_numpy(array.astype(np.float64))
    require_positive(draws, f"{path}: the draws")
    return draws


def _require_images(
    path: Path, shape: tuple[int, ...], found: tuple[int, ...], dtype: np.dtype
) -> None:
    """Raise ValueError unless an array of shape `found` holds images of `shape`, in numbers."""
    plain = len(found) == 3 and shape[0] == 1 and found[1:] == shape[1:]
    if found[:1] == (0,) or not (plain or found[1:] == shape):
        raise ValueError(
            f"{path} has shape {found}; the data set needs (n, {', '.join(map(str, shape))}), "
            "n >= 1."
        )
    if dtype.kind != "f" and (dtype.kind, dtype.itemsize) not in (("u", 1), ("u", 2)):
        raise ValueError(
            f"{path} holds {dtype}; save floats in [1, 2], or unsigned integers of 8 or 16 bits, "
            "the grey levels of the data set."
        )


def _as_images(path: Path, array: NDArray, max_value: int) -> Tensor:
    if array.ndim == 3:
        array = array[:, None]
    if array.dtype.kind == "f":
        with np.errstate(all="ignore"):  # what is too large for float32 is infinite, and refused
            images = torch.from_numpy(array.astype(np.float32))
        require_positive(images, f"{path}: the images")
        return images
    array = array.astype(array.dtype.newbyteorder("="), copy=False)  # the only one that torch has
    try:
        return positive_from_integers(torch.from_numpy(array), max_value)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
