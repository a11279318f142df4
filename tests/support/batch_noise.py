"""The random numbers of a training and of a sampling, restated in plain NumPy: the one place where
the tests that do them by hand say from which stream a number comes. Everything is a function of
(seed, stream, index, number of the event) by Philox, as `gbm_fast.runtime.random` documents it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch

WEIGHTS, ORDER, TIMES, DROPOUT, IMAGE, LAW, LABEL = range(7)
NOISE, START, CHOICE, COMPONENT, TEST_LAW, TEST_COMPONENT = range(8, 14)


def _words(seed: int, stream: int, index: int, first: int, blocks: int) -> np.ndarray:
    key = seed + (stream << 32) + (index << 64)
    return np.random.Philox(key=key, counter=first).random_raw(4 * blocks)


def _uniforms(seed: int, stream: int, index: int, count: int) -> np.ndarray:
    """Numbers in [0, 1), of 53 bits each."""
    return (_words(seed, stream, index, 0, -(-count // 4))[:count] >> 11) * 2.0**-53


def _normals(seed: int, stream: int, index: int, numbers: range, event: tuple) -> np.ndarray:
    """Standard normal numbers by Box and Muller, float32 (numbers, *event)."""
    size, made = int(np.prod(event)), []
    blocks = -(-size // 8)
    for number in numbers:
        w = _words(seed, stream, index, number * blocks, blocks)
        radius = np.sqrt(-2 * np.log(((w >> 32) + 0.5) / 2**32))
        angle = 2 * np.pi * ((w & (2**32 - 1)) + 0.5) / 2**32
        pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
        made.append(pairs.ravel()[:size].astype(np.float32).reshape(event))
    return np.stack(made)


class BatchNoise(NamedTuple):
    """Of one training step: uniform numbers (batch,), float64, that become times, and z."""

    uniform: np.ndarray
    z: np.ndarray


def batch_noise(seed: int, step: int, batch_size: int, event: tuple[int, ...]) -> BatchNoise:
    """The noise of training step `step`, of the whole batch; z is float32 (batch, *event)."""
    uniform = _uniforms(seed, TIMES, step, batch_size)
    return BatchNoise(uniform, _normals(seed, NOISE, step, range(batch_size), event))


def epoch_order(seed: int, epoch: int, count: int) -> list[int]:
    """The order in which an epoch shows its images: that of as many words."""
    words = _words(seed, ORDER, epoch, 0, -(-count // 4))[:count]
    return sorted(range(count), key=lambda i: words[i])


def law_noise(
    seed: int, step: int, count: int, d: int, tested: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Of the draws of a law: numbers in [0, 1) for the components (count,), and z (count, d).

    tested   for the draws on which a learned score is compared with the exact one
    """
    streams = (TEST_COMPONENT, TEST_LAW) if tested else (COMPONENT, LAW)
    uniform = _uniforms(seed, streams[0], step, count)
    return uniform, _normals(seed, streams[1], step, range(count), (d,))


@contextmanager
def _global_seed(number: int) -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(number)
        yield


def first_weights(seed: int) -> object:
    """A context in which a network that is built gets the weights that a training begins with."""
    return _global_seed(int(_words(seed, WEIGHTS, 0, 0, 1)[0]))


def dropout_masks(seed: int, step: int, first: int) -> object:
    """A context in which the round that begins with item `first` of a step gets its masks."""
    return _global_seed(int(_words(seed, DROPOUT, step, first, 1)[0]))


class SampleNoise(NamedTuple):
    """Of one sample: its number for the class, and what its start and its rows are made of.

    drawn   the number in [0, 1) that picks a start's class, or the integer of a training image
    z       float32 (1 + rows, *event): the start's, then one a row
    """

    label: float
    drawn: float
    z: np.ndarray


def sample_noise(
    seed: int, number: int, event: tuple[int, ...], rows: int, picks: int | None = None
) -> SampleNoise:
    """The noise of sample `number` of a seed.

    picks   what chooses the start. None: nothing; 0: a number in [0, 1); n: an integer below n
    """
    choice = _words(seed, CHOICE, number, 0, 1)
    (label,) = _uniforms(seed, LABEL, number, 1)
    drawn = float((choice[0] >> 11) * 2.0**-53) if picks == 0 else 0.0
    if picks:
        drawn = picks * int(choice[1]) >> 64
    start = _normals(seed, START, number, range(1), event)
    z = _normals(seed, IMAGE, number, range(rows), event)
    return SampleNoise(float(label), drawn, np.concatenate([start, z]))


def classifier_weights(seed: int) -> object:
    """A context in which the feature classifier that is built gets its first weights."""
    return _global_seed(seed)


def classifier_order(seed: int, count: int, epochs: int) -> list[list[int]]:
    """The order in which each epoch of the feature classifier shows its images."""
    source = torch.Generator().manual_seed(seed)
    return [torch.randperm(count, generator=source).tolist() for _ in range(epochs)]


def floor_rows(seed: int, total: int, count: int, repeats: int) -> list[np.ndarray]:
    """The training images of each set that the floor is measured with."""
    source = np.random.default_rng(seed)
    return [source.choice(total, count, replace=False) for _ in range(repeats)]


def kernel_rows(seed: int, first: int, second: int, subsets: int, size: int) -> list[tuple]:
    """The rows of both sets in each subset of the kernel distance."""
    source = np.random.default_rng(seed)
    return [
        tuple(source.choice(total, size, replace=False) for total in (first, second))
        for _ in range(subsets)
    ]
