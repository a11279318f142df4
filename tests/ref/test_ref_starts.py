"""Tests of gbm_ref.starts: moments and fits by hand, and the torch twins."""

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
from tests.support.problems import DATA_SETS, PROCESSES, TARGETS, states
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
        law = ref.from_data(POINTS, process)
        np.testing.assert_array_equal(
            law.logpdf(x), ref.PointMasses(POINTS).diffuse(process, end).logpdf(x)
        )


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
    known = data_statistics(torch.tensor(x), torch.tensor(labels))
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
