"""CIFAR-10's binary archive, with tiny images written here: what is read, and what is refused."""

import hashlib
import io
import os
import tarfile
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gbm_fast.data import ImageData, load_dataset
from gbm_fast.data.cifar import load_cifar
from gbm_fast.data.sources import CIFAR10, CifarSource
from tests.support.cases import generator
from tests.support.downloads import Response, serve
from tests.support.fixtures import Patch, Shown

HEIGHT, WIDTH, RECORDS = 4, 3, 5
Batches = dict[str, bytes] | bytes
MEMBERS = ("data_batch_1.bin", "data_batch_2.bin", "test_batch.bin")
RNG = generator("cifar")
IMAGES = RNG.integers(0, 256, (3, RECORDS, 3, HEIGHT, WIDTH), dtype=np.uint8)
LABELS = RNG.integers(0, 4, (3, RECORDS), dtype=np.uint8)


def batch_bytes(images: np.ndarray, labels: np.ndarray) -> bytes:
    """Label, red plane, green plane, blue plane, one record after the other."""
    return b"".join(bytes([b]) + a.tobytes() for a, b in zip(images, labels, strict=True))


BATCHES = dict(zip(MEMBERS, map(batch_bytes, IMAGES, LABELS), strict=True))


def tar_bytes(batches: dict[str, bytes], folder: str = "tiny-bin") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in batches.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def source_for(archive: bytes) -> CifarSource:
    return CifarSource(
        name="tiny",
        url="https://archive.example/tiny.tar.gz",
        archive="tiny.tar.gz",
        md5=md5(archive),
        folder="tiny-bin",
        train_members=MEMBERS[:2],
        test_members=MEMBERS[2:],
        class_names=("a", "b", "c", "d"),
        records_per_member=RECORDS,
        image_shape=(HEIGHT, WIDTH),
    )


ARCHIVE = tar_bytes(BATCHES)
SOURCE = source_for(ARCHIVE)


def write(folder: Path, batches: Batches) -> None:
    """The archive, or the files that it holds in a folder."""
    if isinstance(batches, bytes):
        (folder / "tiny.tar.gz").write_bytes(batches)
        return
    (folder / "tiny-bin").mkdir()
    for name, content in batches.items():
        (folder / "tiny-bin" / name).write_bytes(content)


def load(folder: Path, source: CifarSource = SOURCE) -> ImageData:
    return load_cifar(source, folder, download=False)


@pytest.mark.parametrize("batches", [ARCHIVE, BATCHES], ids=["archive", "folder"])
def test_images_and_labels_are_those_written(tmp_path: Path, batches: Batches) -> None:
    write(tmp_path, batches)
    before = sorted(tmp_path.rglob("*"))
    data = load(tmp_path)
    train = torch.from_numpy(IMAGES[:2].reshape(2 * RECORDS, 3, HEIGHT, WIDTH))
    assert torch.equal(data.train_images, train)
    assert torch.equal(data.test_images, torch.from_numpy(IMAGES[2]))
    assert data.train_labels.tolist() == LABELS[:2].ravel().tolist()
    assert data.test_labels.tolist() == LABELS[2].tolist()
    assert (data.channels, data.image_size, data.num_classes) == (3, (HEIGHT, WIDTH), 4)
    assert sorted(tmp_path.rglob("*")) == before


def test_batches_in_any_order_inside_the_archive_are_put_in_order(tmp_path: Path) -> None:
    write(tmp_path, archive := tar_bytes(dict(reversed(BATCHES.items()))))
    assert load(tmp_path, source_for(archive)).train_labels.tolist() == LABELS[:2].ravel().tolist()


def test_a_missing_archive_is_downloaded_and_read(tmp_path: Path, monkeypatch: Patch) -> None:
    serve(monkeypatch, {SOURCE.url: Response(ARCHIVE)})
    data = load_cifar(SOURCE, tmp_path / "new", download=True)
    assert data.test_labels.tolist() == LABELS[2].tolist()
    assert (tmp_path / "new" / "tiny.tar.gz").read_bytes() == ARCHIVE


