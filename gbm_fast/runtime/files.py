"""Files that a crash cannot spoil: safetensors with a JSON header, written aside, then renamed.

Nothing is ever unpickled. Every file carries a format name and a checksum of all that it holds, so
that a foreign, truncated or altered one is refused before any tensor is used.
"""

import errno
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors.torch import load, save
from torch import Tensor

WEIGHTS_FORMAT = "gbm-diffusion weights 2"
STATE_FORMAT = "gbm-diffusion training state 3"
STATISTICS_FORMAT = "gbm-diffusion data statistics 2"
LAW_FORMAT = "gbm-diffusion log-normal law 1"


_HEADER_BYTES = 100_000_000  # safetensors' own limit


class DamagedFileError(ValueError):
    """A file that is truncated, altered, or not one of ours."""


class OtherVersionError(DamagedFileError):
    """A file of ours in the format of another version: sound, as far as this one can tell."""


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write in, which becomes `path`: a reader finds the old one or the whole new one.

    The content is on the disk before the old file is given up; where it cannot be written, or the
    block raises, the old file is as it was. What has the name of the unfinished file, a link among
    others, is neither followed nor replaced. OSError names `path`.
    """
    try:
        temporary, file = _unfinished(path)
        try:
            with file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def _unfinished(path: Path) -> tuple[Path, BinaryIO]:
    """A new file beside `path`, under a name that nothing else has, opened for writing."""
    # A name has 255 bytes at most, and this one is longer than that of `path`.
    stem = path.name.encode()[:150].decode(errors="ignore")
    while True:
        temporary = path.with_name(f".{stem}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
        try:
            return temporary, temporary.open("xb")
        except FileExistsError:
            continue


_NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EACCES)


def sync_folder(folder: Path) -> None:
    """Bring the names in `folder` to the disk, where its file system can do so for folders."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


def write_atomic(path: Path, content: bytes) -> None:
    """Write `content` to `path` as `replacing` does; OSError where it cannot be written."""
    with replacing(path) as file:
        file.write(content)


_LEFTOVER = re.compile(r"\..+\.\d+(\.[0-9a-f]{8})?\.tmp")


def remove_leftovers(folder: Path, name: str = "") -> None:
    """Delete what `replacing` had not finished in `folder` when a process was killed.

    name   of the one file that is meant, where others in the folder may be under way
    """
    for path in folder.iterdir() if folder.is_dir() else ():
        ours = _LEFTOVER.fullmatch(path.name) and path.name.startswith(f".{name}")
        if ours and path.is_file() and not path.is_symlink():
            path.unlink(missing_ok=True)


def tensors_sha256(tensors: Mapping[str, Tensor], prefix: bytes = b"") -> str:
    """SHA-256 of `prefix` and each tensor's name, type, shape and bytes, in the names' order."""
    digest = hashlib.sha256(prefix)
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(json.dumps([name, str(tensor.dtype), tuple(tensor.shape)]).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _checksum(tensors: dict[str, Tensor], kind: str, facts: str) -> str:
    """SHA-256 of the format, the facts and the tensors."""
    return tensors_sha256(tensors, json.dumps([kind, facts]).encode())


def save_tensors(path: Path, tensors: dict[str, Tensor], kind: str, facts: dict) -> None:
    """Store tensors with `facts` (plain JSON types) in the header, atomically.

    kind: one of the format names above, checked by `load_tensors`.
    """
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(facts)
    header = {"format": kind, "facts": text, "sha256": _checksum(contiguous, kind, text)}
    write_atomic(path, save(contiguous, metadata=header))


def load_tensors(path: Path, kind: str) -> tuple[dict[str, Tensor], dict]:
    """The tensors and facts of `save_tensors`, on the CPU, in memory of their own.

    Raises ValueError where the file is missing or cannot be read; DamagedFileError, of its kind,
    where it is truncated, not safetensors, of another kind, or does not match its checksum;
    OtherVersionError where it has the format of another version.
    """
    if not path.is_file():
        raise ValueError(f"{path} does not exist or is not a file.")
    try:
        # The whole of it at once: a map of the file would follow what is done to it later.
        content = path.read_bytes()
        header = _metadata(content)
        found = header.get("format", "")
        tensors = load(content) if found == kind else {}
        sha256 = _checksum(tensors, kind, header.get("facts", ""))
    except OSError as error:  # a file that cannot be read now may be sound
        raise ValueError(f"{path} cannot be read: {error}.") from error
    except MemoryError as error:
        raise ValueError(f"{path} is too large for the memory of this computer.") from error
    except Exception as error:  # a crafted file makes torch fail in ways of its own
        raise DamagedFileError(
            f"{path} is truncated or not a safetensors file ({error}): use another checkpoint."
        ) from error
    if found != kind and found.rpartition(" ")[0] == kind.rpartition(" ")[0]:
        raise OtherVersionError(
            f"{path} was written by another version of gbm-diffusion (format {found!r}, and this "
            f"one reads {kind!r}): use that version for it."
        )
    if found != kind:
        raise DamagedFileError(
            f"{path} is a foreign file: expected the format {kind!r}, found {found or 'none'!r}."
        )
    if header.get("sha256") != sha256:
        raise DamagedFileError(
            f"{path} does not match its checksum: it was altered after it was written."
        )
    return tensors, _facts(path, header.get("facts", ""))


def _metadata(content: bytes) -> dict[str, str]:
    """The texts in the header of a safetensors file; raises whatever it may for another file."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    return {str(k): str(v) for k, v in header.get("__metadata__", {}).items()}


def _facts(path: Path, text: str) -> dict:
    """The facts of a file from its header; DamagedFileError where they are no JSON object."""
    try:
        facts = json.loads(text, object_pairs_hook=_without_repetition)
        if isinstance(facts, dict):
            return facts
        problem: object = f"they are of type {type(facts).__name__}"
    except (ValueError, RecursionError) as error:
        problem = str(error).rstrip(".")
    raise DamagedFileError(
        f"{path} has facts in its header that are not those of this package ({problem}): use "
        "another checkpoint."
    )


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; ValueError where a key is there twice, of which one would be lost."""
    if len(record := dict(pairs)) < len(pairs):
        raise ValueError("a key is there twice.")
    return record


def load_facts(path: Path, kind: str) -> dict | None:
    """The facts of a file of `save_tensors`, from its header alone; None where it has none.

    They say what the file is of; whether it is whole only `load_tensors` finds out.
    """
    try:
        with path.open("rb") as file:
            size = min(int.from_bytes(file.read(8), "little"), _HEADER_BYTES)
            header = _metadata(size.to_bytes(8, "little") + file.read(size))
        return _facts(path, header["facts"]) if header.get("format") == kind else None
    except (OSError, ValueError, KeyError, RecursionError, AttributeError):
        return None
