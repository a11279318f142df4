"""The studies' interval mathematics, against brute force, mpmath and exact tails."""

import math

import mpmath
import numpy as np
import pytest
from scipy import stats

import gbm_ref as ref
from validation import intervals
from validation.intervals import Interval, Moments, Region, confidence_region, divergence_range

TARGET_MEAN, TARGET_VAR = 0.37, 0.23


@pytest.mark.parametrize(
    "excess", [-0.9, -0.3, -0.099, -1e-6, 1e-9, 1e-4, 0.0101, 0.099, 0.101, 0.7, 40.0]
)
def test_variance_part_against_fifty_digits(excess: float) -> None:
    variance = TARGET_VAR * (1 + excess)
    with mpmath.workdps(50):
        ratio = mpmath.mpf(variance) / mpmath.mpf(TARGET_VAR) - 1
        expected = (ratio - mpmath.log1p(ratio)) / 2
        error = abs(mpmath.mpf(intervals.variance_part(variance, TARGET_VAR)) / expected - 1)
    # The excess is exact up to two roundings, and the relative condition is at most 2 near 0.
    assert error <= 40 * np.finfo(float).eps


def test_plug_in_divergence_is_that_of_the_oracle() -> None:
    moments = Moments(1000, 0.51, 0.19)
    law = ref.Gaussian(np.array([moments.mean]), np.array([[moments.variance]]))
    target = ref.Gaussian(np.array([TARGET_MEAN]), np.array([[TARGET_VAR]]))
    ours = intervals.plug_in_divergence(moments, TARGET_MEAN, TARGET_VAR)
    assert ours == pytest.approx(ref.kl_divergence(law, target), rel=1e-14)


SIDES = [((0.41, 0.52), (0.24, 0.31)), ((0.10, 0.52), (0.10, 0.31))]
SIDES += [((0.10, 0.20), (0.05, 0.22)), ((0.36, 0.90), (0.22, 0.22))]


@pytest.mark.parametrize(("mean", "variance"), SIDES)
def test_divergence_range(mean: tuple[float, float], variance: tuple[float, float]) -> None:
    ours = divergence_range(Region(Interval(*mean), Interval(*variance)), TARGET_MEAN, TARGET_VAR)
    means, variances = np.meshgrid(np.linspace(*mean, 601), np.linspace(*variance, 601))
    ratio = variances / TARGET_VAR
    image = 0.5 * (ratio - 1 - np.log(ratio) + (means - TARGET_MEAN) ** 2 / TARGET_VAR)
    # The corners are grid points, so the maximum is met; the minimum lies within half a cell.
    assert ours.high == pytest.approx(image.max(), rel=1e-12)
    assert ours.low == pytest.approx(image.min(), abs=2e-6)
    assert ours.low <= image.min() + 1e-15


def test_every_side_of_the_rectangle_has_a_quarter_of_alpha() -> None:
    moments, alpha = Moments(4096, -0.7, 0.31), 3.7e-9
    region, degrees = confidence_region(moments, alpha), moments.size - 1
    standard_error = math.sqrt(moments.variance / moments.size)
    for end in region.mean:
        reach = abs(end - moments.mean) / standard_error
        assert stats.t.sf(reach, degrees) == pytest.approx(alpha / 4, rel=1e-6)
    scaled, quarter = degrees * moments.variance, pytest.approx(alpha / 4, rel=1e-6)
    assert stats.chi2.sf(scaled / region.variance.low, degrees) == quarter
    assert stats.chi2.cdf(scaled / region.variance.high, degrees) == quarter


def test_chi_square_quantiles_against_mpmath() -> None:
    """SciPy's far tails, where the whole construction would rest on a wrong digit."""
    moments, alpha = Moments(201, 0.2, 1.7), 2e-8
    region = confidence_region(moments, alpha)
    scaled = (moments.size - 1) * moments.variance
    with mpmath.workdps(40):
        half = mpmath.mpf(moments.size - 1) / 2
        above = mpmath.gammainc(half, scaled / region.variance.low / 2, regularized=True)
        below = mpmath.gammainc(half, 0, scaled / region.variance.high / 2, regularized=True)
    assert float(above) == pytest.approx(alpha / 4, rel=1e-8)
    assert float(below) == pytest.approx(alpha / 4, rel=1e-8)


def test_a_nan_is_never_inside() -> None:
    region = confidence_region(intervals.sample_moments(np.array([0.1, math.nan, 0.3, 0.2])), 1e-6)
    assert not region.contains(0.2, 0.01)
    assert not divergence_range(region, TARGET_MEAN, TARGET_VAR).contains(0.1)
    assert not Interval(0.0, 1.0).contains(math.nan)


def test_sample_moments_are_unbiased_and_in_double_precision() -> None:
    samples = np.array([0.1, 0.4, 1.0], dtype=np.float32)
    size, mean, variance = intervals.sample_moments(samples)
    assert size == 3
    assert mean == pytest.approx(samples.astype(float).sum() / 3, rel=1e-15)
    assert variance == pytest.approx(((samples.astype(float) - mean) ** 2).sum() / 2, rel=1e-15)


def test_only_what_exceeds_ten_over_n_is_resolvable() -> None:
    assert intervals.resolution(2**15) == 10 / 2**15
    limit = intervals.resolution(500)
    assert intervals.resolvable(1.01 * limit, 500)
    assert not intervals.resolvable(0.99 * limit, 500)
