"""One image file: every level as it is in the file, or a message that says what to do."""

import io
import logging
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from gbm_fast.data.codecs import read_image
from tests.support.fixtures import Patch, Shown

# Levels that differ in their lower byte alone, so that cutting 16 bits to 8 cannot go unnoticed.
GREY_16 = (np.arange(30, dtype=np.uint16) + 43_210).reshape(5, 6)
COLOUR_16 = (np.arange(90, dtype=np.uint16) * 701 + 5).reshape(5, 6, 3)
GREY = np.arange(30, dtype=np.uint8).reshape(5, 6) * 2
COLOUR = np.arange(90, dtype=np.uint8).reshape(5, 6, 3) * 2


def pillow(array: np.ndarray, kind: str, mode: str | None = None, **options: object) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(array)
    (image if mode is None else image.convert(mode)).save(buffer, kind, **options)
    return buffer.getvalue()


def tiff(array: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


def palette_png(transparency: int | None = None) -> bytes:
    image = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8))
    image.putpalette([9, 8, 7, 60, 50, 40, 200, 100, 0])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **({} if transparency is None else {"transparency": transparency}))
    return buffer.getvalue()


def tiff_palette(scale: int) -> bytes:
    """Three colours; the palette of TIFF has 16 bits, and levels of 8 are stored times `scale`."""
    colours = np.zeros((3, 256), np.uint16)
    colours[:, :3] = np.array([[9, 60, 200], [8, 50, 100], [7, 40, 0]]) * scale
    return tiff(np.array([[0, 1], [2, 1]], np.uint8), photometric="palette", colormap=colours)


def imagej() -> bytes:
    """One directory of tags that speaks of three images behind each other, as ImageJ writes."""
    return tiff(GREY, description="ImageJ=1.53\nimages=3\nslices=3\n", metadata=None)


TURNED, PLANES = [(274, "H", 1, 6, True)], COLOUR_16.transpose(2, 0, 1)
SEPARATE = {"photometric": "rgb", "planarconfig": "separate"}
PALETTE = np.array([[[9, 8, 7], [60, 50, 40]], [[200, 100, 0], [60, 50, 40]]], np.uint8)
EXACT = {
    "png grey 8": (pillow(GREY, "PNG"), GREY),
    "png colour 8": (pillow(COLOUR, "PNG"), COLOUR),
    "png grey 16": (pillow(GREY_16, "PNG"), GREY_16),
    "png colour 16": (imagecodecs.png_encode(COLOUR_16), COLOUR_16),
    "png bilevel": (pillow(GREY > 20, "PNG"), np.where(GREY > 20, 255, 0).astype(np.uint8)),
    "png palette": (palette_png(), PALETTE),
    "bmp": (pillow(COLOUR, "BMP"), COLOUR),
    "tiff grey 8": (tiff(GREY), GREY),
    "tiff colour 8": (tiff(COLOUR, photometric="rgb"), COLOUR),
    "tiff grey 16": (tiff(GREY_16), GREY_16),
    "tiff grey 16 big-endian": (tiff(GREY_16, byteorder=">"), GREY_16),
    "tiff colour 16": (tiff(COLOUR_16, photometric="rgb"), COLOUR_16),
    "tiff colour 16 deflate": (tiff(COLOUR_16, photometric="rgb", compression="zlib"), COLOUR_16),
    "tiff colour 16 big-endian": (tiff(COLOUR_16, photometric="rgb", byteorder=">"), COLOUR_16),
    "tiff colour 16 in planes": (tiff(PLANES, **SEPARATE), COLOUR_16),
    # Tag 274 is the orientation; 6 asks for a turn by 90 degrees clockwise.
    "tiff tiled": (tiff(COLOUR, photometric="rgb", tile=(16, 16)), COLOUR),
    "tiff colour 16 tiled": (tiff(COLOUR_16, photometric="rgb", tile=(16, 16)), COLOUR_16),
    "tiff colour 8 in planes": (tiff(COLOUR.transpose(2, 0, 1), **SEPARATE), COLOUR),
    "tiff lzw": (tiff(GREY_16, compression="lzw"), GREY_16),
    "tiff big": (tiff(COLOUR_16, photometric="rgb", bigtiff=True), COLOUR_16),
    "tiff palette": (tiff_palette(257), PALETTE),
    "tiff palette times 256": (tiff_palette(256), PALETTE),
    "tiff turned": (tiff(COLOUR, photometric="rgb", extratags=TURNED), np.rot90(COLOUR, -1)),
    "tiff white is 0": (tiff(GREY, photometric="miniswhite"), 255 - GREY),
}


