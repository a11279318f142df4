"""The readers that are fuzzed, each with a small good file (`tests.support.fuzz` says how)."""

import gzip
import hashlib
import io
import json
import struct
import tarfile
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
import torch
from PIL import Image
from safetensors.torch import save

from gbm_fast.data import load_dataset
from gbm_fast.data.cifar import load_cifar
from gbm_fast.data.codecs import read_image
from gbm_fast.data.idx import read_idx
from gbm_fast.data.own.values import read_values
from gbm_fast.data.own.vectors import load_vectors
from gbm_fast.data.sources import CifarSource
from gbm_fast.evaluation.foreign import read_draws, read_images
from gbm_fast.runtime.files import STATE_FORMAT, load_tensors, tensors_sha256
from gbm_fast.settings.stored import from_json, to_json
from tests.support.fuzz import Reader
from tests.support.tiny_data import tiny_data
from tests.support.tiny_runs import tiny_config

DATA = tiny_data()
LEVELS = (np.arange(12 * 9 * 8) * 37 % 256).astype(np.uint8).reshape(12, 9, 8)
GREY = LEVELS[0]
COLOUR = np.ascontiguousarray(LEVELS[:3].transpose(1, 2, 0))
DEEP = COLOUR.astype(np.uint16) * 257


def idx() -> bytes:
    """Images in an IDX file."""
    return struct.pack(">4B3I", 0, 0, 8, 3, *LEVELS.shape) + LEVELS.tobytes()


def npy(array: np.ndarray) -> bytes:
    """A .npy file."""
    np.save(buffer := io.BytesIO(), array)
    return buffer.getvalue()


def archived(content: bytes, name: str = "images.npy") -> bytes:
    """A .npz file around the bytes of its one member."""
    with zipfile.ZipFile(buffer := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


CIFAR = CifarSource(
    name="tiny",
    url="https://archive.example/tiny.tar.gz",
    archive="tiny.tar.gz",
    md5="",
    folder="tiny-bin",
    train_members=("data_batch_1.bin",),
    test_members=("test_batch.bin",),
    class_names=("a", "b"),
    records_per_member=2,
    image_shape=(4, 3),
)


def tar() -> bytes:
    """The members of CIFAR, not compressed."""
    with tarfile.open(fileobj=(buffer := io.BytesIO()), mode="w") as archive:
        for name in CIFAR.train_members + CIFAR.test_members:
            member = tarfile.TarInfo(f"tiny-bin/{name}")
            member.size = 2 * 37
            archive.addfile(member, io.BytesIO(bytes([0, *range(36), 1, *range(36)])))
    return buffer.getvalue()


def read_cifar(path: Path) -> object:
    """As an archive whose checksum is right."""
    right = hashlib.md5(path.read_bytes()).hexdigest()
    return load_cifar(replace(CIFAR, md5=right), path.parent, download=False)


def picture(pixels: np.ndarray, kind: str, mode: str | None = None) -> bytes:
    """A file that Pillow writes."""
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(buffer := io.BytesIO(), kind)
    return buffer.getvalue()


def tiff(pixels: np.ndarray, photometric: str = "minisblack", compression: str = "none") -> bytes:
    """A TIFF file, tiled where it is not compressed."""
    tile = (16, 16) if compression == "none" else None
    tifffile.imwrite(
        buffer := io.BytesIO(),
        pixels,
        photometric=photometric,
        compression=compression,
        tile=tile,
    )
    return buffer.getvalue()


def right_sums(content: bytes) -> bytes:
    """A PNG file with the checksums of its chunks made right, as far as it has chunks."""
    data, place = bytearray(content), 8
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        end = place + 8 + length
        if end + 4 > len(data):
            break
        data[end : end + 4] = struct.pack(">I", zlib.crc32(data[place + 4 : end]))
        place = end + 4
    return bytes(data)


TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "n": torch.tensor(7)}
FACTS = b'{"step": 12, "config": {"width": 8, "multipliers": [1, 2], "x": null}}'


