"""Tests of gbm_ref.posterior, against Bayes' rule and derivatives of the density at 50 digits."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import gbm_ref as ref
from tests.support import mp_reference
from tests.support.assertions import assert_accurate, assert_inaccurate
from tests.support.cases import generator
from tests.support.mp_log_space import Row, bend, diffused, kernel, log_q, logs, moved, slope
from tests.support.problems import DATA_SETS, PROCESSES, TARGETS, states

P = PROCESSES["constant"]
EVERY: dict[str, ref.Target] = {**TARGETS, **DATA_SETS}
CASES = [(name, t) for name in EVERY for t in (0.37, 1e-3)]


@pytest.fixture(params=CASES, ids=[f"{name}-{t}" for name, t in CASES])
def case(request: pytest.FixtureRequest) -> tuple[ref.Target, float]:
    name, t = request.param
    return EVERY[name], t


def sizes(target: ref.Target, x: np.ndarray, t: float) -> tuple[float, float]:
    """Size of the logarithms in play, and of the components' exponents: their rounding is a
    relative error of the weights, which multiplies the spread of whatever is averaged."""
    parts = diffused(target, P, t)
    means = max(abs(float(a)) for _, mean, _ in parts for a in mean)
    smallest = min(float(min(mpmath.eigsy(cov, eigvals_only=True))) for *_, cov in parts)
    size = float(np.max(np.abs(np.log(x)))) + means + abs(P.log_mean(t))
    return size, 1 + (target.d * size**2 / smallest if len(parts) > 1 else 0.0)


def test_weights_are_bayes_rule(case: tuple[ref.Target, float]) -> None:
    target, t = case
    x = states(target.d, count=4)
    found = ref.posterior_weights(x, target, P, t)
    exact = []
    for y in logs(x):
        point = [mpmath.exp(e) for e in y]
        each = [mpmath.exp(mp_reference.logpdf([part], point)) for part in diffused(target, P, t)]
        exact += [one / mpmath.fsum(each) for one in each]
    assert_accurate(found, exact, sizes(target, x, t)[1] * np.maximum(found, 1e-300), k=8)
    np.testing.assert_allclose(found.sum(axis=-1), 1.0, rtol=1e-15)


@pytest.mark.parametrize("name", list(TARGETS))
def test_law_is_prior_times_kernel_over_marginal(name: str) -> None:
    target, t = TARGETS[name], 0.37
    x, x0 = states(target.d, count=5)[2], states(target.d, count=6)
    law = ref.posterior_law(x, target, P, t)
    is_single = isinstance(target, ref.LogNormal)
    assert isinstance(law, ref.LogNormal if is_single else ref.LogNormalMixture)
    prior, (m, v) = mp_reference.components(target), kernel(P, t)
    (y,) = logs(x[None])
    marginal, exact = log_q(diffused(target, P, t))(y), []
    for row, y0 in zip(x0.tolist(), logs(x0), strict=True):
        squares = mpmath.fsum((b - a - m) ** 2 for a, b in zip(y0, y, strict=True))
        log_kernel = -squares / (2 * v) - target.d * mpmath.log(2 * mpmath.pi * v) / 2
        exact.append(mp_reference.logpdf(prior, [mpf(e) for e in row]) + log_kernel - marginal)
    size, exponent = sizes(target, np.append(x0, x[None], axis=0), 0.0)
    assert_accurate(law.logpdf(x0), exact, exponent + size**2 / P.log_var(t) + 1 / 0.09, k=8)


@pytest.mark.parametrize("name", list(DATA_SETS))
def test_law_of_a_data_set_lives_on_the_points_that_are_possible(name: str) -> None:
    data = DATA_SETS[name]
    x = data.points[1] * 1.1
    for t in (0.5, 1e-6):
        weights, law = ref.posterior_weights(x, data, P, t), ref.posterior_law(x, data, P, t)
        assert isinstance(law, ref.LogNormalMixture)
        possible = weights > 0.0
        assert possible.all() == (t == 0.5)
        np.testing.assert_allclose(law.weights, weights[possible], rtol=1e-15)
        np.testing.assert_array_equal(law.log_means, np.log(data.points[possible]))
        assert (law.log_covs == 0.0).all()
        drawn = law.rvs(20, generator("possible points", name))
        assert np.min(np.abs(drawn[:, None] - data.points), axis=1).max() < 1e-15 * 8


def test_mean_and_covariance_come_from_the_score(case: tuple[ref.Target, float]) -> None:
    """R5: y - m + v s and v I + v^2 grad s, for any data law; and the twins are refused."""
    target, t = case
    x = states(target.d, count=3)
    mean, cov = (f(x, target, P, t) for f in (ref.posterior_log_mean, ref.posterior_log_cov))
    size, exponent = sizes(target, x, t)
    exact: dict[str, list[mpf]] = {name: [] for name in ("mean", "+m", "cov", "v", "minus")}
    with mpmath.workdps(80):
        (m, v), q = kernel(P, t), log_q(diffused(target, P, t))
        for y in logs(x):
            for i, e in enumerate(y):
                pull = v * slope(q, y, i)
                exact["mean"].append(e - m + pull)
                exact["+m"].append(e + m + pull)
                for j in range(target.d):
                    change, own = v**2 * bend(q, y, i, j), v * (i == j)
                    exact["cov"].append(own + change)
                    exact["v"].append(change)
                    exact["minus"].append(own - change)
    scale = size**2 * exponent
    assert_accurate(mean, exact["mean"], size * exponent, k=8)
    assert_accurate(cov, exact["cov"], scale, k=8)
    np.testing.assert_array_equal(cov, np.swapaxes(cov, -1, -2))
    for found, twins in ((mean, ("+m",)), (cov, ("v", "minus"))):
        for twin in twins:
            assert_inaccurate(found, exact[twin], scale, k=8)


def test_denoiser_of_the_exact_score_is_the_posterior_mean(case: tuple[ref.Target, float]) -> None:
    target, t = case
    x = states(target.d, count=6).reshape(2, 3, target.d)
    denoised = ref.denoiser(x, ref.exact_score(target, P)(x, t), P, t)
    found = ref.posterior_log_mean(x, target, P, t)
    assert found.shape == x.shape
    np.testing.assert_allclose(found, denoised, rtol=0, atol=1e-12)


@pytest.mark.parametrize("power", [1.0, -2.5, 0.3])
def test_moments_are_the_non_local_formula(case: tuple[ref.Target, float], power: float) -> None:
    """R6 at 50 digits: a (y_i - m) + a^2 v / 2 + log q(y + a v e_i) - log q(y)."""
    target, t = case
    x = states(target.d, count=3)
    found = ref.log_posterior_moment(x, target, P, t, power)
    exact, no_power, minus = [], [], []
    (m, v), q, a = kernel(P, t), log_q(diffused(target, P, t)), mpf(power)
    for y in logs(x):
        for i, e in enumerate(y):

            def ratio(shift: mpf, y: Row = y, i: int = i) -> mpf:
                return q(moved(y, (i, shift))) - q(y)

            exact.append(a * (e - m) + a**2 * v / 2 + ratio(a * v))
            no_power.append(a * (e - m) + a**2 * v / 2 + ratio(v))
            minus.append(a * (e - m) - a**2 * v / 2 + ratio(a * v))
    size, exponent = sizes(target, x, t)
    scale = abs(power) * size + power**2 * float(v) + exponent
    assert_accurate(found, exact, scale, k=8)
    for twin in [minus] if power == 1.0 else [minus, no_power]:
        assert_inaccurate(found, twin, scale, k=8)


def test_arithmetic_mean_is_above_the_geometric_one() -> None:
    for target in EVERY.values():
        x = states(target.d)
        arithmetic = ref.log_posterior_moment(x, target, P, 0.4)
        assert (arithmetic > ref.posterior_log_mean(x, target, P, 0.4)).all()
        assert np.abs(ref.log_posterior_moment(x, target, P, 0.4, power=0.0)).max() < 1e-15


@pytest.mark.parametrize("name", ["mixture-2d", "points-2d"])
def test_far_tails_and_tiny_times_are_finite(name: str) -> None:
    target = EVERY[name]
    x = np.exp(np.array([[-700.0, 650.0], [700.0, 30.0]]))
    for t in (1e-12, 0.9):
        assert np.isfinite(ref.posterior_log_mean(x, target, P, t)).all()
        assert np.isfinite(ref.log_posterior_moment(x, target, P, t)).all()
        law = ref.posterior_law(x[0], target, P, t)
        assert (law.rvs(3, generator("far tails", name)) > 0.0).all()
    values = np.linalg.eigvalsh(ref.posterior_log_cov(x, target, P, 1e-12))
    assert (values >= -1e-25).all() and (values <= P.log_var(1e-12) * (1 + 1e-9)).all()


def test_at_time_zero_the_state_is_the_data() -> None:
    for target in TARGETS.values():
        x = states(target.d, count=3)
        at = (x, target, P, 0.0)
        mean, moment = ref.posterior_log_mean(*at), ref.log_posterior_moment(*at, 3.0)
        np.testing.assert_allclose(mean, np.log(x), rtol=0, atol=1e-15)
        assert (ref.posterior_log_cov(*at) < 1e-30).all()
        np.testing.assert_allclose(moment, 3 * np.log(x), rtol=0, atol=1e-14)


def test_a_law_without_a_density_has_a_posterior_above_time_zero() -> None:
    flat = ref.LogNormal([0.1, 0.2], [[0.2, 0.2], [0.2, 0.2]])
    law = ref.posterior_law(states(2)[0], flat, P, 0.3)
    assert isinstance(law, ref.LogNormal)
    gain = 0.4 / (0.4 + P.log_var(0.3))
    np.testing.assert_allclose(law.log_cov, np.full((2, 2), P.log_var(0.3) * gain / 2), rtol=1e-14)
