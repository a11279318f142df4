"""Sizes of the networks, and what training the largest would take on a GPU: on paper."""

from collections.abc import Callable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gbm_fast.networks import DDPMpp, NCSNDeeper, UNet
from validation.cost import roofline


def counts() -> dict[str, dict[str, float]]:
    """Parameters and multiply-adds an image of the networks as they are offered."""
    networks: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int], torch.dtype]] = {
        "UNet": (lambda: UNet(1, 64, (1, 2), 1, 2), (1, 28, 28), torch.float32),
        "NCSNDeeper": (NCSNDeeper, (1, 28, 28), torch.int64),
        "DDPMpp": (DDPMpp, (3, 32, 32), torch.float32),
    }
    found = {}
    for name, (build, event, dtype) in networks.items():
        with torch.device("meta"), FlopCounterMode(display=False) as counter:
            network = build()
            network(torch.empty(1, *event), torch.zeros(1, dtype=dtype))
        parameters = sum(p.numel() for p in network.parameters())
        found[name] = {"parameters": parameters, "macs": counter.get_total_flops() / 2}
    return found


def estimate(batches: tuple[int, ...]) -> dict[str, object]:
    """Least seconds of a training step of DDPM++ on a GPU, by batch; not measured."""
    gpu, bounds = roofline.H100, {}
    for batch in batches:
        with torch.device("meta"):
            images, condition = torch.empty(batch, 3, 32, 32), torch.empty(batch)
            bounds[batch] = roofline.training_bounds(DDPMpp(), images, condition, gpu)._asdict()
    parameters = int(counts()["DDPMpp"]["parameters"])
    return {
        "gpu": gpu._asdict(),
        "steps": bounds,
        "optimiser_seconds": roofline.optimiser_seconds(parameters, gpu),
        "all_reduce_seconds_of_8": roofline.all_reduce_seconds(parameters, 8, gpu),
    }
