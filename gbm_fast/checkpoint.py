"""Files that a crash cannot spoil: safetensors with a JSON header, written aside, then renamed.

Nothing is ever unpickled. Every file carries a format name, so that a foreign or truncated one is
refused by name before any tensor is used.
"""

import json
import os
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

WEIGHTS_FORMAT = "gbm-diffusion weights 1"
STATE_FORMAT = "gbm-diffusion training state 1"
STATISTICS_FORMAT = "gbm-diffusion data statistics 1"


def write_atomic(path: Path, content: bytes) -> None:
    """Write `content` to `path`: a reader finds the old file or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def save_tensors(path: Path, tensors: dict[str, Tensor], kind: str, facts: dict) -> None:
    """Store tensors with `facts` (plain JSON types) in the header, atomically.

    kind: one of the format names above, checked by `load_tensors`.
    """
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    header = {"format": kind, "facts": json.dumps(facts)}
    write_atomic(path, save(contiguous, metadata=header))


def load_tensors(path: Path, kind: str) -> tuple[dict[str, Tensor], dict]:
    """The tensors and facts of `save_tensors`, on the CPU.

    Raises ValueError where the file is missing, truncated, not safetensors, or of another kind.
    """
    if not path.is_file():
        raise ValueError(f"{path} does not exist or is not a file.")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ValueError(
            f"{path} is truncated or not a safetensors file ({error}): use another checkpoint."
        ) from error
    if header.get("format") != kind:
        raise ValueError(
            f"{path} is a foreign file: expected the format {kind!r}, found "
            f"{header.get('format', 'none')!r}."
        )
    return tensors, json.loads(header["facts"])
