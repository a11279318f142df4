"""An array file as a data set: `--dataset npy --data-dir FILE.npy`.

The array holds grey levels, uint8 or uint16, as (n, height, width) or, with 1 or 3 channels, as
(n, height, width, channels) or (n, channels, height, width). It has one class and no split: every
tenth image is held out.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from gbm_fast.data.directory import is_file
from gbm_fast.data.held_out import held_out, plain_name
from gbm_fast.data.types import ImageData
from gbm_fast.runtime.reading import read_array

_CHANNELS = (1, 3)
_LAYOUTS = "(n, h, w), (n, h, w, channels) or (n, channels, h, w) with 1 or 3 channels"


def load_npy(path: Path) -> ImageData:
    """The images of one .npy file.

    Raises ValueError for a missing or damaged file, an object array, another number type (floats
    among them: they have no grey levels to return to), a shape that is no set of images or that
    can be read in two ways, and fewer than ten images.
    """
    if not is_file(path):
        raise ValueError(f"{path} does not exist: --dataset npy needs --data-dir FILE.npy.")
    array = read_array(path, None, lambda shape, dtype: _require_images(path, shape))
    array = array.astype(array.dtype.newbyteorder("="), copy=False)  # the only one that torch has
    _require_levels(path, array)
    levels = torch.from_numpy(np.ascontiguousarray(_channels_first(array)))
    is_test = held_out(len(levels), str(path))
    labels = torch.zeros(len(levels), dtype=torch.int64)
    return ImageData(
        name=plain_name("npy", path.stem),
        train_images=levels[~is_test],
        train_labels=labels[~is_test],
        test_images=levels[is_test],
        test_labels=labels[is_test],
        max_value=int(np.iinfo(array.dtype).max),
        class_names=("image",),
    )


def _require_levels(path: Path, array: NDArray) -> None:
    if array.dtype in (np.uint8, np.uint16):
        return
    advice = "save the grey levels as uint8 (0..255) or uint16 (0..65535)"
    if np.issubdtype(array.dtype, np.floating):
        bad = int((~np.isfinite(array)).sum()), int((array < 0).sum())
        if any(bad):
            advice = f"{bad[0]} of them not finite and {bad[1]} negative: mend these, and {advice}"
        advice += ", for instance np.rint(65535 * (x / x.max())).astype(np.uint16)"
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
