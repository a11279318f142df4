"""Random numbers as a function of (seed, stream, index), the same for every batch."""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from gbm_fast.runtime.random import ImageNoise, Stream, stream_seed

SHAPE = (1, 3, 2)
SPLITS = {
    "one by one": [[i] for i in range(7)],
    "by threes": [[0, 1, 2], [3, 4, 5], [6]],
    "shuffled": [[5, 0], [6, 3, 1], [2, 4]],
}


def every_draw(indices: list[int], seed: int = 11, kind: type = ImageNoise) -> list[Tensor]:
    """What a sampler asks for: an integer, a uniform, a start and rows, for each image."""
    noise = kind(seed, indices, SHAPE)
    start = [noise.integers(1000), noise.uniform(), noise.normal()]
    return start + [noise(row) for row in range(10)]  # more than are drawn at once


class OnePerBatch(ImageNoise):
    """The planted twin: one generator a batch, so that an image depends on its neighbours."""

    def rows(self, count: int) -> Tensor:
        return torch.randn((count, len(self), *SHAPE), generator=self._generators[0])


def agrees(split: str, kind: type[ImageNoise]) -> bool:
    """Whether every image has the same draws in the batches of the split and all together."""
    together = every_draw(list(range(7)), kind=kind)
    return all(
        torch.equal(found, expected[batch])
        for batch in SPLITS[split]
        for found, expected in zip(every_draw(batch, kind=kind), together, strict=True)
    )


@pytest.mark.parametrize("split", SPLITS)
def test_an_image_has_its_noise_in_every_batch(split: str) -> None:
    """Bit for bit, in batches of any size and order."""
    assert agrees(split, ImageNoise)
    assert not agrees(split, OnePerBatch)


def test_each_draw_is_new_and_kept() -> None:
    """The next draw does not overwrite the last one, which a caller may still hold."""
    noise = ImageNoise(11, [4, 9], SHAPE)
    draws = [noise.normal(), *(noise(row) for row in range(10))]
    copies = [draw.clone() for draw in draws[:-1]]
    draws[-1].zero_()  # a caller's own, which no other draw shares
    assert all(map(torch.equal, draws, copies))
    together = torch.stack(copies).flatten()
    assert len(together.unique()) == len(together)


def test_another_seed_gives_other_noise() -> None:
    for found, other in zip(every_draw([2], 11)[1:], every_draw([2], 12)[1:], strict=True):
        assert not bool((found == other).any())


def test_streams_do_not_meet() -> None:
    """Different (seed, stream, index) have different seeds. The words that are hashed differ, so
    two of these streams of ten would meet only by chance, below 1e-4, fixed once and for all. The
    planted twin is the sum of the three, which collides at once."""
    words = list(itertools.product(range(30), Stream, range(10)))
    assert len({stream_seed(*w) for w in words}) == len(words)
    assert len({seed + int(stream) + index for seed, stream, index in words}) < len(words)


def test_the_seed_of_a_stream_is_pinned() -> None:
    """Stored results name seeds: the same seed must go on meaning the same images."""
    assert stream_seed(5, Stream.IMAGE, 3) == 278233756


def test_every_image_of_a_seed_has_its_own_generator() -> None:
    """torch keeps 32 bits of a seed: counting in them is injective, hashing would not be.
    The planted twin, a hash of the index too, repeats itself among 200,000 with certainty here."""
    first = stream_seed(5, Stream.IMAGE)
    for index in (1, 2, 3, 10**5, 2**32 - 1):
        assert (stream_seed(5, Stream.IMAGE, index) - first) % 2**32 == index
    words = np.random.SeedSequence([5, int(Stream.IMAGE)]).generate_state(200_000, np.uint32)
    assert len(np.unique(words)) < len(words)
    one, other = (torch.Generator().manual_seed(7 + high) for high in (0, 2**32))
    assert torch.equal(torch.randn(16, generator=one), torch.randn(16, generator=other))


@pytest.mark.parametrize("wrong", [(-1, 0), (0, -1), (2**32, 0), (0, 2**32)])
def test_numbers_out_of_range_are_refused(wrong: tuple[int, int]) -> None:
    """Above 2^32 an integer is two words: (s + 2^34, WEIGHTS) would be (s, IMAGE)."""
    with pytest.raises(ValueError, match="seed and index must be in"):
        stream_seed(wrong[0], Stream.IMAGE, wrong[1])
    with pytest.raises(ValueError, match="seed and index must be in"):
        ImageNoise(wrong[0], [wrong[1]], SHAPE)
