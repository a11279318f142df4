"""One image file to integers and back, without losing a bit: PNG, TIFF, BMP or JPEG.

Pillow reads files of 8 bits and grey ones of 16. It also opens colour files of 16 bits, but hands
out their upper bytes alone; these go through tifffile, and through imagecodecs (of the extra
`imaging`) where they are PNG. Of TIFF files it drops channels beyond grey or RGB, reads signed
bytes as unsigned ones, and keeps the upper bytes of palettes: the tags say where it would. What
cannot be read without loss is refused.
"""

import io
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from gbm_fast.runtime.reading import decoding, open_regular

SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg", ".jpe", ".jfif")
"""File names that `read_image` takes."""
_FORMATS = ("PNG", "TIFF", "BMP", "JPEG")
_ADVICE = "replace it, or take it away"
# EXIF and TIFF tags.
_BITS_PER_SAMPLE, _PHOTOMETRIC, _DESCRIPTION, _ORIENTATION = 258, 262, 270, 274
_CHANNELS, _PALETTE, _SAMPLE_FORMAT, _DEPTH = 277, 320, 339, 32997
# Channels of RGB, CMYK, YCbCr and Lab, by their number in TIFF; others have one.
_COLOURS = {2: 3, 5: 4, 6: 3, 8: 3}
_WHITE_IS_ZERO, _LOOKED_UP = 0, 3

Levels = NDArray[np.unsignedinteger]


def read_image(path: Path) -> Levels:
    """The grey levels of a file, (channels, height, width) with 1 or 3 channels.

    uint8 for files of up to 8 bits a channel, uint16 for 16, as they are in the file. Palettes
    are looked up, bilevel images become 0 and 255, and the orientation noted by a camera is
    applied. Whether colours that are all grey should count as grey is the caller's affair.

    Raises ValueError, with the path and what to do, for a file that is no such image or is
    damaged, has transparency, further channels, several frames, another colour space or number
    type, or more pixels than Pillow's limit.
    """
    pixels: Levels | str
    with open_regular(path) as file, decoding(path, "an image", _ADVICE), _quiet():
        try:
            with Image.open(file, formats=_FORMATS) as image:
                pixels = _decoded(image, file)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            pixels = f"is too large an image (more than {Image.MAX_IMAGE_PIXELS} pixels): crop it"
        except UnidentifiedImageError:
            kinds = "not a whole PNG, TIFF, BMP or JPEG file of a kind that is read here"
            pixels = f"cannot be read as an image ({kinds}): {_ADVICE}"
    if isinstance(pixels, str):
        raise ValueError(f"{path} {pixels}.")
    return np.ascontiguousarray(np.atleast_3d(pixels).transpose(2, 0, 1))


def is_grey(pixels: Levels) -> bool:
    """Whether an image (channels, height, width) has the same levels in all its channels."""
    return bool((pixels == pixels[:1]).all())


def encode_image(levels: Levels | NDArray[np.float32]) -> tuple[str, bytes]:
    """(suffix, content) of a file that holds levels (channels, height, width) without loss.

    PNG, and TIFF for colour of 16 bits, which Pillow cannot write as PNG, and for floats, channel
    after channel.
    """
    buffer = io.BytesIO()
    if levels.dtype == np.float32:
        import tifffile

        pixels, kind = levels[0] if len(levels) == 1 else levels, "minisblack"
        separate = None if len(levels) == 1 else "separate"
        tifffile.imwrite(buffer, pixels, photometric=kind, planarconfig=separate)
        return ".tif", buffer.getvalue()
    if levels.dtype == np.uint16 and len(levels) == 3:
        import tifffile

        tifffile.imwrite(buffer, levels.transpose(1, 2, 0), photometric="rgb", compression="zlib")
        return ".tif", buffer.getvalue()
    pixels = levels[0] if len(levels) == 1 else levels.transpose(1, 2, 0)
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG")
    return ".png", buffer.getvalue()


@contextmanager
def _quiet() -> Iterator[None]:
    """Too many pixels are an error, and what tifffile logs about a file is not shown."""
    log = logging.getLogger("tifffile")
    silent = logging.Filter("nothing that has this name")
    log.addFilter(silent)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    finally:
        log.removeFilter(silent)


def _decoded(image: Image.Image, file: BufferedReader) -> Levels | str:
    """The levels (height, width) or (height, width, channels), or why there are none."""
    bits = _bits(image, file)
    problem = _problem(image, bits)
    if problem is not None:
        return problem
    pixels = _pixels_16(image, file) if bits == 16 else _pixels_8(image)
    if isinstance(pixels, str):
        return pixels
    height, width = pixels.shape[:2]
    sizes = (image.size, image.size[::-1])  # turned upright, the two may have changed places
    if (width, height) not in sizes or pixels.shape[2:] not in ((), (1,), (3,)):
        return f"holds levels of shape {pixels.shape} and announces {image.size} pixels: {_ADVICE}"
    return pixels


