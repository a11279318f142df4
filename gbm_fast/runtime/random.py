"""Where random numbers come from: everything is a function of (seed, what it is for, which one).

A counter-based generator, Philox 4x64 of ten rounds (Salmon et al., "Parallel random numbers: as
easy as 1, 2, 3", 2011), turns a key of 128 bits and a counter of 256 bits into a block of four
64-bit words. They are published, and NumPy keeps them from version to version; what is made of
them is ours. A draw can be had without those before it, so that a batch of a training needs its
number alone, a process draws its own items alone, and the noise of an image is the same for
every batch size, process, device and order. All of it, in NumPy:

    def words(seed, stream, index, first, blocks):
        key = seed + (stream << 32) + (index << 64)
        return np.random.Philox(key=key, counter=first).random_raw(4 * blocks)

    def normal_event(seed, stream, index, number, size):
        blocks = -(-size // 8)
        w = words(seed, stream, index, number * blocks, blocks)
        radius = np.sqrt(-2 * np.log(((w >> 32) + 0.5) / 2**32))
        angle = 2 * np.pi * ((w & (2**32 - 1)) + 0.5) / 2**32
        pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
        return pairs.ravel()[:size].astype(np.float32)

(NumPy adds one to the counter before a block, so that block k is Philox at the counter k + 1.)

**Nothing is drawn twice.** seed < 2^32 and stream < 2^32 fill the two halves of the key's first
word, index < 2^64 its second: the key is injective in (seed, stream, index). Within a key, block k
is used at the counter k + 1 alone, and event `number` of a size has the blocks from
number * blocks to (number + 1) * blocks - 1: intervals that do not meet. So different draws have
different (key, counter). For one key Philox is a bijection of the counters, so blocks of one key
differ with certainty; those of two keys are equal with a chance of 2^-256. An index of a stream is
asked for events of one size only.

**Normal numbers** are those of Box and Muller, two a word, computed in float64 and rounded to
float32: a last digit that differs between two libraries' logarithms shows in one number of some
10^8. The radius has 32 bits and is never that of zero, so |z| <= sqrt(66 log 2) = 6.76, which a
normal number passes with a chance of 1.3e-11; the angle has 32 bits more.

Where torch draws itself, weights of a new network and dropout, its generator is given a word of a
stream as its seed; what it makes of that is torch's affair, and may change with its version.
"""

import math
from collections.abc import Sequence
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

SCHEME = "philox4x64-10, box-muller of 32 and 32 bits"
"""The name of all this, for what is stored: numbers of another scheme are others."""

Words = npt.NDArray[np.uint64]


class Stream(IntEnum):
    """What a stream of random numbers is for; no two streams of a seed share a number."""

    WEIGHTS = 0  # torch's seed for the weights
    ORDER = 1  # by epoch
    TIMES = 2  # by step; those of a batch
    DROPOUT = 3  # by step; torch's seed, by the first item of a round
    IMAGE = 4  # by image; event r is the noise of row r
    LAW = 5  # by step; event j for item j of a batch
    LABEL = 6  # by image
    PROBE = 7  # by event
    NOISE = 8  # by step; event j for item j of a batch
    START = 9  # by image; event 0
    CHOICE = 10  # by image; what a start chooses
    COMPONENT = 11  # by step; those of a batch's draws of a law
    TEST_LAW = 12  # draws of a law that a trained score is compared on
    TEST_COMPONENT = 13  # their components
    LABEL_DROPOUT = 14  # by step; which items of a batch are learned without their labels
    CROP = 15  # by step; block j for item j of a batch: its row, its column, its symmetry
    SPECKLE = 16  # by step; NumPy's gamma numbers, from the counter item * 2^128 on
    RESTORE = 17  # by step of a restorer's chain; the same, of sample j
    POSTERIOR = 18  # by sample of a restorer; event k for step k of its chain
    LOOKS = 19  # what pure speckle looks like, for estimates of looks


def key(seed: int, stream: int, index: int) -> int:
    """The 128 bits of (seed, stream, index); ValueError outside 32, 32 and 64 bits."""
    if not (0 <= seed < 2**32 and 0 <= stream < 2**32 and 0 <= index < 2**64):
        raise ValueError(
            "seed and stream must be in [0, 2**32) and the index in [0, 2**64), "
            f"got {seed}, {stream} and {index}."
        )
    return seed + (stream << 32) + (index << 64)


