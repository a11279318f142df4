"""An array file as a data set: `--dataset npy --data-dir FILE.npy`.

The array holds grey levels, uint8 or uint16, as (n, height, width) or, with 1 or 3 channels, as
(n, height, width, channels) or (n, channels, height, width), or positive floats in units of their
own, which may have more channels. It has one class and no split: every tenth image is held out.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from gbm_fast.data.directory import is_file, say
from gbm_fast.data.own.fitting import Sizes
from gbm_fast.data.own.held_out import held_out, plain_name
from gbm_fast.data.own.values import channels_first, settled
from gbm_fast.data.types import ImageData
from gbm_fast.runtime.reading import read_array
from gbm_fast.settings.datasets import Range, Zeros

_CHANNELS = (1, 3)
_LAYOUTS = "(n, h, w), (n, h, w, channels) or (n, channels, h, w) with 1 or 3 channels"


def load_npy(path: Path, own: Range, zeros: Zeros, image_size: int | None) -> ImageData:
    """The images of one .npy file: grey levels, or floats in units of their own.

    own     data: integers are in units of their own as well
    zeros   what becomes of zeros and NaN in units of their own, as in `settled`
    image_size  the side that the images are made; None: as they are

    Raises ValueError for a missing or damaged file, another number type, a shape that is no set of
    images or can be read in two ways, fewer than ten images, and what `settled` refuses.
    """
    if not is_file(path):
        raise ValueError(f"{path} does not exist: --dataset npy needs --data-dir FILE.npy.")

    def check(shape: tuple[int, ...], dtype: np.dtype) -> None:
        if not _in_own_units(dtype, own):
            _require_images(path, shape)

    array = read_array(path, None, check)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)  # the only one that torch has
    in_own_units = _in_own_units(array.dtype, own)
    if in_own_units:
        array = settled(channels_first(path, array), zeros, str(path))
    else:
        _require_levels(path, array)
        array = _channels_first(array)
    sizes = Sizes(image_size)
    array = np.stack([sizes.fit(image) for image in array])
    sizes.tell(say, str(path))
    levels = torch.from_numpy(array)
    is_test = held_out(len(levels), str(path))
    labels = torch.zeros(len(levels), dtype=torch.int64)
    return ImageData(
        name=plain_name("npy", path.stem),
        train_images=levels[~is_test],
        train_labels=labels[~is_test],
        test_images=levels[is_test],
        test_labels=labels[is_test],
        max_value=None if in_own_units else int(np.iinfo(array.dtype).max),
        class_names=("image",),
    )


def _in_own_units(dtype: np.dtype, own: Range) -> bool:
    return dtype.kind == "f" or own == "data" and dtype.kind in "ui"


def _require_levels(path: Path, array: NDArray) -> None:
    if array.dtype in (np.uint8, np.uint16):
        return
    advice = "save grey levels as uint8 (0..255) or uint16 (0..65535)"
    if array.dtype.kind in "ui":
        advice += ", or pass --range data, which takes them in units of their own"
    raise ValueError(f"{path} holds {array.dtype}: {advice}.")


def _require_images(path: Path, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless an array of this shape is a set of images, in one way."""
    if 0 in shape:
        raise ValueError(f"{path} has shape {shape}, and so no pixels: a set is {_LAYOUTS}.")
    if len(shape) == 3:
        if shape[-1] in (1, 3, 4):
            raise ValueError(
                f"{path} has shape {shape}, which looks like one image with {shape[-1]} "
                f"channels: a set is {_LAYOUTS}."
            )
        return
    if len(shape) != 4:
        raise ValueError(f"{path} has shape {shape}: a set of images is {_LAYOUTS}.")
    first, last = shape[1] in _CHANNELS, shape[3] in _CHANNELS
    if first and last:
        raise ValueError(
            f"{path} has shape {shape}, whose channels may be the second number or the last: "
            "leave out a single channel, or save images that are more than 3 pixels wide and high."
        )
    if not (first or last):
        hint = "; drop the alpha channel" if 4 in (shape[1], shape[3]) else ""
        raise ValueError(f"{path} has shape {shape}: a set of images is {_LAYOUTS}{hint}.")


def _channels_first(array: NDArray) -> NDArray:
    """An array of a shape that `_require_images` takes as (n, channels, height, width)."""
    if array.ndim == 3:
        return array[:, None]
    return array if array.shape[1] in _CHANNELS else array.transpose(0, 3, 1, 2)
