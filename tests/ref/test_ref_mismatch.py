"""Tests of gbm_ref.mismatch: prices against determinants at 50 digits, and that fits are best."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from gbm_ref import Gaussian, LogNormal, PointMasses, Process, kl_divergence
from gbm_ref.mismatch import best_start, terminal_gaussian, terminal_mismatch
from gbm_ref.starts import class_averages, from_class_averages, log_moments, standard_lognormal
from tests.support.assertions import assert_accurate, assert_inaccurate
from tests.support.mp_reference import Normal, gaussian, kl
from tests.support.problems import LOG_NORMALS, PROCESSES
from tests.support.problems import THREE_DIMENSIONS as DATA

START = LogNormal([0.2, 0.1, 0.7], [[1.1, -0.3, 0.1], [-0.3, 0.7, 0.2], [0.1, 0.2, 1.9]])
CHANNELS = {"one pair": None, "product": np.arange(3), "two": np.array([3, 1, 3])}


@pytest.fixture(params=list(PROCESSES))
def process(request: pytest.FixtureRequest) -> Process:
    return PROCESSES[request.param]


def law_at_end(process: Process, scale: float = 1.0) -> Normal:
    """a + m and C + scale * v I, from the floats m(T) and v(T)."""
    m, v = (mpf(f(process.horizon)) for f in (process.log_mean, process.log_var))
    mean, cov = gaussian(*DATA)
    return mean + m * mpmath.ones(3, 1), cov + scale * v * mpmath.eye(3)


def test_price_of_any_start(process: Process) -> None:
    found = np.array([terminal_mismatch(START, DATA, process)])
    root = process.log_var(process.horizon) ** -0.5
    law, start = law_at_end(process), gaussian(START.log_mean, START.log_cov)
    exact = kl(law, start)
    twins = {
        "reversed": kl(start, law),
        "no noise": kl(law_at_end(process, 0.0), start),
        "standard deviation": kl(law_at_end(process, root), start),
    }
    condition = float(mpmath.norm(start[1] ** -1) * mpmath.norm(law[1]))
    assert_accurate(found, [exact], 10.0 * condition, k=8)
    for twin in twins.values():
        assert_inaccurate(found, [twin], 10.0 * condition, k=8)


@pytest.mark.parametrize("name", list(CHANNELS))
def test_price_of_a_fit_is_the_closed_form(process: Process, name: str) -> None:
    """R23: 1/2 (sum_i log sigma_hat_i^2 - log det Sigma), from the fit that was returned."""
    start, cost = best_start(DATA, process, CHANNELS[name])
    variances = [mpf(float(e)) for e in np.diag(start.log_cov)]
    logdet = mpmath.log(mpmath.det(law_at_end(process)[1]))
    exact = (mpmath.fsum(map(mpmath.log, variances)) - logdet) / 2
    halved = exact + logdet / 4
    assert_accurate(np.array([cost]), [exact], 10.0, k=8)
    assert_inaccurate(np.array([cost]), [halved], 10.0, k=8)


@pytest.mark.parametrize("name", list(CHANNELS))
def test_no_start_with_these_channels_costs_less(name: str) -> None:
    process, channels = PROCESSES["constant"], CHANNELS[name]
    start, cost = best_start(DATA, process, channels)
    where = np.zeros(3, dtype=int) if channels is None else channels
    for coordinate in range(3):
        same = (where == where[coordinate]).astype(float)
        for step in (-1e-3, 1e-3):
            moved = LogNormal(start.log_mean + step * same, start.log_cov)
            wider = LogNormal(start.log_mean, np.diag(start.log_cov) * np.exp(step * same))
            for other in (moved, wider):
                assert terminal_mismatch(other, DATA, process) > cost + 1e-8


def test_fewer_parameters_cost_more(process: Process) -> None:
    product, two, one = (
        best_start(DATA, process, CHANNELS[name]).cost for name in ("product", "two", "one pair")
    )
    assert 0.0 < product < two < one
    assert one < terminal_mismatch(standard_lognormal(3), DATA, process)


def test_independent_pixels_cost_nothing() -> None:
    """The plain formula would leave rounding of the logarithms, of either sign."""
    data = Gaussian(np.linspace(-1.0, 1.0, 40), np.diag(np.linspace(0.1, 3.0, 40)))
    assert 0.0 <= best_start(data, PROCESSES["constant"], np.arange(40)).cost < 1e-28


def test_log_normal_data_end_at_the_terminal_gaussian(process: Process) -> None:
    target = LOG_NORMALS["log-normal-2d"]
    end = target.diffuse(process, process.horizon)
    found = terminal_gaussian(log_moments(target), process)
    np.testing.assert_array_equal(found.mean, end.log_mean)
    np.testing.assert_allclose(found.cov, end.log_cov, rtol=1e-15)
    assert 0.0 <= terminal_mismatch(end, log_moments(target), process) < 1e-28


def test_price_of_a_class_average_given_the_class() -> None:
    """E22: 1/2 [tr C_c / v - log det(I + C_c / v) + |log xbar_c - a_c|^2 / v]."""
    process = PROCESSES["constant"]
    v = process.log_var(process.horizon)
    points = np.array([[0.7, 1.3], [1.9, 0.6], [2.4, 2.2]])
    start = from_class_averages(class_averages(points, np.zeros(3)), process)
    given = log_moments(PointMasses(points))
    shift = start.log_means[0] - process.log_mean(process.horizon) - given.mean
    ratios = np.linalg.eigvalsh(given.cov) / v
    price = 0.5 * (np.sum(ratios - np.log1p(ratios)) + shift @ shift / v)
    found = terminal_mismatch(LogNormal(start.log_means[0], start.log_covs[0]), given, process)
    assert found == pytest.approx(price, rel=1e-13)


def test_split_of_the_divergence() -> None:
    """R23 for a mixture p on the line: KL(p || g) - KL(p || n) = KL(n || g), by quadrature."""
    process, points = PROCESSES["constant"], PointMasses([[0.7], [1.9], [6.5]])
    law, data = points.diffuse(process, process.horizon), log_moments(points)
    y = np.linspace(-9.0, 11.0, 2001)
    x = np.exp(y)[:, None]
    weight = np.exp(law.logpdf(x) + y) * (y[1] - y[0])
    n = terminal_gaussian(data, process)
    g = LogNormal([0.4], 1.7)
    gap = np.sum(weight * (LogNormal(n.mean, n.cov).logpdf(x) - g.logpdf(x)))
    assert gap == pytest.approx(terminal_mismatch(g, data, process), rel=1e-12)
    assert gap == pytest.approx(kl_divergence(n, Gaussian(g.log_mean, g.log_cov)), rel=1e-12)
