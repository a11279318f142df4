"""Tests of gbm_ref.scores: the kernel's score in mpmath and the conversions between forms."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import gbm_ref as ref
from tests.support.assertions import assert_accurate
from tests.support.mp_reference import posterior_means
from tests.support.problems import DATA_SETS, LOG_NORMALS, MIXTURES, PROCESSES, TARGETS, states

H = np.linspace(-7.3, 5.9, 24).reshape(12, 2)


@pytest.mark.parametrize("t", [1e-3, 0.21, 0.88])
def test_conditional_score_is_the_derivative_of_the_kernel(t: float) -> None:
    """Eq. (16) of version 2 (claim A16) against d log p(x | x0) / d log x - 1 at 50 digits."""
    process = ref.GBM(mu=0.13, sigma=0.7, horizon=0.9)
    x, x0 = states(2), states(2)[::-1] * 1.3
    h = ref.conditional_hyvarinen_score(x, x0, process, t)
    m = (mpf(0.13) - mpf(0.7) ** 2 / 2) * mpf(t)
    v = mpf(0.7) ** 2 * mpf(t)

    def log_kernel(value: mpf, start: mpf) -> mpf:
        residual = mpmath.log(value) - mpmath.log(start) - m
        return -mpmath.log(value) - mpmath.log(2 * mpmath.pi * v) / 2 - residual**2 / (2 * v)

    exact = [
        mpf(a) * mpmath.diff(lambda value, b=b: log_kernel(value, mpf(b)), mpf(a))
        for a, b in zip(x.ravel().tolist(), x0.ravel().tolist(), strict=True)
    ]
    scale = 1 + (np.abs(np.log(x)) + np.abs(np.log(x0)) + abs(float(m))) / float(v)
    assert_accurate(h, exact, scale, k=8)


@pytest.mark.parametrize("name", list(PROCESSES))
def test_the_kernel_and_its_score_are_those_of_a_diffused_point(name: str) -> None:
    process, point, x = PROCESSES[name], np.array([1.7, 0.6]), states(2)
    x0, data = np.broadcast_to(point, x.shape), ref.PointMasses(point[None])
    found = ref.conditional_logpdf(x, x0, process, 0.4)
    np.testing.assert_allclose(found, data.diffuse(process, 0.4).logpdf(x), rtol=1e-13)
    with pytest.raises(ValueError, match="number"):
        ref.conditional_logpdf(1.0, 1.0, process, 0.4)
    expected = ref.exact_score(data, process)(x, 0.4)
    found = ref.conditional_hyvarinen_score(x, x0, process, 0.4)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * np.abs(expected).max())


@pytest.mark.parametrize("name", list(PROCESSES))
def test_conversions_invert_each_other(name: str) -> None:
    process, x, t = PROCESSES[name], states(2), 0.53
    v = process.log_var(t)
    scale = 1e-15 * (1 + np.abs(H) + np.abs(np.log(x)) / v + 1 / v)
    for back in (
        ref.hyvarinen_from_stein(x, ref.stein_from_hyvarinen(x, H)),
        ref.hyvarinen_from_log_score(ref.log_score_from_hyvarinen(H)),
        ref.hyvarinen_from_noise(ref.noise_from_hyvarinen(H, process, t), process, t),
        ref.hyvarinen_from_denoiser(x, ref.denoiser(x, H, process, t), process, t),
    ):
        assert (np.abs(back - H) <= 8 * scale).all()


def test_conversions_have_their_closed_forms() -> None:
    """sigma = 0.5, mu = 0.4, t = 1: m = 0.275 and v = 0.25, by hand at x = e, h = 3."""
    process, x, h = ref.GBM(mu=0.4, sigma=0.5), np.array([np.e]), np.array([3.0])
    np.testing.assert_allclose(ref.stein_from_hyvarinen(x, h), [3.0 / np.e], rtol=1e-15)
    np.testing.assert_allclose(ref.log_score_from_hyvarinen(h), [4.0], rtol=1e-15)
    np.testing.assert_allclose(ref.noise_from_hyvarinen(h, process, 1.0), [-2.0], rtol=1e-15)
    np.testing.assert_allclose(ref.denoiser(x, h, process, 1.0), [1 - 0.275 + 1.0], rtol=1e-15)


def test_noise_is_recovered_when_the_data_is_one_point() -> None:
    process, z = ref.GBM(mu=0.4, sigma=0.5), np.array([[0.3, -1.9]])
    x0 = np.array([[1.2, 0.7]])
    x = process.sample(x0, 0.8, z)
    h = ref.conditional_hyvarinen_score(x, x0, process, 0.8)
    np.testing.assert_allclose(ref.noise_from_hyvarinen(h, process, 0.8), z, atol=1e-14)
    np.testing.assert_allclose(ref.denoiser(x, h, process, 0.8), np.log(x0), atol=1e-14)


@pytest.mark.parametrize("data", ["points-1d", "points-2d"])
def test_denoiser_is_the_posterior_mean_of_log_data(data: str) -> None:
    """R5 against Bayes' rule over the data set, in mpmath."""
    process, t, target = ref.GBM(mu=0.13, sigma=0.7), 0.35, DATA_SETS[data]
    x = states(target.d, count=5)
    found = ref.denoiser(x, ref.exact_score(target, process)(x, t), process, t)
    m = (mpf(0.13) - mpf(0.7) ** 2 / 2) * mpf(t)
    exact = posterior_means(target.points, x, m, mpf(0.7) ** 2 * mpf(t))
    # The exponents are as large as |y - log x_n|^2 / 2v < 20, and their rounding is that of r_n.
    assert_accurate(found, exact, 20.0, k=8)


