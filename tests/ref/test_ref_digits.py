"""Digits that plain formulas lose, against 50-digit arithmetic: small exponents of spaced grids,
peaks of sigma, nearly equal weights, tiny products, fast decay and unlike scales."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from tests.support.twins import tensor

U = 2.0**-53


@pytest.mark.parametrize("rho", [0.02, 0.2, 0.3, 1.0, 40.0, 1e6])
def test_power_grids_at_any_exponent(rho: float) -> None:
    """0.002 to 80 in 18 levels, both packages; ends and neighbours apart."""
    process = ref.GBM(sigma=81.0)
    grids = (
        ref.power(process, 18, rho, std_min=0.002, std_max=80.0),
        gbm.power(gbm.GBM(sigma=81.0), 18, rho, std_min=0.002, std_max=80.0),
    )
    with mpmath.workdps(400):
        first, last = mpf(80) ** (1 / mpf(rho)), mpf(0.002) ** (1 / mpf(rho))
        stds = [(first + mpf(i) / 17 * (last - first)) ** mpf(rho) for i in range(18)]
        times = [float(std**2 / mpf(81) ** 2) for std in stds]
    for grid in grids:
        np.testing.assert_allclose([row.t_score for row in grid], times, rtol=100 * U, atol=0)
        assert all(row.dt > 0 for row in grid)


def test_levels_at_one_time_are_refused() -> None:
    near = {"std_min": 0.5, "std_max": 0.5 * (1 + 4e-16)}
    with pytest.raises(ValueError, match="neighbouring levels"):
        ref.geometric(ref.GBM(), 30, **near)
    with pytest.raises(ValueError, match="neighbouring levels"):
        gbm.geometric(gbm.GBM(), 30, **near)


@pytest.mark.parametrize("v", [1e-30, 1e-9, 0.3])
def test_the_time_of_a_small_variance_has_its_digits(v: float) -> None:
    """sigma = 1/2 + t: v = t / 4 + t^2 / 2 + t^3 / 3."""
    with mpmath.workdps(50):
        t = mpmath.findroot(lambda t: t / 4 + t**2 / 2 + t**3 / 3 - mpf(v), 4 * mpf(v))
    slow = ref.TimeVaryingGBM(lambda t: 0.0, lambda t: 0.5 + t)
    fast = gbm.TimeVaryingGBM(lambda t: 0 * t, lambda t: 0.5 + t)
    assert slow.time_at_log_var(v) == pytest.approx(float(t), rel=16 * U, abs=0.0)
    assert float(fast.time_at_log_var(v)) == pytest.approx(float(t), rel=16 * U, abs=0.0)


@pytest.mark.parametrize(("width", "place"), [(1e-2, 0.37), (1e-3, 0.371), (3e-4, 0.12345)])
def test_a_peak_of_sigma_is_integrated_or_refused(width: float, place: float) -> None:
    wanted = 0.25 + 4 * width * np.sqrt(2 * np.pi) + 16 * width * np.sqrt(np.pi)
    process = ref.TimeVaryingGBM(
        lambda t: 0.0, lambda t: 0.5 + 4 * np.exp(-(((t - place) / width) ** 2) / 2)
    )
    assert process.log_var(1.0) == pytest.approx(wanted, rel=1e-13)
    assert process.log_var(0.9) == pytest.approx(wanted - 0.025, rel=1e-13)

    def sigma(t: Tensor) -> Tensor:
        return 0.5 + 4 * (-(((t - place) / width) ** 2) / 2).exp()

    with pytest.raises(ValueError, match="breakpoints"):
        gbm.TimeVaryingGBM(lambda t: 0 * t, sigma)
    points = [place + width * k for k in (-10, -5, 0, 5, 10)]
    cut = gbm.TimeVaryingGBM(lambda t: 0 * t, sigma, breakpoints=points)
    assert float(cut.log_var(1.0)) == pytest.approx(wanted, rel=1e-13)


def test_a_peak_that_no_look_finds_is_named() -> None:
    width, place = 1e-7, 0.700001
    ends = [place + width * k for k in (-10, -4, 0, 4, 10)]
    process = ref.TimeVaryingGBM(
        lambda t: 0.0, lambda t: 0.5 + 4 * np.exp(-(((t - place) / width) ** 2) / 2), 1.0, ends
    )
    wanted = 0.25 + 4 * width * np.sqrt(2 * np.pi) + 16 * width * np.sqrt(np.pi)
    assert process.log_var(1.0) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("exponent", [-709.5, -730.0, -744.0])
def test_products_with_small_exponentials_keep_their_digits(exponent: float) -> None:
    with mpmath.workdps(50):
        wanted = float(mpf(1e300) * mpmath.exp(mpf(exponent)))
    x, process = np.array([1e300]), ref.GBM(exponent + 0.32, 0.8)
    assert process.sample(x, 1.0, np.zeros(1)) == pytest.approx(wanted, rel=2e-13, abs=0.0)
    found = ref.exponentiated_gradient_step(x, np.array([-exponent]), 1.0)
    assert found == pytest.approx(wanted, rel=2e-15, abs=0.0)
    twin = gbm.exponentiated_gradient_step(tensor(x), tensor([-exponent]), 1.0)
    assert twin.item() == pytest.approx(wanted, rel=2e-15, abs=0.0)


@pytest.mark.parametrize("gap", [1e-16, 3e-12, -1e-8, 1e-3, -0.4, 0.8])
@pytest.mark.parametrize("size", [1e-3, 0.3, 25.0, -25.0])
def test_bregman_divergences_of_near_weights(size: float, gap: float) -> None:
    w = size * (1 + gap)
    with mpmath.workdps(50):
        a, b = abs(mpf(w)), abs(mpf(size))
        entropy, euclid = float(a * mpmath.log(a / b) - a + b), float((a - b) ** 2 / 2)
    for found, wanted in ((ref.ENTROPY, entropy), (ref.EUCLIDEAN, euclid)):
        value = float(ref.bregman(found, [w], [size]))
        assert value >= 0 and value == pytest.approx(wanted, rel=40 * U, abs=0.0)
    for phi, wanted in ((gbm.ENTROPY, entropy), (gbm.EUCLIDEAN, euclid)):
        value = gbm.bregman(phi, tensor([w]), tensor([size])).item()
        assert value >= 0 and value == pytest.approx(wanted, rel=40 * U, abs=0.0)


@pytest.mark.parametrize(("rho", "decay"), [(1.0, 5e4), (2.0, 31.0), (2.0, 29.0), (0.3, 1e12)])
def test_fast_decay_leaves_its_noise(rho: float, decay: float) -> None:
    start = ref.Gaussian(np.zeros(1), np.zeros((1, 1)))
    process, target = ref.GBM(sigma=0.8), ref.LogNormal([0.0], 0.05)
    found = ref.annealed_limit_law(target, process, start, rho, decay).cov[0, 0]
    with mpmath.workdps(40):
        data, total, c = mpf(0.05), mpf(0.8) ** 2, mpf(decay)
        ends = [0, 1, 5, 20, 50] + ([2 * c] if decay < 50 else [100])
        integral = mpmath.quad(
            lambda x: (data / (data + total - total * x / (2 * c))) ** (2 * rho) * mpmath.exp(-x),
            ends,
        )
        wanted = float(rho * total / (2 * c) * integral)
    assert found == pytest.approx(wanted, rel=1e-12)


def unlike() -> tuple[np.ndarray, np.ndarray]:
    correlations = np.array([[1.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 1.0]])
    stds = np.array([1e3, 1.0, 1e-4])
    return correlations * stds[:, None] * stds, stds


def test_covariances_of_unlike_scales_keep_their_digits() -> None:
    cov, stds = unlike()
    y = stds * np.array([0.3, -1.1, 0.7])
    x = np.exp(y - np.array([299.0, 0, 0]))
    mean = np.log(x) - y
    with mpmath.workdps(50):
        residual = mpmath.matrix([mpf(a) - mpf(b) for a, b in zip(np.log(x), mean, strict=True)])
        matrix = mpmath.matrix(cov.tolist())
        pull = -(matrix**-1) * residual
        square = -(residual.T * pull)[0]
        log_det = mpmath.log(mpmath.det(matrix)) + 3 * mpmath.log(2 * mpmath.pi)
        wanted = float(-(square + log_det) / 2 - sum(mpf(v) for v in np.log(x)))
        scores = np.array([float(p) for p in pull])
    law, twin = ref.LogNormal(mean, cov), gbm.LogNormal(tensor(mean), tensor(cov))
    size = 1.0 / stds
    assert (np.abs(law.log_score(x) - scores) <= 64 * U * size).all()
    assert law.logpdf(x) == pytest.approx(wanted, rel=1e-12)
    assert twin.logpdf(tensor(x)).item() == pytest.approx(wanted, rel=1e-12)
    found = twin.log_score(tensor(x)).numpy()
    assert (np.abs(found - scores) <= 64 * U * size).all()


def test_a_small_variance_is_not_singular() -> None:
    cov, x = np.diag([1.0, 1e-15]), np.array([1.3, 1.0])
    wanted = -(np.log(1.3) ** 2) / 2 - np.log(1.3) - np.log(2 * np.pi) - np.log(1e-15) / 2
    assert ref.LogNormal([0.0, 0.0], cov).logpdf(x) == pytest.approx(wanted, rel=1e-14)
    twin = gbm.LogNormal(tensor([0.0, 0.0]), tensor(cov))
    assert twin.logpdf(tensor(x)).item() == pytest.approx(wanted, rel=1e-14)
    law = ref.Gaussian(np.zeros(2), cov)
    assert ref.kl_divergence(law, law) == 0.0
    wide = ref.Gaussian(np.zeros(2), np.eye(2))
    assert ref.kl_divergence(law, wide) == pytest.approx((1e-15 - 1 - np.log(1e-15)) / 2)
    with pytest.raises(ValueError, match="singular"):
        ref.LogNormal([0.0, 0.0], np.ones((2, 2))).logpdf(x)


@pytest.mark.parametrize("bound", [3.0, 7.5])
@pytest.mark.parametrize("std", [0.5, 4.0, 10.0])
def test_states_clipped_within_the_start_s_spread_are_refused(bound: float, std: float) -> None:
    start = ref.Gaussian(np.array([0.7]), np.array([[std**2]]))
    stated = ref.Gaussian(np.array([0.2 + 0.35]), np.array([[std**2 / 4 + 0.09]]))

    def sampler(x: np.ndarray, z: np.ndarray, most: float = np.inf) -> np.ndarray:
        y = np.clip(np.log(x), 0.7 - most, 0.7 + most)
        return np.exp(0.2 + y / 2 + 0.3 * z[0])

    ref.assert_law(sampler, start, stated, rows=1)
    clip = max(bound * std, 2.8)
    with pytest.raises(ref.LawRejected, match="not affine"):
        ref.assert_law(lambda x, z: sampler(x, z, clip), start, stated, rows=1)
