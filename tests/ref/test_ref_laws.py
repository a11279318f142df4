"""gbm_ref.laws and .gamma_noise (R24) against mpmath; draws are compared in tests/statistics."""

import math

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import gbm_ref as ref
from tests.support.assertions import UNIT, assert_accurate
from tests.support.problems import states

M = mpmath
LAWS: dict[str, ref.ProductLaw] = {
    "gamma": ref.Gamma(2.3, 0.7),
    "exponential": ref.Gamma(1.0, 1.7),
    "inverse gamma": ref.InverseGamma(3.1, 2.2),
    "weibull": ref.Weibull(1.6, 1.3),
    "beta prime": ref.BetaPrime(2.3, 3.4, 0.6),
}
STATES = np.array([1e-6, 0.02, 0.31, 0.999, 1.0, 1.7, 4.4, 30.0])[:, None]


def log_density(name: str, x: mpf) -> mpf:
    """Written out from the definitions, with the parameters of LAWS as exact floats."""
    if name in {"gamma", "exponential"}:
        a, b = (mpf(2.3), mpf(0.7)) if name == "gamma" else (mpf(1), mpf(1.7))
        return a * M.log(b) + (a - 1) * M.log(x) - b * x - M.loggamma(a)
    if name == "inverse gamma":
        a, b = mpf(3.1), mpf(2.2)
        return a * M.log(b) - (a + 1) * M.log(x) - b / x - M.loggamma(a)
    if name == "weibull":
        k, s = mpf(1.6), mpf(1.3)
        return M.log(k / s) + (k - 1) * M.log(x / s) - (x / s) ** k
    a, b, s = mpf(2.3), mpf(3.4), mpf(0.6)
    r = x / s
    return (a - 1) * M.log(r) - (a + b) * M.log(1 + r) - M.log(s) - M.log(M.beta(a, b))


def sizes(name: str) -> np.ndarray:
    """The size of the terms that density and score add up, for the bound."""
    x = STATES[:, 0]
    tail = {
        "gamma": 0.7 * x,
        "exponential": 1.7 * x,
        "inverse gamma": 2.2 / x,
        "weibull": 4.0 * (x / 1.3) ** 1.6,
        "beta prime": 6.0,
    }[name]
    return 6.0 + 6.0 * np.abs(np.log(x)) + tail


@pytest.mark.parametrize("name", LAWS)
def test_density(name: str) -> None:
    exact = [log_density(name, mpf(float(x))) for x in STATES[:, 0]]
    assert_accurate(LAWS[name].logpdf(STATES), exact, sizes(name), k=8)


@pytest.mark.parametrize("name", LAWS)
def test_scores_are_derivatives_of_the_density(name: str) -> None:
    logs = [M.log(mpf(float(x))) for x in STATES[:, 0]]
    exact = [M.diff(lambda y: log_density(name, M.exp(y)), y) for y in logs]
    scale = sizes(name)[:, None]
    assert_accurate(LAWS[name].hyvarinen_score(STATES), exact, scale, k=8)
    assert_accurate(LAWS[name].log_score(STATES), [value + 1 for value in exact], scale, k=8)
    stein = [value / mpf(float(x)) for value, x in zip(exact, STATES[:, 0], strict=True)]
    assert_accurate(LAWS[name].stein_score(STATES), stein, scale / STATES, k=8)


@pytest.mark.parametrize("name", LAWS)
def test_distribution_function(name: str) -> None:
    """SciPy's special functions: relative accuracy of 1e-12 is asked, not of rounding."""
    points = STATES[2:6]
    with mpmath.workdps(30):
        ends = [[0, x / 8, x] for x in points[:, 0].tolist()]
        exact = [float(M.quad(lambda u: M.exp(log_density(name, u)), end)) for end in ends]
    np.testing.assert_allclose(LAWS[name].cdf(points), exact, rtol=1e-12)


def test_coordinates_are_independent() -> None:
    law = ref.Gamma([2.3, 1.1], 0.7)
    x = np.array([[0.4, 1.9], [3.0, 0.2]])
    parts = [ref.Gamma(2.3, 0.7).logpdf(x[:, :1]), ref.Gamma(1.1, 0.7).logpdf(x[:, 1:])]
    np.testing.assert_allclose(law.logpdf(x), parts[0] + parts[1], rtol=8 * UNIT)
    assert law.d == 2


LOOKS, ALPHA, BETA = 3.7, 2.6, 1.9
X, X0 = states(1)[:, 0], states(1)[::-1, 0]


def log_kernel(x: mpf, x0: mpf, looks: mpf) -> mpf:
    """log density of x0 G, G ~ Gamma(L, rate L)."""
    g = x / x0
    power = looks * M.log(looks) + (looks - 1) * M.log(g)
    return power - looks * g - M.loggamma(looks) - M.log(x0)


def test_the_target_is_the_score_of_the_kernel() -> None:
    found = ref.gamma_conditional_hyvarinen_score(X, X0, LOOKS)
    exact = [
        M.diff(lambda y, b=b: log_kernel(M.exp(y), mpf(float(b)), mpf(LOOKS)), M.log(mpf(a)))
        for a, b in zip(X.tolist(), X0.tolist(), strict=True)
    ]
    assert_accurate(found, exact, 1.0 + LOOKS * (1 + X / X0), k=4)


def test_the_marginal_of_inverse_gamma_data_is_a_beta_prime_law() -> None:
    """Against the integral over X_0 of kernel times data density."""
    law = ref.gamma_marginal(ref.InverseGamma(ALPHA, BETA), LOOKS)
    data = ref.InverseGamma(ALPHA, BETA)
    for x in (0.05, 0.6, 2.9):
        with mpmath.workdps(20):
            mixed = M.quad(
                lambda u, x=x: (
                    M.exp(log_kernel(mpf(x), M.exp(u), mpf(LOOKS)) + u)
                    * math.exp(data.logpdf(np.array([float(M.exp(u))])))
                ),
                [-12, -4, -1, 0, 1, 4, 12],
            )
        assert float(M.log(mixed)) == pytest.approx(float(law.logpdf(np.array([x]))), abs=1e-11)


def test_the_denoiser_is_the_posterior_mean_of_the_inverse() -> None:
    """Given x, 1 / X_0 ~ Gamma(L + alpha, rate beta + L x), of mean (L + alpha) / (beta + L x)."""
    h = ref.gamma_marginal(ref.InverseGamma(ALPHA, BETA), LOOKS).hyvarinen_score(X[:, None])[:, 0]
    found = ref.gamma_denoiser(X, h, LOOKS)
    np.testing.assert_allclose(found, (LOOKS + ALPHA) / (BETA + LOOKS * X), rtol=1e-13)
    assert np.max(np.abs(ref.gamma_denoiser(X, h + 1.0, LOOKS) - found)) > 0.1


def test_steps_are_their_formulas() -> None:
    g = np.linspace(0.1, 0.95, X.size)
    np.testing.assert_allclose(ref.gamma_noise_sample(X0, LOOKS, g), X0 * g / LOOKS, rtol=1e-15)
    np.testing.assert_allclose(ref.gamma_chain_step(X, 5.0, 2.0, g), X * g * 2.5, rtol=1e-15)
    found = ref.gamma_ancestral_step(X, X0, 2.0, 5.0, g)
    np.testing.assert_allclose(found, (2.0 * X + X0 * g) / 5.0, rtol=1e-15)
