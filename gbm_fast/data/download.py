"""Fetching one file: into a temporary neighbour, checksum, then one atomic rename.

Whatever happens on the way (no network, a connection that dies, a wrong checksum, Ctrl-C), the
target either does not exist or is the complete, checked file.
"""

import hashlib
import http.client
import os
import urllib.request
from pathlib import Path

from tqdm import tqdm

CHUNK_BYTES = 1 << 20


def fetch(urls: tuple[str, ...], target: Path, md5: str, timeout: float = 30.0) -> None:
    """Download `target` from the first of the mirrors `urls` that delivers the MD5 `md5`.

    timeout: seconds without an answer after which a mirror is given up. Raises ValueError that
    names every URL with what went wrong, the checksum and the target path.
    """
    failures = []
    for url in urls:
        try:
            found = _fetch_one(url, target, md5, timeout)
        except (OSError, http.client.HTTPException) as error:
            failures.append(f"{url}: {error}")
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


def _fetch_one(url: str, target: Path, md5: str, timeout: float) -> str:
    """Download, and rename onto `target` if the MD5 is right; return the MD5 found."""
    # The process number keeps two runs that download at once out of each other's file.
    partial = target.with_name(f"{target.name}.part-{os.getpid()}")
    with urllib.request.urlopen(url, timeout=timeout) as response:
        _make_folder(target.parent)
        length = response.headers.get("Content-Length")
        try:
            digest = hashlib.md5(usedforsecurity=False)
            with (
                open(partial, "wb") as file,
                tqdm(
                    total=int(length) if length else None,
                    desc=target.name,
                    unit="B",
                    unit_scale=True,
                ) as bar,
            ):
                while chunk := response.read(CHUNK_BYTES):
                    file.write(chunk)
                    digest.update(chunk)
                    bar.update(len(chunk))
            found = digest.hexdigest()
            if found == md5:
                os.replace(partial, target)
            return found
        finally:
            partial.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"cannot create the folder {folder} to download into ({error}): give a writable "
            "data directory."
        ) from error
