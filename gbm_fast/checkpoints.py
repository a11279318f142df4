"""The checkpoints of a run: checkpoints/state-<step>.safetensors, and which of them are kept.

A new one is complete on the disk before an old one is deleted. A damaged one is put aside under
the name state-<step>.damaged, and the newest sound one is used instead, with a warning.
"""

import re
import warnings
from pathlib import Path

from torch import Tensor

from gbm_fast.checkpoint import (
    STATE_FORMAT,
    DamagedFileError,
    load_tensors,
    remove_leftovers,
    save_tensors,
)

_NAME = re.compile(r"state-(\d{8,})\.safetensors")


def checkpoint_folder(folder: Path) -> Path:
    """Where the run in `folder` has its checkpoints."""
    return folder / "checkpoints"


def checkpoint_path(folder: Path, step: int) -> Path:
    """The checkpoint of one step."""
    return checkpoint_folder(folder) / f"state-{step:08d}.safetensors"


def checkpoint_steps(folder: Path) -> list[int]:
    """The steps that the run in `folder` has checkpoints of, increasing."""
    inside = checkpoint_folder(folder)
    names = [path.name for path in inside.iterdir()] if inside.is_dir() else []
    return sorted(int(match[1]) for match in map(_NAME.fullmatch, names) if match)


def save_checkpoint(
    folder: Path,
    step: int,
    tensors: dict[str, Tensor],
    facts: dict,
    keep_last: int,
    keep_every: int | None,
) -> None:
    """Write the checkpoint of `step`, then delete those that are not to be kept.

    Kept are the `keep_last` newest ones and those of the multiples of `keep_every`. Raises OSError
    where the new one cannot be written, and then has deleted nothing.
    """
    checkpoint_folder(folder).mkdir(exist_ok=True)
    path = checkpoint_path(folder, step)
    try:
        save_tensors(path, tensors, STATE_FORMAT, facts)
    except OSError as error:
        good = [s for s in checkpoint_steps(folder) if s != step]
        last = f"the last one, {checkpoint_path(folder, good[-1])}, is as it was" if good else ""
        raise OSError(
            error.errno,
            f"the checkpoint of step {step} cannot be written: {error.strerror}; {last}",
        ) from error
    for old in checkpoint_steps(folder)[:-keep_last]:
        if keep_every is None or old % keep_every:
            checkpoint_path(folder, old).unlink()


def load_newest(folder: Path) -> tuple[dict[str, Tensor], dict] | None:
    """Tensors and facts of the newest sound checkpoint; None where the run has none at all.

    Warns of each damaged one, which is renamed. Raises ValueError where all of them are damaged.
    """
    remove_leftovers(checkpoint_folder(folder))
    for step in reversed(checkpoint_steps(folder)):
        path = checkpoint_path(folder, step)
        try:
            return load_tensors(path, STATE_FORMAT)
        except DamagedFileError as error:
            aside = path.with_suffix(".damaged")
            path.replace(aside)
            message = f"{error} It is now {aside.name}; the checkpoint before it is used."
            warnings.warn(message, stacklevel=2)
    if any(checkpoint_folder(folder).glob("*.damaged")):
        raise ValueError(f"all checkpoints in {checkpoint_folder(folder)} are damaged.")
    return None
