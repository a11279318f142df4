"""gbm_ref.starts and .mismatch: moments, fits and prices by hand at 50 digits; the torch twins."""

import mpmath
import numpy as np
import pytest
import torch
from mpmath import mpf

import gbm_ref as ref
from gbm_fast.data.statistics import data_statistics
from gbm_fast.process import GBM as FastGBM
from gbm_fast.sampling.initial import fitted_lognormal as fast_fit
from tests.support import mp_reference
from tests.support.assertions import assert_accurate, assert_inaccurate
from tests.support.cases import generator
from tests.support.mp_reference import Normal, gaussian, kl
from tests.support.problems import DATA_SETS, LOG_NORMALS, PROCESSES, TARGETS, states
from tests.support.problems import THREE_DIMENSIONS as DATA

EVERY: dict[str, ref.Target] = {**TARGETS, **DATA_SETS}
POINTS = np.array([[0.7, 1.3], [1.9, 0.6], [2.4, 2.2], [1.1, 1.7], [1.3, 0.9]])
LABELS = np.array([4, -1, 4, -1, 4])


@pytest.mark.parametrize("name", list(EVERY))
def test_moments_are_those_of_the_mixture(name: str) -> None:
    """E[y] and E[y y^T] - E[y] E[y]^T at 50 digits; without the spread of the means refused."""
    target = EVERY[name]
    found = ref.log_moments(target)
    parts = mp_reference.components(target)
    mean = [mpmath.fsum(w * a[i] for w, a, _ in parts) for i in range(target.d)]
    cov, within = [], []
    for i in range(target.d):
        for j in range(target.d):
            second = mpmath.fsum(w * (S[i, j] + a[i] * a[j]) for w, a, S in parts)
            cov.append(second - mean[i] * mean[j])
            within.append(mpmath.fsum(w * S[i, j] for w, _, S in parts))
    assert_accurate(found.mean, mean, 2.0, k=8)
    assert_accurate(found.cov, cov, 2.0, k=8)
    if len(parts) > 1:
        assert_inaccurate(found.cov, within, 2.0, k=8)


@pytest.mark.parametrize("name", list(PROCESSES))
def test_moments_of_noised_data_are_shifted_by_m_and_v(name: str) -> None:
    process = PROCESSES[name]
    for target in EVERY.values():
        before, after = ref.log_moments(target), ref.log_moments(target.diffuse(process, 0.7))
        np.testing.assert_allclose(after.mean, before.mean + process.log_mean(0.7), atol=1e-14)
        noise = process.log_var(0.7) * np.eye(target.d)
        np.testing.assert_allclose(after.cov, before.cov + noise, atol=1e-13)


def fit_by_hand(channels: list[list[int]], twin: str = "") -> tuple[list[mpf], list[mpf]]:
    """Mean and variance of every coordinate: the pooled moments of its channel at T (R23)."""
    process = PROCESSES["constant"]
    m, v = (mpf(f(process.horizon)) for f in (process.log_mean, process.log_var))
    a, C = ([mpf(float(e)) for e in row] for row in (DATA.mean, np.diag(DATA.cov)))
    means, variances = [mpf(0)] * 3, [mpf(0)] * 3
    for channel in channels:
        centre = mpmath.fsum(a[i] for i in channel) / len(channel)
        gaps = [0 if twin == "spread" else (a[i] - centre) ** 2 for i in channel]
        total = mpmath.fsum(C[i] + gap for i, gap in zip(channel, gaps, strict=True))
        for i in channel:
            means[i] = centre + (0 if twin == "drift" else m)
            variances[i] = total / (1 if twin == "sum" else len(channel)) + v
    return means, variances


CHANNELS = {
    "one pair": (None, [[0, 1, 2]]),
    "product": (np.arange(3), [[0], [1], [2]]),
    "two": (np.array([7, -2, 7]), [[0, 2], [1]]),
}


@pytest.mark.parametrize("name", list(CHANNELS))
def test_fit_has_the_pooled_moments_of_each_channel(name: str) -> None:
    channels, groups = CHANNELS[name]
    found = ref.fitted_lognormal(DATA, PROCESSES["constant"], channels)
    means, variances = fit_by_hand(groups)
    assert_accurate(found.log_mean, means, 2.0, k=8)
    assert_accurate(np.diag(found.log_cov), variances, 2.0, k=8)
    np.testing.assert_array_equal(found.log_cov, np.diag(np.diag(found.log_cov)))


