"""The random numbers of a training and of a sampling, restated: the one place where the tests that
do them by hand say from which stream a number comes. Everything is a function of (seed, stream,
index): the seed of torch's generator is a hash of the first two plus the third."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch

WEIGHTS, ORDER, BATCH, DROPOUT, IMAGE, LAW, LABEL = range(7)


def _generator(seed: int, stream: int, index: int) -> torch.Generator:
    (word,) = np.random.SeedSequence([seed, stream]).generate_state(1, np.uint32)
    return torch.Generator().manual_seed((int(word) + index) % 2**32)


class BatchNoise(NamedTuple):
    """Of one training step: uniform numbers (batch,), float64, that become times, and z."""

    uniform: np.ndarray
    z: np.ndarray


def batch_noise(seed: int, step: int, batch_size: int, event: tuple[int, ...]) -> BatchNoise:
    """The noise of training step `step`, of the whole batch; z is float32 (batch, *event)."""
    source = _generator(seed, BATCH, step)
    uniform = torch.rand(batch_size, generator=source, dtype=torch.float64)
    z = torch.randn((batch_size, *event), generator=source)
    return BatchNoise(uniform.numpy(), z.numpy())


def epoch_order(seed: int, epoch: int, count: int) -> list[int]:
    """The order in which an epoch shows its images."""
    return torch.randperm(count, generator=_generator(seed, ORDER, epoch)).tolist()


def law_source(seed: int, step: int) -> torch.Generator:
    """What the draws of a law for one step are made from."""
    return _generator(seed, LAW, step)


@contextmanager
def _global_seed(number: int) -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(number)
        yield


def first_weights(seed: int) -> object:
    """A context in which a network that is built gets the weights that a training begins with."""
    return _global_seed(_generator(seed, WEIGHTS, 0).initial_seed())


def dropout_masks(seed: int, step: int, first: int) -> object:
    """A context in which the round that begins with item `first` of a step gets its masks."""
    words = np.random.SeedSequence([seed, DROPOUT, step, first]).generate_state(1)
    return _global_seed(int(words[0]))


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

    picks   None: nothing is drawn before the normal numbers; 0: a number in [0, 1); n: an integer
            below n
    """
    (label,) = torch.rand(1, generator=_generator(seed, LABEL, number)).tolist()
    source, drawn = _generator(seed, IMAGE, number), 0.0
    if picks == 0:
        drawn = float(torch.rand((), generator=source))
    elif picks is not None:
        drawn = int(torch.randint(picks, (), generator=source))
    start = torch.empty(1, *event).normal_(generator=source)
    eights = [torch.empty(8, *event).normal_(generator=source) for _ in range(-(-rows // 8))]
    return SampleNoise(label, drawn, torch.cat([start, *eights])[: 1 + rows].numpy())


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


def law_draws(seed: int, law: object, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Draws of a law with their components, on which the errors of a score are measured."""
    return law.labelled_rvs(count, _generator(seed, IMAGE, 0))
