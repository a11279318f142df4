"""The MNIST family: images and labels in IDX files, plain or gzip-compressed.

An IDX file of unsigned bytes starts with the big-endian magic number 0x0000080k, where k is the
number of dimensions, then k four-byte dimensions, then the bytes in row-major order.
"""

import gzip
import hashlib
import math
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gbm_fast.data.directory import check_folder, is_file, read_bytes
from gbm_fast.data.download import fetch, md5_mismatch_message
from gbm_fast.data.sources import IdxFile, IdxSource
from gbm_fast.data.types import ImageData


def load_idx_family(source: IdxSource, data_dir: Path, download: bool) -> ImageData:
    """Read the four files of `source` below `data_dir`, fetching the missing ones if allowed.

    Images come back as (n, 1, height, width). Raises ValueError for a missing or unreadable
    directory or file, a wrong magic number, shape, length, count or checksum.
    """
    check_folder(data_dir, may_be_missing=download)
    raw = data_dir / source.folder / "raw"
    train_images, train_labels = _load_split(
        source, raw, source.train_images, source.train_labels, source.train_count, download
    )
    test_images, test_labels = _load_split(
        source, raw, source.test_images, source.test_labels, source.test_count, download
    )
    return ImageData(
        name=source.name,
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        max_value=255,
        class_names=source.class_names,
    )


def read_idx(path: Path, num_dims: int, md5: str | None) -> Tensor:
    """The uint8 tensor in one IDX file with `num_dims` dimensions; ".gz" is decompressed.

    md5: of the file as it lies on disk, None when unknown. The structure is checked before the
    checksum, since "truncated" says more than "different".
    """
    stored = read_bytes(path)
    content = _decompress(path, stored) if path.suffix == ".gz" else stored
    dims = _read_dims(path, content, num_dims)
    if md5 is not None:
        found = hashlib.md5(stored, usedforsecurity=False).hexdigest()
        if found != md5:
            raise ValueError(md5_mismatch_message(path, md5, found))
    values = np.frombuffer(content, dtype=np.uint8, offset=_header_bytes(num_dims))
    return torch.from_numpy(values.reshape(dims).copy())


def _load_split(
    source: IdxSource,
    raw: Path,
    images_file: IdxFile,
    labels_file: IdxFile,
    count: int,
    download: bool,
) -> tuple[Tensor, Tensor]:
    images_path = _find_or_fetch(source, raw, images_file, download)
    labels_path = _find_or_fetch(source, raw, labels_file, download)
    images = read_idx(images_path, 3, _md5_of(images_path, images_file))
    labels = read_idx(labels_path, 1, _md5_of(labels_path, labels_file))
    if len(images) != len(labels):
        raise ValueError(
            f"{images_path} has {len(images)} images but {labels_path} has {len(labels)} labels: "
            "the two files do not belong together."
        )
    expected = (count, *source.image_shape)
    if tuple(images.shape) != expected:
        raise ValueError(
            f"{images_path}: expected images of shape {expected} (count, height, width) for "
            f"{source.name}, found {tuple(images.shape)}: this is another data set's file."
        )
    return images[:, None], labels.to(torch.int64)


def _find_or_fetch(source: IdxSource, raw: Path, file: IdxFile, download: bool) -> Path:
    """The unpacked file if it is there, else the .gz, else a freshly downloaded .gz."""
    plain, packed = raw / file.name, raw / f"{file.name}.gz"
    if is_file(plain):
        return plain
    if is_file(packed):
        return packed
    if not download:
        raise ValueError(
            f"{source.name} needs {plain} or {packed.name} beside it, and neither is there: give "
            "the directory that holds the files, or allow the download."
        )
    fetch(tuple(mirror + packed.name for mirror in source.mirrors), packed, file.gz_md5)
    return packed


def _md5_of(path: Path, file: IdxFile) -> str | None:
    return file.gz_md5 if path.suffix == ".gz" else file.raw_md5


def _decompress(path: Path, stored: bytes) -> bytes:
    try:
        return gzip.decompress(stored)
    except EOFError as error:
        raise ValueError(
            f"{path}: truncated: the gzip stream ends early ({len(stored)} bytes); delete it and "
            "fetch it again."
        ) from error
    except (OSError, zlib.error) as error:
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
