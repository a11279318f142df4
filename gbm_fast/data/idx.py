"""The MNIST family: images and labels in IDX files, plain or gzip-compressed.

An IDX file of unsigned bytes starts with the big-endian magic number 0x0000080k, where k is the
number of dimensions, then k four-byte dimensions, then the bytes in row-major order.
"""

import gzip
import hashlib
import io
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gbm_fast.data.directory import (
    accept_unverified,
    around,
    check_folder,
    choose_place,
    is_file,
    read_bytes,
)
from gbm_fast.data.download import fetch, md5_mismatch_message
from gbm_fast.data.sources import IdxFile, IdxSource
from gbm_fast.data.types import ImageData


def load_idx_family(source: IdxSource, data_dir: Path, download: bool) -> ImageData:
    """Read the four files of `source` below `data_dir`, fetching the missing ones if allowed.

    Where nothing is at <data_dir>/<folder>/raw, files one level up or down are read, which is
    said. Images come back as (n, 1, height, width). Raises ValueError for a missing or unreadable
    directory or file, a wrong magic number, shape, length, count or checksum, and, where a file
    has no checksum, for classes of other sizes or images without content.
    """
    check_folder(data_dir, may_be_missing=download)
    raw = _place(source, data_dir)
    train_images, train_labels, verified = _load_split(
        source, raw, source.train_images, source.train_labels, source.train_count, download
    )
    test_images, test_labels, test_verified = _load_split(
        source, raw, source.test_images, source.test_labels, source.test_count, download
    )
    data = ImageData(
        name=source.name,
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        max_value=255,
        class_names=source.class_names,
    )
    if not (verified and test_verified):
        around_it = (*raw.absolute().parts[-2:], *raw.resolve().parts[-2:])
        if source.folder.lower() not in (part.lower() for part in around_it):
            raise ValueError(
                f"{raw} holds files without a published checksum, in a folder that is not called "
                f"{source.folder}: other data sets have files of the same names; put those of "
                f"{source.name} into {source.folder}/raw, or their .gz files beside them."
            )
        accept_unverified(data, raw, source.per_class)
    return data


def read_idx(path: Path, num_dims: int, md5: str | None, size: int) -> Tensor:
    """The uint8 tensor in one IDX file with `num_dims` dimensions; ".gz" is decompressed.

    md5: of the file as it lies on disk, None when unknown. size: bytes of the right file, not
    compressed: no more than some twice of it is ever read or unpacked. The structure is checked
    before the checksum, since "truncated" says more than "different".
    """
    most = 2 * size + 4096  # enough to name the shape of another data set
    stored, found = read_bytes(path, most + 1)
    if found <= most:
        content = _decompress(path, stored, most + 1) if path.suffix == ".gz" else stored
    if found > most or len(content) > most:
        raise ValueError(
            f"{path}: more than {most} bytes, where {size} are expected: this is another kind of "
            "file."
        )
    dims = _read_dims(path, content, num_dims)
    if md5 is not None:
        sum_found = hashlib.md5(stored, usedforsecurity=False).hexdigest()
        if sum_found != md5:
            raise ValueError(md5_mismatch_message(path, md5, sum_found))
    values = np.frombuffer(content, dtype=np.uint8, offset=_header_bytes(num_dims))
    return torch.from_numpy(values.reshape(dims).copy())


def _place(source: IdxSource, data_dir: Path) -> Path:
    """The folder of the files: <data_dir>/<folder>/raw, or near it where they are there."""
    files = (source.train_images, source.train_labels, source.test_images, source.test_labels)
    names = [name for file in files for name in _names(file)]

    def near() -> list[Path]:
        inside = [data_dir / source.folder, data_dir / "raw", data_dir]
        return inside + [place / source.folder / "raw" for place in around(data_dir)]

    return choose_place(
        source.name,
        data_dir / source.folder / "raw",
        near,
        lambda place: any(os.path.isfile(place / name) for name in names),
    )


