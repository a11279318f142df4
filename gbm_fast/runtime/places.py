"""Whether a folder takes files, asked before the work whose results it is to take."""

import os
import tempfile
from pathlib import Path

_PROBE = 2**16


def require_writable(folder: Path) -> None:
    """Write a small file without a name in `folder`, or where it would be made.

    Raises OSError, with the path, where that fails: no right to it, a read-only or full disk, a
    name that is too long, a file in the place of a folder. Nothing is left.
    """
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        if place != folder.absolute():
            os.stat(folder)  # a name that the disk does not take is no name that is not there
    except FileNotFoundError:
        pass
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(bytes(_PROBE))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        error.filename = str(place)
        raise
