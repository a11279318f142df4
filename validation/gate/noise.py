"""The checks of the noise source: what it draws, and that each draw is new.

Each statistical check has false alarm ALPHA, from laws that are exact for any sample size: the
bound of Dvoretzky, Kiefer and Wolfowitz (with Massart's constant) for distribution functions, the
binomial law for counts in the tails, chi-square and Student's t for variance, mean and the
correlation of independent pairs.

    the bulk      sup |F_n - F| <= sqrt(log(2 / ALPHA) / (2 n))             another law
    the moments   exact intervals for mean and variance                     a wrong scale
    the tails     #{|z| > 3.5}, both sides, and #{|z| > 4.5}, from above    draws that are clipped
    neighbours    correlation of rows, pictures, pixels, in disjoint pairs  draws used twice
    batches       the draws of a picture, bit for bit, in another batch     noise of the neighbours
"""

import math

import numpy as np
import torch
from scipy import stats

from gbm_fast.runtime.random import ImageNoise
from validation.gate.problem import Array
from validation.gate.samplers import ALPHA
from validation.intervals import confidence_region, sample_moments
from validation.study import Check

_WANTED = 2**18
_PICTURES = 64
_FAR, _FARTHER = 3.5, 4.5


def noise_checks(seed: int, event: tuple[int, ...], device: torch.device) -> tuple[Check, ...]:
    """The checks of `ImageNoise` for pictures of shape `event`, with the seed of the benchmark."""
    rows = max(2, 2 * round(_WANTED / (2 * _PICTURES * math.prod(event))))
    source = ImageNoise(seed, range(_PICTURES), event, device)
    uniforms = ImageNoise(seed, range(rows * _PICTURES), event, device).uniform().numpy()
    z = torch.stack([source(row) for row in range(rows)]).cpu().double().numpy()
    z = z.reshape(rows, _PICTURES, -1)
    return (
        _distribution("normal draws", stats.norm.cdf(z)),
        _distribution("uniform draws", uniforms),
        _moments(z),
        _tails(z),
        _correlation("rows", z[0::2], z[1::2]),
        _correlation("pictures", z[:, 0::2], z[:, 1::2]),
        _correlation("pixels", z[..., :-1:2], z[..., 1::2]),
        _batches(seed, event, device),
    )


def _distribution(name: str, levels: Array) -> Check:
    """`levels`, the draws' own distribution function at the draws, are uniform on (0, 1)."""
    ordered = np.sort(levels, axis=None)
    n = ordered.size
    steps = np.arange(n + 1) / n
    distance = float(max((ordered - steps[:-1]).max(), (steps[1:] - ordered).max()))
    bound = math.sqrt(math.log(2.0 / ALPHA) / (2.0 * n))
    detail = f"distribution of {n} draws off by {distance:.5f}, allowed {bound:.5f}"
    return Check(f"noise: {name}", distance <= bound, detail)


def _moments(z: Array) -> Check:
    """Mean 0 and variance 1, by intervals that are exact for normal draws."""
    moments = sample_moments(z.ravel())
    passed = confidence_region(moments, ALPHA).contains(0.0, 1.0)
    detail = f"mean {moments.mean:+.5f}, variance {moments.variance:.5f} of {moments.size} draws"
    return Check("noise: moments", passed, detail)


def _tails(z: Array) -> Check:
    n = z.size
    far, farther = (int((np.abs(z) > edge).sum()) for edge in (_FAR, _FARTHER))
    chance, smaller_chance = (2.0 * float(stats.norm.sf(edge)) for edge in (_FAR, _FARTHER))
    low = int(stats.binom.ppf(ALPHA / 3.0, n, chance))
    high = int(stats.binom.isf(ALPHA / 3.0, n, chance))
    most = int(stats.binom.isf(ALPHA / 3.0, n, smaller_chance))
    detail = (
        f"{far} of {n} beyond {_FAR} (allowed {low} to {high}), {farther} beyond {_FARTHER} "
        f"(allowed up to {most})"
    )
    return Check("noise: tails", low <= far <= high and farther <= most, detail)


def _correlation(name: str, first: Array, second: Array) -> Check:
    """Neighbours are uncorrelated: Student's t of the sample correlation, exact for normals."""
    pairs = first.size
    correlation = float(np.corrcoef(first.ravel(), second.ravel())[0, 1])
    least = float(stats.t.isf(ALPHA / 2.0, pairs - 2))
    bound = least / math.sqrt(pairs - 2 + least**2)
    detail = f"correlation {correlation:+.5f} of {pairs} pairs, allowed {bound:.5f}"
    return Check(f"noise: neighbouring {name}", abs(correlation) <= bound, detail)


def _batches(seed: int, event: tuple[int, ...], device: torch.device) -> Check:
    """A picture's draws do not depend on the batch that it is in."""
    together = ImageNoise(seed, range(4), event, device)
    apart = ImageNoise(seed, [2, 0], event, device)
    draws = [
        (together.uniform()[[2, 0]], apart.uniform()),
        (together.normal()[[2, 0]], apart.normal()),
        *((together(row)[[2, 0]], apart(row)) for row in range(3)),
    ]
    equal = all(torch.equal(expected, found) for expected, found in draws)
    detail = "the same bits in both batches" if equal else "other draws in another batch"
    return Check("noise: batches", equal, detail)
