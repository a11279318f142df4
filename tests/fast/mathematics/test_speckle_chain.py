"""gbm_fast.restoration.chain run with the exact log mean and deviation of each pixel, on data of
d = 1: log-normal data, whose posterior under gamma noise gbm_ref integrates.

With exact draws from the posterior any number of steps is exact on the line, so that what is off
is the log-normal draw in place of the posterior."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.interpolate import CubicSpline
from scipy.special import digamma, zeta
from torch import Tensor

import gbm_ref as ref
from gbm_fast.gamma_noise import Z95, PixelLaws
from gbm_fast.restoration.chain import Laws, looks_levels, reverse_speckle
from tests.support.cases import generator, seed

S, MOST, STEPS = 0.7, 100.0, 24
DATA = ref.LogNormal([0.0], S**2)
COPIES, BINS = 1000, 20  # pixels that do not know of each other; 19 samples have 20 ranks
ALPHA = 1e-7  # false alarm of each statistical assertion


@cache
def moments(looks: float) -> tuple[CubicSpline, CubicSpline]:
    """E[log X_0 | y] and the deviation, of log y: sums over equally spaced log X_0."""
    v = float(zeta(2.0, looks))
    k, c = S**2 / (S**2 + v), S * (v / (S**2 + v)) ** 0.5
    u = np.sqrt(S**2 + v) * np.linspace(-9.0, 7.0, 601)
    log_y = u + digamma(looks) - np.log(looks)
    y = k * u[:, None] + 1.6 * c * np.linspace(-9.0, 9.0, 541)
    r = log_y[:, None] - y
    logs = -(y**2) / (2 * S**2) - looks * (np.expm1(r) - r)
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    mean = (shares * y).sum(axis=1)
    std = np.sqrt((shares * (y - mean[:, None]) ** 2).sum(axis=1))
    return CubicSpline(log_y, mean), CubicSpline(log_y, std)


def exact(log_y: Tensor, looks: Tensor) -> PixelLaws:
    mean, std = (
        torch.from_numpy(part(log_y.double().numpy())) for part in moments(float(looks[0]))
    )
    ends = ((mean + z * std).exp() for z in (-Z95, Z95))
    return PixelLaws(mean, std, (mean / 2).exp(), mean.exp(), *ends)


def biased(log_y: Tensor, looks: Tensor) -> PixelLaws:
    """Takes log y for unbiased."""
    bias = float(digamma(float(looks[0])) - np.log(float(looks[0])))
    return exact(log_y + bias, looks)


def half_as_wide(log_y: Tensor, looks: Tensor) -> PixelLaws:
    """Draws of half the deviation."""
    laws = exact(log_y, looks)
    return laws._replace(log_std=laws.log_std / 2)


def samples(laws: Laws, y: np.ndarray, looks: float, count: int, *names: str) -> np.ndarray:
    """`count` samples for each y (n,): (count, n)."""
    image = torch.from_numpy(y)[None, None]
    levels = looks_levels(looks, MOST, STEPS)
    drawn = reverse_speckle(laws, image, levels, seed(*names) % 2**32, range(count))
    return drawn[:, 0, 0].numpy()


@pytest.mark.parametrize("looks", [1.0, 4.0, 30.0])
def test_the_table_is_the_oracles_quadrature(looks: float) -> None:
    for y in (0.05, 0.7, 6.0):
        found = ref.gamma_posterior_log_moments(y, DATA, looks)
        mean, std = (float(part(np.log(y))) for part in moments(looks))
        assert mean == pytest.approx(found.mean, abs=1e-8)
        assert std == pytest.approx(found.var**0.5, rel=1e-8)


def distance(y: float, looks: float, direct: bool) -> tuple[float, float]:
    """Kolmogorov's distance of samples given y from the posterior, and its critical value;
    `direct` draws at once from the log-normal law of the same moments."""
    names = ("speckle chain", repr(y), repr(looks))
    mean, std = (float(part(np.log(y))) for part in moments(looks))
    if direct:
        drawn = np.exp(mean + std * generator(*names).standard_normal(COPIES))
    else:
        drawn = samples(exact, np.full(COPIES, y), looks, 1, *names)[0]
    shares = ref.gamma_posterior_cdf(drawn, y, DATA, looks).values
    return float(stats.kstest(shares, "uniform").statistic), float(stats.kstwo.isf(ALPHA, COPIES))


@pytest.mark.parametrize("looks", [1.0, 4.0])
@pytest.mark.parametrize("u", [-1.5, 1.5])
def test_samples_have_the_exact_posterior(looks: float, u: float) -> None:
    """Within Kolmogorov's critical value for 1,000 draws, false alarm 1e-7, and the distance
    (0.01) that a log-normal law has from the posterior."""
    bias, v = (float(part) for part in ref.gamma_log_moments(looks))
    found, critical = distance(float(np.exp(bias + u * np.sqrt(S**2 + v))), looks, direct=False)
    assert found < critical + 0.01


def chi_square(laws: Laws, looks: float, copies: int = 10 * COPIES) -> float:
    """That of the ranks of X_0 among 19 samples given y = X_0 G, over 10,000 X_0."""
    rng = generator("ranks in the speckle chain", repr(looks))
    x0 = np.exp(S * rng.standard_normal(copies))
    y = x0 * rng.standard_gamma(looks, copies) / looks
    drawn = samples(laws, y, looks, BINS - 1, "ranks", repr(looks))
    counts = np.bincount((drawn < x0).sum(axis=0), minlength=BINS)
    expected = copies / BINS
    return float(((counts - expected) ** 2 / expected).sum())


CRITICAL = float(stats.chi2.isf(ALPHA, BINS - 1))


@pytest.mark.parametrize("looks", [1.0, 4.0])
def test_ranks_of_the_data_among_samples_are_uniform(looks: float) -> None:
    """Chi-square of 20 ranks, false alarm 1e-7."""
    assert chi_square(exact, looks) < CRITICAL


@pytest.mark.parametrize("laws", [biased, half_as_wide])
def test_ranks_refuse_wrong_laws(laws: Callable) -> None:
    """The bias of log y left in, and draws of half the deviation, where there is one look."""
    assert chi_square(laws, 1.0) > 2 * CRITICAL
