"""Large images by overlapping tiles, without seams.

A tile is evaluated with a margin of the network's `reach`, and what is within the margin is thrown
away. So every pixel has the numbers that it would have had in the whole image, to the rounding of
convolutions of another size.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from gbm_fast.restoration.chain import Laws
from gbm_fast.speckle import PixelLaws


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


def tiled(laws: Laws, tile: int, reach: int, stride: int) -> Laws:
    """`laws` evaluated by tiles of side `tile` where an image is larger than that.

    reach, stride   of the network, as in `LocalUNet`
    """

    def by_tiles(log_y: Tensor, looks: Tensor) -> PixelLaws:
        height, width = log_y.shape[-2:]
        if max(height, width) <= tile:
            return laws(log_y, looks)
        whole = PixelLaws(*(torch.empty_like(log_y) for _ in PixelLaws._fields))
        for row in spans(height, tile, reach, stride):
            for column in spans(width, tile, reach, stride):
                read = log_y[..., row.low : row.high, column.low : column.high]
                inner = (
                    ...,
                    slice(row.start - row.low, row.stop - row.low),
                    slice(column.start - column.low, column.stop - column.low),
                )
                place = (..., slice(row.start, row.stop), slice(column.start, column.stop))
                for part, of_tile in zip(whole, laws(read, looks), strict=True):
                    part[place] = of_tile[inner]
        return whole

    return by_tiles