def test_denoiser_is_one_noise_free_dale_langevin_step() -> None:
    process, target, t = ref.GBM(mu=0.13, sigma=0.7), MIXTURES["mixture-2d"], 0.6
    score, x = ref.exact_score(target, process), states(2)
    stepped = ref.DaleLangevin()(process, score, x, t, t, 0.0, np.zeros_like(x))
    expected = ref.denoiser(x, score(x, t), process, t)
    np.testing.assert_allclose(np.log(stepped), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("process_name", list(PROCESSES))
@pytest.mark.parametrize("target_name", list(TARGETS))
def test_exact_score_is_that_of_the_diffused_target(process_name: str, target_name: str) -> None:
    process, target = PROCESSES[process_name], TARGETS[target_name]
    x = states(target.d)
    diffused = target.diffuse(process, 0.7)
    found = ref.exact_score(target, process)(x, 0.7)
    np.testing.assert_array_equal(found, diffused.hyvarinen_score(x))


@pytest.mark.parametrize("weight", [-0.4, 0.0, 1.0, 3.0])
def test_a_guided_score_is_the_slope_of_both_densities(weight: float) -> None:
    """1 + h against differences of (1 - w) log p_u + w log p_c of log X_t; of the class first."""
    process, t, y, step = PROCESSES["constant"], 0.4, np.linspace(-1.0, 1.5, 7), 1e-5
    data = MIXTURES["mixture-1d"], LOG_NORMALS["log-normal-1d"]
    laws = [law.diffuse(process, t) for law in data]
    parts = [ref.exact_score(law, process) for law in data]

    def density(at: np.ndarray) -> np.ndarray:
        of_class, of_all = (law.logpdf(np.exp(at)[:, None]) + at for law in laws)
        return (1 - weight) * of_all + weight * of_class

    slope = (density(y + step) - density(y - step)) / (2 * step)
    found = ref.guided_score(*parts, weight)(np.exp(y)[:, None], t)[:, 0]
    np.testing.assert_allclose(1 + found, slope, rtol=0, atol=1e-8)
    exchanged = ref.guided_score(*parts[::-1], weight)(np.exp(y)[:, None], t)[:, 0]
    other = ref.guided_score(*parts, weight - 1)(np.exp(y)[:, None], t)[:, 0]
    for wrong in (exchanged, other):
        assert np.abs(1 + wrong - slope).max() > 0.1
    if weight in (0.0, 1.0):
        expected = parts[int(1 - weight)](np.exp(y)[:, None], t)[:, 0]
        np.testing.assert_array_equal(found, expected)


def test_a_guided_score_refuses_what_is_no_number_and_no_score() -> None:
    parts = ref.exact_score(MIXTURES["mixture-1d"], PROCESSES["constant"]), lambda x, t: x * np.nan
    with pytest.raises(ValueError, match="weight must be finite"):
        ref.guided_score(*parts, np.inf)
    with pytest.raises(ValueError, match="the score must be finite"):
        ref.guided_score(*parts, 2.0)(np.ones((2, 1)), 0.3)
