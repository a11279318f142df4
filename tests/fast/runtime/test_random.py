"""Random numbers as a function of (seed, stream, index): which bits they are made of, that no two
uses share any, and that an image has its own in every batch and order."""

import itertools
import textwrap
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from gbm_fast.runtime import random as streams
from gbm_fast.runtime.random import ImageNoise, Stream, words
from tests.support import refusals
from tests.support.fixtures import Patch

SHAPE = (1, 3, 2)
SPLITS = {
    "one by one": [[i] for i in range(7)],
    "by threes": [[0, 1, 2], [3, 4, 5], [6]],
    "shuffled": [[5, 0], [6, 3, 1], [2, 4]],
}
ALL = 2**64 - 1

# Published with Random123 (D. E. Shaw Research), philox4x64 of ten rounds: counter, key, block.
PI = (0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89)
KNOWN = {
    "zeros": (
        (0, 0, 0, 0),
        (0, 0),
        (0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B),
    ),
    "ones": (
        (ALL, ALL, ALL, ALL),
        (ALL, ALL),
        (0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0),
    ),
    "digits of pi": (
        PI,
        (0x452821E638D01377, 0xBE5466CF34E90C6C),
        (0xA528F45403E61D95, 0x38C72DBD566E9788, 0xA5A1610E72FD18B5, 0x57BD43B5E52B7FE6),
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_bits_are_those_that_are_published(name: str) -> None:
    """The key is (seed, stream, index) from its lowest bit, the counter that of the block + 1."""
    counter, (low, index), expected = KNOWN[name]
    first = (sum(part << 64 * k for k, part in enumerate(counter)) - 1) % 2**256
    drawn = words(low % 2**32, low >> 32, [index], first)
    assert tuple(drawn[0].tolist()) == expected


EDGES = [0, 1, 2, 2**31, 2**32 - 2, 2**32 - 1]
LONG = [*EDGES, 2**32, 2**33 + 5, 2**63, 2**64 - 1]


def test_the_key_says_what_it_is_of() -> None:
    """Read back exactly, so no two (seed, stream, index) have one key."""
    for seed, stream, index in itertools.product(EDGES, EDGES, LONG):
        key = streams.key(seed, stream, index)
        assert (key % 2**32, (key >> 32) % 2**32, key >> 64) == (seed, stream, index)
        assert key < 2**128


def window(seed: int, stream: Stream) -> int:
    """The planted twin: a hash of seed and stream to 32 bits, from which a generator's seeds are
    counted by the index."""
    (word,) = np.random.SeedSequence([seed, int(stream)]).generate_state(1, np.uint32)
    return int(word)


def clear_of(first: set[int], other: set[int]) -> bool:
    return not first & other


def test_two_seeds_share_no_image() -> None:
    """Seeds 483 and 552, whose windows of 32 bits overlap. Equal words of different blocks have a
    chance of 2^-64 a pair: below 1e-11 for these, once and for all."""
    images = range(10_000)
    one, other = (set(words(seed, Stream.IMAGE, images)[:, 0].tolist()) for seed in (483, 552))
    assert len(one) == len(other) == len(images)
    assert clear_of(one, other)
    starts = [window(seed, Stream.IMAGE) for seed in (483, 552)]
    assert not clear_of(*({(start + i) % 2**32 for i in images} for start in starts))


def first_words(seed: int, stream: Stream, indices: Sequence[int]) -> list[int]:
    return words(seed, stream, indices)[:, 0].tolist()


def test_streams_do_not_meet() -> None:
    """First words of neighbouring seeds, streams and numbers, all different; the planted twins,
    the sum of the three and the window of a stream that counts into that of another, are not."""
    numbers = (0, 1, 2, 12, 2**32 - 1, 2**32, 2**63)
    pairs = list(itertools.product(range(12), Stream))
    found = [word for pair in pairs for word in first_words(*pair, numbers)]
    assert len(set(found)) == len(found) == len(pairs) * len(numbers)
    sums = {seed + int(stream) + index for seed, stream in pairs for index in numbers}
    assert len(sums) < len(found)
    gap = (window(7, Stream.LAW) - window(7, Stream.IMAGE)) % 2**32
    assert first_words(7, Stream.IMAGE, [gap]) != first_words(7, Stream.LAW, [0])


class Recorded(np.random.Philox):
    """The generator, which notes the key and the counters of every block that it makes."""

    seen: list[tuple[int, ...]]

    def random_raw(self, size: int) -> np.ndarray:
        """Words, of blocks whose (key, counter) are added to `seen`."""
        state = self.state["state"]
        key, first = state["key"].tolist(), int(state["counter"][0])
        assert self.state["buffer_pos"] == 4 and not state["counter"][1:].any() and size % 4 == 0
        self.seen += [(*key, first + 1 + k) for k in range(size // 4)]
        return super().random_raw(size)


def blocks_of(draw: Callable[[], object], patch: Patch) -> list[tuple[int, ...]]:
    """(key, counter) of every block that a draw takes."""
    Recorded.seen = []
    patch.setattr(streams.np.random, "Philox", Recorded)
    draw()
    patch.undo()
    return Recorded.seen


def test_no_block_is_used_twice(monkeypatch: Patch) -> None:
    """All that a sampling and a training of one seed draw, block by block. The choice of a start
    is a word of the block that a uniform number would be another word of. The planted twin draws
    the start as row 0 of the noise."""

    def draws(start: Stream) -> None:
        noise = ImageNoise(5, range(3), (11,))
        for row in range(19):
            noise(row)
        noise.uniform(), noise.label_uniform()
        streams.normal_events(5, start, range(3), range(1), (11,))
        for step in range(3):
            streams.first_uniforms(5, Stream.TIMES, step, 6)
            streams.first_uniforms(5, Stream.COMPONENT, step, 6)
            streams.normal_events(5, Stream.LAW, [step], range(6), (2,))
            for items in (range(2), range(2, 6)):
                streams.normal_events(5, Stream.NOISE, [step], items, (17,))
                streams.torch_seed(5, Stream.DROPOUT, step, items.start)
            streams.permutation(5, Stream.ORDER, step, 10)
        streams.torch_seed(5, Stream.WEIGHTS)
        streams.sign_events(5, Stream.PROBE, range(3), 4, (300,))

    seen = blocks_of(lambda: draws(Stream.START), monkeypatch)
    assert len(set(seen)) == len(seen) > 200
    planted = blocks_of(lambda: draws(Stream.IMAGE), monkeypatch)
    assert len(set(planted)) < len(planted)


def definition() -> dict[str, Callable[..., np.ndarray]]:
    """The functions of the module's docstring, run as they stand there."""
    text = (streams.__doc__ or "").split("All of it, in NumPy:")[1].split("(NumPy adds one")[0]
    scope: dict = {"np": np}
    exec(textwrap.dedent(text), scope)
    return scope


@pytest.mark.parametrize("shape", [(1,), (2,), (8,), (3, 3), (2, 5, 5)])
def test_the_docstring_is_the_definition(shape: tuple[int, ...]) -> None:
    scope = definition()
    assert np.array_equal(scope["words"](9, 4, 7, 3, 2), words(9, Stream.IMAGE, [7], 3, 2)[0])
    noise = ImageNoise(9, [7, 2], shape)
    for number, row in itertools.product((0, 1, 5, 40), (0, 1)):
        expected = scope["normal_event"](9, 4, (7, 2)[row], number, int(np.prod(shape)))
        assert np.array_equal(noise(number)[row].numpy().ravel(), expected)


def test_the_numbers_are_pinned() -> None:
    """Stored results name seeds: the same seed must go on meaning the same numbers."""
    noise = ImageNoise(5, [3], (2, 2))
    assert noise.normal().flatten().tolist() == pytest.approx(START, rel=1e-7)
    assert noise(7).flatten().tolist() == pytest.approx(ROW_7, rel=1e-7)
    assert (noise.uniform().item(), noise.label_uniform().item()) == (UNIFORM, LABEL)
    assert noise.integers(1000).tolist() == [331]
    assert streams.permutation(5, Stream.ORDER, 0, 8).tolist() == [0, 7, 1, 5, 6, 2, 4, 3]
    assert streams.torch_seed(5, Stream.WEIGHTS) == 13535223855206698129
    assert {stream.name: int(stream) for stream in Stream} == NUMBERS
    assert streams.SCHEME == "philox4x64-10, box-muller of 32 and 32 bits"


def every_draw(indices: list[int], seed: int = 11, kind: type = ImageNoise) -> list[Tensor]:
    """What a sampler asks for: an integer, a uniform, a start and rows, for each image."""
    noise = kind(seed, indices, SHAPE)
    start = [noise.integers(1000), noise.uniform(), noise.label_uniform(), noise.normal()]
    return start + [noise(row) for row in range(10)]  # more than are drawn at once


class OnePerBatch(ImageNoise):
    """The planted twin: images are counted within the batch."""

    def __init__(self, seed: int, indices: list[int], shape: tuple[int, ...]) -> None:
        super().__init__(seed, range(len(indices)), shape)


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


@pytest.mark.parametrize("shape", [(2,), (3, 3), (1, 90, 100)], ids=str)
def test_a_row_is_the_same_in_any_order(shape: tuple[int, ...]) -> None:
    """Backwards, again and in other numbers at once: asked for by another way each time."""
    in_order, backwards = (ImageNoise(11, [4, 9], shape) for _ in range(2))
    rows = [in_order(row) for row in range(12)]
    assert in_order._at_once == (7 if len(shape) == 3 else 8)
    for row in (*reversed(range(12)), 5, 5):
        assert torch.equal(backwards(row), rows[row])
    assert torch.equal(in_order(0), rows[0])
    assert torch.equal(in_order.rows(range(3, 6)), torch.stack(rows[3:6]))
    assert torch.equal(backwards.normal(), in_order.normal())


def test_items_of_a_batch_are_the_same_for_any_share() -> None:
    """Random access: some items of a step, across what is transformed at once."""
    shape = (2, 70, 71)
    whole = streams.normal_events(11, Stream.NOISE, [3], range(9), shape)[0]
    assert whole.numel() // 2 > 2 * streams._AT_ONCE
    for items in (range(4), range(4, 5), range(5, 9)):
        part = streams.normal_events(11, Stream.NOISE, [3], items, shape)[0]
        assert torch.equal(part, whole[items.start : items.stop])


def test_each_draw_is_new_and_kept() -> None:
    """The next draw does not overwrite the last one, which a caller may still hold."""
    noise = ImageNoise(11, [4, 9], SHAPE)
    draws = [noise.normal(), *(noise(row) for row in range(10))]
    copies = [draw.clone() for draw in draws[:-1]]
    draws[-1].zero_()  # a caller's own, which no other draw shares
    assert all(map(torch.equal, draws, copies))
    assert bool((noise(9) != 0).all())
    together = torch.stack(copies).flatten()
    assert len(together.unique()) == len(together)


def test_another_seed_gives_other_noise() -> None:
    for found, other in zip(every_draw([2], 11)[1:], every_draw([2], 12)[1:], strict=True):
        assert not bool((found == other).any())


def test_the_state_of_the_caller_has_no_influence() -> None:
    """Autocast, inference mode and the default type are the caller's own affair."""
    expected = every_draw([2, 5])
    with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
        found = every_draw([2, 5])
    torch.set_default_dtype(torch.float64)
    try:
        again = every_draw([2, 5])
    finally:
        torch.set_default_dtype(torch.float32)
    for one, other, right in zip(found, again, expected, strict=True):
        assert one.dtype == other.dtype == right.dtype
        assert torch.equal(one, right) and torch.equal(other, right)


def image_noise(seed: int, index: int) -> ImageNoise:
    return ImageNoise(seed, [0, index], SHAPE)


def drawn_below(high: int) -> Tensor:
    return streams.integers(words(3, Stream.CHOICE, [0]), high)


GOOD = {"seed": 2**32 - 1, "stream": Stream.IMAGE, "index": 2**64 - 1}
RANGES = "seed and stream must be in .* and the index in"


@refusals.table(
    refusals.rows(
        streams.key,
        GOOD,
        ("seed", -1, RANGES),
        ("seed", 2**32, RANGES),
        ("stream", -1, RANGES),
        ("stream", 2**32, RANGES),
        ("index", -1, RANGES),
        ("index", 2**64, RANGES),
    ),
    refusals.rows(
        image_noise,
        {"seed": 7, "index": 2**64 - 1},
        ("seed", -1, RANGES),
        ("seed", 2**32, RANGES),
        ("index", -1, RANGES),
        ("index", 2**64, RANGES),
    ),
    refusals.rows(
        drawn_below,
        {"high": 2**32},
        ("high", 0, "drawn below a limit in"),
        ("high", 2**32 + 1, "drawn below a limit in"),
    ),
)
def test_numbers_out_of_range_are_refused(refusal: refusals.Refusal) -> None:
    """Beyond its bits a number would be another's key."""
    refusals.check(refusal)


START = [0.011297628283500671, -0.27245140075683594, -1.0833944082260132, 0.37871697545051575]
ROW_7 = [-0.3579305112361908, -1.6274642944335938, 0.4958610534667969, -0.38300493359565735]
UNIFORM, LABEL = 0.6917940736048842, 0.48379035229209155
NUMBERS = {
    "WEIGHTS": 0,
    "ORDER": 1,
    "TIMES": 2,
    "DROPOUT": 3,
    "IMAGE": 4,
    "LAW": 5,
    "LABEL": 6,
    "PROBE": 7,
    "NOISE": 8,
    "START": 9,
    "CHOICE": 10,
    "COMPONENT": 11,
    "TEST_LAW": 12,
    "TEST_COMPONENT": 13,
    "LABEL_DROPOUT": 14,
    "CROP": 15,
    "SPECKLE": 16,
    "RESTORE": 17,
    "POSTERIOR": 18,
    "LOOKS": 19,
}
