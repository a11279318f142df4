"""The checkpoints of a run: checkpoints/state-<step>.safetensors, and which of them are kept.

A new one is complete on the disk before an old one is deleted. A damaged one is put aside under
the name state-<step>.damaged, and the newest sound one is used instead, with a warning; one of
another version stays as it is, and nothing older is used in its place.
"""

import json
import math
import re
import warnings
from collections import deque
from itertools import chain, count
from pathlib import Path
from shlex import quote
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from gbm_fast.runtime.distributed import from_main, is_main, send_tensor, world
from gbm_fast.runtime.files import (
    STATE_FORMAT,
    DamagedFileError,
    OtherVersionError,
    load_facts,
    load_tensors,
    remove_leftovers,
    save_tensors,
)
from gbm_fast.runtime.random import SCHEME

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
            f"the checkpoint of step {step} cannot be written: {error.strerror}; {last}.",
        ) from error
    for old in checkpoint_steps(folder)[:-keep_last]:
        if keep_every is None or old % keep_every:
            checkpoint_path(folder, old).unlink()


def _put_aside(path: Path) -> Path:
    """Rename a damaged checkpoint; an earlier one of that name stays."""
    names = chain([".damaged"], (f".damaged-{number}" for number in count(2)))
    aside = next(p for p in (path.with_suffix(name) for name in names) if not p.exists())
    path.replace(aside)
    return aside


def has_trained(folder: Path) -> bool:
    """Whether a training in `folder` has come to a checkpoint, sound or damaged."""
    inside = checkpoint_folder(folder)
    left = any(inside.glob("state-*.damaged*")) if inside.is_dir() else False
    return left or bool(checkpoint_steps(folder))


def newest_facts(folder: Path) -> dict | None:
    """What the newest checkpoint with a readable header says it is of; None where none has one."""
    steps = reversed(checkpoint_steps(folder))
    found = (load_facts(checkpoint_path(folder, step), STATE_FORMAT) for step in steps)
    return next((facts for facts in found if facts is not None), None)


def load_newest(folder: Path) -> tuple[dict[str, Tensor], dict] | None:
    """Tensors and facts of the newest sound checkpoint; None where the run has none at all.

    Warns of each damaged one, which is renamed. Raises ValueError where all of them are damaged,
    and OtherVersionError for one that another version wrote.
    """
    remove_leftovers(checkpoint_folder(folder))
    for step in reversed(checkpoint_steps(folder)):
        path = checkpoint_path(folder, step)
        try:
            return load_tensors(path, STATE_FORMAT)
        except OtherVersionError as error:
            raise OtherVersionError(
                f"{error} The training goes on with that version alone; {_anew(folder)}."
            ) from error
        except DamagedFileError as error:
            aside = _put_aside(path)
            message = f"{error} It is now {aside.name}; the checkpoint before it is used."
            warnings.warn(message, stacklevel=2)
    if has_trained(folder):
        raise ValueError(
            f"all checkpoints in {checkpoint_folder(folder)} are damaged: put a copy of one back, "
            f"and the training goes on; {_anew(folder)}."
        )
    return None


def _anew(folder: Path) -> str:
    """How to begin the training in `folder` anew, beside it."""
    config, other = quote(str(folder / "config.json")), quote(f"{folder}-anew")
    return (
        "to begin it anew in another folder: "
        f"python -m gbm_fast.train --config {config} --run-dir {other}"
    )


def pack(model: nn.Module, average: AveragedModel, optimiser: Optimizer) -> dict[str, Tensor]:
    """The state as tensors: model.*, average.* and optimiser.<parameter>.*."""
    tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.state_dict().items()}
    for index, moments in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{k}": v for k, v in moments.items()}
    return tensors


def unpack(
    tensors: dict[str, Tensor], model: nn.Module, average: AveragedModel, optimiser: Optimizer
) -> None:
    """Put the tensors of `pack` back; ValueError where they are of another network."""
    groups: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "optimiser": {}}
    for name, tensor in tensors.items():
        kind, _, key = name.partition(".")
        groups[kind][key] = tensor
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in groups["optimiser"].items():
        index, _, key = name.partition(".")
        moments.setdefault(int(index), {})[key] = tensor
    try:
        model.load_state_dict(groups["model"])
        average.load_state_dict(groups["average"])
    except RuntimeError as error:
        raise ValueError(f"the checkpoint does not fit these settings: {error}") from error
    optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})
    for parameter, state in optimiser.state.items():
        for key, value in state.items():
            if value.shape == parameter.shape:
                # In the memory layout of the parameter: the fused AdamW of CPUs takes that for
                # granted, and without it silently pairs the wrong elements.
                state[key] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def restore(folder: Path) -> tuple[dict[str, Tensor], dict] | None:
    """Tensors and facts of the newest sound checkpoint on every process; None where there is none.

    Raises ValueError, on every process, where all checkpoints are damaged.
    """
    loaded: dict[str, Tensor] = {}

    def read() -> str:
        found = load_newest(folder)
        if found is None:
            return "null"
        loaded.update(found[0])
        forms = {k: (str(v.dtype).removeprefix("torch."), v.shape) for k, v in loaded.items()}
        return json.dumps([forms, found[1]])

    answer = json.loads(from_main(read))
    if answer is None:
        return None
    forms, facts = answer
    tensors = {
        name: send_tensor(loaded.get(name), getattr(torch, dtype), tuple(shape))
        for name, (dtype, shape) in forms.items()
    }
    return tensors, facts


def machine(device: torch.device) -> dict[str, Any]:
    """What the bits of a training depend on beside its settings and data; plain JSON."""
    shape = {"device": device.type, "threads": torch.get_num_threads(), "processes": world().size}
    return shape | {"torch": torch.__version__, "random": SCHEME}


def warn_of_changes(folder: Path, then: dict[str, Any], device: torch.device) -> None:
    """Say, in process 0, what makes a training go on in other bits than it began with.

    then   `machine` of the checkpoint; empty where an older one does not say
    """
    if not is_main():
        return
    if then.get("random") != SCHEME:
        warnings.warn(
            f"{folder} was begun by a version with other random numbers: it goes on with other "
            "noise, in another order of the data.",
            stacklevel=2,
        )
    now = machine(device)
    names = [name for name in now if name != "random" and then.get(name, now[name]) != now[name]]
    if names:
        changed = "; ".join(f"{name} {then[name]}, now {now[name]}" for name in names)
        warnings.warn(
            f"{folder} goes on with {changed}: the same data and noise, but not the same bits.",
            stacklevel=2,
        )


class LeastLoss:
    """The losses of the last `window` steps, and the least mean of them at a checkpoint so far."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._losses: deque[float] = deque(maxlen=window)
        self._least = math.inf

    def add(self, loss: float) -> None:
        """Note the loss of a step."""
        self._losses.append(loss)

    def improves(self) -> bool:
        """Whether the checkpoint of now is the best so far, to be asked once at each.

        Before `window` steps every one is, until one with a mean of that many replaces it.
        """
        if len(self._losses) < self._window:
            return True
        mean = math.fsum(self._losses) / self._window
        if mean < self._least:
            self._least = mean
            return True
        return False

    def pack(self) -> Tensor:
        """The state as float64: the least mean (infinite before there is one), then the losses."""
        return torch.tensor([self._least, *self._losses], dtype=torch.float64)

    def unpack(self, state: Tensor) -> None:
        """Put the state of `pack` back."""
        self._least, *losses = state.tolist()
        self._losses.extend(losses)
