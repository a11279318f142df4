"""A row of the sampling loop against the network alone, and against the loops of other libraries.

Round the network, with a clock that leaves its time out, and round a stand-in that costs nothing,
where the loops can be told apart (`own_time` says why).
"""

import importlib.metadata
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from gbm_fast.grids import geometric, power
from gbm_fast.parameterisation import Denoiser, ScoreModel, score_function
from gbm_fast.process import VarianceExploding
from gbm_fast.runtime.random import ImageNoise
from gbm_fast.simulation import simulate
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
BARE = "network alone"
PEERS: dict[str, Callable[[nn.Module, Tensor, int], dict[str, Action]]] = {
    "diffusers": diffusers_loops,
    "k-diffusion": k_diffusion_loops,
}


class Clocked(nn.Module):
    """A network with a clock that stands still while the network runs."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self._inside = network, 0.0

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        started = time.process_time()
        output = self.network(x, condition)
        self._inside += time.process_time() - started
        return output

    def outside(self) -> float:
        """Processor seconds so far that were not the network's."""
        return time.process_time() - self._inside


class StandIn(nn.Module):
    """In the place of a network: returns its output for one input, at no cost."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self._output = output

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self._output


def installed() -> dict[str, str]:
    """Peer -> its version, or why it is not measured."""
    found = {}
    for name, loops_of in PEERS.items():
        try:
            loops_of(StandIn(torch.zeros(1, 1)), torch.zeros(1, 1), 2)
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
    `gbm_fast.sampling.sampler` does); `start` is (batch, *event), log x.
    """
    condition = torch.zeros(len(start))

    def bare() -> None:
        for _ in range(rows):
            network(start, condition)

    actions: dict[str, Action] = {BARE: bare}
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