def test_a_foreign_download_leaves_no_file(tmp_path: Path, monkeypatch: Patch) -> None:
    foreign = tar_bytes(BATCHES, folder="elsewhere")
    serve(monkeypatch, {SOURCE.url: Response(foreign)})
    with pytest.raises(ValueError, match=f"sent has MD5 {md5(foreign)}"):
        load_cifar(SOURCE, tmp_path, download=True)
    assert list(tmp_path.iterdir()) == []


def test_offline_cifar10_names_url_checksum_and_target(tmp_path: Path, monkeypatch: Patch) -> None:
    serve(monkeypatch)
    with pytest.raises(ValueError, match="could not download cifar-10-binary.tar.gz") as error:
        load_dataset("cifar10", data_dir=tmp_path)
    for part in (CIFAR10.url, CIFAR10.md5, str(tmp_path / "cifar-10-binary.tar.gz")):
        assert part in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_archive_is_named_when_nothing_may_be_fetched(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"tiny needs .*tiny\.tar\.gz") as error:
        load(tmp_path)
    assert SOURCE.url in str(error.value) and SOURCE.md5 in str(error.value)
    with pytest.raises(ValueError, match="nowhere does not exist"):
        load(tmp_path / "nowhere")


NO_ARCHIVE = (b"", b"\x80\x04pickle", ARCHIVE[: len(ARCHIVE) // 2])
UNREADABLE = "cannot be read as a gzip-compressed tar archive"
INCOMPLETE = tar_bytes({name: BATCHES[name] for name in MEMBERS[::2]})
WRONG_LABELS = LABELS[2].copy()
WRONG_LABELS[3] = 4
WRONG = batch_bytes(IMAGES[2], WRONG_LABELS)
SHORT, LONG = BATCHES[MEMBERS[1]][:-1], BATCHES[MEMBERS[1]] + b"\x00"
LENGTHS = [
    (BATCHES | {MEMBERS[1]: content}, f"{MEMBERS[1]}: {problem}: {len(content)} bytes")
    for content, problem in ((SHORT, "truncated"), (LONG, "too long"))
]
SHORTER = [ARCHIVE[:keep] for keep in (0, 40, -1)]
REFUSED: list[tuple[Batches, CifarSource, str]] = [
    *((a, SOURCE, f"expected MD5 {SOURCE.md5}, found {md5(a)}") for a in SHORTER),
    *((content, source_for(content), UNREADABLE) for content in NO_ARCHIVE),
    (INCOMPLETE, source_for(INCOMPLETE), "has no tiny-bin/data_batch_2.bin"),
    *((tar_bytes(b), source_for(tar_bytes(b)), message) for b, message in LENGTHS),
    *((b, SOURCE, message) for b, message in LENGTHS),
    (BATCHES | {MEMBERS[2]: WRONG}, SOURCE, f"{MEMBERS[2]}: record 3 has label 4"),
    ({name: BATCHES[name] for name in MEMBERS[1:]}, SOURCE, f"{MEMBERS[0]} is missing"),
]


# The ids are numbers: the archives, and so their checksums, hold the time at which they are made.
@pytest.mark.parametrize(("batches", "source", "message"), REFUSED, ids=range(len(REFUSED)))
def test_damaged_and_foreign_files_are_refused_even_with_their_checksum(
    tmp_path: Path, batches: Batches, source: CifarSource, message: str
) -> None:
    write(tmp_path, batches)
    with pytest.raises(ValueError, match=message):
        load(tmp_path, source)


def test_a_file_in_place_of_a_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "tiny-bin").write_bytes(b"not a directory")
    with pytest.raises(ValueError, match="tiny-bin cannot be read"):
        load(tmp_path)
    with pytest.raises(ValueError, match="tiny-bin cannot be read"):
        load_cifar(replace(SOURCE, folder="other"), tmp_path / "tiny-bin", download=True)


def test_the_archive_is_preferred_and_the_folder_is_said_to_be_unverified(
    tmp_path: Path, capsys: Shown
) -> None:
    write(tmp_path, {name: bytes(len(content)) for name, content in BATCHES.items()})
    with pytest.raises(ValueError, match="tiny-bin: all pixels of the train images are 0"):
        load(tmp_path)
    write(tmp_path, ARCHIVE)
    assert load(tmp_path).test_labels.tolist() == LABELS[2].tolist()
    assert capsys.readouterr().err == ""


def test_the_classes_of_an_unpacked_folder_are_counted(tmp_path: Path, capsys: Shown) -> None:
    even = np.array([[0, 1, 2, 3, 0], [1, 2, 3, 0, 1], [0, 1, 2, 3, 3]], np.uint8)
    write(tmp_path, dict(zip(MEMBERS, map(batch_bytes, IMAGES, even), strict=True)))
    load(tmp_path)
    said = "is unpacked, without a published checksum: checked by structure only"
    assert f"tiny: {tmp_path / 'tiny-bin'} {said}" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"have \[3, 3, 2, 2\] images, and tiny has 2"):
        load(tmp_path, replace(SOURCE, per_class=(2, 1)))
    two = replace(SOURCE, class_names=("a", "b"), per_class=(5, 2))
    halves = dict(zip(MEMBERS, map(batch_bytes, IMAGES, even % 2), strict=True))
    for name, content in halves.items():
        (tmp_path / "tiny-bin" / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"have \[2, 3\] images, and tiny has 2 of each"):
        load(tmp_path, two)


