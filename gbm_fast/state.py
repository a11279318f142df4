"""The state of a training as named tensors: model, moving average and the moments of AdamW.

`restore` is for a group of processes: process 0 alone reads the checkpoint, which may be on a disk
that the others do not see, and sends it to them.
"""

import json
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from gbm_fast.checkpoints import load_newest
from gbm_fast.distributed import from_main, send_tensor


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