@pytest.mark.parametrize("name", EXACT)
def test_every_level_is_as_in_the_file(tmp_path: Path, name: str) -> None:
    content, expected = EXACT[name]
    (path := tmp_path / "picture").write_bytes(content)
    found = read_image(path)
    assert found.dtype == expected.dtype
    assert np.array_equal(found, np.atleast_3d(expected).transpose(2, 0, 1))


def test_pillow_alone_would_have_lost_the_lower_byte() -> None:
    """The defect that the table above is there for."""
    for content in (EXACT["png colour 16"][0], EXACT["tiff colour 16"][0]):
        with Image.open(io.BytesIO(content)) as image:
            assert np.asarray(image).dtype == np.uint8


def test_a_rotated_photograph_is_turned_upright(tmp_path: Path) -> None:
    """Of a JPEG the levels are those of the decoder; the orientation is that of the camera."""
    upright = np.kron(np.array([[0, 255, 90]], np.uint8), np.ones((8, 8), np.uint8))
    exif = Image.Exif()
    exif[274] = 6  # turn by 90 degrees clockwise for display
    (tmp_path / "0.jpg").write_bytes(pillow(np.rot90(upright), "JPEG", exif=exif, quality=95))
    found = read_image(tmp_path / "0.jpg")
    assert found.shape == (1, 8, 24)
    assert int(np.abs(found[0].astype(int) - upright).max()) <= 3


def frames(kind: str) -> bytes:
    buffer = io.BytesIO()
    first, second = Image.fromarray(GREY), Image.fromarray(255 - GREY)
    first.save(buffer, kind, save_all=True, append_images=[second])
    return buffer.getvalue()


def channels(count: int, kind: type, photometric: str = "minisblack") -> bytes:
    """A TIFF file with further channels that it does not explain."""
    pixels = np.arange(30 * count).reshape(5, 6, count).astype(kind)
    unknown = ["unspecified"] * (count - (3 if photometric == "rgb" else 1))
    options = {"photometric": photometric, "planarconfig": "contig", "extrasamples": unknown}
    return tiff(pixels, **options)


