"""What is made of random bits: normal and uniform numbers, whole numbers, orders and signs, by
50 digits and whole numbers of Python."""

import itertools

import mpmath
import numpy as np
import pytest
import torch

from gbm_fast.runtime import random as streams
from gbm_fast.runtime.random import Stream, words

ALL = 2**64 - 1
HALVES = [0, 1, 2**16 + 3, 2**30, 2**31 - 1, 2**31, 3 * 2**30, 2**32 - 1]


def exact_pairs(drawn: np.ndarray) -> list[mpmath.mpf]:
    """Box and Muller's pairs of each word at 50 digits."""
    made = []
    with mpmath.workdps(50):
        for word in drawn.ravel().tolist():
            high, low = ((mpmath.mpf(part) + 0.5) / 2**32 for part in divmod(word, 2**32))
            radius, angle = mpmath.sqrt(-2 * mpmath.log(high)), 2 * mpmath.pi * low
            made += [radius * mpmath.cos(angle), radius * mpmath.sin(angle)]
    return made


def test_normal_numbers_are_rounded_once() -> None:
    """Against 50 digits: half a unit of float32's last digit, and 1e-6 of that for the digits of
    float64, for words at the ends of their range and others."""
    ends = [(high << 32) + low for high, low in itertools.product(HALVES, HALVES)]
    drawn = np.concatenate([np.array(ends, np.uint64), words(3, Stream.IMAGE, range(50)).ravel()])
    found = streams.normals(drawn).numpy()
    for z, exact in zip(found, exact_pairs(drawn), strict=True):
        unit = float(np.spacing(np.abs(z)))
        # Next to a zero of cosine or sine the rounding of 2 pi counts, 6.8 * 2 pi * 2^-53.
        assert abs(float(mpmath.mpf(float(z)) - exact)) <= 0.500001 * unit + 5e-15


def test_the_largest_and_the_smallest_number() -> None:
    """|z| <= sqrt(66 log 2), which the radius of the highest half of 0 has; no zero, no NaN."""
    every = np.array([(high << 32) + low for high in HALVES for low in HALVES], np.uint64)
    z = streams.normals(every).double()
    assert bool(z.isfinite().all()) and bool((z != 0).all())
    assert float(z.abs().max()) == pytest.approx((66 * np.log(2)) ** 0.5, rel=1e-7)
    assert float(z.abs().min()) < 1e-13


def test_uniform_numbers_are_the_high_bits() -> None:
    drawn = np.array([0, 2**11 - 1, 2**11, 2**63, ALL], np.uint64)
    found = streams.uniforms(drawn)
    assert found.dtype == torch.float64
    assert found.tolist() == [0.0, 0.0, 2.0**-53, 0.5, 1 - 2.0**-53]


@pytest.mark.parametrize("high", [1, 2, 3, 10, 60_000, 2**31 + 1, 2**32 - 1, 2**32])
def test_whole_numbers_are_a_share_of_the_word(high: int) -> None:
    """floor(high * word / 2^64), in Python's whole numbers."""
    ends = np.array([0, 1, 2**32 - 1, 2**32, 2**63, ALL - 1, ALL], np.uint64)
    drawn = np.concatenate([ends, words(3, Stream.CHOICE, range(20)).ravel()])
    expected = [word * high >> 64 for word in drawn.tolist()]
    assert streams.integers(drawn, high).tolist() == expected
    assert max(expected) == high - 1


@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_an_order_is_that_of_the_words(count: int) -> None:
    found = streams.permutation(4, Stream.ORDER, 2, count)
    first = words(4, Stream.ORDER, [2], blocks=16)[0, :count].tolist()
    assert found.dtype == torch.int64
    assert found.tolist() == sorted(range(count), key=first.__getitem__)


def test_signs_are_the_bits() -> None:
    """Bit k of an event is bit k % 64 of word k // 64; an event of 300 begins with two blocks."""
    found = streams.sign_events(4, Stream.PROBE, [6, 2], 3, (5, 60))
    assert found.shape == (2, 3, 5, 60) and found.dtype == torch.int8
    for row, index in enumerate((6, 2)):
        for event in range(3):
            drawn = words(4, Stream.PROBE, [index], first=2 * event, blocks=2)[0].tolist()
            bits = [drawn[k // 64] >> (k % 64) & 1 for k in range(300)]
            assert found[row, event].flatten().tolist() == [2 * bit - 1 for bit in bits]
