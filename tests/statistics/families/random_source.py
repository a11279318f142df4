"""The source of random numbers, as samplers and training use it, which injected noise never meets.
Keys of neighbouring images, steps and seeds are neighbouring numbers: seen side by side here."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from scipy.special import erfc, ndtri
from torch import Tensor

from gbm_fast.runtime.random import ImageNoise, Stream, Words, normal_events, normals, words
from tests.statistics.checks import Reference
from tests.statistics.laws import Array, Law, midpoints, normal, pushforward, uniform
from tests.statistics.scenario import Draw, Scenario, Truth, Twin, View, one_law
from tests.statistics.seeds import Source

IMAGES, ROWS, PIXELS = 256, 32, 1024
Spoil = Callable[[Tensor], Tensor]


def image_noise(spoil: Spoil | None = None, kind: type[ImageNoise] = ImageNoise) -> Draw:
    """Rows of noise for a batch of images, (IMAGES, ROWS, PIXELS)."""

    def draw(source: Source) -> Array:
        first = source.seed % 1000
        noise = kind(source.seed, range(first, first + IMAGES), (1, 32, 32))
        rows = torch.stack([noise(row) for row in range(ROWS)], dim=1).flatten(2)
        return (rows if spoil is None else spoil(rows)).double().numpy()

    return draw


class OnePerBatch(ImageNoise):
    """The index of the image is left out of its seed."""

    def __init__(self, seed: int, indices: range, event_shape: tuple[int, ...]) -> None:
        super().__init__(seed, [0] * len(indices), event_shape)


LEVELS = ndtri(midpoints(2048))


def coarse(source: Source) -> Array:
    """Normal numbers from uniform ones with eleven bits, by the inverse distribution function."""
    return LEVELS[torch.randint(2048, (IMAGES, ROWS, PIXELS), generator=source.torch).numpy()]


def sums_over(axis: int) -> View:
    """Sums along an axis of (IMAGES, ROWS, PIXELS), scaled to the variance of one draw."""
    return lambda z: (z.sum(axis=axis) / math.sqrt(z.shape[axis])).ravel()


def beyond(limit: float) -> View:
    return lambda z: (np.abs(z.ravel()) > limit).astype(np.float64)


def neighbours(z: Array) -> Array:
    """Pairs of the same number of images 2 i and 2 i + 1."""
    return np.stack([z[0::2].ravel(), z[1::2].ravel()], axis=1)


VIEWS: dict[str, View] = {
    "all": np.ravel,
    "first images": lambda z: z[:32].ravel(),
    "|z| > 3.5": beyond(3.5),
    "|z| > 4.5": beyond(4.5),
    "sum over images": sums_over(0),
    "sum over rows": sums_over(1),
    "sum over pixels": sums_over(2),
    "neighbouring images": neighbours,
    "neighbouring rows": lambda z: np.stack([z[:, 0::2].ravel(), z[:, 1::2].ravel()], axis=1),
}


def _outside(limit: float) -> float:
    return math.erfc(limit / math.sqrt(2.0))


standard = partial(normal, 0.0, 1.0)
beyond_three_and_a_half, beyond_four_and_a_half = partial(_outside, 3.5), partial(_outside, 4.5)
uncorrelated = partial(float, 0.0)


def _scaled(var: float) -> Truth:
    """One normal law of that variance for all views of single numbers."""
    tails = {f"|z| > {limit}": _outside(limit / math.sqrt(var)) for limit in (3.5, 4.5)}
    return {
        **dict.fromkeys(VIEWS, normal(0.0, var)),
        **tails,
        "neighbouring images": 0.0,
        "neighbouring rows": 0.0,
    }.get


def _clipped() -> Law:
    right = standard()
    return Law(lambda y: np.where(y < -3.0, 0.0, np.where(y >= 3.0, 1.0, right.cdf(y))), -9.0, 9.0)


_NO_TAILS: dict[str, Reference] = {"|z| > 3.5": 0.0, "|z| > 4.5": 0.0}
_SHIFTED: dict[str, Reference] = dict.fromkeys(("all", "first images"), normal(0.02, 1.0))
_OF_IMAGES = {"sum over images": normal(0.0, float(IMAGES)), "neighbouring images": 1.0}
_OF_ROWS = {
    "sum over rows": normal(0.0, float(ROWS)),
    "neighbouring images": 0.0,
    "neighbouring rows": 1.0,
}
_OF_PIXELS = {"sum over pixels": normal(0.0, float(PIXELS))}
_OF_PAIRS = {"neighbouring images": -1.0}


def _spoilt(spoil: Spoil, truth: Truth) -> Twin:
    return Twin(image_noise(spoil), truth)


TWINS: dict[str, Twin] = {
    "z clipped at 3": _spoilt(
        lambda z: z.clamp(-3, 3), {"all": _clipped(), "first images": _clipped(), **_NO_TAILS}.get
    ),
    "z from uniforms of 11 bits": Twin(
        coarse, {"first images": pushforward(LEVELS), **_NO_TAILS}.get
    ),
    "z of variance 1.01": _spoilt(lambda z: math.sqrt(1.01) * z, _scaled(1.01)),
    "z shifted by 0.02": _spoilt(lambda z: z + 0.02, _SHIFTED.get),
    "one generator for all images": Twin(image_noise(kind=OnePerBatch), _OF_IMAGES.get),
    "one draw for all rows": _spoilt(lambda z: z[:, :1].expand_as(z), _OF_ROWS.get),
    "one draw for all coordinates": _spoilt(lambda z: z[..., :1].expand_as(z), _OF_PIXELS.get),
    "antithetic images": _spoilt(
        lambda z: torch.stack([z[::2], -z[::2]], 1).flatten(0, 1),
        {"neighbouring images": -1.0}.get,
    ),
}

FIRST = 2**14


def first_numbers(source: Source) -> Array:
    return ImageNoise(source.seed, range(FIRST), (1,)).uniform().double().numpy()


def _same_first(source: Source) -> Array:
    return np.repeat(OnePerBatch(source.seed, range(1), (1,)).uniform().double().numpy(), FIRST)


def _point(at: float) -> Law:
    return Law(lambda y: (y >= at).astype(np.float64), 0.0, 1.0)


def _square(law: Law) -> Law:
    return Law(lambda y: np.sqrt(law.cdf(y)), law.low, law.high)


unit_interval = partial(uniform, 0.0, 1.0)

STREAM_DRAWS = 2**16


def two_streams(other: Stream = Stream.NOISE) -> Draw:
    """The same numbers of the streams of images and of batches, (STREAM_DRAWS, 2)."""

    def draw(source: Source) -> Array:
        pair = [_numbers(source.seed, stream) for stream in (Stream.IMAGE, other)]
        return torch.stack(pair, dim=1).double().numpy()

    return draw


def _numbers(seed: int, stream: Stream) -> Tensor:
    """The first numbers of events, (STREAM_DRAWS,)."""
    indices = range(STREAM_DRAWS // 4096)
    return normal_events(seed, stream, indices, range(1), (4096,)).flatten()


def neighbouring_seeds(step: int = 1) -> Draw:
    """The same numbers of the noise of seeds s and s + step, (STREAM_DRAWS, 2)."""

    def draw(source: Source) -> Array:
        other = (source.seed + step) % 2**32
        pair = [_numbers(seed, Stream.NOISE) for seed in (source.seed, other)]
        return torch.stack(pair, dim=1).double().numpy()

    return draw


def pairs_of_words(spoil: Callable[[Words], Words] | None = None) -> Draw:
    """What is made of STREAM_DRAWS words, two numbers each: (STREAM_DRAWS, 2)."""

    def draw(source: Source) -> Array:
        drawn = words(source.seed, Stream.NOISE, range(64), blocks=STREAM_DRAWS // 256).ravel()
        made = normals(drawn if spoil is None else spoil(drawn))
        return made.view(-1, 2).double().numpy()

    return draw


def _one_half(drawn: Words) -> Words:
    """The high half of a word in the place of the low one."""
    high = drawn >> np.uint64(32)
    return (high << np.uint64(32)) + high


def _half_a_turn(drawn: Words) -> Words:
    """The highest bit of the angle lost."""
    return drawn & ~np.uint64(2**31)


def _radius(pairs: Array) -> Array:
    return np.exp(-(pairs**2).sum(axis=1) / 2.0)


def _angle(pairs: Array) -> Array:
    return np.arctan2(pairs[:, 1], pairs[:, 0]) / (2.0 * math.pi) % 1.0


def _between(pairs: Array) -> Array:
    """Half a turn from radius to angle, modulo 1: uniform where they are independent."""
    return (_radius(pairs) - _angle(pairs) + 0.5) % 1.0


FIRST_TWINS = {
    # All numbers are equal, at least 1/2 away from uniform, and least at 1/2.
    "one generator for all images": one_law(_same_first, lambda: _point(0.5)),
    "uniform number squared": one_law(
        lambda source: first_numbers(source) ** 2, lambda: _square(unit_interval())
    ),
}
PAIR_VIEWS: dict[str, View] = {
    "all": np.ravel,
    "radius": _radius,
    "angle": _angle,
    "radius less angle": _between,
    "the two of a word": np.asarray,
}
_HALF = midpoints(2**14)
_SPIRAL = np.sqrt(-2.0 * np.log(_HALF)) * np.stack(
    [np.cos(2.0 * math.pi * _HALF), np.sin(2.0 * math.pi * _HALF)]
)
_SPIRAL_LAWS: dict[str, Reference] = {
    "all": pushforward(np.sort(_SPIRAL.ravel())),
    "radius": unit_interval(),
    "angle": unit_interval(),
    "radius less angle": _point(0.5),
}
_HALF_TURN: dict[str, Reference] = {
    "radius": unit_interval(),
    "angle": uniform(0.0, 0.5),
    "radius less angle": unit_interval(),
}


def _one_number_twice() -> Law:
    """exp(-z^2) for a normal z."""
    return Law(lambda y: erfc(np.sqrt(-np.log(np.clip(y, 1e-300, 1.0)) / 2.0)), 0.0, 1.0)


_TWICE: dict[str, Reference] = {"radius": _one_number_twice(), "the two of a word": 1.0}
PAIR_TWINS = {
    "one half of a word for radius and angle": Twin(pairs_of_words(_one_half), _SPIRAL_LAWS.get),
    "half a turn": Twin(pairs_of_words(_half_a_turn), _HALF_TURN.get),
    "cosine twice": Twin(lambda source: pairs_of_words()(source)[:, [0, 0]], _TWICE.get),
}
ONE_SEED = {"one seed for all": one_law(neighbouring_seeds(0), lambda: 1.0)}
ONE_STREAM = {"one stream for all purposes": one_law(two_streams(Stream.IMAGE), lambda: 1.0)}
CONSECUTIVE = "ImageNoise.uniform of consecutive images"
SIZES = f"ImageNoise: {IMAGES} images, {ROWS} rows, {PIXELS} pixels"
SEEDS = "the noise of training steps of two seeds that follow each other, number by number"
WORDS = "two normal numbers a word, from its halves: radius, angle and both"
STREAMS = "the streams IMAGE and NOISE of one seed, number by number"
SCENARIOS = [
    Scenario("noise of images", SIZES, image_noise(), TWINS, VIEWS),
    Scenario("first number of images", CONSECUTIVE, first_numbers, FIRST_TWINS),
    Scenario("streams of a seed", STREAMS, two_streams(), ONE_STREAM),
    Scenario("neighbouring seeds", SEEDS, neighbouring_seeds(), ONE_SEED),
    Scenario("two numbers a word", WORDS, pairs_of_words(), PAIR_TWINS, PAIR_VIEWS),
]
