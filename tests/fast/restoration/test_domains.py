"""Domains, the spread of one evaluation against exact moments, and order statistics."""

import math

import numpy as np
import pytest
import torch

from gbm_fast.restoration.domains import (
    intensities,
    of_intensities,
    order_statistic,
    spread_of_laws,
    spread_of_samples,
)
from gbm_fast.speckle import Z95, PixelLaws
from tests.support.cases import generator

DOMAINS = ("intensity", "amplitude", "log")


def exact_laws(mean: float, std: float) -> PixelLaws:
    """The laws of log-normal pixels."""
    shape = (1, 2, 3)
    parts = mean, std, math.exp(mean / 2 + std**2 / 8), math.exp(mean + std**2 / 2)
    parts += math.exp(mean - Z95 * std), math.exp(mean + Z95 * std)
    return PixelLaws(*(torch.full(shape, part, dtype=torch.float64) for part in parts))


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_log_normal_pixel_has_its_exact_moments_and_quantiles(domain: str) -> None:
    """Against draws: 2e6 of them, within 5 standard errors (false alarms: 3e-6 for all)."""
    m, s, unit = 0.3, 0.4, 1.7
    found = spread_of_laws(exact_laws(m, s), unit, domain)
    x = np.exp(m + unit + s * generator("spread of laws").standard_normal(2_000_000))
    drawn = of_intensities(torch.from_numpy(x), domain).numpy()
    error = drawn.std() / math.sqrt(len(drawn))
    assert float(found.mean[0, 0, 0]) == pytest.approx(drawn.mean(), abs=5 * error)
    assert float(found.deviation[0, 0, 0]) == pytest.approx(drawn.std(), rel=0.01)
    for part, p in ((found.low, 0.05), (found.median, 0.5), (found.high, 0.95)):
        assert np.mean(drawn <= float(part[0, 0, 0])) == pytest.approx(p, abs=5 * 0.5 / 1400)


def test_the_mean_of_an_intensity_is_not_the_exponential_of_the_mean_of_its_logarithm() -> None:
    laws = exact_laws(0.0, 1.0)
    geometric = spread_of_laws(laws, 0.0, "log").mean.exp()
    arithmetic = spread_of_laws(laws, 0.0, "intensity").mean
    assert torch.allclose(arithmetic, geometric * math.exp(0.5))


@pytest.mark.parametrize("domain", DOMAINS)
def test_domains_go_there_and_back(domain: str) -> None:
    x = torch.tensor([0.01, 1.0, 300.0], dtype=torch.float64)
    assert torch.allclose(intensities(of_intensities(x, domain), domain), x, rtol=1e-14)


def test_negative_numbers_are_no_intensities_and_logarithms_may_be_infinite() -> None:
    with pytest.raises(ValueError, match="1 of 2 numbers are negative"):
        intensities(torch.tensor([1.0, -1.0]), "amplitude")
    found = intensities(torch.tensor([0.0, -math.inf, math.nan]), "log")
    assert found.isnan().tolist() == [False, True, True]


def test_order_statistics_cover_what_they_say() -> None:
    """19 draws: the band from the first to the last covers a new one with 18 / 20.

    40,000 trials: a band of the usual quantiles of 19 draws covers 0.855 and is 29 standard errors
    away; false alarms at 5: 6e-7.
    """
    drawn = torch.from_numpy(generator("order statistics").standard_normal((20, 40_000)))
    found = spread_of_samples(drawn[:19])
    error = math.sqrt(0.09 / 40_000)
    inside = (drawn[19] >= found.low) & (drawn[19] <= found.high)
    assert float(inside.double().mean()) == pytest.approx(0.9, abs=5 * error)
    usual = torch.quantile(drawn[:19], torch.tensor([0.05, 0.95], dtype=torch.float64), dim=0)
    covered = ((drawn[19] >= usual[0]) & (drawn[19] <= usual[1])).double().mean()
    assert abs(float(covered) - 0.9) > 5 * error


def test_between_two_values_an_order_statistic_is_in_proportion() -> None:
    values = torch.arange(1.0, 40.0, dtype=torch.float64)
    assert float(order_statistic(values, 0.05)) == pytest.approx(2.0)
    assert float(order_statistic(values, 0.96)) == pytest.approx(38.4)


def test_few_samples_have_no_band() -> None:
    found = spread_of_samples(torch.rand(18, 2, dtype=torch.float64))
    assert found.low.isnan().all() and found.high.isnan().all() and found.mean.isfinite().all()
