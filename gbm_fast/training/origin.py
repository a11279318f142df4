"""What a training begins with: random weights, or the averaged ones of an earlier training.

Whoever has weights and no checkpoint, as of `pretrained/`, goes on from them: with a new
optimiser, and with batches of another seed. Weights and checkpoints say what they come from, the
earlier trainings in their order, and a training that goes on is the one that began with the same
weights.
"""

from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gbm_fast.runtime.files import WEIGHTS_FORMAT, load_tensors, tensors_sha256
from gbm_fast.training.runs import WEIGHTS_NAME


class Origin(NamedTuple):
    """Weights to begin with, and the trainings that made them."""

    weights: dict[str, Tensor]
    """Float32 where they are of floating point; empty for random ones."""
    ledger: list[dict[str, Any]]
    """Of each training, first to last: weights_sha256 at its end, steps, images and seconds."""

    def facts(self) -> dict[str, Any]:
        """What weights and checkpoints say of it, plain JSON; nothing of random weights."""
        return {"began_from": self.ledger} if self.ledger else {}

    def fill(self, model: nn.Module) -> None:
        """Put the weights into `model`, if there are any; ValueError where they do not fit."""
        if not self.weights:
            return
        try:
            model.load_state_dict(self.weights)
        except RuntimeError as error:
            raise ValueError(
                "initial_weights are of another network: take the settings of their run, as with "
                f"--config FOLDER/config.json. {error}"
            ) from error

    def require_same(self, facts: dict[str, Any]) -> None:
        """Raise ValueError unless the training that `facts` are of began with these weights."""
        if facts.get("began_from", []) != self.ledger:
            raise ValueError(
                "initial_weights are others than those that this training began with "
                f"({_described(facts.get('began_from', []))}): pass those, or choose another "
                "folder for the run."
            )


def read_origin(folder: Path | None) -> Origin:
    """What is in a folder of weights, of a run or of `pretrained/`; None means random weights.

    Raises ValueError where there are none.
    """
    if folder is None:
        return Origin({}, [])
    path = folder / WEIGHTS_NAME
    if not path.is_file():
        raise ValueError(
            f"initial_weights: there is no {path}: pass the folder of a run, or of pretrained "
            "weights."
        )
    stored, facts = load_tensors(path, WEIGHTS_FORMAT)
    weights = {
        name: part.to(torch.float32) if part.is_floating_point() else part
        for name, part in stored.items()
    }
    last = {
        "weights_sha256": tensors_sha256(weights),
        "steps": facts["step"],
        "images": facts["step"] * facts["config"]["batch_size"],
        "seconds": facts["seconds"],
    }
    return Origin(weights, [*facts.get("began_from", []), last])


def _described(ledger: list[dict[str, Any]]) -> str:
    return f"{ledger[-1]['weights_sha256'][:16]}..." if ledger else "random ones"
