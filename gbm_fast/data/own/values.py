"""Image files of positive numbers in units of their own: TIFF, or arrays of NumPy, one image each.

Floats of 16, 32 or 64 bits are kept as float32, whose seven digits are more than a detector has.
Integers are read so where they are asked for in their own units. What a file declares as missing
(GDAL's no-data tag) is NaN. Zeros and missing values have no logarithm: `settled` says what
becomes of them.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gbm_fast.data.codecs import SUFFIXES, read_image
from gbm_fast.data.directory import say
from gbm_fast.runtime.reading import decoding, open_regular, read_array
from gbm_fast.settings.datasets import Zeros

ARRAY = ".npy"
VALUE_SUFFIXES = (*SUFFIXES, ARRAY)
"""File names that `read_values` takes."""
MOST_CHANNELS = 16
"""Channels that are told from rows and columns by their number."""
TIFF = (".tif", ".tiff")
_NO_DATA, _ORIENTATION = 42113, 274
_ADVICE = "replace it, or take it away"

Values = NDArray[np.float32]


def number_type(path: Path) -> np.dtype:
    """The type of the numbers in a file, from its header; uint8 of a picture, whatever its depth.

    Raises ValueError for a damaged file.
    """
    suffix = path.suffix.lower()
    if suffix == ARRAY:
        found: list[np.dtype] = []
        read_array(path, None, lambda shape, dtype: found.append(dtype))
        return found[0]
    if suffix not in TIFF:
        return np.dtype(np.uint8)
    import tifffile

    with open_regular(path) as file, decoding(path, "an image", _ADVICE):
        with tifffile.TiffFile(file) as tiff:
            return np.dtype(tiff.pages.first.dtype or np.uint8)


def read_values(path: Path) -> Values:
    """The numbers of a file as they are, float32 (channels, height, width); NaN where missing.

    Raises ValueError, with the path and what to do, for a damaged file, several images in one,
    complex numbers or other types, a turned image, and shapes that are no image.
    """
    suffix = path.suffix.lower()
    if suffix == ARRAY:
        array = read_array(path, None, lambda shape, dtype: None)
    else:
        array = _tiff(path) if suffix in TIFF else read_image(path)
    if array.dtype.kind not in "uif":
        advice = "save the intensity, abs(z)**2" if array.dtype.kind == "c" else "save numbers"
        raise ValueError(f"{path} holds {array.dtype}: {advice}, as float32.")
    if suffix == ARRAY:
        array = channels_first(path, array[None])[0]
    with np.errstate(over="ignore"):  # `settled` refuses what is infinite
        return array.astype(np.float32)


def _tiff(path: Path) -> NDArray:
    """The numbers (channels, height, width), NaN where the file says that they are missing."""
    import tifffile

    problem = ""
    with open_regular(path) as file, decoding(path, "an image", _ADVICE):
        with tifffile.TiffFile(file) as tiff:
            page = tiff.pages.first
            pages = len(tiff.pages) if len(tiff.series) == 1 else len(tiff.series)
            tags = page.tags
            if pages > 1 or page.axes not in ("YX", "YXS", "SYX"):
                problem = f"holds {pages} images of axes {page.axes}: save each as a file"
            elif _ORIENTATION in tags and tags[_ORIENTATION].value != 1:
                problem = "is stored turned: save it upright"
            else:
                array = np.asarray(page.asarray())
                colours = "S" in page.axes
                array = np.moveaxis(array, page.axes.index("S"), 0) if colours else array[None]
                missing = str(tags[_NO_DATA].value) if _NO_DATA in tags else ""
    if problem:
        raise ValueError(f"{path} {problem}.")
    return _with_missing(path, array, missing)


def _with_missing(path: Path, array: NDArray, missing: str) -> NDArray:
    """The array with NaN where it has the number that its file declares as missing."""
    text = missing.strip().strip("\0").strip()
    if not text or array.dtype.kind not in "uif":
        return array
    try:
        number = float(text)
    except ValueError as error:
        raise ValueError(
            f"{path} declares {text[:40]!r} as the value of missing pixels, which is no number: "
            "take the tag out, or write the number."
        ) from error
    values = array.astype(np.float64)
    # As the array has it: the text of a float32 may have fewer digits than it needs.
    with np.errstate(over="ignore"):
        rounded = float(array.dtype.type(number)) if array.dtype.kind == "f" else number
    values[(values == number) | (values == rounded)] = np.nan
    return values


def channels_first(path: Path, array: NDArray) -> NDArray:
    """Images (n, h, w), (n, h, w, c) or (n, c, h, w) as (n, c, h, w).

    Raises ValueError, with the path, for another number of axes, no pixels, and channels that
    cannot be told from rows and columns.
    """
    shape = array.shape
    if array.ndim not in (3, 4) or 0 in shape:
        raise ValueError(
            f"{path} has shape {shape[1:]} an image: it must be (height, width), (channels, "
            "height, width) or (height, width, channels), and have pixels."
        )
    if array.ndim == 3:
        return array[:, None]
    first, last = shape[1] <= MOST_CHANNELS, shape[3] <= MOST_CHANNELS
    if first == last:
        raise ValueError(
            f"{path} has shape {shape[1:]} an image, of which it cannot be told whether the first "
            f"or the last number counts channels (one of them must be at most {MOST_CHANNELS}): "
            "save each channel as a data set of its own."
        )
    return array if first else array.transpose(0, 3, 1, 2)


def settled(values: NDArray, zeros: Zeros, where: str) -> Values:
    """Positive numbers (n, channels, ...) or (n, columns) of `values`, float32.

    zeros   what becomes of zeros and NaN: refuse, or floor, the least positive number of the same
            channel or column

    Raises ValueError, with `where`, for negative and infinite numbers, for zeros and NaN that are
    refused, and where a channel or column has no positive number.
    """
    with np.errstate(over="ignore"):  # what overflows is infinite, and said below
        found = values.astype(np.float32, copy=True)
    bad: dict[str, Callable[[NDArray], NDArray]] = {
        "infinite in float32": np.isinf,
        "negative": lambda part: part < 0,
    }
    for kind, test in bad.items():
        if count := int(test(found).sum()):
            raise ValueError(
                f"{where} has {count} numbers that are {kind}: multiplicative noise needs "
                "positive ones; mend them, or take their images away."
            )
    without = ~(found > 0)
    count = int(without.sum())
    if without.all(axis=tuple(i for i in range(found.ndim) if i != 1)).any():
        raise ValueError(
            f"{where} has no positive number in one of its channels or columns: use other data."
        )
    if count == 0:
        return found
    if zeros == "refuse":
        missing = int(np.isnan(found).sum())
        raise ValueError(
            f"{where} has {count - missing} zeros and {missing} missing values (NaN) among "
            f"{found.size} numbers, which have no logarithm: pass --zeros floor to put the least "
            "positive number in their place, take their images away, or, of pictures whose black "
            "is 0, save the grey levels as uint8 or uint16."
        )
    floors = ", ".join(f"{floor:.6g}" for floor in _fill(found))
    say(f"{where}: {count} of {found.size} numbers were zero or missing; {floors} in their place")
    return found


def _fill(values: Values) -> list[float]:
    """The least positive number of each channel or column, put where there is no positive one."""
    parts = np.moveaxis(values, 1, 0)  # views
    floors = [float(part[part > 0].min()) for part in parts]
    for part, floor in zip(parts, floors, strict=True):
        part[~(part > 0)] = floor
    return floors
