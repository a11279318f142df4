"""Damaged files for every reader: `python -m tests.support.fuzz --count 20000`.

A small good file is changed at random (bits, fields set to extreme values, parts cut out, put in,
exchanged or emptied), before or after its checksums are made, so that the code behind them is
reached too. A reader may give a result, or a ValueError that names the file; anything else, and
more than `SECONDS` or `MEBIBYTES`, is a failure. Change k of a reader is the same in every run of
the same name (`--name`), and what failed is kept.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.support.cases import generator

SECONDS, MEBIBYTES = 5.0, 1024
Make = Callable[[bytes], bytes]


class Reader(NamedTuple):
    """What reads a file, and a good one: `sealed(core)` of the name `file`.

    names_file   whether a refusal has to name the file
    """

    file: str
    core: bytes
    read: Callable[[Path], object]
    seal: Make | None = None
    names_file: bool = True

    def sealed(self, core: bytes) -> bytes:
        """The file around `core`."""
        return core if self.seal is None else self.seal(core)


EXTREME = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
EXTREME += (1 << 60, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)


def changed(content: bytes, rng: np.random.Generator) -> bytes:
    """`content` with one to three random changes."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        _change(data, rng)
    return bytes(data)


def _change(data: bytearray, rng: np.random.Generator) -> None:
    start, other = (int(rng.integers(len(data) + 1)) for _ in range(2))
    # Headers are short and at the beginning: half of the changes are there.
    if rng.integers(2):
        start = int(rng.integers(min(len(data), 160) + 1))
    length = int(2 ** rng.uniform(0, 8))
    kind = rng.integers(8)
    if kind == 0 and start < len(data):
        data[start] ^= 1 << int(rng.integers(8))
    elif kind == 1 and start < len(data):
        data[start] = int(rng.integers(256))
    elif kind == 2:
        del data[start:]
    elif kind == 3:
        del data[start : start + length]
    elif kind == 4:
        data[start:start] = rng.bytes(length)
    elif kind == 5:
        data[start : start + length] = data[other : other + length]
    elif kind == 6:
        data[start : start + 4096] = bytes(len(data[start : start + 4096]))
    elif kind == 7:
        width = int(rng.choice([1, 2, 4, 8]))
        value = int(EXTREME[rng.integers(len(EXTREME))]) % (1 << 8 * width)
        order = "big" if rng.integers(2) else "little"
        data[start : start + width] = value.to_bytes(width, order)


def damaged(name: str, reader: Reader, count: int) -> Iterator[bytes]:
    """The first `count` changed files of a reader, under a name that chooses the changes."""
    whole = reader.sealed(reader.core)
    for number in range(count):
        rng = generator("fuzz", name, reader.file, str(number))
        inside = reader.seal is not None and rng.integers(3)
        yield reader.sealed(changed(reader.core, rng)) if inside else changed(whole, rng)


def failure(reader: Reader, folder: Path, content: bytes) -> str | None:
    """What is wrong with how `content` is read, from a file in `folder`; None where nothing is."""
    path = folder / reader.file
    path.write_bytes(content)
    began, before = time.process_time(), _peak()
    try:
        reader.read(path)
    except ValueError as error:
        if reader.names_file and str(path) not in str(error) and str(folder) not in str(error):
            return f"the message does not name the file: {error}"
    except BaseException as error:  # Rust's panics are no Exception
        return f"{type(error).__name__}: {error}"
    if (seconds := time.process_time() - began) > SECONDS:
        return f"it took {seconds:.1f} seconds"
    if (more := _peak() - before) > MEBIBYTES:
        return f"it took {more} MiB of memory"
    return None


def _peak() -> int:
    """The most memory that this process has had so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def failures(name: str, reader: Reader, count: int, folder: Path) -> Iterator[tuple[str, bytes]]:
    """(what is wrong, content) of each of `count` damaged files that is read wrongly."""
    if (problem := failure(reader, folder, reader.sealed(reader.core))) is not None:
        yield f"the good file: {problem}", reader.sealed(reader.core)
    for content in damaged(name, reader, count):
        if (problem := failure(reader, folder, content)) is not None:
            yield problem, content


def main() -> int:
    """The command; 1 where something failed."""
    from tests.support.fuzzed_readers import READERS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="changed files a reader")
    parser.add_argument("--name", default="command", help="another name: other changes")
    parser.add_argument("--readers", nargs="*", default=list(READERS), choices=list(READERS))
    chosen = parser.parse_args()
    kept = Path(tempfile.mkdtemp(prefix="fuzz-"))
    total = 0
    for name in chosen.readers:
        began, found = time.monotonic(), 0
        folder = kept / "work"
        folder.mkdir(exist_ok=True)
        for problem, content in failures(chosen.name, READERS[name], chosen.count, folder):
            found += 1
            (kept / f"{name}-{found}").write_bytes(content)
            print(f"{name}: {problem} ({kept / f'{name}-{found}'})", flush=True)
        total += found
        print(f"{name}: {chosen.count} files, {found} failures, {time.monotonic() - began:.1f} s")
    return int(total > 0)


if __name__ == "__main__":
    sys.exit(main())
