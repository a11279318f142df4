"""The image files below a folder: nothing is left out but what is never data, and that is counted.

Links are followed. A file in a format that is not read is an error, since to leave it out would
change the data; so is whatever would be waited for (pipes) or stands for nothing (broken links).
"""

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from gbm_fast.data.directory import say
from gbm_fast.runtime.reading import kind_of

NOTES = (
    *(".txt", ".md", ".rst", ".json", ".jsonl", ".csv", ".tsv", ".xml", ".html", ".htm"),
    *(".yaml", ".yml", ".toml", ".ini", ".cfg", ".log", ".pdf", ".py", ".ipynb", ".sh"),
)
"""Suffixes of files that lie beside images and are none."""
NEVER = (
    *("thumbs.db", "desktop.ini", "icon\r", "readme", "license", "licence", "copying"),
    *("md5sums", "sha256sums", "__macosx", "@eadir", "lost+found"),
)
"""Names, in lower case, of what systems and archives leave in folders of images."""


def list_images(root: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The files below `root` with one of `suffixes`, in the order of their paths' parts.

    Hidden files, `NOTES` and `NEVER` are left out, which is said in one line with their numbers,
    and with the folders that hold no images, which could have been classes.
    Raises ValueError for anything else, for a folder that cannot be listed, and for one that is
    reached in two ways.
    """
    left_out: Counter[str] = Counter()
    folders: dict[tuple[int, int], Path] = {}
    found = list(_walk(root, suffixes, left_out, folders))
    counts = [f"{count} {kind}" for kind, count in sorted(left_out.items())]
    full = {root, *(parent for path in found for parent in path.parents)}
    bare = [path for path in folders.values() if path not in full and path.parent in full]
    if bare:
        names = ", ".join(str(path.relative_to(root)) for path in bare[:3])
        counts.append(f"{len(bare)} without images ({names}{', ...' if bare[3:] else ''})")
    if counts:
        say(f"{root}: left out: {', '.join(counts)}")
    return found


def printable(names: Iterable[str]) -> tuple[str, ...]:
    """Names of folders as text that can be printed and stored: other bytes are written as \\x.."""
    texts = (os.fsencode(name).decode("utf-8", "backslashreplace") for name in names)
    return tuple(
        "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
        for text in texts
    )


def _walk(
    root: Path,
    suffixes: tuple[str, ...],
    left_out: Counter[str],
    seen: dict[tuple[int, int], Path],
) -> Iterator[Path]:
    """Files in order; a stack and no recursion, since folders may be nested deeply.

    What is left out is counted in `left_out`, the folders are put into `seen`.
    """
    waiting = [root]
    while waiting:
        path = waiting.pop()
        status = _status(path)
        if stat.S_ISDIR(status.st_mode):
            if path != root and path.suffix.lower() in suffixes:
                raise ValueError(
                    f"{path} is a directory with the name of an image: rename it, or take it out "
                    f"of {root}."
                )
            key = status.st_dev, status.st_ino
            if key in seen:
                raise ValueError(
                    f"{path} and {seen[key]} are the same folder (a link?), so that its images "
                    "would count twice: take one of the two away."
                )
            seen[key] = path
            waiting += reversed(_entries(path, left_out))
        elif (kind := kind_of(status.st_mode)) is not None:
            raise ValueError(f"{path} is {kind}, and no image: take it out of {root}.")
        elif path.suffix.lower() not in suffixes:
            which = path.suffix or "without a suffix"
            raise ValueError(
                f"{path} is in a format that is not read here ({which}): convert it to PNG, or "
                f"take it out of {root} (read are {', '.join(suffixes)})."
            )
        else:
            yield path


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except FileNotFoundError as error:
        what = "is a link to nothing" if path.is_symlink() else "has just vanished"
        raise ValueError(f"{path} {what}: mend it, or take it away.") from error
    except OSError as error:
        raise ValueError(
            f"{path} cannot be looked at ({error.strerror}): check it, and its permissions."
        ) from error


def _entries(folder: Path, left_out: Counter[str]) -> list[Path]:
    """What is in a folder, sorted, without what is left out."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise ValueError(
            f"the folder {folder} cannot be read ({error.strerror}): check its permissions, or "
            "take it away."
        ) from error
    kept = []
    for name in names:
        suffix = Path(name).suffix.lower()
        if name.startswith("."):
            left_out["hidden"] += 1
        elif name.lower() in NEVER:
            left_out[name.strip()] += 1
        elif suffix in NOTES and not (folder / name).is_dir():
            left_out[suffix] += 1
        else:
            kept.append(folder / name)
    return kept
