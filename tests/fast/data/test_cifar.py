"""CIFAR-10's binary archive, with tiny images written here: what is read, and what is refused."""

import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import NoReturn
from urllib.error import URLError

import numpy as np
import pytest
import torch

from gbm_fast.data import load_dataset
from gbm_fast.data.cifar import load_cifar
from gbm_fast.data.sources import CIFAR10, CifarSource
from tests.support.cases import generator

HEIGHT, WIDTH, RECORDS = 4, 3, 5
MEMBERS = ("data_batch_1.bin", "data_batch_2.bin", "test_batch.bin")
RNG = generator("cifar")
IMAGES = RNG.integers(0, 256, (3, RECORDS, 3, HEIGHT, WIDTH), dtype=np.uint8)
LABELS = RNG.integers(0, 4, (3, RECORDS), dtype=np.uint8)


def batch_bytes(images: np.ndarray, labels: np.ndarray) -> bytes:
    """Label, red plane, green plane, blue plane, one record after the other."""
    content = b""
    for image, label in zip(images, labels, strict=True):
        content += bytes([label]) + b"".join(plane.tobytes() for plane in image)
    return content


BATCHES = {
    name: batch_bytes(images, labels)
    for name, images, labels in zip(MEMBERS, IMAGES, LABELS, strict=True)
}


def tar_bytes(batches: dict[str, bytes], folder: str = "tiny-bin") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in batches.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def source_for(archive: bytes) -> CifarSource:
    return CifarSource(
        name="tiny",
        url="https://archive.example/tiny.tar.gz",
        archive="tiny.tar.gz",
        md5=hashlib.md5(archive).hexdigest(),
        folder="tiny-bin",
        train_members=MEMBERS[:2],
        test_members=MEMBERS[2:],
        class_names=("a", "b", "c", "d"),
        records_per_member=RECORDS,
        image_shape=(HEIGHT, WIDTH),
    )


ARCHIVE = tar_bytes(BATCHES)
SOURCE = source_for(ARCHIVE)


def write_folder(tmp_path: Path, batches: dict[str, bytes]) -> Path:
    folder = tmp_path / "tiny-bin"
    folder.mkdir()
    for name, content in batches.items():
        (folder / name).write_bytes(content)
    return folder


class Response(io.BytesIO):
    headers: dict[str, str] = {}


@pytest.mark.parametrize("unpacked", [False, True], ids=["archive", "folder"])
def test_images_and_labels_are_those_of_the_batches(tmp_path: Path, unpacked: bool) -> None:
    if unpacked:
        write_folder(tmp_path, BATCHES)
    else:
        (tmp_path / "tiny.tar.gz").write_bytes(ARCHIVE)
    before = sorted(tmp_path.rglob("*"))
    data = load_cifar(SOURCE, tmp_path, download=False)
    train = torch.from_numpy(IMAGES[:2].reshape(2 * RECORDS, 3, HEIGHT, WIDTH))
    assert torch.equal(data.train_images, train)
    assert torch.equal(data.test_images, torch.from_numpy(IMAGES[2]))
    assert data.train_labels.tolist() == LABELS[:2].ravel().tolist()
    assert data.test_labels.tolist() == LABELS[2].tolist()
    assert (data.channels, data.image_size, data.num_classes) == (3, (HEIGHT, WIDTH), 4)
    assert sorted(tmp_path.rglob("*")) == before


def test_batches_in_any_order_inside_the_archive_are_put_in_order(tmp_path: Path) -> None:
    archive = tar_bytes(dict(reversed(BATCHES.items())))
    (tmp_path / "tiny.tar.gz").write_bytes(archive)
    data = load_cifar(source_for(archive), tmp_path, download=False)
    assert data.train_labels.tolist() == LABELS[:2].ravel().tolist()


def test_a_missing_archive_is_downloaded_checked_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("urllib.request.urlopen", lambda url, timeout: Response(ARCHIVE))
    data = load_cifar(SOURCE, tmp_path / "new", download=True)
    assert data.test_labels.tolist() == LABELS[2].tolist()
    assert (tmp_path / "new" / "tiny.tar.gz").read_bytes() == ARCHIVE


