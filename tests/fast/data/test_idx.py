"""The MNIST family on tiny IDX files written here: what is read, and every way to be wrong. The
published files too, where the variable GBM_DATA points to them."""

import gzip
import hashlib
import os
import struct
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gbm_fast.data import ImageData, load_dataset
from gbm_fast.data.idx import load_idx_family
from gbm_fast.data.sources import FASHION_MNIST, MNIST, IdxFile, IdxSource
from tests.support.cases import generator
from tests.support.downloads import Response, serve
from tests.support.fixtures import Patch, Shown

RNG = generator("idx")
TRAIN = RNG.integers(0, 256, (6, 5, 3), dtype=np.uint8)
TEST = RNG.integers(0, 256, (4, 5, 3), dtype=np.uint8)
TRAIN_LABELS = np.array([2, 0, 1, 1, 2, 0], dtype=np.uint8)
TEST_LABELS = np.array([1, 2, 0, 2], dtype=np.uint8)
KINDS = ("images-idx3", "labels-idx1")
NAMES = tuple(f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in KINDS)


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


PARTS = ("train_images", "train_labels", "test_images", "test_labels")
SOURCE = IdxSource(
    name="tiny",
    folder="Tiny",
    mirrors=("https://first.example/tiny/", "https://second.example/tiny/"),
    **{part: tiny_file(name) for part, name in zip(PARTS, NAMES, strict=True)},
    class_names=("a", "b", "c"),
    train_count=6,
    test_count=4,
    image_shape=(5, 3),
)
UNKNOWN_SUMS = replace(SOURCE, **{p: replace(getattr(SOURCE, p), raw_md5=None) for p in PARTS})


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


def load(folder: Path, source: IdxSource = SOURCE) -> ImageData:
    return load_idx_family(source, folder, download=False)


def changed(content: bytes, position: int, bits: int = 1) -> bytes:
    """The same with these bits of one byte turned."""
    (copy := bytearray(content))[position] ^= bits
    return bytes(copy)


@pytest.mark.parametrize("packed", [(), NAMES, NAMES[1:3]], ids=["plain", "gz", "mixed"])
def test_images_and_labels_are_those_written(raw: Path, tmp_path: Path, packed: tuple) -> None:
    for name in packed:
        pack(raw, name, PACKED[name])
    data = load(tmp_path)
    assert torch.equal(data.train_images, torch.from_numpy(TRAIN)[:, None])
    assert torch.equal(data.test_images, torch.from_numpy(TEST)[:, None])
    assert data.train_labels.tolist() == TRAIN_LABELS.tolist()
    assert data.test_labels.tolist() == TEST_LABELS.tolist()
    assert data.train_labels.dtype == torch.int64
    assert (data.name, data.max_value, data.class_names) == ("tiny", 255, ("a", "b", "c"))
    assert (data.channels, data.image_size) == (1, (5, 3))


GZ, RIGHT = f"{NAMES[0]}.gz", md5(CONTENTS[NAMES[2]])
PIXEL = changed(CONTENTS[NAMES[2]], -1)
AGAIN = gzip.compress(CONTENTS[NAMES[3]], mtime=1)
# Labels as images, floats, a picture, and images as labels.
MAGICS = [(NAMES[0], m) for m in (b"\x00\x00\x08\x01", b"\x00\x00\x0d\x03", b"\x89PNG")]
MAGICS += [(NAMES[1], b"\x00\x00\x08\x03")]
# Files with their contents, a gz file in place of the plain one, and what the message says.
REFUSED: list[tuple[dict[str, bytes], str]] = [
    *(({n: CONTENTS[n][:keep]}, f"{n}: truncated") for n in NAMES for keep in (0, 3, 6, -1)),
    *(
        ({n: m + CONTENTS[n][4:]}, f"{n}: wrong magic number 0x{m.hex()}, expected")
        for n, m in MAGICS
    ),
    ({GZ: PACKED[NAMES[0]][:-9]}, rf"{NAMES[0]}\.gz: truncated: the gzip stream ends"),
    # The header, the body and the checksum of the gzip file.
    *(({GZ: changed(PACKED[NAMES[0]], k, 0xFF)}, rf"{NAMES[0]}\.gz: ") for k in (0, 25, -6)),
    ({GZ: CONTENTS[NAMES[0]]}, r"\.gz: not a valid gzip file"),
    ({NAMES[2]: PIXEL}, f"{NAMES[2]}: expected MD5 .*{RIGHT}, found {md5(PIXEL)}"),
    ({f"{NAMES[3]}.gz": AGAIN}, rf"{NAMES[3]}\.gz: expected MD5 .* found {md5(AGAIN)}"),
]
REFUSED_BY_STRUCTURE: list[tuple[dict[str, bytes], str]] = [
    ({NAMES[1]: CONTENTS[NAMES[1]] + b"\x00\x01"}, rf"{NAMES[1]}: 2 bytes more than the 6"),
    ({NAMES[1]: idx_bytes(TRAIN_LABELS[:-1])}, r"has 6 images but .* has 5 labels"),
    ({NAMES[3]: idx_bytes(TEST_LABELS + np.uint8(3))}, "tiny, test split: labels run from 3 to 5"),
    *(
        (
            {NAMES[0]: idx_bytes(other), NAMES[1]: idx_bytes(TRAIN_LABELS[: len(other)])},
            r"expected images of shape \(6, 5, 3\) .* for tiny",
        )
        for other in (TRAIN[:5], TRAIN[:, :, :2])
    ),
]