def _require_keys(seed: int, stream: int, indices: Sequence[int]) -> None:
    """ValueError where the key of one of them is refused."""
    for index in (min(indices), max(indices)) if len(indices) else (0,):
        key(seed, stream, index)


def words(
    seed: int, stream: int, indices: Sequence[int], first: int = 0, blocks: int = 1
) -> Words:
    """The words of blocks first..first + blocks - 1 of each index: (len(indices), 4 * blocks)."""
    _require_keys(seed, stream, indices)
    drawn = np.empty((len(indices), 4 * blocks), np.uint64)
    source = np.random.Philox(key=key(seed, stream, 0), counter=first)
    fresh = source.state
    # One generator moved from key to key: making one takes as long as two thousand words.
    for row, index in zip(drawn, indices, strict=True):
        fresh["state"]["key"][1] = index
        source.state = fresh
        row[:] = source.random_raw(4 * blocks)
    return drawn


def uniforms(drawn: Words) -> Tensor:
    """A number in [0, 1) a word, float64: its 53 high bits."""
    return torch.from_numpy((drawn >> np.uint64(11)) * 2.0**-53)


def integers(drawn: Words, high: int) -> Tensor:
    """A whole number in [0, high) a word, int64: floor(high * word / 2^64).

    Each has its probability 1 / high to 2^-64. Raises ValueError for `high` outside [1, 2**32].
    """
    if not 1 <= high <= 2**32:
        raise ValueError(f"whole numbers are drawn below a limit in [1, 2**32], got {high}.")
    half, limit = np.uint64(32), np.uint64(high)
    carried = ((drawn & np.uint64(2**32 - 1)) * limit) >> half
    return torch.from_numpy((((drawn >> half) * limit + carried) >> half).astype(np.int64))


_AT_ONCE = 2**14  # words whose three columns in float64 stay in a processor's cache


def normals(drawn: Words) -> Tensor:
    """Two standard normal numbers a word, float32 (..., 2 * words): radius times cosine, sine."""
    halves = np.ascontiguousarray(drawn, "<u8").view("<u4").reshape(-1, 2)
    made = np.empty(halves.shape, np.float32)
    columns = np.empty((3, min(len(halves), _AT_ONCE)))
    for start in range(0, len(halves), _AT_ONCE):
        _box_muller(halves[start : start + _AT_ONCE], columns, made[start : start + _AT_ONCE])
    return torch.from_numpy(made.reshape(*drawn.shape[:-1], -1))


def _box_muller(halves: npt.NDArray, columns: npt.NDArray, made: npt.NDArray) -> None:
    """The pairs of (n, 2) halves of words into `made`; `columns` (3, n or more) is overwritten.

    NumPy is quicker where numbers are changed to other types and in roots, torch in the rest.
    """
    radius, angle, turned = columns[:, : len(halves)]
    np.add(halves[:, 1], 0.5, out=radius)
    np.multiply(radius, 2.0**-32, out=radius)
    torch.from_numpy(radius).log_()
    np.multiply(radius, -2.0, out=radius)
    np.sqrt(radius, out=radius)
    np.add(halves[:, 0], 0.5, out=angle)
    np.multiply(angle, math.pi * 2.0**-31, out=angle)
    torch.cos(torch.from_numpy(angle), out=torch.from_numpy(turned))
    np.multiply(turned, radius, out=made[:, 0], casting="same_kind")
    torch.from_numpy(angle).sin_()
    np.multiply(angle, radius, out=made[:, 1], casting="same_kind")


