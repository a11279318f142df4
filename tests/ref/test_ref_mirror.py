"""Tests of gbm_ref.mirror: mirror steps by their definition, the law of mirrored Langevin."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from scipy.optimize import minimize

import gbm_ref as ref
from tests.support.assertions import assert_accurate
from tests.support.problems import LOG_NORMALS, draws, states

W = np.array([0.7, -1.6, 0.2, -0.05])
GRAD = np.array([1.3, 0.4, -2.1, 0.6])
ETA = 0.37


def test_exponentiated_gradient_is_the_mirror_step_of_the_entropy() -> None:
    """Eq. (19): grad phi(w') = grad phi(w) - eta grad, for weights of either sign; 0 stays 0."""
    moved = ref.exponentiated_gradient_step(W, GRAD, ETA)
    dual = ref.ENTROPY.gradient(W) - ETA * GRAD
    np.testing.assert_allclose(ref.ENTROPY.gradient(moved), dual, rtol=1e-14)
    assert (np.sign(moved) == np.sign(W)).all()
    assert ref.exponentiated_gradient_step(np.array([0.0, 1.2]), GRAD[:2], ETA)[0] == 0.0


def test_gradient_step_is_the_mirror_step_of_half_the_square() -> None:
    """E8: of |w|^2 / 2; with |w|^2 the step would be half as long."""
    moved = ref.gradient_step(W, GRAD, ETA)
    np.testing.assert_allclose(ref.EUCLIDEAN.gradient(moved), W - ETA * GRAD, rtol=1e-15)
    np.testing.assert_allclose(moved, [0.219, -1.748, 0.977, -0.272], rtol=1e-14)


STEPS = {"exponentiated_gradient_step": ref.ENTROPY, "gradient_step": ref.EUCLIDEAN}


@pytest.mark.parametrize("name", STEPS)
def test_steps_minimise_the_proximal_objective(name: str) -> None:
    """Eq. (18): w' = argmin <grad, w> + D_phi(w, w_k) / eta, on the orthant of w_k."""
    phi, signs = STEPS[name], np.sign(W)

    def objective(log_w: np.ndarray) -> float:
        w = signs * np.exp(log_w)
        return float(GRAD @ w + ref.bregman(phi, w, W) / ETA)

    moved = getattr(ref, name)(W, GRAD, ETA)
    assert (np.sign(moved) == signs).all()
    found = minimize(objective, np.log(np.abs(W)), method="BFGS", options={"gtol": 1e-9})
    np.testing.assert_allclose(moved, signs * np.exp(found.x), rtol=0, atol=1e-6)


def test_bregman_divergences_by_hand() -> None:
    """E12: D(-0.3, 0.1) = -0.65 across signs; 0 is in the domain of the value only."""
    w, other = np.array([[0.7, 1.6], [2.0, 0.3]]), np.array([[1.1, 0.4], [0.5, 0.9]])
    square = ((w - other) ** 2).sum(axis=1) / 2
    np.testing.assert_allclose(ref.bregman(ref.EUCLIDEAN, w, other), square, rtol=1e-14)
    relative_entropy = (w * np.log(w / other) - w + other).sum(axis=1)
    for sign in (1, -1):
        found = ref.bregman(ref.ENTROPY, sign * w, sign * other)
        np.testing.assert_allclose(found, relative_entropy, rtol=1e-13)
    assert float(ref.bregman(ref.ENTROPY, w[0], w[0])) == 0.0
    assert f"{float(ref.bregman(ref.ENTROPY, [-0.3], [0.1])):.2f}" == "-0.65"
    assert float(ref.bregman(ref.ENTROPY, [0.0], [0.4])) == pytest.approx(0.4, rel=1e-15)


def test_mirrored_langevin_step_is_equation_22() -> None:
    x, z, delta = states(2), draws(12, 2), 0.03
    stein = np.linspace(-4.1, 3.3, 24).reshape(12, 2)
    found = ref.mirrored_langevin_step(x, stein, delta, z)
    exact, root = [], mpmath.sqrt(2 * delta)
    for row in zip(x.ravel(), stein.ravel(), z.ravel(), strict=True):
        a, s, b = map(mpf, map(float, row))
        exact.append(a * mpmath.exp(mpf(delta) * (1 + a * s) + root * b))
    size = 1 + delta * (1 + np.abs(x * stein)) + np.sqrt(2 * delta) * np.abs(z)
    assert_accurate(found, exact, found * size, k=8)


DELTA = 0.04


def langevin(target: ref.LogNormal, noise: float = 1.0, jacobian: float = 0.0) -> ref.Sampler:
    """The chain on `target`; noise and jacobian plant the slips of E14 and E20."""

    def sampler(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        for draw in z:
            stein = target.stein_score(x) - jacobian / x
            x = ref.mirrored_langevin_step(x, stein, DELTA, noise * draw)
        return x

    return sampler


@pytest.mark.parametrize("steps", [1, 7, 60])
@pytest.mark.parametrize("name", list(LOG_NORMALS))
def test_law_of_the_chain(name: str, steps: int) -> None:
    """R22 by probe on the step itself, from a start of another mean and covariance."""
    target = LOG_NORMALS[name]
    start = ref.Gaussian(target.log_mean + 0.6, 1.7 * target.log_cov + 0.1 * np.eye(target.d))
    law = ref.mirrored_langevin_law(target.log_mean, target.log_cov, DELTA, steps, start)
    ref.assert_law(langevin(target), start, law, rows=steps)


@pytest.mark.parametrize("slip", [{"noise": 0.5**0.5}, {"jacobian": 1.0}])
def test_slips_in_the_chain_are_rejected(slip: dict[str, float]) -> None:
    """Noise 1 instead of sqrt(2), and the + 1 of eq. (22) forgotten (E20, E14)."""
    target = LOG_NORMALS["log-normal-1d"]
    start = ref.Gaussian(target.log_mean, target.log_cov)
    law = ref.mirrored_langevin_law(*start, DELTA, 9, start)
    with pytest.raises(ref.LawRejected):
        ref.assert_law(langevin(target, **slip), start, law, rows=9)


def test_limit_of_the_chain() -> None:
    """R22: V = Sigma (I - delta / 2 Sigma^-1)^-1 and the mean exact; no step leaves the start."""
    start = ref.Gaussian(np.array([2.0, -1.0]), np.eye(2))
    target = LOG_NORMALS["log-normal-2d"]
    at = (target.log_mean, target.log_cov, DELTA)
    law, s = ref.mirrored_langevin_law(*at, 100_000, start), target.log_cov
    limit = s @ np.linalg.inv(np.eye(2) - DELTA / 2 * np.linalg.inv(s))
    np.testing.assert_allclose(law.cov, limit, rtol=1e-12)
    np.testing.assert_allclose(law.mean, target.log_mean, rtol=1e-13)
    unmoved = ref.mirrored_langevin_law(*at, 0, start)
    np.testing.assert_allclose(unmoved.cov, start.cov, rtol=0, atol=1e-15)
    np.testing.assert_allclose(unmoved.mean, start.mean, rtol=1e-15)


@pytest.mark.parametrize("delta", [1.0, 2.0])
def test_steps_at_which_the_recursion_is_special(delta: float) -> None:
    """alpha = 0 (delta = lambda) forgets the start; alpha = -1 (delta = 2 lambda) has no limit."""
    start = ref.Gaussian(np.array([0.7]), np.array([[0.3]]))
    law = ref.mirrored_langevin_law(np.array([0.2]), 1.0, delta, 5, start)
    alpha, var, mean = 1 - delta, 0.3, 0.5
    for _ in range(5):
        mean, var = alpha * mean, alpha**2 * var + 2 * delta
    assert law.cov[0, 0] == pytest.approx(var, rel=1e-14)
    assert law.mean[0] == pytest.approx(0.2 + mean, rel=1e-14)


def test_kl_of_the_limit_is_that_of_e20() -> None:
    """KL = d / 2 (c - 1 - ln c), c = 1 / (1 - delta / (2 sigma^2)); slope 2 in delta."""
    var, values = 0.49, []
    target = ref.Gaussian(np.array([0.3, -0.2]), var * np.eye(2))
    for delta in (0.02, 0.01, 0.005):
        law = ref.mirrored_langevin_law(target.mean, var, delta, 10**6, target)
        c = 1 / (1 - mpf(delta) / (2 * mpf(var)))
        exact = float(c - 1 - mpmath.log(c))
        values.append(ref.kl_divergence(law, target))
        assert values[-1] == pytest.approx(exact, rel=1e-11)
    assert values[-1] == pytest.approx(2 * 0.005**2 / (16 * var**2), rel=0.01)
    assert np.abs(np.log2(np.array(values[:-1]) / values[1:]) - 2).max() < 0.03
