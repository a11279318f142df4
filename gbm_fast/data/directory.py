"""The directory that data sets are read from, and reading files with errors that say what to do.

Operating-system errors become ValueError, with the path and the remedy in the message.
"""

import os
from pathlib import Path

ENVIRONMENT_VARIABLE = "GBM_DATA"
DEFAULT_FOLDER = "data"


def resolve_data_dir(data_dir: Path | None) -> Path:
    """`data_dir` if given, else the environment variable GBM_DATA, else ./data.

    There is one directory, not a search path: what is not found in it is downloaded into it.
    """
    if data_dir is not None:
        return data_dir.expanduser()
    named = os.environ.get(ENVIRONMENT_VARIABLE, "")
    return Path(named).expanduser() if named else Path(DEFAULT_FOLDER)


def check_folder(folder: Path, may_be_missing: bool) -> None:
    """Raise ValueError unless `folder` is a directory that can be listed (or may be missing)."""
    try:
        os.listdir(folder)
    except FileNotFoundError as error:
        if not may_be_missing:
            raise ValueError(
                f"the data directory {folder} does not exist: give an existing one (--data-dir "
                f"or {ENVIRONMENT_VARIABLE}), or allow the download."
            ) from error
    except OSError as error:
        raise ValueError(
            f"the data directory {folder} cannot be read ({error.strerror}): give a readable "
            f"directory (--data-dir or {ENVIRONMENT_VARIABLE})."
        ) from error


def is_file(path: Path) -> bool:
    """Whether something is at `path`; a directory or a forbidden place is a ValueError."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read ({error.strerror}): check what is at {path.parent}, and its "
            "permissions."
        ) from error
    if path.is_dir():
        raise ValueError(f"{path} is a directory where a file is expected: move it away.")
    return True


def read_bytes(path: Path) -> bytes:
    """The content of a file; ValueError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read ({error.strerror}): check the file and its permissions."
        ) from error
