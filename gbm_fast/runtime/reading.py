"""Reading files that may be anything: no pipe is waited for, no announced size is believed.

What a decoder of somebody else's raises becomes one ValueError with the path. Arrays of NumPy are
read after their header has been compared with what the file can hold, so that a lying one costs
neither memory nor time; nothing is ever unpickled.
"""

import math
import os
import stat
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase, BufferedReader, BytesIO
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

Check = Callable[[tuple[int, ...], np.dtype], None]
"""Raises ValueError where an array of this shape and type is not wanted."""
Bytes = IO[bytes] | BufferedIOBase
# Deflate makes at most 1,032 bytes of one.
_MOST_FROM_ONE_BYTE = 1032
_MOST_HEADER = 16384
_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def kind_of(mode: int) -> str | None:
    """What a thing with this `st_mode` is, in words; None for a regular file."""
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no regular file")


def open_regular(path: Path) -> BufferedReader:
    """A regular file, open for reading; a link to one is followed.

    Raises ValueError, and waits for nothing, where there is something else or it cannot be read.
    """
    try:
        file = open(path, "rb", opener=_without_waiting)
    except FileNotFoundError as error:
        what = "is a link to nothing" if path.is_symlink() else "does not exist"
        raise ValueError(f"{path} {what}: check the path.") from error
    except IsADirectoryError as error:
        raise ValueError(
            f"{path} is a directory where a file is expected: give a file."
        ) from error
    except (OSError, ValueError) as error:  # a name with a zero character is a ValueError
        raise ValueError(
            f"{path} cannot be read ({getattr(error, 'strerror', None) or error}): check the file "
            "and its permissions."
        ) from error
    kind = kind_of(os.fstat(file.fileno()).st_mode)
    if kind is not None:
        file.close()
        raise ValueError(f"{path} is {kind} where a file is expected: give a file.")
    return file


def _without_waiting(path: str, flags: int) -> int:
    """Opens a named pipe at once, which would else be waited for until somebody writes into it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def size_of(file: BufferedReader) -> int:
    """Bytes of an open file."""
    return os.fstat(file.fileno()).st_size


@contextmanager
def decoding(path: Path, what: str, advice: str) -> Iterator[None]:
    """Whatever fails in the block becomes one ValueError: `path` cannot be read as `what`.

    Warnings of the decoder are about the file as well, and are not shown. `advice` is what to do.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MemoryError as error:
        raise ValueError(f"{path} is too large for the memory of this computer.") from error
    except Exception as error:
        words = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise ValueError(f"{path} cannot be read as {what} ({words}): {advice}.") from error


def read_array(path: Path, name: str | None, check: Check) -> NDArray:
    """The array of numbers in a `.npy` file, or the one called `name` in a `.npz` file.

    check: is asked about the shape and the type before the numbers are read.

    Raises ValueError for another kind of file, a damaged one, one that announces another size
    than it has, arrays of anything but numbers, an archive where `name` is None, and what `check`
    refuses.
    """
    advice = "save it again with numpy.save or numpy.savez"
    what = f"a {path.suffix or '.npy'} array"
    with open_regular(path) as file:
        archived = file.read(2) == b"PK"
        if archived and name is None:
            raise ValueError(
                f"{path} is an archive of arrays: save the one array of images as .npy."
            )
        with decoding(path, what, advice):
            archive = zipfile.ZipFile(file) if archived else None
            with _stream(file, archive, name) as (stream, size):
                shape, dtype = _announced(stream, size)
        check(shape, dtype)
        with decoding(path, what, advice), _stream(file, archive, name) as (stream, _):
            return np.lib.format.read_array(stream, allow_pickle=False)


@contextmanager
def _stream(
    file: BufferedReader, archive: zipfile.ZipFile | None, name: str | None
) -> Iterator[tuple[Bytes, int]]:
    """The bytes of the array from its header on, and how many there are."""
    if archive is None:
        file.seek(0)
        yield file, size_of(file)
        return
    names = archive.namelist()
    if names.count(f"{name}.npy") != 1:
        found = ", ".join(sorted({n.removesuffix(".npy") for n in names})[:8]) or "nothing"
        raise ValueError(f"one array named {name!r} is wanted, and it holds {found}.")
    member = archive.getinfo(f"{name}.npy")
    most = {
        zipfile.ZIP_STORED: member.compress_size,
        zipfile.ZIP_DEFLATED: _MOST_FROM_ONE_BYTE * member.compress_size,
    }
    if member.file_size > most.get(member.compress_type, -1):
        raise ValueError("the archive announces more than it can hold, or is packed unusually.")
    with archive.open(member) as stream:
        yield stream, member.file_size


def _announced(stream: Bytes, size: int) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type from the header of an array, which must be one of `size` bytes."""
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    # No more than the longest header that NumPy takes: one may announce 4 GB of itself.
    stream = BytesIO(stream.read(min(size, _MOST_HEADER)))
    version = np.lib.format.read_magic(stream)
    if version not in readers:
        raise ValueError(f"version {version} of the format holds no array of numbers.")
    shape, _, dtype = readers[version](stream)
    if dtype.kind not in "buifc" or dtype.itemsize == 0:
        raise ValueError(f"it holds {dtype}, and not numbers.")
    if min(shape, default=0) < 0:
        raise ValueError(f"it announces the shape {shape}.")
    expected, found = math.prod(shape) * dtype.itemsize, size - stream.tell()
    if expected != found:
        raise ValueError(
            f"it announces {dtype} of shape {shape}, {expected} bytes, and holds {found}."
        )
    return shape, dtype
