"""The losses by hand, their floors, and the explicit and implicit forms up to exact constants.
Expectations over Gaussian data and noise are Gauss-Hermite sums: exact for polynomials."""

import numpy as np
import pytest
from mpmath import harmonic, psi

import gbm_ref as ref
from tests.support.problems import LOG_NORMALS, MIXTURES, PROCESSES, draws, states

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(12)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def model(x: np.ndarray, t: float) -> np.ndarray:
    return 0.4 - 1.3 * np.log(x) + t


TARGET, PROCESS = LOG_NORMALS["log-normal-1d"], PROCESSES["constant"]


def expected_loss(score: ref.Score, t: float, process: ref.Process = PROCESS) -> float:
    """E of the unweighted loss for TARGET, over X_0 and z."""
    a, b = np.meshgrid(NODES, NODES, indexing="ij")
    x0 = np.exp(TARGET.log_mean[0] + np.sqrt(TARGET.log_cov[0, 0]) * a.ravel())[:, None]
    loss = ref.m_dsm(score, x0, t, b.ravel()[:, None], process)
    return float(np.outer(WEIGHTS, WEIGHTS).ravel() @ loss.per_sample)


@pytest.mark.parametrize("process", list(PROCESSES.values()), ids=list(PROCESSES))
def test_loss_is_half_the_squared_difference_from_the_kernel_score(process: ref.Process) -> None:
    """Eqs. (15) and (16) of version 2, with eq. (16) evaluated at the noised state."""
    x0, z, t = states(2), draws(12, 2), 0.44
    found = ref.m_dsm(model, x0, t, z, process)
    x_t = process.sample(x0, t, z)
    target = ref.conditional_hyvarinen_score(x_t, x0, process, t)
    np.testing.assert_allclose(found.h_target, target, rtol=0, atol=1e-12 / process.log_var(t))
    np.testing.assert_array_equal(found.h_model, model(x_t, t))
    by_hand = 0.5 * ((found.h_target - model(x_t, t)) ** 2).sum(axis=1)
    np.testing.assert_allclose(found.per_sample, by_hand, rtol=1e-14)
    assert found.loss == pytest.approx(by_hand.mean(), rel=1e-14)


@pytest.mark.parametrize("t", [0.02, 0.5, 0.9])
def test_m_dsm_and_m_esm_differ_by_a_constant(t: float) -> None:
    """Theorem 4.1 of version 2: the gap is C(t) = v0 / (2 v (v0 + v)) for every model (R4b)."""
    v, v0 = PROCESS.log_var(t), 0.23
    exact = ref.exact_score(TARGET, PROCESS)
    x_t = np.exp(TARGET.log_mean[0] + PROCESS.log_mean(t) + np.sqrt(v0 + v) * NODES)[:, None]

    def shifted(x: np.ndarray, time: float) -> np.ndarray:
        return exact(x, time) + 0.7

    for score in (exact, model, shifted):
        esm = 0.5 * WEIGHTS @ ((exact(x_t, t) - score(x_t, t)) ** 2)[:, 0]
        assert expected_loss(score, t) - esm == pytest.approx(v0 / (2 * v * (v0 + v)), rel=1e-11)


def test_floor_of_the_loss_over_the_grid() -> None:
    """R4b: mean of C(t_k) over k = 1..N in closed form, with harmonic and digamma functions."""
    process, steps, v0 = ref.GBM(mu=0.13, sigma=0.8), 40, 0.23
    h, exact = 0.8**2 / steps, ref.exact_score(TARGET, process)
    floors = [expected_loss(exact, k / steps, process) for k in range(1, steps + 1)]
    q = v0 / h
    closed = (harmonic(steps) - psi(0, q + steps + 1) + psi(0, q + 1)) / (2 * steps * h)
    assert np.mean(floors) == pytest.approx(float(closed), rel=1e-11)


@pytest.mark.parametrize("t", [0.01, 0.6])
def test_moments_of_the_regression_target(t: float) -> None:
    """R4: mean -1 and second moment 1 + 1/v, which is why the unweighted loss is heavy."""
    process = PROCESSES["constant"]
    x0 = np.full((NODES.size, 1), 1.4)
    target = ref.m_dsm(model, x0, t, NODES[:, None], process).h_target[:, 0]
    assert WEIGHTS @ target == pytest.approx(-1.0, abs=1e-12)
    assert WEIGHTS @ target**2 == pytest.approx(1 + 1 / process.log_var(t), rel=1e-12)


def test_variance_weighting_is_a_regression_of_the_noise() -> None:
    process, x0, z, t = PROCESSES["constant"], states(2), draws(12, 2), 0.3
    loss = ref.m_dsm(model, x0, t, z, process, ref.variance_weighting)
    noise = ref.noise_from_hyvarinen(loss.h_model, process, t)
    np.testing.assert_allclose(loss.per_sample, 0.5 * ((noise - z) ** 2).sum(axis=1), rtol=1e-12)


def test_weightings_multiply_the_loss() -> None:
    """EDM's: lambda |dh|^2 = (v + s^2) / (v s^2) |dD|^2, because the denoiser is D = ... + v h."""
    v, log_std = 0.37, 0.6
    weight = ref.PreconditionedWeighting(log_std)(v)
    assert weight / v**2 == pytest.approx((v + log_std**2) / (v * log_std**2), rel=1e-14)
    process, x0, z, t = PROCESSES["variance-exploding"], states(2), draws(12, 2), 0.8
    v = process.log_var(t)
    plain = ref.m_dsm(model, x0, t, z, process, ref.unweighted).loss
    assert ref.m_dsm(model, x0, t, z, process).loss == plain
    for weighting in (ref.variance_weighting, ref.PreconditionedWeighting(0.6)):
        found = ref.m_dsm(model, x0, t, z, process, weighting).loss
        assert found == pytest.approx(weighting(v) * plain, rel=1e-14)


