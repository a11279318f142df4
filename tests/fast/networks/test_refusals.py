"""What the networks and their conditions refuse: shapes, widths, labels and levels."""

import torch
from torch import Tensor

import gbm_fast as gbm
from gbm_fast.networks.conditions import LevelIndex
from tests.fast.networks.test_networks import CLASSES, LEVELS, NETWORKS, built
from tests.support.good import NAN, each, refused
from tests.support.refusals import Refusal, check, table
from tests.support.twins import tensor

INTEGERS, RANGE = "labels must be integers of shape", "labels must be in"
LABELS = [
    refused(
        built(case),
        *each("labels", map(torch.tensor, ([0, 1], [0.0, 1.0, 2.0])), INTEGERS),
        *each("labels", map(torch.tensor, ([0, 1, CLASSES + 1], [0, 1, -1])), RANGE),
        **{"x": case.inputs(), "condition": case.conditions, "labels": torch.tensor([0, 1, 2])},
    )
    for case in NETWORKS.values()
]


def u_net(size: tuple[int, int], patch_size: int) -> Tensor:
    return gbm.UNet(1, width=8, patch_size=patch_size)(torch.ones(3, 1, *size), LEVELS)


def ddpm(size: tuple[int, int], attention: tuple[int, ...]) -> Tensor:
    network = gbm.DDPMpp(3, 32, (1, 1, 1), 1, attention)
    return network(torch.zeros(1, 3, *size), torch.zeros(1, dtype=torch.int64))


def ncsn(size: tuple[int, int], levels: int, index: Tensor) -> Tensor:
    return gbm.NCSNDeeper(3, 8, levels)(torch.zeros(1, 3, *size), index)


HEADS, SIZES = "multiple of its 4 attention heads", "multiples of 4, got .8, 6."
BAD_LEVELS = [[], [0.0, 1.0], [0.2, 0.1], [0.2, 0.2], [[0.1, 0.2]]]
OTHERS = [
    refused(
        u_net,
        *each("size", ((7, 8), (8, 7)), "patch_size 2 does not divide"),
        ("patch_size", 3, "patch_size 3 does not divide"),
        **{"size": (8, 8), "patch_size": 2},
    ),
    *(
        refused(gbm.UNet, ("width", bad, HEADS), channels=1, width=8, multipliers=multipliers)
        for bad, multipliers in ((6, (1, 3)), (5, (1, 2)), (1, (1,)))
    ),
    refused(
        ddpm,
        ("size", (8, 6), SIZES),
        ("attention", (3,), "in 0..2, got .3,."),
        **{"size": (8, 8), "attention": (1,)},
    ),
    refused(gbm.DDPMpp, ("width", 36, "multiple of 32"), channels=3, width=32),
    refused(
        ncsn,
        ("size", (8, 6), SIZES),
        ("levels", 0, "levels must be 1 or more"),
        *each("index", map(torch.tensor, ([-1], [5], [1.0])), "condition must be"),
        **{"size": (8, 8), "levels": 5, "index": torch.tensor([4])},
    ),
    refused(
        lambda x: gbm.MLP(5)(x, LEVELS),
        ("x", torch.zeros(3, 4), "events of 5 numbers"),
        x=torch.zeros(3, 5),
    ),
    refused(
        gbm.MLP,
        *[(name, 0, "1 or more") for name in ("d", "width", "depth")],
        **{"d": 5, "width": 8, "depth": 1},
    ),
    refused(
        lambda v: LevelIndex(tensor([0.1, 0.4, 6.4]))(tensor([0.4, v])),
        *each("v", (0.0999, 6.401, 0.0, NAN), "the network has levels for v in"),
        v=0.5,
    ),
    refused(
        LevelIndex,
        *each("log_vars", map(tensor, BAD_LEVELS), "log_vars must"),
        log_vars=LEVELS.exp(),
    ),
]


@table(*LABELS, *OTHERS)
def test_networks_refuse(refusal: Refusal) -> None:
    check(refusal)
