"""The directory that data sets are read from, and reading files with errors that say what to do.

Operating-system errors become ValueError, with the path and the remedy in the message. What a user
should know about the data without it being an error is said in one line, by `say`.
"""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from gbm_fast.data.types import ImageData
from gbm_fast.runtime.distributed import is_main
from gbm_fast.runtime.reading import kind_of, open_regular, size_of

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


def say(text: str) -> None:
    """Tell the user something about the data, in a line beside the results (stderr)."""
    if is_main():
        print(text, file=sys.stderr, flush=True)


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
    """Whether a file is at `path`; anything else there, or a forbidden place, is a ValueError."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read ({error.strerror}): check what is at {path.parent}, and its "
            "permissions."
        ) from error
    kind = kind_of(mode)
    if kind is not None:
        raise ValueError(f"{path} is {kind} where a file is expected: move it away.")
    return True


def read_bytes(path: Path, most: int) -> tuple[bytes, int]:
    """(content, size) of a file, of which no more than the first `most` bytes are read.

    Raises ValueError where it is no file or cannot be read.
    """
    with open_regular(path) as file:
        try:
            return file.read(most), size_of(file)
        except OSError as error:
            raise ValueError(
                f"{path} cannot be read ({error.strerror}): check the file and its permissions."
            ) from error


def around(data_dir: Path) -> list[Path]:
    """The folders one level above and below `data_dir`, as far as they can be listed."""
    try:
        below = [path for path in sorted(data_dir.iterdir()) if path.is_dir()]
    except OSError:
        below = []
    return [data_dir.resolve().parent, *below]


def choose_place(
    what: str,
    standard: Path,
    others: Callable[[], Iterable[Path]],
    holds: Callable[[Path], bool],
) -> Path:
    """`standard` if it `holds` the files, else the one of `others()` that does, which is said.

    `standard` again where none does. Raises ValueError where several of `others` do.
    """
    if holds(standard):
        return standard
    found = {path.resolve(): path for path in others() if holds(path)}
    if len(found) > 1:
        raise ValueError(
            f"{what} is not at {standard}, but at {' and at '.join(map(str, found.values()))}: "
            "pass the one that you mean as --data-dir."
        )
    for path in found.values():
        say(f"{what}: read from {path}, since nothing is at {standard}")
        return path
    return standard


def accept_unverified(data: ImageData, where: Path, per_class: tuple[int, int] | None) -> None:
    """Say that `data`, read from `where`, have no published checksum, and check what can be.

    per_class: training and test images of every class; None where this is not known.

    Raises ValueError for images that are all one grey level, and for other counts.
    """
    splits = {"train": data.train_images, "test": data.test_images}
    for split, images in splits.items():
        if images.numpy().min() == images.numpy().max():
            raise ValueError(
                f"{where}: all pixels of the {split} images are {int(images.numpy().max())}: "
                f"these are not the images of {data.name}; delete them and fetch them again."
            )
    if per_class is not None:
        for labels, expected in zip((data.train_labels, data.test_labels), per_class, strict=True):
            counts = labels.bincount(minlength=data.num_classes).tolist()
            if counts != [expected] * data.num_classes:
                raise ValueError(
                    f"{where}: the classes have {counts} images, and {data.name} has {expected} "
                    "of each: these are other labels; delete them and fetch them again."
                )
    say(
        f"{data.name}: {where} is unpacked, without a published checksum: checked by structure"
        f"{' and class counts' if per_class is not None else ''} only"
    )
