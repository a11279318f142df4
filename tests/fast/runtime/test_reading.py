"""Files that may be anything: refused before they cost time or memory, and in what words."""

import io
import os
import struct
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gbm_fast.runtime.reading import decoding, open_regular, read_array

ARRAY = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def accept(shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Any array."""


def npy(array: np.ndarray = ARRAY) -> bytes:
    np.save(buffer := io.BytesIO(), array, allow_pickle=True)
    return buffer.getvalue()


def header(text: str, version: int = 1, body: bytes = b"") -> bytes:
    content = text.encode("latin1")
    length = struct.pack("<H" if version == 1 else "<I", len(content))
    return b"\x93NUMPY" + bytes([version, 0]) + length + content + body


def announcing(shape: str, descr: str = "'|u1'", body: bytes = b"") -> bytes:
    return header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n", 1, body)


def npz(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    with zipfile.ZipFile(buffer := io.BytesIO(), "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def lying(content: bytes) -> bytes:
    """An archive whose one member is announced with 2 GiB."""
    place = content.index(b"PK\x01\x02")
    return content[: place + 24] + struct.pack("<I", 1 << 31) + content[place + 28 :]


def twice() -> bytes:
    with pytest.warns(UserWarning, match="Duplicate name"):
        return npz(("a.npy", npy()), ("a.npy", npy(ARRAY + np.uint8(1))))


HUGE = "(1000000000, 1000, 1000)"
BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "no array": (lambda: b"something else", "magic string"),
    "empty": (lambda: b"", "EOF"),
    "a pickle": (lambda: b"\x80\x04K\x01.", "magic string"),
    "objects": (lambda: npy(np.array([None, {}], dtype=object)), "holds object, and not numbers"),
    "texts": (lambda: npy(np.array(["a", "b"])), "holds <U1, and not numbers"),
    "records": (lambda: npy(np.zeros(2, [("a", "u1"), ("b", "f4")])), "and not numbers"),
    "times": (lambda: npy(np.zeros(2, "M8[s]")), "and not numbers"),
    "header cut": (lambda: npy()[:60], "EOF"),
    "numbers cut": (lambda: npy()[:-1], "24 bytes, and holds 23"),
    "two arrays": (lambda: npy() + npy(), "24 bytes, and holds 176"),
    "10^15 bytes": (lambda: announcing(HUGE), "1000000000000000 bytes, and holds 0"),
    "elements without bytes": (lambda: announcing(HUGE, "'|S0'"), "and not numbers"),
    "negative": (lambda: announcing("(-1, -24)", body=bytes(24)), r"announces the shape \(-1"),
    "not a tuple": (lambda: announcing("7"), "shape is not valid"),
    "brackets": (lambda: header("(" * 1000), "nested|parentheses|parse|EOF|Cannot|long"),
    "not closed": (lambda: header("{'descr': '|u1', 'shape': (20, 12"), "EOF"),
    "version 3": (lambda: header("{}", 3), r"version \(3, 0\)"),
    "header of 4 GB": (lambda: b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}", "EOF"),
    "archive cut": (lambda: npz(("a.npy", npy()))[:-40], "not a zip file"),
    "archive of another": (lambda: npz(("b.npy", npy())), "one array named 'a' .* it holds b"),
    "archive of nothing": (lambda: npz(), "it holds nothing"),
    "archive in an archive": (lambda: npz(("a.npy", npz(("a.npy", npy())))), "magic string"),
    "two of one name": (twice, "one array named 'a'"),
    "announces 2 GiB": (lambda: lying(npz(("a.npy", npy()))), "announces more than it can hold"),
    "other packing": (lambda: npz(("a.npy", npy()), method=zipfile.ZIP_BZIP2), "packed unusually"),
    "array of 10^15 in it": (lambda: npz(("a.npy", announcing(HUGE))), "bytes, and holds 0"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_damaged_or_lying_array_is_one_sentence_and_costs_nothing(
    tmp_path: Path, name: str
) -> None:
    make, words = BAD[name]
    (path := tmp_path / "x.npz").write_bytes(make())
    tracemalloc.start()
    with pytest.raises(ValueError, match=words) as error:
        read_array(path, "a", accept)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(error.value).startswith(f"{path} cannot be read as a .npz array (")
    assert str(error.value).endswith("save it again with numpy.save or numpy.savez.")
    assert most < 1 << 24


@pytest.mark.parametrize(
    "content",
    [npy(), npz(("a.npy", npy())), npz(("b.npy", b""), ("a.npy", npy()), method=0)],
    ids=["npy", "npz", "npz not compressed"],
)
def test_good_ones_are_read(tmp_path: Path, content: bytes) -> None:
    (path := tmp_path / "x").write_bytes(content)
    seen: list[tuple] = []
    found = read_array(path, "a", lambda shape, dtype: seen.append((shape, dtype)))
    assert np.array_equal(found, ARRAY) and seen == [((2, 3, 4), np.dtype("u1"))]


@pytest.mark.parametrize("array", [ARRAY.astype(">u2"), np.asfortranarray(ARRAY / 7), ARRAY[:0]])
def test_every_kind_of_number(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "x.npy", array)
    found = read_array(tmp_path / "x.npy", None, accept)
    assert np.array_equal(found, array) and found.dtype == array.dtype


def test_the_shape_is_asked_about_before_the_numbers_are_read(tmp_path: Path) -> None:
    def refuse(shape: tuple[int, ...], dtype: np.dtype) -> None:
        raise ValueError(f"not {shape}.")

    (path := tmp_path / "x.npz").write_bytes(npz(("a.npy", npy())))
    with pytest.raises(ValueError, match=r"^not \(2, 3, 4\)\.$"):
        read_array(path, "a", refuse)
    with pytest.raises(ValueError, match="is an archive of arrays: save the one array"):
        read_array(path, None, accept)


NO_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (os.mkfifo, "is a named pipe where a file is expected"),
    "folder": (os.mkdir, "is a directory where a file is expected"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "is a device where a file is expected"),
    "nothing": (lambda path: None, "does not exist"),
    "broken link": (lambda path: path.symlink_to("nowhere"), "is a link to nothing"),
    "circle": (lambda path: path.symlink_to(path.name), "cannot be read"),
}


@pytest.mark.parametrize("kind", NO_FILES)
def test_only_files_are_opened_and_nothing_is_waited_for(tmp_path: Path, kind: str) -> None:
    make, words = NO_FILES[kind]
    make(path := tmp_path / "x.npy")
    for read in (open_regular, lambda path: read_array(path, None, accept)):
        with pytest.raises(ValueError, match=words) as error:
            read(path)
        assert str(error.value).startswith(str(path))


def test_a_link_to_a_file_is_followed_and_impossible_names_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    with open_regular(tmp_path / "link") as file:
        assert file.read() == b"content"
    with pytest.raises(ValueError, match="cannot be read"):
        open_regular(tmp_path / "a\0b")
    with pytest.raises(ValueError, match="cannot be read"):
        open_regular(tmp_path / ("a" * 300))


FAILURES = [
    (
        RuntimeError("inner\n  words"),
        r"^x\.png cannot be .* an image \(inner words\): do it\.$",
    ),
    (KeyError(), r"\(KeyError\): do it\.$"),
    (RecursionError("too deep"), "too deep"),
    (ValueError("x" * 999), r"\(x{200}\)"),
    (MemoryError("of 8 PiB"), r"^x\.png is too large for the memory of this computer\.$"),
]


@pytest.mark.parametrize(("failure", "words"), FAILURES)
def test_what_a_decoder_raises_is_one_sentence(failure: Exception, words: str) -> None:
    with pytest.raises(ValueError, match=words), decoding(Path("x.png"), "an image", "do it"):
        raise failure


def test_ctrl_c_goes_through_and_warnings_are_not_shown() -> None:
    """In this suite a warning is an error."""
    with pytest.raises(KeyboardInterrupt), decoding(Path("x"), "an image", "do it"):
        warnings.warn("odd metadata", UserWarning, stacklevel=1)
        raise KeyboardInterrupt
