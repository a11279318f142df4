"""Whose a folder is, and who writes in it now.

A folder is ours once it has our mark, a small file that is the first thing written there. Into a
folder without one nothing is written where something has a name that we would write or delete:
that was made by somebody else. One process at a time writes in a folder: it holds a lock, which
the system frees when the process ends, however it ends.
"""

import json
import os
import platform
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from gbm_fast.runtime.distributed import from_main
from gbm_fast.runtime.files import remove_leftovers, write_atomic

Kind = Literal["run", "samples", "search"]
"""What of ours is in a folder; one folder may have several."""
LOCK_NAME = ".gbm-lock"
_POLL = 0.05


def mark_path(folder: Path, kind: Kind) -> Path:
    """The file that says that a folder is ours for this kind."""
    return folder / f".gbm-{kind}"


def is_marked(folder: Path, kind: Kind) -> bool:
    """Whether the folder has the mark of this kind."""
    return mark_path(folder, kind).is_file()


def claim(
    folder: Path,
    kind: Kind,
    names: Sequence[str],
    advice: str,
    ours: Callable[[], bool] = lambda: False,
) -> None:
    """Make `folder`, where it is new, and mark it as ours; nothing is done where it is already.

    names    what we would write or delete in it, as patterns of `Path.glob`
    advice   what to do where the folder is somebody else's, an end of a sentence
    ours     whether a folder that has such names but no mark was made by a version without marks

    Raises ValueError where the folder has such a name and is not ours, or cannot be made.
    """
    try:
        if is_marked(folder, kind):
            return
        taken = _taken(folder, names) if os.path.lexists(folder) else None
        if taken is not None and not ours():
            raise ValueError(
                f"{folder} has {taken.name!r}, which was not made by this command and would be "
                f"overwritten or deleted: {advice}."
            )
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(mark_path(folder, kind), f"{json.dumps({'kind': kind})}\n".encode())
    except OSError as error:
        raise ValueError(
            f"the folder {folder} cannot be written in ({error.strerror}): {advice}."
        ) from error


def _taken(folder: Path, names: Sequence[str]) -> Path | None:
    """The first thing in the folder that has one of the names."""
    for name in names:
        # A pattern finds no link that leads nowhere, and such a link is somebody's too.
        exact = folder / name
        found = exact if os.path.lexists(exact) else next(iter(sorted(folder.glob(name))), None)
        if found is not None:
            return found
    return None


@contextmanager
def locked(folder: Path, advice: str) -> Iterator[None]:
    """The folder, which exists, for the body of a `with`, to process 0 of this group alone.

    Raises ValueError, on every process, where a process of another group holds it; the message
    says which. Where the file system has no locks, a warning says so and the body goes on.
    """
    held: list[Lock] = []
    from_main(lambda: held.append(lock(folder / LOCK_NAME, f"{folder} is in use by", advice)))
    try:
        yield
    finally:
        for one in held:
            release(one)


@contextmanager
def briefly_locked(path: Path, seconds: float = 60.0) -> Iterator[None]:
    """The file `path` for a moment's read, change and write; waits for others that have it.

    What a killed process had not finished of it is removed. Raises ValueError after so many
    seconds.
    """
    advice = "wait for it, and give the command again"
    place = path.with_name(f".{path.name}.lock")
    held = lock(place, f"{path} is being written by", advice, seconds)
    try:
        remove_leftovers(path.parent, f"{path.name}.")
        yield
    finally:
        release(held)


class Lock(NamedTuple):
    """The file of a lock that is held, and its descriptor; None where the system has no locks."""

    place: Path
    descriptor: int | None


def lock(place: Path, what: str, advice: str, seconds: float = 0.0) -> Lock:
    """The lock of the file `place`, held until `release` or the end of the process.

    what, advice   begin and end of the message where another process holds it
    seconds        how long to wait for that process
    """
    try:
        import fcntl
    except ImportError:  # Windows
        _warn_unlocked(place, "this system has none")
        return Lock(place, None)
    deadline = time.monotonic() + seconds
    while True:
        # Never through a link; without O_TRUNC, since the holder's own words are in the file.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(place, flags, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = _holder(descriptor)
            os.close(descriptor)
            if time.monotonic() >= deadline:
                raise ValueError(f"{what} {holder}: {advice}.") from error
            time.sleep(_POLL)
        except OSError as error:
            _warn_unlocked(place, error.strerror)
            return Lock(place, descriptor)
        else:
            if _is_at(descriptor, place):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, _myself().encode(), 0)
                return Lock(place, descriptor)
            os.close(descriptor)  # its last holder has removed it at this moment


def release(held: Lock) -> None:
    """Give a lock back, and remove its file."""
    if held.descriptor is not None:
        held.place.unlink(missing_ok=True)
        os.close(held.descriptor)


def _is_at(descriptor: int, place: Path) -> bool:
    """Whether an open file is the one at `place`."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(place, follow_symlinks=False))
    except FileNotFoundError:
        return False


def _warn_unlocked(place: Path, reason: str | None) -> None:
    warnings.warn(
        f"{place.parent} cannot be locked ({reason}): see to it that no two commands write there "
        "at once.",
        stacklevel=3,
    )


def _myself() -> str:
    command = re.sub(r"\s+", " ", " ".join(sys.argv))[:200]
    return f"process {os.getpid()} on {platform.node()} ({command})"


def _holder(descriptor: int) -> str:
    """What the process that has the lock says of itself."""
    text = os.pread(descriptor, 1000, 0).decode(errors="replace").strip("\0 \n")
    return text or "another process"
