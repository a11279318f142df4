"""Fetching one file: into a temporary neighbour, checksum, then one atomic rename.

Whatever happens on the way (no network, a connection that dies, a wrong checksum, Ctrl-C), the
target either does not exist or is the complete, checked file. A mirror that fails in any way is
followed by the next one; none can send more than is wanted, or for longer than `MOST_SECONDS`.
"""

import glob
import hashlib
import http.client
import os
import re
import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedWriter
from pathlib import Path
from typing import Protocol, runtime_checkable

from tqdm import tqdm

CHUNK_BYTES = 1 << 20
MOST_SECONDS = 3600.0
"""For all that one mirror sends of one file: 170 MB at 50 kB a second."""


class _LocalError(ValueError):
    """What no other mirror would mend: this computer's folder or disk."""


def fetch(
    urls: tuple[str, ...], target: Path, md5: str, timeout: float = 30.0, most_bytes: int = 1 << 28
) -> None:
    """Download `target` from the first of the mirrors `urls` that delivers the MD5 `md5`.

    timeout: seconds without an answer after which a mirror is given up. most_bytes: what a mirror
    may send. Raises ValueError that names every URL with what went wrong, the checksum and the
    target path; or the folder that cannot be written.
    """
    failures = []
    for url in urls:
        try:
            found = _fetch_one(url, target, md5, timeout, most_bytes)
        except _LocalError:
            raise
        except Exception as error:  # whatever a mirror sends must not stop the next one
            failures.append(f"{url}: {str(error).rstrip('.') or type(error).__name__}")
            continue
        if found == md5:
            return
        failures.append(f"{url}: the file it sent has MD5 {found}")
    raise ValueError(
        f"could not download {target.name}:\n  " + "\n  ".join(failures) + f"\nWith no network, "
        f"fetch it elsewhere (expected MD5 {md5}) and put it at {target}"
    )


def md5_mismatch_message(path: Path, expected: str, found: str) -> str:
    """What to tell a user whose file has another checksum."""
    return (
        f"{path}: expected MD5 {expected}, found {found}: this is not the published file "
        "(damaged, recompressed, or from another data set); delete or replace it"
    )


def _fetch_one(url: str, target: Path, md5: str, timeout: float, most_bytes: int) -> str:
    """Download, and rename onto `target` if the MD5 is right; return the MD5 found."""
    _require_https(url)
    with urllib.request.urlopen(url, timeout=timeout) as response:
        _require_https(getattr(response, "url", None) or url)
        length = response.headers.get("Content-Length", "")
        announced = int(length) if length.isascii() and length.isdigit() else None
        if announced is not None and announced > most_bytes:
            raise ValueError(
                f"it announces {announced} bytes, and at most {most_bytes} are right."
            )
        with _partial(target) as (partial, file):
            digest = hashlib.md5(usedforsecurity=False)
            bar = tqdm(total=announced, desc=target.name, unit="B", unit_scale=True)
            with bar:
                for chunk in _chunks(response, most_bytes):
                    _write(file, chunk, partial)
                    digest.update(chunk)
                    bar.update(len(chunk))
            if bar.n < (announced or 0):
                raise ValueError(f"the connection ended after {bar.n} of {announced} bytes.")
            if (found := digest.hexdigest()) == md5:
                _finish(file, partial, target)
            return found


def _require_https(url: str) -> None:
    if not url.startswith("https://"):
        raise ValueError(f"{url} is not asked, since it is no https address.")


@runtime_checkable
class _Answer(Protocol):
    """What urllib hands out, of several classes."""

    def read(self, size: int, /) -> bytes:
        """The next bytes; none at the end."""


def _chunks(response: _Answer, most_bytes: int) -> Iterator[bytes]:
    """What the mirror sends; ValueError once that is too much, or takes too long."""
    # read1 hands out what has come; read would wait for a full chunk, however slowly it comes.
    some = response.read1 if isinstance(response, http.client.HTTPResponse) else response.read
    end, total = time.monotonic() + MOST_SECONDS, 0
    while chunk := some(CHUNK_BYTES):
        total += len(chunk)
        if total > most_bytes:
            raise ValueError(f"it sends more than the {most_bytes} bytes that can be right.")
        if time.monotonic() > end:
            raise ValueError(f"{total} bytes have come in {MOST_SECONDS:.0f} seconds: too slow.")
        yield chunk


@contextmanager
def _partial(target: Path) -> Iterator[tuple[Path, BufferedWriter]]:
    """A new file beside `target`, gone at the end unless it was renamed.

    Its name says which process of which computer writes it, so that two that download at once keep
    out of each other's file, and what dead ones left is removed.
    """
    partial = target.with_name(f"{target.name}.part-{os.getpid()}-{socket.gethostname()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _LocalError(
            f"cannot create the folder {target.parent} to download into ({error}): give a "
            "writable data directory."
        ) from error
    _remove_leftovers(target)
    try:
        partial.unlink(missing_ok=True)  # of a dead process that had our number
        file = partial.open("xb")  # never what is there already, nor through a link
    except OSError as error:
        raise _LocalError(
            f"cannot write {partial} ({error}): give a writable data directory."
        ) from error
    try:
        with file:
            yield partial, file
    finally:
        partial.unlink(missing_ok=True)


def _write(file: BufferedWriter, chunk: bytes, partial: Path) -> None:
    try:
        file.write(chunk)
    except OSError as error:
        raise _LocalError(
            f"cannot write {partial} ({error}): make room, or give another data directory."
        ) from error


def _finish(file: BufferedWriter, partial: Path, target: Path) -> None:
    try:
        file.flush()
        os.fsync(file.fileno())
        os.replace(partial, target)
    except OSError as error:
        raise _LocalError(
            f"cannot write {target} ({error}): make room, or give another data directory."
        ) from error


def _remove_leftovers(target: Path) -> None:
    """Delete the partial files of `target` whose processes, on this computer, are dead."""
    for path in target.parent.glob(f"{glob.escape(target.name)}.part-*"):
        match = re.fullmatch(r"(\d+)(?:-(.*))?", path.name.removeprefix(f"{target.name}.part-"))
        if match and match[2] in (None, socket.gethostname()) and not _alive(int(match[1])):
            with suppress(OSError):  # another user's, which is in nobody's way
                path.unlink(missing_ok=True)


def _alive(number: int) -> bool:
    """Whether a process has this number; True where it cannot be asked without harm."""
    if os.name != "posix":
        return True
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # another user's
        return True
    return True