CLEAR = {"transparency": (0, 2, 4)}
ALPHA = np.dstack([COLOUR, GREY])
REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "RGBA": (lambda: pillow(ALPHA, "PNG"), r"transparency \(mode RGBA\): flatten"),
    "LA": (lambda: pillow(GREY, "PNG", "LA"), r"transparency \(mode LA\)"),
    "transparent palette": (lambda: palette_png(1), r"transparency \(mode P\)"),
    "transparent colour": (lambda: pillow(COLOUR, "PNG", **CLEAR), r"transparency \(mode RGB\)"),
    "RGBA 16": (lambda: imagecodecs.png_encode(np.dstack([COLOUR_16, GREY_16])), "transparency"),
    "CMYK": (lambda: pillow(COLOUR, "JPEG", "CMYK"), "mode CMYK with 8 bits"),
    "float": (lambda: tiff(GREY.astype(np.float32)), "mode F with 32 bits"),
    "two channels": (lambda: channels(2, np.uint8), "has 2 channels, of which 1 would be read"),
    "two channels, 16": (lambda: channels(2, np.uint16), "cannot be read as an image"),
    "four channels": (lambda: channels(4, np.uint8, "rgb"), "has 4 channels, of which 3 would"),
    "four channels, 16": (lambda: channels(4, np.uint16, "rgb"), "has 4 channels, of which 3"),
    "five channels": (lambda: channels(5, np.uint8, "rgb"), "has 5 channels, of which 3 would"),
    "five dyes": (lambda: channels(5, np.uint8), "cannot be read as an image"),
    "signed": (lambda: tiff(GREY_16.astype(np.int16)), "mode I with 16 bits"),
    "signed 8": (lambda: tiff(GREY.astype(np.int8)), r"signed numbers or floats \(mode L"),
    "signed colour": (lambda: tiff(COLOUR_16.astype(np.int16), photometric="rgb"), "cannot be"),
    "float16 colour": (lambda: tiff(COLOUR.astype(np.float16), photometric="rgb"), "cannot be"),
    "float64": (lambda: tiff(GREY.astype(np.float64)), "cannot be read as an image"),
    "palette of 16 bits": (lambda: tiff_palette(251), "has a palette of more than 8 bits"),
    "palette times 1": (lambda: tiff_palette(1), "has a palette of more than 8 bits"),
    "stack": (imagej, "holds 3 frames"),
    "plain stack": (lambda: tiff(np.stack([GREY] * 7), truncate=True), "holds several frames"),
    "int32": (lambda: tiff(GREY.astype(np.int32)), "mode I with 32 bits"),
    "white is 0, 16": (lambda: tiff(GREY_16, photometric="miniswhite"), "0 for white"),
    "turned, 16": (lambda: tiff(GREY_16, extratags=TURNED), "stored rotated"),
    "frames": (lambda: frames("TIFF"), "holds 2 frames"),
    "animation": (lambda: frames("PNG"), "holds 2 frames"),
    "gif": (lambda: pillow(GREY, "GIF"), "cannot be read as an image"),
    "cut short": (lambda: pillow(COLOUR, "PNG")[:50], "cannot be read as an image"),
    "cut short 16": (lambda: imagecodecs.png_encode(COLOUR_16)[:90], "cannot be read as an image"),
    "no image": (lambda: b"GIF89", "cannot be read as an image"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_lose_something_is_refused(tmp_path: Path, name: str) -> None:
    make, message = REFUSED[name]
    (tmp_path / "7.png").write_bytes(make())
    with pytest.raises(ValueError, match=rf"7\.png .*{message}"):
        read_image(tmp_path / "7.png")


def test_a_jpeg_inside_a_tiff_is_what_its_decoder_makes_of_it(tmp_path: Path) -> None:
    upright = np.kron(np.array([[0, 255, 90]], np.uint8), np.ones((16, 16), np.uint8))
    pixels = np.stack([upright] * 3, axis=2)
    (tmp_path / "0.tif").write_bytes(tiff(pixels, photometric="rgb", compression="jpeg"))
    found = read_image(tmp_path / "0.tif").transpose(1, 2, 0)
    assert found.shape == pixels.shape
    assert int(np.abs(found.astype(int) - pixels).max()) <= 6


def test_too_many_pixels_are_refused_and_memory_is_named(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    """Both of Pillow's limits: that of its warning, and twice as many."""
    (path := tmp_path / "7.png").write_bytes(EXACT["png grey 8"][0])
    for limit in (29, 14):
        with monkeypatch.context() as patch:
            patch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
            with pytest.raises(ValueError, match=rf"7\.png is too large an image \(more.*{limit}"):
                read_image(path)

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("gbm_fast.data.codecs._pixels_8", full)
    with pytest.raises(ValueError, match=r"7\.png is too large for the memory"):
        read_image(path)


def test_odd_metadata_are_not_shown(tmp_path: Path, capfd: Shown) -> None:
    """Pillow warns of them, which is an error in this suite, and tifffile logs."""
    content = bytearray(EXACT["tiff colour 16"][0])
    place = content.index(struct.pack("<HH", 305, 2))  # the name of the software
    content[place + 4 : place + 12] = struct.pack("<II", 900, 1 << 30)
    (tmp_path / "7.tif").write_bytes(content)
    assert read_image(tmp_path / "7.tif").shape == (3, 5, 6)
    assert capfd.readouterr().err == ""
    assert not logging.getLogger("tifffile").filters


def test_the_optional_decoder_is_named(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    (tmp_path / "7.png").write_bytes(EXACT["png colour 16"][0])
    with pytest.raises(ValueError, match=r"pip install 'gbm-diffusion\[imaging\]', or save it as"):
        read_image(tmp_path / "7.png")