def first_uniforms(seed: int, stream: Stream, index: int, count: int) -> Tensor:
    """The first `count` words of an index as numbers in [0, 1), float64 (count,)."""
    return uniforms(words(seed, stream, [index], blocks=-(-count // 4))[0, :count])


def normal_events(
    seed: int,
    stream: Stream,
    indices: Sequence[int],
    numbers: range,
    event_shape: Sequence[int],
) -> Tensor:
    """Events `numbers` of each index, float32 (len(indices), len(numbers), *event_shape).

    Event `number` is a function of (seed, stream, index, number) and the size of an event.
    """
    size = math.prod(event_shape)
    blocks = -(-size // 8)
    drawn = words(seed, stream, indices, numbers.start * blocks, len(numbers) * blocks)
    made = normals(drawn.reshape(len(indices), len(numbers), 4 * blocks))
    return made[..., :size].unflatten(-1, tuple(event_shape))


def sign_events(
    seed: int, stream: Stream, indices: Sequence[int], count: int, event_shape: Sequence[int]
) -> Tensor:
    """`count` events of -1 and 1 for each index, int8 (len(indices), count, *event_shape).

    A sign a bit, from the lowest of a word; every event begins with a block.
    """
    size = math.prod(event_shape)
    blocks = -(-size // 256)
    drawn = words(seed, stream, indices, blocks=count * blocks).astype("<u8", copy=False)
    bits = np.unpackbits(drawn.view(np.uint8), axis=1, bitorder="little")
    of_events = torch.from_numpy(bits).view(len(indices), count, -1)[..., :size]
    return (2 * of_events.to(torch.int8) - 1).unflatten(-1, tuple(event_shape))


def permutation(seed: int, stream: Stream, index: int, count: int) -> Tensor:
    """0..count-1 in random order, int64 (count,): the order of as many words of an index.

    Words that are equal, a chance of count^2 / 2^65, keep their order.
    """
    drawn = words(seed, stream, [index], blocks=-(-count // 4))[0, :count]
    return torch.from_numpy(np.argsort(drawn, kind="stable"))


def torch_seed(seed: int, stream: Stream, index: int = 0, number: int = 0) -> int:
    """A seed for torch's own generators: the first word of block `number` of an index.

    All of its 64 bits count on a GPU; on a CPU torch keeps the lower 32.
    """
    return int(words(seed, stream, [index], first=number)[0, 0])


_ROWS, _NUMBERS = 8, 2**16


class ImageNoise:
    """The draws of some images: a noise source for `simulate`, and what a start needs.

    Every draw is a function of the seed and the image's number, and of the row for rows, which may
    be asked for in any order and again. A small image's noise for several rows is drawn at once:
    beside a network, calls for many images take longer than the numbers. 2^16 numbers an image
    at most bound the memory.

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
        _require_keys(seed, Stream.IMAGE, indices)
        self._seed, self._indices = seed, indices
        self._event_shape = tuple(event_shape)
        self._at_once = max(1, min(_ROWS, _NUMBERS // max(1, math.prod(event_shape))))
        self._ahead: tuple[range, Tensor] = range(0), torch.empty(0)
        self._device = torch.device(device)

    def __len__(self) -> int:
        """The number of images."""
        return len(self._indices)

    def integers(self, high: int) -> Tensor:
        """One integer in [0, high) an image, int64 (batch,), on the CPU."""
        return integers(words(self._seed, Stream.CHOICE, self._indices)[:, 1], high)

    def uniform(self) -> Tensor:
        """One number in [0, 1) an image, float64 (batch,), on the CPU."""
        return uniforms(words(self._seed, Stream.CHOICE, self._indices)[:, 0])

    def label_uniform(self) -> Tensor:
        """As `uniform`, of a stream of its own."""
        return uniforms(words(self._seed, Stream.LABEL, self._indices)[:, 0])

    def normal(self) -> Tensor:
        """Standard normal draws, float32 (batch, *event_shape), for a start."""
        return self._moved(self._events(Stream.START, range(1))[0])

    def __call__(self, row: int) -> Tensor:
        """The draws of a row of a grid, float32 (batch, *event_shape); quickest in order."""
        ahead, draws = self._ahead
        if row not in ahead:
            ahead = range(row, row + self._at_once)
            draws = self.rows(ahead)
            self._ahead = ahead, draws
        return self._moved(draws[row - ahead.start])

    def rows(self, wanted: range) -> Tensor:
        """The draws of these rows, (len(wanted), batch, *event_shape), on the CPU."""
        return self._events(Stream.IMAGE, wanted)

    def _events(self, stream: Stream, numbers: range) -> Tensor:
        draws = normal_events(self._seed, stream, self._indices, numbers, self._event_shape)
        return draws.transpose(0, 1)

    def _moved(self, draws: Tensor) -> Tensor:
        """A copy on the device, contiguous."""
        late = self._device.type == "cuda"
        copy = torch.empty(draws.shape, dtype=draws.dtype, pin_memory=late).copy_(draws)
        # From pinned memory the copy does not wait for the work that a GPU still has to do.
        return copy.to(self._device, non_blocking=late)