@pytest.mark.parametrize("twin", ["spread", "drift", "sum"])
def test_mistaken_fits_are_refused(twin: str) -> None:
    found = ref.fitted_lognormal(DATA, PROCESSES["constant"])
    means, variances = fit_by_hand([[0, 1, 2]], twin)
    with pytest.raises(AssertionError, match="allowed"):
        assert_accurate(found.log_mean, means, 2.0, k=8)
        assert_accurate(np.diag(found.log_cov), variances, 2.0, k=8)


def test_class_averages_are_arithmetic_and_weighted_by_shares() -> None:
    law = ref.class_averages(POINTS, LABELS)
    np.testing.assert_array_equal(law.weights, [0.4, 0.6])
    wanted = [POINTS[[1, 3]].mean(axis=0), POINTS[[0, 2, 4]].mean(axis=0)]
    np.testing.assert_allclose(np.exp(law.log_means), wanted, rtol=1e-15)
    assert (law.log_covs == 0.0).all()
    for label, log_average in zip((-1, 4), law.log_means, strict=True):
        assert (log_average > np.log(POINTS[label == LABELS]).mean(axis=0)).all()


def test_starts_from_averages_and_from_data_are_diffused_to_the_horizon() -> None:
    for process in PROCESSES.values():
        end, x = process.horizon, states(2)
        m, v = process.log_mean(end), process.log_var(end)
        averages = ref.class_averages(POINTS, LABELS)
        noised = ref.LogNormalMixture(averages.weights, averages.log_means + m, np.full(2, v))
        start = ref.from_class_averages(averages, process)
        np.testing.assert_allclose(start.logpdf(x), noised.logpdf(x), atol=1e-13)
        found = ref.from_data(POINTS, process).logpdf(x)
        wanted = ref.PointMasses(POINTS).diffuse(process, end).logpdf(x)
        np.testing.assert_array_equal(found, wanted)


def test_standard_start_is_exp_of_a_standard_normal() -> None:
    start, z = ref.standard_lognormal(3), np.array([[0.3, -1.2, 2.1]])
    assert isinstance(start, ref.LogNormal)
    wanted = -0.5 * (z**2).sum() - 1.5 * np.log(2 * np.pi) - z.sum()
    np.testing.assert_allclose(start.logpdf(np.exp(z)), [wanted], rtol=1e-14)


def images() -> tuple[np.ndarray, np.ndarray]:
    """Thirty positive images of two channels, 2 x 3 pixels, in three classes."""
    return 1.0 + generator("images of two channels").random((30, 2, 2, 3)), np.arange(30) % 7 % 3


def test_torch_twins_agree() -> None:
    x, labels = images()
    points, channels = x.reshape(30, -1), np.repeat([0, 1], 6)
    process, fast = ref.GBM(mu=0.13, sigma=0.7, horizon=0.9), FastGBM(0.13, 0.7, 0.9)
    known = data_statistics(torch.tensor(x), torch.tensor(labels), 3)
    averages = ref.class_averages(points, labels)
    theirs = known.class_averages.reshape(3, -1).numpy()
    np.testing.assert_allclose(np.exp(averages.log_means), theirs, rtol=1e-14)
    np.testing.assert_allclose(averages.weights, known.class_frequencies.numpy(), rtol=1e-15)
    for law, means, stds in (
        (ref.PointMasses(points), known.log_means, known.log_stds),
        (averages, known.average_log_means, known.average_log_stds),
    ):
        fit = ref.fitted_lognormal(ref.log_moments(law), process, channels)
        mu, sigma = fast_fit(means, stds, fast)
        np.testing.assert_allclose(fit.log_mean, np.repeat(mu.numpy(), 6), rtol=1e-13)
        variances = np.repeat(sigma.numpy() ** 2, 6)
        np.testing.assert_allclose(np.diag(fit.log_cov), variances, rtol=1e-13)


START = ref.LogNormal([0.2, 0.1, 0.7], [[1.1, -0.3, 0.1], [-0.3, 0.7, 0.2], [0.1, 0.2, 1.9]])
GROUPS = {"one pair": None, "product": np.arange(3), "two": np.array([3, 1, 3])}


@pytest.fixture(params=list(PROCESSES))
def process(request: pytest.FixtureRequest) -> ref.Process:
    return PROCESSES[request.param]


def law_at_end(process: ref.Process, scale: float = 1.0) -> Normal:
    """a + m and C + scale * v I, from the floats m(T) and v(T)."""
    m, v = (mpf(f(process.horizon)) for f in (process.log_mean, process.log_var))
    mean, cov = gaussian(*DATA)
    return mean + m * mpmath.ones(3, 1), cov + scale * v * mpmath.eye(3)


def test_price_of_any_start(process: ref.Process) -> None:
    found = np.array([ref.terminal_mismatch(START, DATA, process)])
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


