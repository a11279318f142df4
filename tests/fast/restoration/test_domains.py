"""Domains, the spread of one evaluation against exact moments, and order statistics."""

import math

import numpy as np
import pytest
import torch

from gbm_fast.gamma_noise import Z95, PixelLaws
from gbm_fast.restoration.domains import (
    intensities,
    of_intensities,
    order_statistic,
    spread_of_laws,
    spread_of_samples,
)

DOMAINS = ("intensity", "amplitude", "log")


def exact_laws(mean: float, std: float) -> PixelLaws:
    """The laws of log-normal pixels."""
    shape = (1, 2, 3)
    parts = mean, std, math.exp(mean / 2 + std**2 / 8), math.exp(mean + std**2 / 2)
    parts += math.exp(mean - Z95 * std), math.exp(mean + Z95 * std)
    return PixelLaws(*(torch.full(shape, part, dtype=torch.float64) for part in parts))


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_log_normal_pixel_has_its_exact_moments_and_quantiles(domain: str) -> None:
    """Against sums over 20,001 normal numbers with their density."""
    m, s, unit = 0.3, 0.4, 1.7
    found = spread_of_laws(exact_laws(m, s), unit, domain)
    z = np.linspace(-10, 10, 20_001)
    weights = np.exp(-(z**2) / 2)
    values = of_intensities(torch.from_numpy(np.exp(m + unit + s * z)), domain).numpy()
    mean = np.average(values, weights=weights)
    deviation = math.sqrt(np.average((values - mean) ** 2, weights=weights))
    assert float(found.mean[0, 0, 0]) == pytest.approx(mean, rel=1e-9)
    assert float(found.deviation[0, 0, 0]) == pytest.approx(deviation, rel=1e-9)
    for part, place in ((found.low, -Z95), (found.median, 0.0), (found.high, Z95)):
        assert float(part[0, 0, 0]) == pytest.approx(np.interp(place, z, values), rel=1e-6)


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


@pytest.mark.parametrize("count", [19, 32, 100])
def test_order_statistics_cover_what_they_say(count: int) -> None:
    """The k-th of n uniform numbers is k / (n + 1) on average, which is what a new one is below it
    with; the usual quantiles of 19 cover 0.81 of 0.9."""
    ordered = torch.arange(1, count + 1, dtype=torch.float64)[:, None] / (count + 1)
    for p in (0.05, 0.5, 0.95):
        assert float(order_statistic(ordered, p)) == pytest.approx(p, abs=1e-12)
    usual = torch.quantile(ordered, torch.tensor([0.05, 0.95], dtype=torch.float64), dim=0)
    assert float(usual[1] - usual[0]) == pytest.approx(0.9 * (count - 1) / (count + 1))


def test_between_two_values_an_order_statistic_is_in_proportion() -> None:
    values = torch.arange(1.0, 40.0, dtype=torch.float64)
    assert float(order_statistic(values, 0.05)) == pytest.approx(2.0)
    assert float(order_statistic(values, 0.96)) == pytest.approx(38.4)


def test_few_samples_have_no_band() -> None:
    found = spread_of_samples(torch.arange(36, dtype=torch.float64).reshape(18, 2))
    assert found.low.isnan().all() and found.high.isnan().all() and found.mean.isfinite().all()
