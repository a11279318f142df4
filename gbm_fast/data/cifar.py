"""CIFAR-10 from its binary archive: fixed-length records, no unpickling.

A record is one label byte followed by 3 * height * width pixel bytes: the red plane, the green
plane, the blue plane, each row by row.
"""

import hashlib
import tarfile
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gbm_fast.data.directory import check_folder, is_file, read_bytes
from gbm_fast.data.download import fetch, md5_mismatch_message
from gbm_fast.data.sources import CifarSource
from gbm_fast.data.types import ImageData

CHANNELS = 3


def load_cifar(source: CifarSource, data_dir: Path, download: bool) -> ImageData:
    """Read `source` from <data_dir>/<folder> if it is there, else from the archive.

    The archive is read in place (nothing is unpacked onto the disk) after its checksum has been
    verified; it is downloaded when it is missing and `download` is true. Images come back as
    (n, 3, height, width). Raises ValueError for a missing or unreadable directory or file, a
    wrong checksum, a missing member, a truncated or foreign file, a label out of range.
    """
    check_folder(data_dir, may_be_missing=download)
    folder = data_dir / source.folder
    if folder.exists():
        members = _read_folder(source, folder)
        where = folder
    else:
        where = _find_or_fetch(source, data_dir, download)
        members = _read_archive(source, where)
    train_images, train_labels = _split(source, where, members, source.train_members)
    test_images, test_labels = _split(source, where, members, source.test_members)
    return ImageData(
        name=source.name,
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        max_value=255,
        class_names=source.class_names,
    )


def _find_or_fetch(source: CifarSource, data_dir: Path, download: bool) -> Path:
    archive = data_dir / source.archive
    if is_file(archive):
        return archive
    if not download:
        raise ValueError(
            f"{source.name} needs {archive} (from {source.url}, MD5 {source.md5}) or the folder "
            f"{source.folder} it unpacks to, and neither is there: put one there, or allow the "
            "download."
        )
    fetch((source.url,), archive, source.md5)
    return archive


def _read_folder(source: CifarSource, folder: Path) -> dict[str, bytes]:
    check_folder(folder, may_be_missing=False)
    members = {}
    for name in source.train_members + source.test_members:
        if not is_file(folder / name):
            raise ValueError(
                f"{folder / name} is missing: unpack {source.archive} again, or remove the "
                "folder so that the archive itself is read."
            )
        members[name] = read_bytes(folder / name)
    return members


def _read_archive(source: CifarSource, archive: Path) -> dict[str, bytes]:
    wanted = {f"{source.folder}/{name}": name for name in _all_members(source)}
    members = {}
    try:
        with open(archive, "rb") as file:
            found = hashlib.file_digest(file, "md5").hexdigest()
            if found != source.md5:
                raise ValueError(md5_mismatch_message(archive, source.md5, found))
            file.seek(0)
            with tarfile.open(fileobj=file, mode="r:gz") as tar:
                # In the archive's own order: going back would decompress from the start again.
                for member in tar:
                    content = tar.extractfile(member) if member.name in wanted else None
                    if content is not None:
                        members[wanted[member.name]] = content.read()
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise ValueError(
            f"{archive} cannot be read as a gzip-compressed tar archive ({error}): delete it and "
            f"fetch it again from {source.url}."
        ) from error
    missing = [name for name in _all_members(source) if name not in members]
    if missing:
        raise ValueError(
            f"{archive} has no {source.folder}/{missing[0]}: it is not the binary version of "
            f"the data set ({source.url})."
        )
    return members


def _all_members(source: CifarSource) -> tuple[str, ...]:
    return source.train_members + source.test_members


def _split(
    source: CifarSource, where: Path, members: dict[str, bytes], names: tuple[str, ...]
) -> tuple[Tensor, Tensor]:
    parts = [_decode(source, where, name, members[name]) for name in names]
    images = torch.cat([images for images, _ in parts])
    labels = torch.cat([labels for _, labels in parts])
    return images, labels


def _decode(source: CifarSource, where: Path, name: str, content: bytes) -> tuple[Tensor, Tensor]:
    height, width = source.image_shape
    record = 1 + CHANNELS * height * width
    expected = source.records_per_member * record
    if len(content) != expected:
        problem = "truncated" if len(content) < expected else "too long"
        raise ValueError(
            f"{where}, {name}: {problem}: {len(content)} bytes, expected {expected} "
            f"({source.records_per_member} records of {record} bytes); fetch it again from "
            f"{source.url}."
        )
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, record)
    labels = records[:, 0].astype(np.int64)
    if labels.max() >= len(source.class_names):
        first = int(np.argmax(labels >= len(source.class_names)))
        raise ValueError(
            f"{where}, {name}: record {first} has label {labels[first]}, but there are "
            f"{len(source.class_names)} classes: this is another kind of file."
        )
    images = records[:, 1:].reshape(-1, CHANNELS, height, width).copy()
    return torch.from_numpy(images), torch.from_numpy(labels)
