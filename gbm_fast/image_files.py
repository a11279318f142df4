"""Reading images that another program made, so that they can be measured like our own."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gbm_fast.data import ImageData, positive_from_integers


def read_images(path: Path, data: ImageData) -> Tensor:
    """Images (n, channels, height, width), float32 in [1, 2], of the kind of `data`.

    path: either a folder of 8-bit PNG files (searched recursively, in the order of their names;
    0..255 becomes [1, 2] for every data set), or a `.npy` file with an array (n, channels,
    height, width), or (n, height, width) for grey images: floats are already in [1, 2], uint8
    are the data set's own grey levels, 0..data.max_value.

    Raises:
        ValueError: the path is neither, a file cannot be read, or the images have another shape,
            depth or number type. Values are checked where the features are computed.
    """
    shape = (data.channels, *data.image_size)
    if path.is_dir():
        files = sorted(path.rglob("*.png"))
        if not files:
            raise ValueError(f"{path} holds no .png file")
        return torch.stack([_read_png(file, shape) for file in files])
    if path.suffix != ".npy" or not path.is_file():
        raise ValueError(f"{path} is neither a folder of .png files nor a .npy file")
    return _read_array(path, shape, data.max_value)


def _read_png(file: Path, shape: tuple[int, ...]) -> Tensor:
    """One 8-bit image of the given (channels, height, width); colour is never thrown away."""
    try:
        with Image.open(file) as image:
            mode, pixels = image.mode, np.array(image)
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{file} cannot be read as an image: {error}") from error
    if mode not in ("L", "RGB"):
        raise ValueError(f"{file} has mode {mode}; convert it to 8-bit grey (L) or colour (RGB)")
    channels = np.atleast_3d(pixels).transpose(2, 0, 1)
    if shape[0] == 1 and np.array_equal(channels, np.broadcast_to(channels[:1], channels.shape)):
        channels = channels[:1]
    if channels.shape != shape:
        raise ValueError(
            f"{file} is an image of shape {channels.shape} (channels, height, width); "
            f"the data set has {shape}"
        )
    return positive_from_integers(torch.from_numpy(channels.copy()), 255)


def _read_array(path: Path, shape: tuple[int, ...], max_value: int) -> Tensor:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{path} cannot be read as a .npy array: {error}") from error
    if array.ndim == 3 and shape[0] == 1:
        array = array[:, None]
    if array.ndim != 4 or array.shape[1:] != shape:
        raise ValueError(
            f"{path} has shape {array.shape}; the data set needs (n, {', '.join(map(str, shape))})"
        )
    if array.dtype == np.uint8:
        return positive_from_integers(torch.from_numpy(array), max_value)
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(
            f"{path} holds {array.dtype}; save floats in [1, 2], or uint8 in 0..{max_value}"
        )
    return torch.from_numpy(array.astype(np.float32))