@pytest.mark.parametrize("given", ["tiny-bin", "other", "."])
def test_another_level_is_read(tmp_path: Path, capsys: Shown, given: str) -> None:
    """The folder itself, its neighbour, and the folder above the one that holds it."""
    place = tmp_path / "data" if given == "." else tmp_path
    place.mkdir(exist_ok=True)
    (tmp_path / "other").mkdir()
    write(place, BATCHES)
    assert load(tmp_path / given).test_labels.tolist() == LABELS[2].tolist()
    assert ("read from" in capsys.readouterr().err) == (given != "tiny-bin")


PYTHON = ("cifar-10-batches-py", "cifar-10-python.tar.gz")


@pytest.mark.parametrize("name", PYTHON)
@pytest.mark.parametrize("level", ["", "below", "above", "inside"])
def test_the_version_for_python_is_named_before_the_network_is_asked(
    tmp_path: Path, monkeypatch: Patch, name: str, level: str
) -> None:
    asked = serve(monkeypatch)
    place = tmp_path / "data"
    lies = {"": place, "below": place / "cifar", "above": tmp_path, "inside": place}[level] / name
    lies.parent.mkdir(parents=True, exist_ok=True)
    lies.mkdir()
    place.mkdir(exist_ok=True)
    with pytest.raises(ValueError, match="is the version of cifar10 for Python") as error:
        load_dataset("cifar10", lies if level == "inside" else place)
    assert str(lies) in str(error.value) and CIFAR10.url in str(error.value) and asked == []


def test_a_pipe_in_place_of_the_archive_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "tiny.tar.gz")
    with pytest.raises(ValueError, match="tiny.tar.gz is a named pipe where a file is expected"):
        load(tmp_path)


def test_a_member_that_announces_more_is_not_unpacked(tmp_path: Path) -> None:
    """16 MB of zeros in 16 kB, with the checksum of the archive."""
    archive = tar_bytes(BATCHES | {MEMBERS[0]: bytes(1 << 24)})
    write(tmp_path, archive)
    tracemalloc.start()
    with pytest.raises(ValueError, match=f"{MEMBERS[0]}: too long: {1 << 24} bytes"):
        load(tmp_path, source_for(archive))
    assert tracemalloc.get_traced_memory()[1] < 1 << 22
    tracemalloc.stop()


def test_a_link_in_the_archive_is_no_member(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in MEMBERS:
            info = tarfile.TarInfo(f"tiny-bin/{name}")
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/hostname"
            tar.addfile(info)
    write(tmp_path, buffer.getvalue())
    with pytest.raises(ValueError, match=f"has no tiny-bin/{MEMBERS[0]}"):
        load(tmp_path, source_for(buffer.getvalue()))


def test_the_published_archive_is_the_one_with_50000_and_10000_images() -> None:
    assert CIFAR10.records_per_member * len(CIFAR10.train_members) == 50_000
    assert CIFAR10.records_per_member * len(CIFAR10.test_members) == 10_000
    assert CIFAR10.image_shape == (32, 32) and len(set(CIFAR10.class_names)) == 10