@pytest.mark.parametrize(
    ("files", "message", "source"),
    [(*row, SOURCE) for row in REFUSED] + [(*row, UNKNOWN_SUMS) for row in REFUSED_BY_STRUCTURE],
)
def test_damaged_and_foreign_files_are_named(
    raw: Path, tmp_path: Path, files: dict[str, bytes], message: str, source: IdxSource
) -> None:
    for name, content in files.items():
        (raw / name.removesuffix(".gz")).unlink()
        (raw / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load(tmp_path, source)


def test_where_no_checksum_is_known_the_structure_decides(raw: Path, tmp_path: Path) -> None:
    (raw / NAMES[0]).write_bytes(changed(CONTENTS[NAMES[0]], -1))
    data = load(tmp_path, UNKNOWN_SUMS)
    assert int(data.train_images[-1, 0, -1, -1]) == int(TRAIN[-1, -1, -1]) ^ 1


def test_a_missing_file_is_named_when_nothing_may_be_fetched(raw: Path, tmp_path: Path) -> None:
    (raw / NAMES[2]).unlink()
    with pytest.raises(ValueError, match=rf"tiny needs .*{NAMES[2]} or {NAMES[2]}\.gz"):
        load(tmp_path)


def test_a_directory_in_place_of_a_file_is_named(raw: Path, tmp_path: Path) -> None:
    (raw / NAMES[0]).unlink()
    (raw / NAMES[0]).mkdir()
    with pytest.raises(ValueError, match=f"{NAMES[0]} is a directory where a file is expected"):
        load(tmp_path)


def test_only_a_missing_file_is_downloaded(raw: Path, monkeypatch: Patch) -> None:
    """And then kept."""
    (raw / NAMES[2]).unlink()
    url = f"https://first.example/tiny/{NAMES[2]}.gz"
    asked = serve(monkeypatch, {url: Response(PACKED[NAMES[2]])})
    for _ in range(2):
        data = load_idx_family(SOURCE, raw.parent.parent, download=True)
        assert torch.equal(data.test_images, torch.from_numpy(TEST)[:, None])
    assert asked == [url]
    assert (raw / f"{NAMES[2]}.gz").read_bytes() == PACKED[NAMES[2]]


# Two classes of three images, two for testing, as KMNIST has ten of 6,000: no checksum unpacked.
EVEN = replace(UNKNOWN_SUMS, class_names=("a", "b"), per_class=(3, 2))
EVEN_LABELS = {
    1: idx_bytes(np.array([0, 1, 1, 0, 0, 1], "u1")),
    3: idx_bytes(np.array([0, 1, 1, 0], "u1")),
}


def test_what_has_no_checksum_is_said_and_counted(
    raw: Path, tmp_path: Path, capsys: Shown
) -> None:
    for k, content in EVEN_LABELS.items():
        (raw / NAMES[k]).write_bytes(content)
    assert load(tmp_path, EVEN).test_labels.tolist() == [0, 1, 1, 0]
    said = f"tiny: {raw} is unpacked, without a published checksum: checked by structure and class"
    assert said in capsys.readouterr().err
    (raw / NAMES[3]).write_bytes(idx_bytes(np.array([0, 1, 1, 1], "u1")))
    with pytest.raises(ValueError, match=r"the classes have \[1, 3\] images, and tiny has 2 of"):
        load(tmp_path, EVEN)
    assert capsys.readouterr().err == ""
    for k in EVEN_LABELS:
        (raw / NAMES[k]).write_bytes(CONTENTS[NAMES[k]])
    load(tmp_path, replace(SOURCE, **{PARTS[3]: replace(SOURCE.test_labels, raw_md5=None)}))
    assert "checked by structure only" in capsys.readouterr().err


@pytest.mark.parametrize("level", [0, 9])
@pytest.mark.parametrize("k", [0, 2])
def test_images_without_content_are_refused(raw: Path, tmp_path: Path, k: int, level: int) -> None:
    (raw / NAMES[k]).write_bytes(idx_bytes(np.full_like(ARRAYS[k], level)))
    with pytest.raises(ValueError, match=f"all pixels of the .* are {level}: these are not"):
        load(tmp_path, UNKNOWN_SUMS)


def test_the_packed_file_is_preferred_where_only_it_has_a_checksum(
    raw: Path, tmp_path: Path, capsys: Shown
) -> None:
    for name in NAMES:
        (raw / f"{name}.gz").write_bytes(PACKED[name])
    (raw / NAMES[0]).write_bytes(idx_bytes(np.zeros_like(TRAIN)))
    assert torch.equal(load(tmp_path, UNKNOWN_SUMS).train_images[:, 0], torch.from_numpy(TRAIN))
    assert capsys.readouterr().err == ""
    with pytest.raises(ValueError, match="expected MD5"):
        load(tmp_path, SOURCE)


def test_a_gzip_bomb_and_a_huge_file_cost_no_memory(raw: Path, tmp_path: Path) -> None:
    """64 MB in 64 kB, and a file of 1 TB of which nothing is on the disk."""
    pack(raw, NAMES[1], gzip.compress(bytes(1 << 26)))
    with open(raw / NAMES[0], "r+b") as file:
        file.truncate(1 << 40)
    tracemalloc.start()
    for name, size in ((NAMES[0], 106), (f"{NAMES[1]}.gz", 14)):
        with pytest.raises(ValueError, match=f"{name}: more than .* bytes, where {size} are"):
            load(tmp_path)
        (raw / NAMES[0]).write_bytes(CONTENTS[NAMES[0]])
    assert tracemalloc.get_traced_memory()[1] < 1 << 23
    tracemalloc.stop()


def test_a_pipe_in_place_of_a_file_is_not_waited_for(raw: Path, tmp_path: Path) -> None:
    (raw / NAMES[0]).unlink()
    os.mkfifo(raw / NAMES[0])
    with pytest.raises(ValueError, match=f"{NAMES[0]} is a named pipe where a file is expected"):
        load(tmp_path)


PLACES = {
    "the folder itself": ("Tiny/raw", "Tiny/raw"),
    "one level down": ("Tiny/raw", "Tiny"),
    "without raw": ("Tiny", "."),
    "directly": ("downloads", "downloads"),
    "one level up": ("Tiny/raw", "Other"),
    "below": ("data/Tiny/raw", "."),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("dotted", [False, True])
def test_files_at_another_level_are_read_and_it_is_said(
    tmp_path: Path, monkeypatch: Patch, capsys: Shown, place: str, dotted: bool
) -> None:
    """And the network is not asked, though it may be."""
    asked = serve(monkeypatch)
    lie, given = (tmp_path / part for part in PLACES[place])
    for folder in (lie, given):
        folder.mkdir(parents=True, exist_ok=True)
    for name, content in CONTENTS.items():
        (lie / (name.replace("-idx", ".idx") if dotted else name)).write_bytes(content)
    data = load_idx_family(SOURCE, given, download=True)
    assert data.train_labels.tolist() == TRAIN_LABELS.tolist() and asked == []
    assert f"tiny: read from {lie}" in capsys.readouterr().err.replace("/./", "/")


def test_two_other_places_are_a_question(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder / "Tiny" / "raw").mkdir(parents=True)
        (tmp_path / folder / "Tiny" / "raw" / NAMES[0]).write_bytes(b"")
    with pytest.raises(ValueError, match="one/Tiny/raw and .*two/Tiny/raw: pass the one that you"):
        load(tmp_path)


def test_without_a_checksum_the_name_of_the_folder_has_to_be_right(
    raw: Path, tmp_path: Path
) -> None:
    """Fashion-MNIST has files of the same names and shapes, and classes of the same sizes."""
    raw.parent.rename(tmp_path / "Other")
    for given in (tmp_path / "Other", tmp_path / "Other" / "raw"):
        assert load(given).num_classes == 3
        with pytest.raises(ValueError, match="in a folder that is not called Tiny"):
            load(given, UNKNOWN_SUMS)


@pytest.fixture
def data_dir() -> Path:
    if not os.environ.get("GBM_DATA"):
        pytest.skip("GBM_DATA is not set: real MNIST files are not available")
    return Path(os.environ["GBM_DATA"])


def test_fashion_mnist_is_complete_and_balanced(data_dir: Path) -> None:
    data = load_dataset("fashion-mnist", data_dir=data_dir, download=False)
    assert data.train_labels.bincount().tolist() == [6000] * 10
    assert data.test_labels.bincount().tolist() == [1000] * 10
    assert tuple(data.train_images.shape) == (60_000, 1, 28, 28)
    assert data.train_labels[:5].tolist() == [9, 0, 0, 3, 0]


def test_mnist_from_the_environment_starts_with_five_zero_four(data_dir: Path) -> None:
    data = load_dataset("mnist", download=False)
    assert data.train_labels[:3].tolist() == [5, 0, 4]
    assert tuple(data.test_images.shape) == (10_000, 1, 28, 28)
    assert data.test_labels.bincount()[1] == 1135


@pytest.mark.parametrize(("source", "other"), [(MNIST, FASHION_MNIST), (FASHION_MNIST, MNIST)])
def test_one_in_the_place_of_the_other_is_found_by_the_checksum(
    data_dir: Path, tmp_path: Path, source: IdxSource, other: IdxSource
) -> None:
    (tmp_path / source.folder).symlink_to(data_dir.resolve() / other.folder)
    with pytest.raises(ValueError, match="expected MD5 .* found"):
        load(tmp_path, source)