@pytest.mark.parametrize("name", PROCESSES)
def test_likelihood_weighting_is_the_rate_of_v(name: str) -> None:
    """sigma^2 = dv/dt at the time with v(t) = v, by a central difference (error of order step^2).
    Refuses sigma for sigma^2, and the rate at another time: both are off by far more than 1e-5."""
    process, step = PROCESSES[name], 1e-4
    for t in (0.2, 0.6):
        rate = (process.log_var(t + step) - process.log_var(t - step)) / (2 * step)
        found = ref.LikelihoodWeighting(process)(process.log_var(t))
        assert found == pytest.approx(rate, rel=1e-5)
        assert process.diffusion(t) != pytest.approx(rate, rel=1e-2)


def slope(x: np.ndarray, t: float) -> np.ndarray:
    """x d/dx of `model`."""
    return np.full_like(x, -1.3)


def draws_at(t: float) -> np.ndarray:
    """States (12, 1) whose WEIGHTS-mean is the expectation over p_t."""
    law = TARGET.diffuse(PROCESS, t)
    return np.exp(law.log_mean[0] + np.sqrt(law.log_cov[0, 0]) * NODES)[:, None]


@pytest.mark.parametrize("t", [0.02, 0.5, 0.9])
def test_m_dsm_exceeds_m_esm_by_its_floor(t: float) -> None:
    """Theorem 4.1 of version 2 with C(t) = v0 / (2 v (v0 + v)) (claim R4b)."""
    v, v0 = PROCESS.log_var(t), 0.23
    explicit = WEIGHTS @ ref.m_esm(model, TARGET, draws_at(t), t, PROCESS).per_sample
    floor = expected_loss(model, t) - explicit
    assert floor == pytest.approx(v0 / (2 * v * (v0 + v)), rel=1e-11)


@pytest.mark.parametrize("t", [0.0, 0.02, 0.9])
def test_the_implicit_form_differs_by_the_energy_of_the_score(t: float) -> None:
    """Claim R18: M-ESM - implicit = E|h|^2 / 2 for every model; half as many h is refused."""
    x = draws_at(t)
    explicit = ref.m_esm(model, TARGET, x, t, PROCESS)
    implicit = ref.implicit_m_esm(model, slope, x, t, PROCESS)
    gap = WEIGHTS @ (explicit.per_sample - implicit.per_sample)
    energy = WEIGHTS @ (0.5 * np.sum(explicit.h_exact**2, axis=-1))
    assert gap == pytest.approx(energy, rel=1e-11)
    twin = implicit.square + implicit.linear / 2 + implicit.slope
    assert abs(WEIGHTS @ (explicit.per_sample - twin) - energy) > 1e-3


def test_terms_add_up_and_weights_multiply() -> None:
    x, t = states(2), 0.44
    target, v = MIXTURES["mixture-2d"], PROCESS.log_var(0.44)
    exact = ref.exact_score(target, PROCESS)(x, t)
    plain = ref.m_esm(model, target, x, t, PROCESS)
    np.testing.assert_array_equal(plain.h_exact, exact)
    by_hand = 0.5 * ((exact - model(x, t)) ** 2).sum(axis=-1)
    np.testing.assert_allclose(plain.per_sample, by_hand, rtol=1e-14)
    assert plain.loss == pytest.approx(by_hand.mean(), rel=1e-14)
    weighted = ref.m_esm(model, target, x, t, PROCESS, ref.variance_weighting)
    np.testing.assert_allclose(weighted.per_sample, v * by_hand, rtol=1e-14)
    terms = ref.implicit_m_esm(model, slope, x, t, PROCESS, ref.variance_weighting)
    h = model(x, t)
    np.testing.assert_allclose(terms.square, v * 0.5 * (h**2).sum(-1), rtol=1e-14)
    np.testing.assert_allclose(terms.linear, v * h.sum(-1), rtol=1e-14)
    np.testing.assert_allclose(terms.slope, np.full(12, -2.6 * v), rtol=1e-14)


def test_non_negative_score_matching_is_the_implicit_form_at_time_zero() -> None:
    x = states(2)
    h, dh = model(x, 0.0), slope(x, 0.0)
    # psi = h / x, hence d psi / dx = (x dh/dx - h) / x^2.
    found = ref.nonnegative_score_matching(h / x, (dh - h) / x**2, x)
    wanted = ref.implicit_m_esm(model, slope, x, 0.0, PROCESS)
    np.testing.assert_allclose(found.per_sample, wanted.per_sample, rtol=1e-13)


def test_it_finds_the_rate_of_exponential_data_where_plain_score_matching_finds_zero() -> None:
    """Claim E34: the density does not vanish at 0, so the plain form has a boundary term."""
    nodes, weights = np.polynomial.laguerre.laggauss(20)
    true_rate = 1.7
    x = (nodes / true_rate)[:, None]
    rates = np.linspace(0.0, 4.0, 401)

    def loss(rate: float) -> float:
        terms = ref.nonnegative_score_matching(np.full_like(x, -rate), np.zeros_like(x), x)
        return float(weights @ terms.per_sample)

    plain = [0.5 * rate**2 for rate in rates]
    assert rates[np.argmin([loss(rate) for rate in rates])] == pytest.approx(true_rate, abs=1e-9)
    assert rates[np.argmin(plain)] == 0.0
