"""What can go wrong on a machine, as a sentence with the path and what to do; no torch here.

Memory that is not there and files that cannot be used reach a command as exceptions of many kinds.
`sentence` says what a user can do about them, and None for anything else, which is a defect of
ours and keeps its traceback.
"""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NO_MEMORY = re.compile(
    r"out of memory|can't allocate memory|cannot allocate memory|not enough memory|bad_alloc"
    r"|ALLOC_FAILED|unable to allocate|storage size calculation overflowed",
    re.IGNORECASE,
)
_FULL = "free some space there, or choose another folder"
_NOT_OURS = "choose a folder that you may write to"
_ADVICE = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: _NOT_OURS,
    errno.EACCES: "give yourself the right to it, or choose another",
    errno.EPERM: "give yourself the right to it, or choose another",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "close other programs, or have the limit of open files raised",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOTDIR: "a part of this path is a file: choose another folder",
    errno.EISDIR: "it is a folder: choose another name, or move it out of the way",
    errno.EIO: "the disk or its connection failed: try again, or choose another folder",
    errno.EINVAL: "its file system does not serve this: choose a folder on another disk",
    errno.ENOTSUP: "its file system does not serve this: choose a folder on another disk",
}


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory could not be had: Python's, NumPy's or torch's."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return isinstance(error, RuntimeError) and _NO_MEMORY.search(str(error)) is not None


@contextmanager
def naming_memory(what: str) -> Iterator[None]:
    """For the body of a `with`: memory that is not there is a MemoryError that says `what`.

    what: what there is not enough memory for, and which options need less; a sentence without its
        beginning "not enough memory".
    """
    try:
        yield
    except (MemoryError, RuntimeError, OSError) as error:
        ours = isinstance(error, MemoryError) and str(error).startswith("not enough memory")
        if ours or not out_of_memory(error):
            raise
        raise MemoryError(f"not enough memory {what}") from error


@contextmanager
def naming_folder(folder: Path) -> Iterator[None]:
    """For the body of a `with`: an error of the operating system without a path gets `folder`."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(folder)
        elif error.errno is None and "requested and" in str(error):  # NumPy's, of a short write
            raise OSError(errno.ENOSPC, "No space left on device", str(folder)) from error
        raise


def sentence(error: BaseException, memory: str) -> str | None:
    """What to tell a user of an exception; None for one that is a defect.

    memory: which options need less memory, for an exception that does not say it.
    """
    if isinstance(error, MemoryError) and str(error).startswith("not enough memory"):
        return str(error)
    if out_of_memory(error):
        return f"not enough memory: {memory}."
    if isinstance(error, OSError) and error.errno is not None:
        where = "" if error.filename is None else f"{error.filename}: "
        advice = _ADVICE.get(error.errno)
        return f"{where}{error.strerror}{'' if advice is None else f': {advice}'}."
    return str(error) if isinstance(error, (ValueError, OSError, FloatingPointError)) else None
