"""The MNIST family on tiny IDX files written here: what is read, and every way to be wrong."""

import gzip
import hashlib
import io
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gbm_fast.data.idx import load_idx_family
from gbm_fast.data.sources import IdxFile, IdxSource
from tests.support.cases import generator

RNG = generator("idx")
TRAIN = RNG.integers(0, 256, (6, 5, 3), dtype=np.uint8)
TEST = RNG.integers(0, 256, (4, 5, 3), dtype=np.uint8)
TRAIN_LABELS = np.array([2, 0, 1, 1, 2, 0], dtype=np.uint8)
TEST_LABELS = np.array([1, 2, 0, 2], dtype=np.uint8)
NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def idx_bytes(array: np.ndarray) -> bytes:
    header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


ARRAYS = (TRAIN, TRAIN_LABELS, TEST, TEST_LABELS)
CONTENTS = {name: idx_bytes(array) for name, array in zip(NAMES, ARRAYS, strict=True)}
PACKED = {name: gzip.compress(content, mtime=0) for name, content in CONTENTS.items()}


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def tiny_file(name: str) -> IdxFile:
    return IdxFile(name, gz_md5=md5(PACKED[name]), raw_md5=md5(CONTENTS[name]))


SOURCE = IdxSource(
    name="tiny",
    folder="Tiny",
    mirrors=("https://first.example/tiny/", "https://second.example/tiny/"),
    train_images=tiny_file(NAMES[0]),
    train_labels=tiny_file(NAMES[1]),
    test_images=tiny_file(NAMES[2]),
    test_labels=tiny_file(NAMES[3]),
    class_names=("a", "b", "c"),
    train_count=6,
    test_count=4,
    image_shape=(5, 3),
)
UNKNOWN_SUMS = replace(
    SOURCE,
    train_images=replace(SOURCE.train_images, raw_md5=None),
    train_labels=replace(SOURCE.train_labels, raw_md5=None),
    test_images=replace(SOURCE.test_images, raw_md5=None),
    test_labels=replace(SOURCE.test_labels, raw_md5=None),
)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A complete, unpacked Tiny/raw below tmp_path."""
    folder = tmp_path / "Tiny" / "raw"
    folder.mkdir(parents=True)
    for name, content in CONTENTS.items():
        (folder / name).write_bytes(content)
    return folder


def pack(raw: Path, name: str, content: bytes) -> None:
    """Leave `name` as .gz only, with these bytes on disk."""
    (raw / name).unlink()
    (raw / f"{name}.gz").write_bytes(content)


@pytest.mark.parametrize("packed", [(), NAMES, NAMES[1:3]], ids=["plain", "gz", "mixed"])
def test_images_and_labels_are_those_of_the_files(
    raw: Path, tmp_path: Path, packed: tuple[str, ...]
) -> None:
    for name in packed:
        pack(raw, name, PACKED[name])
    data = load_idx_family(SOURCE, tmp_path, download=False)
    assert torch.equal(data.train_images, torch.from_numpy(TRAIN)[:, None])
    assert torch.equal(data.test_images, torch.from_numpy(TEST)[:, None])
    assert data.train_labels.tolist() == TRAIN_LABELS.tolist()
    assert data.test_labels.tolist() == TEST_LABELS.tolist()
    assert data.train_labels.dtype == torch.int64
    assert (data.name, data.max_value, data.class_names) == ("tiny", 255, ("a", "b", "c"))
    assert (data.channels, data.image_size) == (1, (5, 3))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("keep", [0, 3, 6, -1])
def test_a_truncated_file_is_named(raw: Path, tmp_path: Path, name: str, keep: int) -> None:
    (raw / name).write_bytes(CONTENTS[name][:keep])
    with pytest.raises(ValueError, match=f"{name}: truncated"):
        load_idx_family(SOURCE, tmp_path, download=False)


def test_a_truncated_gz_is_named(raw: Path, tmp_path: Path) -> None:
    pack(raw, NAMES[0], PACKED[NAMES[0]][:-9])
    with pytest.raises(ValueError, match=rf"{NAMES[0]}\.gz: truncated: the gzip stream ends"):
        load_idx_family(SOURCE, tmp_path, download=False)


@pytest.mark.parametrize("flipped", [0, 25, -6], ids=["header", "body", "checksum"])
def test_a_damaged_gz_is_named(raw: Path, tmp_path: Path, flipped: int) -> None:
    damaged = bytearray(PACKED[NAMES[0]])
    damaged[flipped] ^= 0xFF
    pack(raw, NAMES[0], bytes(damaged))
    with pytest.raises(ValueError, match=rf"{NAMES[0]}\.gz: "):
        load_idx_family(SOURCE, tmp_path, download=False)


def test_a_damaged_gz_header_is_not_gzip(raw: Path, tmp_path: Path) -> None:
    pack(raw, NAMES[0], CONTENTS[NAMES[0]])
    with pytest.raises(ValueError, match=r"\.gz: not a valid gzip file"):
        load_idx_family(SOURCE, tmp_path, download=False)


def test_surplus_bytes_are_refused(raw: Path, tmp_path: Path) -> None:
    (raw / NAMES[1]).write_bytes(CONTENTS[NAMES[1]] + b"\x00\x01")
    with pytest.raises(ValueError, match=rf"{NAMES[1]}: 2 bytes more than the 6"):
        load_idx_family(UNKNOWN_SUMS, tmp_path, download=False)


@pytest.mark.parametrize(
    ("name", "magic"),
    [
        (NAMES[0], b"\x00\x00\x08\x01"),
        (NAMES[0], b"\x00\x00\x0d\x03"),
        (NAMES[0], b"\x89PNG"),
        (NAMES[1], b"\x00\x00\x08\x03"),
    ],
    ids=["labels-as-images", "floats", "png", "images-as-labels"],
)
def test_a_wrong_magic_number_is_named(raw: Path, tmp_path: Path, name: str, magic: bytes) -> None:
    (raw / name).write_bytes(magic + CONTENTS[name][4:])
    with pytest.raises(ValueError, match=f"{name}: wrong magic number 0x{magic.hex()}, expected"):
        load_idx_family(SOURCE, tmp_path, download=False)


def test_one_changed_pixel_is_found_by_the_checksum(raw: Path, tmp_path: Path) -> None:
    changed = bytearray(CONTENTS[NAMES[2]])
    changed[-1] ^= 1
    (raw / NAMES[2]).write_bytes(bytes(changed))
    with pytest.raises(ValueError, match=f"{NAMES[2]}: expected MD5") as error:
        load_idx_family(SOURCE, tmp_path, download=False)
    assert f"{md5(CONTENTS[NAMES[2]])}, found {md5(bytes(changed))}" in str(error.value)


def test_a_recompressed_gz_is_found_by_the_checksum(raw: Path, tmp_path: Path) -> None:
    again = gzip.compress(CONTENTS[NAMES[3]], mtime=1)
    pack(raw, NAMES[3], again)
    with pytest.raises(ValueError, match=rf"{NAMES[3]}\.gz: expected MD5 .* found {md5(again)}"):
        load_idx_family(SOURCE, tmp_path, download=False)


def test_where_no_checksum_is_known_the_structure_decides(raw: Path, tmp_path: Path) -> None:
    changed = bytearray(CONTENTS[NAMES[0]])
    changed[-1] ^= 1
    (raw / NAMES[0]).write_bytes(bytes(changed))
    data = load_idx_family(UNKNOWN_SUMS, tmp_path, download=False)
    assert int(data.train_images[-1, 0, -1, -1]) == int(TRAIN[-1, -1, -1]) ^ 1


def test_images_and_labels_must_match_in_number(raw: Path, tmp_path: Path) -> None:
    (raw / NAMES[1]).write_bytes(idx_bytes(TRAIN_LABELS[:-1]))
    with pytest.raises(ValueError, match=r"has 6 images but .* has 5 labels"):
        load_idx_family(UNKNOWN_SUMS, tmp_path, download=False)


@pytest.mark.parametrize("other", [TRAIN[:5], TRAIN[:, :, :2]], ids=["count", "size"])
def test_another_data_sets_shape_is_refused(raw: Path, tmp_path: Path, other: np.ndarray) -> None:
    (raw / NAMES[0]).write_bytes(idx_bytes(other))
    (raw / NAMES[1]).write_bytes(idx_bytes(TRAIN_LABELS[: len(other)]))
    with pytest.raises(ValueError, match=r"expected images of shape \(6, 5, 3\) .* for tiny"):
        load_idx_family(UNKNOWN_SUMS, tmp_path, download=False)


def test_labels_outside_the_classes_are_refused(raw: Path, tmp_path: Path) -> None:
    (raw / NAMES[3]).write_bytes(idx_bytes(TEST_LABELS + np.uint8(3)))
    with pytest.raises(ValueError, match="tiny, test split: labels run from 3 to 5"):
        load_idx_family(UNKNOWN_SUMS, tmp_path, download=False)


def test_a_missing_file_is_named_when_nothing_may_be_fetched(raw: Path, tmp_path: Path) -> None:
    (raw / NAMES[2]).unlink()
    with pytest.raises(ValueError, match=rf"tiny needs .*{NAMES[2]} or {NAMES[2]}\.gz"):
        load_idx_family(SOURCE, tmp_path, download=False)


def test_a_directory_in_place_of_a_file_is_named(raw: Path, tmp_path: Path) -> None:
    (raw / NAMES[0]).unlink()
    (raw / NAMES[0]).mkdir()
    with pytest.raises(ValueError, match=f"{NAMES[0]} is a directory where a file is expected"):
        load_idx_family(SOURCE, tmp_path, download=False)


class Response(io.BytesIO):
    headers: dict[str, str] = {}


def test_only_the_missing_file_is_downloaded_and_then_kept(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (raw / NAMES[2]).unlink()
    asked: list[str] = []

    def urlopen(url: str, timeout: float) -> Response:
        asked.append(url)
        return Response(PACKED[NAMES[2]])

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    for _ in range(2):
        data = load_idx_family(SOURCE, tmp_path, download=True)
        assert torch.equal(data.test_images, torch.from_numpy(TEST)[:, None])
    assert asked == [f"https://first.example/tiny/{NAMES[2]}.gz"]
    assert (raw / f"{NAMES[2]}.gz").read_bytes() == PACKED[NAMES[2]]
