"""One image file to integers and back, without losing a bit: PNG, TIFF, BMP or JPEG.

Pillow reads files of 8 bits and grey ones of 16. It also opens colour files of 16 bits, but hands
out their upper bytes alone; these go through tifffile, and through imagecodecs (of the extra
`imaging`) where they are PNG. What cannot be read without loss is refused.
"""

import io
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.TiffImagePlugin import TiffImageFile

SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg")
"""File names that `read_image` takes."""
_FORMATS = ("PNG", "TIFF", "BMP", "JPEG")
_ORIENTATION, _BITS_PER_SAMPLE, _PHOTOMETRIC = 274, 258, 262  # EXIF and TIFF tags
_DAMAGED = (OSError, SyntaxError, ValueError, RuntimeError, struct.error)

Levels = NDArray[np.unsignedinteger]


def read_image(path: Path) -> Levels:
    """The grey levels of a file, (channels, height, width) with 1 or 3 channels.

    uint8 for files of up to 8 bits a channel, uint16 for 16, as they are in the file. Palettes
    are looked up, bilevel images become 0 and 255, and the orientation noted by a camera is
    applied. Whether colours that are all grey should count as grey is the caller's affair.

    Raises ValueError, with the path and what to do, for a file that is no such image or is
    damaged, has transparency, several frames, or another colour space or number type.
    """
    try:
        with Image.open(path, formats=_FORMATS) as image:
            bits = _bits(path, image)
            problem = _problem(image, bits)
            if problem is None:
                pixels = _pixels_16(path, image) if bits == 16 else _pixels_8(image)
    except Image.DecompressionBombError as error:
        raise ValueError(f"{path} is too large an image: {error}") from error
    except _DAMAGED as error:
        raise ValueError(f"{path} cannot be read as an image: {error}") from error
    if problem is not None:
        raise ValueError(f"{path} {problem}.")
    return np.ascontiguousarray(np.atleast_3d(pixels).transpose(2, 0, 1))


def is_grey(pixels: Levels) -> bool:
    """Whether an image (channels, height, width) has the same levels in all its channels."""
    return bool((pixels == pixels[:1]).all())


def encode_image(levels: Levels) -> tuple[str, bytes]:
    """(suffix, content) of a file that holds levels (channels, height, width) without loss.

    PNG, and TIFF for colour of 16 bits, which Pillow cannot write as PNG.
    """
    buffer = io.BytesIO()
    if levels.dtype == np.uint16 and len(levels) == 3:
        import tifffile

        tifffile.imwrite(buffer, levels.transpose(1, 2, 0), photometric="rgb", compression="zlib")
        return ".tif", buffer.getvalue()
    pixels = levels[0] if len(levels) == 1 else levels.transpose(1, 2, 0)
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG")
    return ".png", buffer.getvalue()


def _bits(path: Path, image: Image.Image) -> int:
    """Bits a channel as the file states them; what Pillow made of them does not tell."""
    if image.format == "PNG":
        with open(path, "rb") as file:
            return file.read(25)[24]
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
    good = ("RGB", "I;16", "I;16B", "I;16L") if bits == 16 else ("1", "L", "P", "RGB")
    # What older versions of Pillow make of a grey PNG file of 16 bits; of TIFF it has a sign.
    grey_png = bits == 16 and image.format == "PNG" and mode == "I"
    if mode not in good and not grey_png:
        return (
            f"has mode {mode} with {bits} bits a channel: convert it to grey or RGB with 8 or 16 "
            "bits (unsigned)"
        )
    upright = image.getexif().get(_ORIENTATION, 1) == 1
    white_is_zero = isinstance(image, TiffImageFile) and image.tag_v2.get(_PHOTOMETRIC) == 0
    if bits == 16 and not (upright and not white_is_zero):
        return "has 16 bits and is stored rotated, or with 0 for white: save it plainly"
    return None


def _pixels_8(image: Image.Image) -> Levels:
    plain = {"1": "L", "P": "RGB"}.get(image.mode, image.mode)
    return np.array(ImageOps.exif_transpose(image).convert(plain))


def _pixels_16(path: Path, image: Image.Image) -> Levels:
    if image.mode != "RGB":
        return np.array(image).astype(np.uint16)
    # Imported here since few files need them.
    if isinstance(image, TiffImageFile):
        import tifffile

        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            # The samples (axis S) are the last axis, or the first where they are stored apart.
            return np.moveaxis(page.asarray(), page.axes.index("S"), -1).astype(np.uint16)
    try:
        import imagecodecs
    except ImportError as error:
        raise ValueError(
            "a colour PNG file of 16 bits needs the package imagecodecs, which is not installed: "
            "pip install 'gbm-diffusion[imaging]', or save it as TIFF."
        ) from error
    return imagecodecs.png_decode(path.read_bytes())
