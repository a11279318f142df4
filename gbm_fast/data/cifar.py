"""CIFAR-10 from its binary archive: fixed-length records, no unpickling.

A record is one label byte followed by 3 * height * width pixel bytes: the red plane, the green
plane, the blue plane, each row by row.
"""

import hashlib
import os
import tarfile
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
from gbm_fast.data.sources import CifarSource
from gbm_fast.data.types import ImageData
from gbm_fast.runtime.reading import decoding, open_regular

CHANNELS = 3


def load_cifar(source: CifarSource, data_dir: Path, download: bool) -> ImageData:
    """Read `source` from its archive in `data_dir`, else from the folder that it unpacks to.

    The archive is read in place (nothing is unpacked onto the disk) after its checksum has been
    verified; the folder has none, which is said. Where neither is in `data_dir`, one that lies a
    level up or down is read; and where none does, the archive is downloaded if `download` is true.
    Images come back as (n, 3, height, width). Raises ValueError for a missing or unreadable
    directory or file, a wrong checksum, a missing member, a truncated or foreign file, a label out
    of range, classes of other sizes, and where only the version for Python is there.
    """
    check_folder(data_dir, may_be_missing=download)
    where = _find_or_fetch(source, data_dir, download)
    unpacked = where.name != source.archive
    members = _read_folder(source, where) if unpacked else _read_archive(source, where)
    train_images, train_labels = _split(source, where, members, source.train_members)
    test_images, test_labels = _split(source, where, members, source.test_members)
    data = ImageData(
        name=source.name,
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        max_value=255,
        class_names=source.class_names,
    )
    if unpacked:
        accept_unverified(data, where, source.per_class)
    return data


def _find_or_fetch(source: CifarSource, data_dir: Path, download: bool) -> Path:
    """The archive, or the folder that it unpacks to."""

    def holds(place: Path) -> bool:
        return os.path.lexists(place / source.archive) or os.path.lexists(place / source.folder)

    if not holds(data_dir) and os.path.isfile(data_dir / source.train_members[0]):
        return data_dir
    place = choose_place(source.name, data_dir, lambda: around(data_dir), holds)
    if os.path.lexists(place / source.archive) and is_file(place / source.archive):
        return place / source.archive
    if os.path.lexists(place / source.folder):
        return place / source.folder
    _refuse_foreign(source, data_dir)
    archive = data_dir / source.archive
    if not download:
        raise ValueError(
            f"{source.name} needs {archive} (from {source.url}, MD5 {source.md5}) or the folder "
            f"{source.folder} it unpacks to, and neither is there: put one there, or allow the "
            "download."
        )
    size = len(_all_members(source)) * source.records_per_member * _record_bytes(source)
    fetch((source.url,), archive, source.md5, most_bytes=2 * size + 65536)
    return archive


def _refuse_foreign(source: CifarSource, data_dir: Path) -> None:
    """Raise ValueError where the data lie here in a form that is not read."""
    places = [data_dir, *around(data_dir)]
    found = [place / name for place in places for name in source.foreign]
    there = [path for path in found if os.path.lexists(path)]
    there += [data_dir] if data_dir.resolve().name in source.foreign else []
    if there:
        raise ValueError(
            f"{there[0]} is the version of {source.name} for Python or Matlab, which is pickled "
            f"and not read here: fetch the binary version {source.url} (MD5 {source.md5}) and put "
            f"it at {data_dir / source.archive}, or give another directory as --data-dir to have "
            "it fetched there."
        )


def _record_bytes(source: CifarSource) -> int:
    height, width = source.image_shape
    return 1 + CHANNELS * height * width


def _read_folder(source: CifarSource, folder: Path) -> dict[str, bytes]:
    check_folder(folder, may_be_missing=False)
    members = {}
    for name in _all_members(source):
        if not is_file(folder / name):
            raise ValueError(
                f"{folder / name} is missing: unpack {source.archive} again, or remove the "
                "folder so that the archive itself is read."
            )
        expected = source.records_per_member * _record_bytes(source)
        members[name], found = read_bytes(folder / name, expected)
        _require_size(source, folder, name, found)
    return members


def _read_archive(source: CifarSource, archive: Path) -> dict[str, bytes]:
    wanted = {f"{source.folder}/{name}": name for name in _all_members(source)}
    members = {}
    sizes: dict[str, int] = {}
    with open_regular(archive) as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
        if found != source.md5:
            raise ValueError(md5_mismatch_message(archive, source.md5, found))
        file.seek(0)
        advice = f"delete it and fetch it again from {source.url}"
        with (
            decoding(archive, "a gzip-compressed tar archive", advice),
            tarfile.open(fileobj=file, mode="r:gz") as tar,
        ):
            # In the archive's own order: going back would decompress from the start again.
            for member in tar:
                if member.name in wanted and member.isreg():
                    name = wanted[member.name]
                    sizes[name] = member.size
                    members[name] = _content(source, tar, member)
    for name, size in sizes.items():
        _require_size(source, archive, name, size)
    missing = [name for name in _all_members(source) if name not in members]
    if missing:
        raise ValueError(
            f"{archive} has no {source.folder}/{missing[0]}: it is not the binary version of "
            f"the data set ({source.url})."
        )
    return members


def _content(source: CifarSource, tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """The content of a member; nothing of one that announces another size than is wanted."""
    if member.size != source.records_per_member * _record_bytes(source):
        return b""
    content = tar.extractfile(member)
    return b"" if content is None else content.read(member.size)


def _all_members(source: CifarSource) -> tuple[str, ...]:
    return source.train_members + source.test_members


def _split(
    source: CifarSource, where: Path, members: dict[str, bytes], names: tuple[str, ...]
) -> tuple[Tensor, Tensor]:
    parts = [_decode(source, where, name, members[name]) for name in names]
    images = torch.cat([images for images, _ in parts])
    labels = torch.cat([labels for _, labels in parts])
    return images, labels


def _require_size(source: CifarSource, where: Path, name: str, size: int) -> None:
    """Raise ValueError unless a member has its records, no more and no less."""
    record = _record_bytes(source)
    expected = source.records_per_member * record
    if size != expected:
        problem = "truncated" if size < expected else "too long"
        raise ValueError(
            f"{where}, {name}: {problem}: {size} bytes, expected {expected} "
            f"({source.records_per_member} records of {record} bytes); fetch it again from "
            f"{source.url}."
        )


def _decode(source: CifarSource, where: Path, name: str, content: bytes) -> tuple[Tensor, Tensor]:
    _require_size(source, where, name, len(content))
    height, width = source.image_shape
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, _record_bytes(source))
    labels = records[:, 0].astype(np.int64)
    if labels.max() >= len(source.class_names):
        first = int(np.argmax(labels >= len(source.class_names)))
        raise ValueError(
            f"{where}, {name}: record {first} has label {labels[first]}, but there are "
            f"{len(source.class_names)} classes: this is another kind of file."
        )
    images = records[:, 1:].reshape(-1, CHANNELS, height, width).copy()
    return torch.from_numpy(images), torch.from_numpy(labels)
