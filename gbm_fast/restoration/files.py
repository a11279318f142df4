"""Images in and out: TIFF with its tags, arrays of NumPy, and pictures at their own depth."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gbm_fast.data.codecs import encode_image
from gbm_fast.data.own.values import TIFF, VALUE_SUFFIXES, number_type, read_values
from gbm_fast.runtime.files import write_atomic
from gbm_fast.runtime.reading import decoding, open_regular

# Tags that say how the numbers are stored, which is the writer's affair, or point into the file.
_OF_STORAGE = frozenset(
    (254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 274, 277, 278, 279, 284, 288, 289)
    + (282, 283, 296, 305)
    + (292, 293, 297, 317, 320, 322, 323, 324, 325, 330, 338, 339, 347, 530, 531, 532)
    + (34665, 34853, 50839, 50838)
)

# Resolution in two directions and its unit, software, and what stands for missing pixels.
_NAMED = (282, 283, 296, 305, 42113)


@dataclass(frozen=True, eq=False)
class ImageFile:
    """An image as its file has it.

    values   (C, H, W) float64; NaN where the file says that a pixel is missing
    dtype    type of the numbers in the file
    layout   axes of the array in a .npy file: as many as it has, channels first or last
    tags     of TIFF: (code, type, count, value, True), as tifffile takes them
    missing  the number that stands for missing pixels, or None
    resolution, unit, software
             of TIFF, the tags of these names, which tifffile takes by name
    """

    path: Path
    values: Tensor
    dtype: np.dtype
    channels_last: bool
    axes: int
    tags: tuple[tuple[Any, ...], ...] = ()
    missing: float | None = None
    resolution: tuple[Any, Any] | None = None
    unit: int | None = None
    software: str | bool = False


def read(path: Path) -> ImageFile:
    """The image of a file; ValueError as `read_values`, and for a suffix that is not read."""
    if path.suffix.lower() not in VALUE_SUFFIXES:
        raise ValueError(f"{path} is none of {', '.join(VALUE_SUFFIXES)}: convert it.")
    values = torch.from_numpy(read_values(path).astype(np.float64))
    if path.suffix.lower() == ".npy":
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        last = array.ndim == 3 and tuple(array.shape[:2]) == tuple(values.shape[1:])
        return ImageFile(path, values, array.dtype, last, array.ndim)
    if path.suffix.lower() in TIFF:
        return ImageFile(path, values, number_type(path), False, 3, *_tags(path))
    deep = bool((values > 255).any()) or number_type(path).itemsize == 2
    return ImageFile(path, values, np.dtype(np.uint16 if deep else np.uint8), False, 3)


def _tags(path: Path) -> tuple[Any, ...]:
    """The last five fields of `ImageFile`."""
    import tifffile

    with open_regular(path) as file, decoding(path, "an image", "replace it, or take it away"):
        with tifffile.TiffFile(file) as tiff:
            tags = tiff.pages.first.tags
            kept = [
                (tag.code, int(tag.dtype), tag.count, tag.value, True)
                for tag in tags
                if tag.code not in _OF_STORAGE
            ]
            named = {
                code: tags[code].value for code in (282, 283, 296, 305, 42113) if code in tags
            }
    text = str(named.get(42113, "")).strip("\0 ")
    resolution = (named[282], named[283]) if {282, 283} <= named.keys() else None
    unit = int(named[296]) if 296 in named else None
    missing = float(text) if text else None
    return tuple(kept), missing, resolution, unit, named.get(305, False)


def encoded(image: ImageFile, numbers: Tensor, exact: bool) -> bytes:
    """Numbers (C, H, W) as a file like the one that was read.

    exact   float32 in place of integers: for deviations and bands, which have no depth

    Missing pixels get the number that stands for them. Integers are rounded and cut to what their
    type holds.
    """
    array = numbers.numpy()
    if image.missing is not None:
        array = np.where(np.isnan(array), image.missing, array)
    floats = exact or image.dtype.kind == "f"
    dtype = image.dtype if image.dtype.kind == "f" else np.dtype(np.float32)
    made: NDArray = array.astype(dtype) if floats else _rounded(array, image.dtype)
    if image.path.suffix.lower() == ".npy":
        buffer = io.BytesIO()
        laid = made[0] if image.axes == 2 else np.moveaxis(made, 0, -1)
        np.save(buffer, laid if image.axes == 2 or image.channels_last else made)
        return buffer.getvalue()
    if image.path.suffix.lower() in TIFF:
        return _tiff(image, made)
    return encode_image(made.astype(np.float32) if floats else made)[1]


def suffix(image: ImageFile, exact: bool) -> str:
    """The suffix of what `encoded` makes: the file's own, TIFF for floats beside a picture."""
    own = image.path.suffix.lower()
    if own == ".npy" or own in TIFF:
        return image.path.suffix
    if exact or image.dtype == np.uint16 and len(image.values) == 3:
        return ".tif"
    return ".png"


def _rounded(array: NDArray, dtype: np.dtype) -> NDArray:
    limits = np.iinfo(dtype)
    filled = np.nan_to_num(array, nan=0.0)
    return np.clip(np.rint(filled), limits.min, limits.max).astype(dtype)


def _tiff(image: ImageFile, made: NDArray) -> bytes:
    import tifffile

    buffer, several = io.BytesIO(), len(made) > 1
    colour = len(made) == 3 and made.dtype.kind == "u"
    pixels = made if several else made[0]
    tifffile.imwrite(
        buffer,
        np.ascontiguousarray(np.moveaxis(pixels, 0, -1) if colour else pixels),
        photometric="rgb" if colour else "minisblack",
        planarconfig="separate" if several and not colour else None,
        extratags=image.tags,
        metadata=None,
        resolution=image.resolution,
        resolutionunit=image.unit,
        software=image.software,
    )
    return buffer.getvalue()


def write(image: ImageFile, folder: Path, part: str, numbers: Tensor, exact: bool) -> Path:
    """Write numbers (C, H, W) as NAME-part in `folder`, atomically; the path."""
    path = folder / f"{image.path.stem}-{part}{suffix(image, exact)}"
    write_atomic(path, encoded(image, numbers, exact))
    return path
