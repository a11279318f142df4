"""Where random numbers come from: everything is a function of (seed, what it is for, which one).

Training batch `i` depends on (seed, i) alone, so that resuming needs the step number and nothing
else. In sampling every image has a generator of its own, drawn on the CPU in whole images, so that
the noise of image `i` of a seed is the same for every batch size and device.

A small image's noise for several rows of a grid is drawn in one call: beside a network, calls of
many generators take longer than the numbers. 2^16 numbers an image at most bound the memory.
"""

import math
from collections.abc import Sequence
from enum import IntEnum

import numpy as np
import torch
from torch import Tensor


class Stream(IntEnum):
    """What a stream of random numbers is for; streams of one seed are independent."""

    WEIGHTS = 0
    ORDER = 1
    BATCH = 2
    DROPOUT = 3
    IMAGE = 4
    LAW = 5
    LABEL = 6
    PROBE = 7


def stream_seed(seed: int, stream: Stream, index: int = 0) -> int:
    """A 32-bit seed for number `index` of a stream: a hash of (seed, stream), plus the index.

    torch's CPU generator keeps 32 bits of a seed, so hashing the index as well would give two of
    some ten thousands of images the same noise; counting gives every index of a stream its own.
    Raises ValueError for a seed or index outside [0, 2**32).
    """
    if not (0 <= seed < 2**32 and 0 <= index < 2**32):
        raise ValueError(f"seed and index must be in [0, 2**32), got {seed} and {index}.")
    (word,) = np.random.SeedSequence([seed, int(stream)]).generate_state(1, np.uint32)
    return (int(word) + index) % 2**32


def generator(seed: int, stream: Stream, index: int = 0) -> torch.Generator:
    """A CPU generator for number `index` of a stream."""
    return torch.Generator().manual_seed(stream_seed(seed, stream, index))


_ROWS, _NUMBERS = 8, 2**16


class ImageNoise:
    """One generator an image: a noise source for `simulate`, and the draws of the start.

    Args:
        seed: the seed of the whole set.
        indices: the numbers of the images of this batch in the set.
        event_shape: shape of one image.
        device: where the draws are moved to.
    """

    def __init__(
        self,
        seed: int,
        indices: Sequence[int],
        event_shape: Sequence[int],
        device: torch.device | str = "cpu",
    ) -> None:
        self._seed, self._indices = seed, indices
        self._generators = [generator(seed, Stream.IMAGE, index) for index in indices]
        self._event_shape = tuple(event_shape)
        self._at_once = max(1, min(_ROWS, _NUMBERS // max(1, math.prod(event_shape))))
        self._ahead: list[Tensor] = []
        self._device = torch.device(device)

    def __len__(self) -> int:
        """The number of images."""
        return len(self._indices)

    def integers(self, high: int) -> Tensor:
        """One integer in [0, high) an image, int64 (batch,), on the CPU."""
        draws = [torch.randint(high, (), generator=source) for source in self._generators]
        return torch.stack(draws)

    def uniform(self) -> Tensor:
        """One number in [0, 1) an image, float32 (batch,), on the CPU."""
        return torch.stack([torch.rand((), generator=source) for source in self._generators])

    def label_uniform(self) -> Tensor:
        """As `uniform`, from a stream of its own: the other draws are the same without it."""
        sources = [generator(self._seed, Stream.LABEL, index) for index in self._indices]
        return torch.stack([torch.rand((), generator=source) for source in sources])

    def normal(self) -> Tensor:
        """Standard normal draws, float32 (batch, *event_shape): for a start, before any row."""
        return self._moved(self.rows(1)[0])

    def __call__(self, row: int) -> Tensor:
        """The draws of the next row of a grid; rows are asked for in order."""
        if not self._ahead:
            self._ahead = list(self.rows(self._at_once))[::-1]
        return self._moved(self._ahead.pop())

    def rows(self, count: int) -> Tensor:
        """Draws for the next `count` rows, (count, batch, *event_shape), on the CPU."""
        draws = torch.empty(len(self), count, *self._event_shape)
        for image, source in zip(draws, self._generators, strict=True):
            image.normal_(generator=source)
        return draws.transpose(0, 1)

    def _moved(self, draws: Tensor) -> Tensor:
        """A copy on the device, contiguous."""
        late = self._device.type == "cuda"
        copy = torch.empty(draws.shape, pin_memory=late).copy_(draws)
        # From pinned memory the copy does not wait for the work that a GPU still has to do.
        return copy.to(self._device, non_blocking=late)
