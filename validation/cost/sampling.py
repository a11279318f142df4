"""A row of the sampling loop against the network alone, and against the loops of other libraries.

Round two networks: the real one, whose time tells what a user pays, and one that returns its input
at no cost, round which the loops can be told apart.
"""

import importlib.metadata
from collections.abc import Callable

import torch
from torch import Tensor, nn

from gbm_fast.grids import geometric, power
from gbm_fast.noise import ImageNoise
from gbm_fast.parameterisation import Denoiser, ScoreModel, score_function
from gbm_fast.process import VarianceExploding
from gbm_fast.simulate import simulate
from gbm_fast.steps import DDIM, DaleLangevin
from validation.cost.peers import (
    DATA_STD,
    STD_MAX,
    STD_MIN,
    diffusers_loops,
    k_diffusion_loops,
)
from validation.cost.timing import Action

LOG_MEAN = 0.27
PEERS: dict[str, Callable[[nn.Module, Tensor, int], dict[str, Action]]] = {
    "diffusers": diffusers_loops,
    "k-diffusion": k_diffusion_loops,
}


class Free(nn.Module):
    """A network that costs nothing: it returns its input."""

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return x


def installed() -> dict[str, str]:
    """Peer -> its version, or why it is not measured."""
    found = {}
    for name, loops_of in PEERS.items():
        try:
            loops_of(Free(), torch.zeros(1, 1), 2)
            found[name] = importlib.metadata.version(name)
        except ImportError as error:
            found[name] = f"not measured: {error} (pip install -e '.[peers]')"
    return found


def our_loops(
    network: nn.Module, start: Tensor, rows: int, autocast: torch.dtype | None
) -> dict[str, Action]:
    """Without noise, with fresh noise, and with a stream an image, as `gbm_fast.sample` draws."""
    process = VarianceExploding(STD_MIN, STD_MAX)
    model = ScoreModel(network, Denoiser(LOG_MEAN, DATA_STD), LOG_MEAN, DATA_STD, autocast)
    score, x_T = score_function(model.eval(), process), start.exp()
    even = power(process, rows, std_min=STD_MIN, std_max=STD_MAX)
    spaced = geometric(process, rows, STD_MIN, STD_MAX)
    images = ImageNoise(0, range(len(start)), start.shape[1:])

    def noisy(source: Callable[[int], Tensor]) -> Action:
        return lambda: simulate(DaleLangevin(), process, score, x_T, spaced, source)

    return {
        "ours, no noise": lambda: simulate(DDIM(), process, score, x_T, even),
        "ours, noise": noisy(lambda row: torch.randn_like(start)),
        "ours, noise of each image": noisy(images),
    }


def loops(
    network: nn.Module, start: Tensor, rows: int, autocast: torch.dtype | None, with_peers: bool
) -> dict[str, Action]:
    """Every loop by name: the network alone, ours, and those of the peers that are installed.

    All call `network` `rows` times under no_grad and `autocast` (entered round the loop, as
    `gbm_fast.sampling` does); `start` is (batch, *event), log x.
    """
    condition = torch.zeros(len(start))

    def bare() -> None:
        for _ in range(rows):
            network(start, condition)

    actions: dict[str, Action] = {"network alone": bare}
    actions |= our_loops(network, start, rows, autocast)
    for name, version in installed().items() if with_peers else ():
        if not version.startswith("not measured"):
            actions |= PEERS[name](network, start, rows)
    return {name: _without_grad(action, autocast) for name, action in actions.items()}


def _without_grad(action: Action, autocast: torch.dtype | None) -> Action:
    def run() -> None:
        with torch.no_grad(), torch.autocast("cpu", autocast, enabled=autocast is not None):
            action()

    return run
