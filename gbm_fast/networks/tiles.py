"""Large images by overlapping tiles, without seams, for networks that see no further than a reach.

A tile is evaluated with a margin of the network's `reach`, and what is within the margin is thrown
away. So every pixel has the numbers that it would have had in the whole image, to the rounding of
convolutions of another size.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gbm_fast.networks.local_unet import LocalUNet

TILE = 512
"""The side of a tile, where nothing else is said."""


class Span(NamedTuple):
    """Along one side: what a tile gives [start, stop), and what is read for it [low, high)."""

    start: int
    stop: int
    low: int
    high: int


def spans(side: int, tile: int, reach: int, stride: int) -> Iterator[Span]:
    """The tiles along a side; what is read begins at multiples of `stride`."""
    margin = -(-reach // stride) * stride
    step = max(stride, tile // stride * stride)
    for start in range(0, side, step):
        stop = min(side, start + step)
        yield Span(start, stop, max(0, start - margin), min(side, stop + margin))


class TiledNetwork(nn.Module):
    """A local network evaluated by tiles of side `tile` where an image is larger than that.

    Args:
        network: what is evaluated, (x (n, C, H, W), condition (n,)) -> (n, C', H, W).
        tile: the side of a tile without its margin, 1 or more.
    """

    def __init__(self, network: LocalUNet, tile: int = TILE) -> None:
        super().__init__()
        self.network, self.tile = network, tile

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        if max(height, width) <= self.tile:
            return self.network(x, condition)
        reach, stride = self.network.reach, self.network.stride
        rows = []
        for row in spans(height, self.tile, reach, stride):
            parts = []
            for column in spans(width, self.tile, reach, stride):
                read = x[..., row.low : row.high, column.low : column.high]
                made = self.network(read, condition)
                down = slice(row.start - row.low, row.stop - row.low)
                across = slice(column.start - column.low, column.stop - column.low)
                parts.append(made[..., down, across])
            rows.append(torch.cat(parts, dim=-1))
        return torch.cat(rows, dim=-2)