def test_a_foreign_download_is_refused_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = tar_bytes(BATCHES, folder="elsewhere")
    monkeypatch.setattr("urllib.request.urlopen", lambda url, timeout: Response(foreign))
    with pytest.raises(ValueError, match=f"sent has MD5 {hashlib.md5(foreign).hexdigest()}"):
        load_cifar(SOURCE, tmp_path, download=True)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_cifar10_names_url_checksum_and_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def urlopen(url: str, timeout: float) -> NoReturn:
        raise URLError("no network in this test")

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    with pytest.raises(ValueError, match="could not download cifar-10-binary.tar.gz") as error:
        load_dataset("cifar10", data_dir=tmp_path)
    message = str(error.value)
    assert CIFAR10.url in message and CIFAR10.md5 in message
    assert str(tmp_path / "cifar-10-binary.tar.gz") in message
    assert list(tmp_path.iterdir()) == []


def test_a_missing_archive_is_named_when_nothing_may_be_fetched(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"tiny needs .*tiny\.tar\.gz") as error:
        load_cifar(SOURCE, tmp_path, download=False)
    assert SOURCE.url in str(error.value) and SOURCE.md5 in str(error.value)


@pytest.mark.parametrize("keep", [0, 40, -1])
def test_a_truncated_archive_fails_its_checksum(tmp_path: Path, keep: int) -> None:
    (tmp_path / "tiny.tar.gz").write_bytes(ARCHIVE[:keep])
    found = hashlib.md5(ARCHIVE[:keep]).hexdigest()
    with pytest.raises(ValueError, match=f"expected MD5 {SOURCE.md5}, found {found}"):
        load_cifar(SOURCE, tmp_path, download=False)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x80\x04pickle", ARCHIVE[: len(ARCHIVE) // 2]],
    ids=["empty", "foreign", "truncated"],
)
def test_a_file_that_is_no_archive_is_refused_even_with_its_checksum(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "tiny.tar.gz").write_bytes(content)
    with pytest.raises(ValueError, match="cannot be read as a gzip-compressed tar archive"):
        load_cifar(source_for(content), tmp_path, download=False)


def test_an_archive_without_a_batch_is_refused(tmp_path: Path) -> None:
    archive = tar_bytes({name: BATCHES[name] for name in MEMBERS[::2]})
    (tmp_path / "tiny.tar.gz").write_bytes(archive)
    with pytest.raises(ValueError, match="has no tiny-bin/data_batch_2.bin"):
        load_cifar(source_for(archive), tmp_path, download=False)


@pytest.mark.parametrize(
    ("content", "problem"),
    [(BATCHES[MEMBERS[1]][:-1], "truncated"), (BATCHES[MEMBERS[1]] + b"\x00", "too long")],
    ids=["truncated", "too-long"],
)
@pytest.mark.parametrize("unpacked", [False, True], ids=["archive", "folder"])
def test_a_batch_of_wrong_length_is_named(
    tmp_path: Path, unpacked: bool, content: bytes, problem: str
) -> None:
    batches = BATCHES | {MEMBERS[1]: content}
    archive = tar_bytes(batches)
    if unpacked:
        write_folder(tmp_path, batches)
    else:
        (tmp_path / "tiny.tar.gz").write_bytes(archive)
    with pytest.raises(ValueError, match=f"{MEMBERS[1]}: {problem}: {len(content)} bytes"):
        load_cifar(source_for(archive), tmp_path, download=False)


def test_a_label_outside_the_classes_is_named(tmp_path: Path) -> None:
    labels = LABELS[2].copy()
    labels[3] = 4
    write_folder(tmp_path, BATCHES | {MEMBERS[2]: batch_bytes(IMAGES[2], labels)})
    with pytest.raises(ValueError, match=f"{MEMBERS[2]}: record 3 has label 4"):
        load_cifar(SOURCE, tmp_path, download=False)


def test_an_incomplete_folder_is_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, BATCHES)
    (folder / MEMBERS[0]).unlink()
    with pytest.raises(ValueError, match=f"{MEMBERS[0]} is missing"):
        load_cifar(SOURCE, tmp_path, download=False)


def test_a_file_in_place_of_a_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "tiny-bin").write_bytes(b"not a directory")
    with pytest.raises(ValueError, match="tiny-bin cannot be read"):
        load_cifar(SOURCE, tmp_path, download=False)
    with pytest.raises(ValueError, match="tiny-bin cannot be read"):
        load_cifar(replace(SOURCE, folder="other"), tmp_path / "tiny-bin", download=True)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nowhere does not exist"):
        load_cifar(SOURCE, tmp_path / "nowhere", download=False)


def test_the_published_archive_is_the_one_with_50000_and_10000_images() -> None:
    assert CIFAR10.records_per_member * len(CIFAR10.train_members) == 50_000
    assert CIFAR10.records_per_member * len(CIFAR10.test_members) == 10_000
    assert CIFAR10.image_shape == (32, 32) and len(set(CIFAR10.class_names)) == 10