def stored(facts: bytes) -> bytes:
    """A file of ours with these facts, and their checksum."""
    text = facts.decode("utf-8", "replace")
    prefix = json.dumps([STATE_FORMAT, text]).encode()
    header = {"format": STATE_FORMAT, "facts": text, "sha256": tensors_sha256(TENSORS, prefix)}
    return save(TENSORS, metadata=header)


def with_length(header: bytes) -> bytes:
    """A safetensors file with this header, whose length is right, and the tensors of `TENSORS`."""
    return struct.pack("<Q", len(header)) + header + bytes(32)


def header_of(content: bytes) -> bytes:
    """The header of a safetensors file."""
    (length,) = struct.unpack("<Q", content[:8])
    return content[8 : 8 + length]


def _image(file: str, content: bytes) -> Reader:
    return Reader(file, content, read_image)


READERS: dict[str, Reader] = {
    "idx": Reader("images", idx(), lambda path: read_idx(path, 3, None, len(idx()))),
    "idx.gz": Reader(
        "images.gz", idx(), lambda path: read_idx(path, 3, None, len(idx())), gzip.compress
    ),
    "cifar": Reader("tiny.tar.gz", tar(), read_cifar, gzip.compress),
    "npy": Reader("x.npy", npy(LEVELS), lambda path: load_dataset("npy", path)),
    "npy-own": Reader("x.npy", npy(0.5 + LEVELS), lambda path: load_dataset("npy", path)),
    "tiff-own": Reader("x.tif", tiff(GREY.astype(np.float32), compression="zlib"), read_values),
    "csv": Reader("x.csv", b"a;b\n" + b"0.5;1e3\n2;0.25\n" * 10, load_vectors),
    "npy-images": Reader("x.npy", npy(1 + LEVELS / 255), lambda path: read_images(path, DATA)),
    "npz-images": Reader("x.npz", npy(LEVELS), lambda path: read_images(path, DATA), archived),
    "npz-draws": Reader(
        "x.npz",
        npy(1 + LEVELS[:, 0, :2].astype(float)),
        lambda path: read_draws(path, 2),
        lambda content: archived(content, "samples.npy"),
    ),
    "png": Reader("x.png", picture(COLOUR, "PNG"), read_image, right_sums),
    "png-16": Reader("x.png", imagecodecs.png_encode(DEEP), read_image, right_sums),
    "png-palette": Reader("x.png", picture(COLOUR, "PNG", "P"), read_image, right_sums),
    "tiff": _image("x.tif", tiff(COLOUR, "rgb")),
    "tiff-16": _image("x.tif", tiff(DEEP, "rgb")),
    "tiff-deflate": _image("x.tif", tiff(DEEP, "rgb", "zlib")),
    "tiff-lzw": _image("x.tif", tiff(GREY, compression="lzw")),
    "tiff-jpeg": _image("x.tif", tiff(COLOUR, "rgb", "jpeg")),
    "bmp": _image("x.bmp", picture(COLOUR, "BMP")),
    "bmp-palette": _image("x.bmp", picture(COLOUR, "BMP", "P")),
    "jpeg": _image("x.jpg", picture(COLOUR, "JPEG")),
    "folder": Reader(
        "x.png", picture(GREY, "PNG"), lambda path: read_images(path.parent, DATA), right_sums
    ),
    "facts": Reader("x.safetensors", FACTS, lambda path: load_tensors(path, STATE_FORMAT), stored),
    "safetensors": Reader(
        "x.safetensors",
        header_of(stored(FACTS)),
        lambda path: load_tensors(path, STATE_FORMAT),
        with_length,
    ),
    "settings": Reader(
        "config.json",
        to_json(tiny_config()).encode(),
        lambda path: from_json(path.read_text(encoding="utf-8")),
        names_file=False,
    ),
}
