"""Reading images that another program made, so that they can be measured like our own."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gbm_fast.data import ImageData, positive_from_integers
from gbm_fast.data.codecs import Levels, is_grey, read_image

_SUFFIXES = (".png", ".tif", ".tiff")  # without loss: a JPEG would be measured with its artefacts


def read_images(path: Path, data: ImageData) -> Tensor:
    """Images (n, channels, height, width), float32 in [1, 2], of the kind of `data`.

    path: either a folder of PNG or TIFF files (searched recursively, in the order of their names;
    0..255, and 0..65535 for files of 16 bits, become [1, 2] for every data set), or an array
    (n, channels, height, width), or (n, height, width) for grey images, in a `.npy` file or under
    the name `images` in a `.npz` file: floats are already in [1, 2], unsigned integers are the
    data set's own grey levels, 0..data.max_value.

    Raises:
        ValueError: the path is neither, a file cannot be read, or the images have another shape,
            depth or number type. Values are checked where the features are computed.
    """
    shape = (data.channels, *data.image_size)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in _SUFFIXES)
        if not files:
            raise ValueError(f"{path} holds no {' or '.join(_SUFFIXES)} file.")
        return torch.stack([_read_file(file, shape) for file in files])
    if path.suffix not in (".npy", ".npz") or not path.is_file():
        raise ValueError(f"{path} is neither a folder of images nor a .npy or .npz file.")
    return _as_images(path, _read_array(path, "images"), shape, data.max_value)


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


def _read_array(path: Path, name: str) -> np.ndarray:
    try:
        stored = np.load(path, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            return stored
        with stored:
            return stored[name]
    except (OSError, ValueError, EOFError, KeyError) as error:
        kind = path.suffix
        raise ValueError(f"{path} cannot be read as a {kind} array: {error}") from error


def read_draws(path: Path, d: int) -> Tensor:
    """Draws (n, d), positive floats, of a law: a `.npy` file, or `samples` of a `.npz` file.

    Raises ValueError where it is neither, cannot be read, or has another shape or number type.
    """
    if path.suffix not in (".npy", ".npz") or not path.is_file():
        raise ValueError(f"{path} is neither a .npy nor a .npz file.")
    array = _read_array(path, "samples")
    if array.ndim != 2 or array.shape[1] != d or not np.issubdtype(array.dtype, np.floating):
        raise ValueError(
            f"{path} holds {array.dtype} of shape {array.shape}: floats (n, {d}) are wanted."
        )
    return torch.from_numpy(array.astype(np.float64))


def _as_images(path: Path, array: np.ndarray, shape: tuple[int, ...], max_value: int) -> Tensor:
    if array.ndim == 3 and shape[0] == 1:
        array = array[:, None]
    if array.ndim != 4 or array.shape[1:] != shape:
        raise ValueError(
            f"{path} has shape {array.shape}; the data set needs (n, "
            f"{', '.join(map(str, shape))})."
        )
    if array.dtype in (np.uint8, np.uint16):
        return positive_from_integers(torch.from_numpy(array), max_value)
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(
            f"{path} holds {array.dtype}; save floats in [1, 2], or unsigned integers of 8 or 16 "
            f"bits in 0..{max_value}."
        )
    return torch.from_numpy(array.astype(np.float32))