def _load_split(
    source: IdxSource,
    raw: Path,
    images_file: IdxFile,
    labels_file: IdxFile,
    count: int,
    download: bool,
) -> tuple[Tensor, Tensor, bool]:
    """Images, labels, and whether both files have a published checksum."""
    expected = (count, *source.image_shape)
    sizes = _header_bytes(3) + math.prod(expected), _header_bytes(1) + count
    images_path = _find_or_fetch(source, raw, images_file, download, sizes[0])
    labels_path = _find_or_fetch(source, raw, labels_file, download, sizes[1])
    sums = _md5_of(images_path, images_file), _md5_of(labels_path, labels_file)
    images = read_idx(images_path, 3, sums[0], sizes[0])
    labels = read_idx(labels_path, 1, sums[1], sizes[1])
    if len(images) != len(labels):
        raise ValueError(
            f"{images_path} has {len(images)} images but {labels_path} has {len(labels)} labels: "
            "the two files do not belong together."
        )
    if tuple(images.shape) != expected:
        raise ValueError(
            f"{images_path}: expected images of shape {expected} (count, height, width) for "
            f"{source.name}, found {tuple(images.shape)}: this is another data set's file."
        )
    return images[:, None], labels.to(torch.int64), None not in sums


def _names(file: IdxFile) -> tuple[str, ...]:
    """What a file may be called, with a published checksum first: unpacked, or as .gz."""
    plain = (file.name, file.name.replace("-idx", ".idx"))
    packed = tuple(f"{name}.gz" for name in plain)
    return packed + plain if file.raw_md5 is None else plain + packed


def _find_or_fetch(source: IdxSource, raw: Path, file: IdxFile, download: bool, size: int) -> Path:
    """A file that is there, else a freshly downloaded .gz, of no more than `size` bytes or so."""
    names = _names(file)
    for name in sorted(names, key=lambda name: not os.path.isfile(raw / name)):
        if is_file(raw / name):
            return raw / name
    packed = raw / f"{file.name}.gz"
    if not download:
        raise ValueError(
            f"{source.name} needs {raw / file.name} or {packed.name} beside it, and neither is "
            "there: give the directory that holds the files, or allow the download."
        )
    urls = tuple(mirror + packed.name for mirror in source.mirrors)
    fetch(urls, packed, file.gz_md5, most_bytes=2 * size + 4096)
    return packed


def _md5_of(path: Path, file: IdxFile) -> str | None:
    return file.gz_md5 if path.suffix == ".gz" else file.raw_md5


def _decompress(path: Path, stored: bytes, most: int) -> bytes:
    """The content of a gzip file, or its first `most` bytes: it may unpack to a thousand times."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(stored)) as file:
            return file.read(most)
    except EOFError as error:
        raise ValueError(
            f"{path}: truncated: the gzip stream ends early ({len(stored)} bytes); delete it and "
            "fetch it again."
        ) from error
    except (OSError, ValueError, zlib.error, struct.error) as error:
        raise ValueError(
            f"{path}: not a valid gzip file ({error}); delete it and fetch it again."
        ) from error


def _header_bytes(num_dims: int) -> int:
    return 4 + 4 * num_dims


def _read_dims(path: Path, content: bytes, num_dims: int) -> tuple[int, ...]:
    header = _header_bytes(num_dims)
    if len(content) < header:
        raise ValueError(
            f"{path}: truncated: {len(content)} bytes, shorter than the {header}-byte header of "
            "an IDX file; delete it and fetch it again."
        )
    magic, expected_magic = content[:4], bytes((0, 0, 8, num_dims))
    if magic != expected_magic:
        raise ValueError(
            f"{path}: wrong magic number 0x{magic.hex()}, expected 0x{expected_magic.hex()} "
            f"(IDX file of unsigned bytes with {num_dims} dimensions): this is another kind of "
            "file."
        )
    dims = tuple(int(n) for n in np.frombuffer(content, dtype=">u4", count=num_dims, offset=4))
    expected, found = math.prod(dims), len(content) - header
    if found < expected:
        raise ValueError(
            f"{path}: truncated: the header announces {dims} = {expected} bytes, found {found}; "
            "delete it and fetch it again."
        )
    if found > expected:
        raise ValueError(
            f"{path}: {found - expected} bytes more than the {expected} that its header "
            f"announces ({dims}); delete it and fetch it again."
        )
    return dims