@pytest.mark.parametrize("name", list(GROUPS))
def test_price_of_a_fit_is_the_closed_form(process: ref.Process, name: str) -> None:
    """R23: 1/2 (sum_i log sigma_hat_i^2 - log det Sigma), from the fit that was returned."""
    start, cost = ref.best_start(DATA, process, GROUPS[name])
    variances = [mpf(float(e)) for e in np.diag(start.log_cov)]
    logdet = mpmath.log(mpmath.det(law_at_end(process)[1]))
    exact = (mpmath.fsum(map(mpmath.log, variances)) - logdet) / 2
    halved = exact + logdet / 4
    assert_accurate(np.array([cost]), [exact], 10.0, k=8)
    assert_inaccurate(np.array([cost]), [halved], 10.0, k=8)


@pytest.mark.parametrize("name", list(GROUPS))
def test_no_start_with_these_channels_costs_less(name: str) -> None:
    process, channels = PROCESSES["constant"], GROUPS[name]
    start, cost = ref.best_start(DATA, process, channels)
    where = np.zeros(3, dtype=int) if channels is None else channels
    for coordinate in range(3):
        same = (where == where[coordinate]).astype(float)
        for step in (-1e-3, 1e-3):
            moved = ref.LogNormal(start.log_mean + step * same, start.log_cov)
            wider = ref.LogNormal(start.log_mean, np.diag(start.log_cov) * np.exp(step * same))
            for other in (moved, wider):
                assert ref.terminal_mismatch(other, DATA, process) > cost + 1e-8


def test_fewer_parameters_cost_more(process: ref.Process) -> None:
    product, two, one = (
        ref.best_start(DATA, process, GROUPS[k]).cost for k in ("product", "two", "one pair")
    )
    assert 0.0 < product < two < one
    assert one < ref.terminal_mismatch(ref.standard_lognormal(3), DATA, process)


def test_independent_pixels_cost_nothing() -> None:
    """The plain formula would leave rounding of the logarithms, of either sign."""
    data = ref.Gaussian(np.linspace(-1.0, 1.0, 40), np.diag(np.linspace(0.1, 3.0, 40)))
    assert 0.0 <= ref.best_start(data, PROCESSES["constant"], np.arange(40)).cost < 1e-28


def test_log_normal_data_end_at_the_terminal_gaussian(process: ref.Process) -> None:
    target = LOG_NORMALS["log-normal-2d"]
    end = target.diffuse(process, process.horizon)
    found = ref.terminal_gaussian(ref.log_moments(target), process)
    np.testing.assert_array_equal(found.mean, end.log_mean)
    np.testing.assert_allclose(found.cov, end.log_cov, rtol=1e-15)
    assert 0.0 <= ref.terminal_mismatch(end, ref.log_moments(target), process) < 1e-28


def test_price_of_a_class_average_given_the_class() -> None:
    """E22: 1/2 [tr C_c / v - log det(I + C_c / v) + |log xbar_c - a_c|^2 / v]."""
    process = PROCESSES["constant"]
    v = process.log_var(process.horizon)
    points = np.array([[0.7, 1.3], [1.9, 0.6], [2.4, 2.2]])
    start = ref.from_class_averages(ref.class_averages(points, np.zeros(3)), process)
    given = ref.log_moments(ref.PointMasses(points))
    shift = start.log_means[0] - process.log_mean(process.horizon) - given.mean
    ratios = np.linalg.eigvalsh(given.cov) / v
    price = 0.5 * (np.sum(ratios - np.log1p(ratios)) + shift @ shift / v)
    one = ref.LogNormal(start.log_means[0], start.log_covs[0])
    assert ref.terminal_mismatch(one, given, process) == pytest.approx(price, rel=1e-13)


def test_split_of_the_divergence() -> None:
    """R23 for a mixture p on the line: KL(p || g) - KL(p || n) = KL(n || g), by quadrature."""
    process, points = PROCESSES["constant"], ref.PointMasses([[0.7], [1.9], [6.5]])
    law, data = points.diffuse(process, process.horizon), ref.log_moments(points)
    y = np.linspace(-9.0, 11.0, 2001)
    x = np.exp(y)[:, None]
    weight = np.exp(law.logpdf(x) + y) * (y[1] - y[0])
    n = ref.terminal_gaussian(data, process)
    g = ref.LogNormal([0.4], 1.7)
    gap = np.sum(weight * (ref.LogNormal(n.mean, n.cov).logpdf(x) - g.logpdf(x)))
    assert gap == pytest.approx(ref.terminal_mismatch(g, data, process), rel=1e-12)
    end = ref.Gaussian(g.log_mean, g.log_cov)
    assert gap == pytest.approx(ref.kl_divergence(n, end), rel=1e-12)
