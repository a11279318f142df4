"""Tests of gbm_ref.targets: densities, scores, diffusion and draws."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from scipy.integrate import trapezoid

from gbm_ref import LogNormal, LogNormalMixture, PointMasses, Process, Target
from tests.support import mp_reference
from tests.support.assertions import assert_accurate
from tests.support.cases import generator
from tests.support.problems import BLURRED, DATA_SETS, MIXTURES, PROCESSES, TARGETS, states


def condition(target: Target, x: np.ndarray) -> np.ndarray:
    """Upper bound (n, 1) of the condition scale of the log score: a pull S_j^-1 (y - a_j) is as
    wrong as its terms; the shares carry the rounding of exponents times the spread of pulls."""
    parts = mp_reference.components(target)
    y = np.log(x)
    pulls, exponents = [], []
    for _, mean, cov in parts:
        a = np.array([float(value) for value in mean])
        smallest = float(min(mpmath.eigsy(cov, eigvals_only=True)))
        pulls.append((np.linalg.norm(y, axis=-1) + np.linalg.norm(a)) / smallest)
        exponents.append(np.sum((np.abs(y) + np.abs(a)) ** 2, axis=-1) / (2 * smallest))
    spread = np.max(pulls, axis=0) if len(parts) > 1 else 0.0
    return (1 + np.max(pulls, axis=0) + spread * np.max(exponents, axis=0))[:, None]


@pytest.fixture(params=list(TARGETS))
def target(request: pytest.FixtureRequest) -> Target:
    return TARGETS[request.param]


def exact_stein(target: Target, x: np.ndarray) -> list[mpf]:
    mixture = mp_reference.components(target)
    return [s for row in x.tolist() for s in mp_reference.stein(mixture, [mpf(a) for a in row])]


def test_scores_are_derivatives_of_the_density(target: Target) -> None:
    x = states(target.d, count=6)
    stein = exact_stein(target, x)
    hyvarinen = [mpf(a) * s for a, s in zip(x.ravel().tolist(), stein, strict=True)]
    log_score = [1 + h for h in hyvarinen]
    scale = condition(target, x)
    assert_accurate(target.log_score(x), log_score, scale, k=8)
    assert_accurate(target.hyvarinen_score(x), hyvarinen, scale, k=8)
    assert_accurate(target.stein_score(x), stein, scale / x, k=8)


@pytest.mark.parametrize("process_name", list(PROCESSES))
def test_diffused_scores_are_derivatives_too(target: Target, process_name: str) -> None:
    diffused = target.diffuse(PROCESSES[process_name], 0.37)
    x = states(target.d, count=3)
    stein = exact_stein(diffused, x)
    assert_accurate(diffused.stein_score(x), stein, condition(diffused, x) / x, k=8)


def test_logpdf_matches_mpmath(target: Target) -> None:
    x = states(target.d, count=6)
    mixture = mp_reference.components(target)
    exact = [mp_reference.logpdf(mixture, [mpf(a) for a in row]) for row in x.tolist()]
    assert_accurate(target.logpdf(x), exact, condition(target, x)[:, 0] * 10, k=8)


def test_density_integrates_to_one(target: Target) -> None:
    """Trapezoids over log x converge geometrically for a Gaussian mixture: 1e-13 is rounding."""
    axis = np.linspace(-7.5, 7.5, 401)
    y = np.stack(np.meshgrid(*[axis] * target.d, indexing="ij"), axis=-1)
    density = np.exp(target.logpdf(np.exp(y)) + y.sum(axis=-1))
    for _ in range(target.d):
        density = trapezoid(density, axis, axis=-1)
    assert float(density) == pytest.approx(1.0, abs=1e-13)


@pytest.mark.parametrize("process", list(PROCESSES.values()), ids=list(PROCESSES))
@pytest.mark.parametrize("name", ["log-normal-1d", "mixture-1d", "points-1d"])
def test_diffuse_is_the_integral_of_the_kernel(name: str, process: Process) -> None:
    """p_t(x) = E p(x | X_0) by quadrature over the data law, the kernel written out."""
    target, t = TARGETS[name], 0.42
    m, v = process.log_mean(t), process.log_var(t)
    y0 = np.linspace(-7.5, 7.5, 4001)
    weight = np.exp(target.logpdf(np.exp(y0)[:, None]) + y0)
    for x in (0.4, 1.3, 3.1):
        kernel = np.exp(-((np.log(x) - y0 - m) ** 2) / (2 * v)) / (x * np.sqrt(2 * np.pi * v))
        mixed = trapezoid(weight * kernel, y0)
        found = np.exp(target.diffuse(process, t).logpdf(np.array([x])))
        assert float(found) == pytest.approx(mixed, rel=1e-11)


@pytest.mark.parametrize("name", list(DATA_SETS))
def test_point_masses_have_the_score_of_r3(name: str) -> None:
    """H = -1 + (sum_n r_n log x_n + m - log x) / v with r = softmax, at 50 digits."""
    data, process, t = DATA_SETS[name], PROCESSES["constant"], 0.19
    x = states(data.d, count=5)
    m = (mpf(0.13) - mpf(0.7) ** 2 / 2) * mpf(t)
    v = mpf(0.7) ** 2 * mpf(t)
    y = [mpmath.log(mpf(a)) for a in x.ravel().tolist()]
    means = mp_reference.posterior_means(data.points, x, m, v)
    exact = [-1 + (mean + m - y_i) / v for mean, y_i in zip(means, y, strict=True)]
    diffused = data.diffuse(process, t)
    assert_accurate(diffused.hyvarinen_score(x), exact, condition(diffused, x), k=8)


def test_point_masses_are_a_mixture_of_equal_components() -> None:
    blurred = BLURRED["points-2d"]
    n = blurred.points.shape[0]
    same = LogNormalMixture(np.full(n, 1 / n), np.log(blurred.points), np.full(n, 0.09))
    x = states(2)
    np.testing.assert_allclose(blurred.logpdf(x), same.logpdf(x), rtol=0, atol=1e-12)
    np.testing.assert_allclose(blurred.log_score(x), same.log_score(x), rtol=0, atol=1e-11)


@pytest.mark.parametrize("name", ["mixture-1d", "mixture-2d", "points-1d", "points-2d"])
@pytest.mark.parametrize("log_x", [-700.0, -90.0, 90.0, 700.0])
def test_scores_are_stable_far_in_the_tails(name: str, log_x: float) -> None:
    """Every weight w_j N(y; ...) underflows there; only their ratios matter."""
    target = TARGETS[name]
    x = np.exp(log_x * np.linspace(1.0, 0.9, target.d))[None]
    score = target.log_score(x)
    assert np.isfinite(target.logpdf(x)).all()
    mixture = mp_reference.components(target)
    exact = [1 + h for h in mp_reference.hyvarinen(mixture, [mpf(a) for a in x[0].tolist()])]
    assert_accurate(score, exact, condition(target, x), k=8)


def test_cdf_is_the_integral_of_the_density() -> None:
    for name in ("log-normal-1d", "mixture-1d", "points-1d"):
        target = TARGETS[name]
        exact, parts = [], mp_reference.components(target)
        for y in map(mpmath.log, map(mpf, (0.2, 0.9, 1.8, 6.5))):
            each = [w * mpmath.ncdf((y - a[0]) / mpmath.sqrt(cov[0])) for w, a, cov in parts]
            exact.append(mpmath.fsum(each))
        assert_accurate(target.cdf(np.array([[0.2], [0.9], [1.8], [6.5]])), exact, 10.0, k=8)


def test_cdf_of_a_data_set_is_a_staircase() -> None:
    found = DATA_SETS["points-1d"].cdf(np.array([[0.69], [0.7], [2.0], [2.4]]))
    np.testing.assert_allclose(found, [0.0, 1 / 3, 2 / 3, 1.0], rtol=1e-15)


def test_diffusing_twice_is_diffusing_once_and_for_no_time_changes_nothing() -> None:
    """The semigroup: t = 0.3 then 0.5 more, for constant coefficients."""
    process = PROCESSES["constant"]
    for target in TARGETS.values():
        x = states(target.d, count=4)
        twice = target.diffuse(process, 0.3).diffuse(process, 0.5)
        once = target.diffuse(process, 0.8)
        np.testing.assert_allclose(twice.logpdf(x), once.logpdf(x), rtol=0, atol=1e-12)
    process = PROCESSES["time-varying"]
    for target in TARGETS.values():
        x = states(target.d, count=4)
        np.testing.assert_array_equal(target.diffuse(process, 0.0).logpdf(x), target.logpdf(x))


def test_one_state_and_a_batch_agree() -> None:
    for target in TARGETS.values():
        x = states(target.d, count=4).reshape(2, 2, target.d)
        assert target.logpdf(x).shape == (2, 2)
        assert target.log_score(x).shape == x.shape
        one = x[1, 0]
        assert target.logpdf(one).shape == ()
        np.testing.assert_allclose(target.logpdf(one), target.logpdf(x)[1, 0], rtol=1e-14)
        found, wanted = target.hyvarinen_score(one), target.hyvarinen_score(x)[1, 0]
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-13)


def test_other_forms_of_the_same_parameters() -> None:
    """A diagonal as a vector, a mixture of one component, and whole numbers."""
    short = LogNormal(np.array([0.3, -0.4]), np.array([0.2, 0.5]))
    full = LogNormal(np.array([0.3, -0.4]), np.diag([0.2, 0.5]))
    np.testing.assert_array_equal(short.log_cov, full.log_cov)
    single = TARGETS["log-normal-2d"]
    assert isinstance(single, LogNormal)
    mixture = LogNormalMixture(np.ones(1), single.log_mean[None], single.log_cov[None])
    x = states(2)
    np.testing.assert_allclose(mixture.log_score(x), single.log_score(x), rtol=1e-15)
    np.testing.assert_allclose(mixture.logpdf(x), single.logpdf(x), rtol=0, atol=1e-14)
    mixture = MIXTURES["mixture-1d"]
    assert mixture.log_covs.shape == (2, 1, 1)
    assert PointMasses(np.array([[1, 2]]), 0.5).points.dtype == np.float64


def test_a_singular_law_becomes_regular_by_diffusion() -> None:
    flat = LogNormal(np.array([0.3, -0.4]), np.array([[0.2, 0.2], [0.2, 0.2]]))
    with pytest.raises(ValueError, match="no density"):
        flat.logpdf(states(2))
    assert np.isfinite(flat.diffuse(PROCESSES["constant"], 0.1).logpdf(states(2))).all()


def test_draws_of_a_data_set_are_its_points() -> None:
    data = DATA_SETS["points-2d"]
    drawn = data.rvs(200, generator("points of a data set"))
    assert {tuple(row) for row in drawn.tolist()} == {tuple(row) for row in data.points.tolist()}
