"""The trainer's step against forward, backward, clipping, AdamW and moving average alone.

With the network, and with a stand-in for its arithmetic (`own_time`): every parameter stays and
has a gradient, so that whatever a step does for each of them is done.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from gbm_fast.data import ImageData
from gbm_fast.settings.training import TrainConfig
from gbm_fast.settings.training_presets import resolve
from gbm_fast.training.images import ImageBatches
from gbm_fast.training.trainer import Trainer
from validation.cost.timing import Action


def pictures(event_shape: tuple[int, int, int], seed: int, count: int = 60_000) -> ImageData:
    """As many made-up pictures as a published data set has: what they show costs nothing."""
    source = torch.Generator().manual_seed(seed)
    images = torch.randint(256, (count, *event_shape), generator=source, dtype=torch.uint8)
    labels = torch.zeros(count, dtype=torch.int64)
    return ImageData("made-up", images, labels, images[:2], labels[:2], 255, ("any",))


@contextmanager
def trainer(config: TrainConfig, data: ImageData) -> Iterator[Trainer]:
    """A trainer of `config` (unresolved) in a folder that is deleted afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield Trainer(resolve(config), ImageBatches(data), Path(folder))


def bare_step(running: Trainer) -> Action:
    """The arithmetic of a step on the trainer's network and nothing else, on fixed inputs.

    Squared error, backward pass, clipping, AdamW and the moving average, with moments and
    averages of its own; the network's parameters and arithmetic are the trainer's.
    """
    model, batch = running.model, running.draw_batch()
    inputs, condition = torch.randn_like(batch.x0), torch.randn(len(batch.x0))
    target = torch.randn_like(batch.x0)
    parameters = list(model.network.parameters())
    averages: list[Tensor] = [p.detach().clone() for p in parameters]
    optimiser = torch.optim.AdamW(parameters, 1e-5, fused=True)
    model.train()

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        for first in range(0, len(inputs), running.micro_batch):
            items = slice(first, first + running.micro_batch)
            with torch.autocast("cpu", model.autocast, enabled=model.autocast is not None):
                output = model.network(inputs[items], condition[items])
            loss = (output.float() - target[items]).square().sum() / inputs.numel()
            loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        with torch.no_grad():
            torch._foreach_lerp_(averages, parameters, 1e-3)

    return step


@contextmanager
def standing_in(network: nn.Module) -> Iterator[None]:
    """`network` returns its input times a number that depends on every parameter."""
    parameters = list(network.parameters())

    def forward(x: Tensor, condition: Tensor, labels: Tensor | None = None) -> Tensor:
        return x * (1 + torch.stack([part.mean() for part in parameters]).mean())

    network.forward = forward  # type: ignore[method-assign]
    try:
        yield
    finally:
        del network.forward  # of the instance: what remains is the class's