def _bits(image: Image.Image, file: BufferedReader) -> int:
    """Bits a channel as the file states them; what Pillow made of them does not tell."""
    if image.format == "PNG":
        place = file.tell()
        file.seek(24)
        (bits,) = file.read(1)
        file.seek(place)
        return bits
    if isinstance(image, TiffImageFile):
        return max(image.tag_v2.get(_BITS_PER_SAMPLE, (1,)))
    return 8


def _problem(image: Image.Image, bits: int) -> str | None:
    """Why the image cannot be used, and what to do; None where it can."""
    mode = image.mode
    if "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info:
        return f"has transparency (mode {mode}): flatten it onto a background first"
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        return f"holds {frames} frames: save each as a file of its own"
    if isinstance(image, TiffImageFile) and (problem := _tiff_problem(image)) is not None:
        return problem
    good = ("RGB", "I;16", "I;16B", "I;16L") if bits == 16 else ("1", "L", "P", "RGB")
    # What older versions of Pillow make of a grey PNG file of 16 bits; of TIFF it has a sign.
    grey_png = bits == 16 and image.format == "PNG" and mode == "I"
    if mode not in good and not grey_png:
        return (
            f"has mode {mode} with {bits} bits a channel: convert it to grey or RGB with 8 or 16 "
            "bits (unsigned)"
        )
    upright = image.getexif().get(_ORIENTATION, 1) == 1
    tags = image.tag_v2 if isinstance(image, TiffImageFile) else {}
    if bits == 16 and not (upright and tags.get(_PHOTOMETRIC) != _WHITE_IS_ZERO):
        return "has 16 bits and is stored rotated, or with 0 for white: save it plainly"
    return None


def _tiff_problem(image: TiffImageFile) -> str | None:
    """What Pillow would drop of a TIFF file, or read as something else, by the file's tags."""
    tags = image.tag_v2
    channels, kind = tags.get(_CHANNELS, 1), tags.get(_PHOTOMETRIC)
    wanted = 1 if kind is None else _COLOURS.get(kind, 1)
    if channels != wanted:
        return (
            f"has {channels} channels, of which {wanted} would be read: save the grey or the RGB "
            "channels alone, or each channel as a data set of its own"
        )
    if set(tags.get(_SAMPLE_FORMAT, (1,))) - {1, 4}:  # 4: the file does not say
        return (
            f"holds signed numbers or floats (mode {image.mode} with "
            f"{max(tags.get(_BITS_PER_SAMPLE, (1,)))} bits): convert it to unsigned ones of 8 or "
            "16 bits"
        )
    if len(set(tags.get(_BITS_PER_SAMPLE, (1,)))) > 1:
        return "has channels of different depths: save all of them with 8 bits, or with 16"
    # ImageJ and tifffile store stacks behind each other that the tags list as one image.
    text = str(tags.get(_DESCRIPTION, ""))
    described = re.search(r"^images=(\d+)", text, re.MULTILINE)
    slices = max(tags.get(_DEPTH, 1), int(described[1]) if described else 1)
    if slices > 1 or '"truncated": true' in text:
        return (
            f"holds {slices if slices > 1 else 'several'} frames: save each as a file of its own"
        )
    # Levels of 8 bits are stored times 257 or times 256.
    palette = np.array(tags.get(_PALETTE, (0,)) if kind == _LOOKED_UP else (0,))
    if (palette % 257).any() and (palette % 256).any():
        return "has a palette of more than 8 bits: save it as RGB"
    return None


def _pixels_8(image: Image.Image) -> Levels:
    plain = {"1": "L", "P": "RGB"}.get(image.mode, image.mode)
    return np.array(ImageOps.exif_transpose(image).convert(plain))


def _pixels_16(image: Image.Image, file: BufferedReader) -> Levels | str:
    if image.mode != "RGB":
        return np.array(image).astype(np.uint16)
    file.seek(0)
    # Imported here since few files need them.
    if isinstance(image, TiffImageFile):
        import tifffile

        with tifffile.TiffFile(file) as tiff:
            page = tiff.pages.first
            # The samples (axis S) are the last axis, or the first where they are stored apart.
            return np.moveaxis(page.asarray(), page.axes.index("S"), -1).astype(np.uint16)
    try:
        import imagecodecs
    except ImportError:
        return (
            "is a colour PNG file of 16 bits, which needs the package imagecodecs, which is not "
            "installed: pip install 'gbm-diffusion[imaging]', or save it as TIFF"
        )
    return imagecodecs.png_decode(file.read())
