"""gbm_ref.gamma_noise: the score of the kernel, the denoiser, the chain and its reverse (R24)."""

import math

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import gbm_ref as ref
from tests.support.assertions import assert_accurate
from tests.support.problems import states

LOOKS, ALPHA, BETA = 3.7, 2.6, 1.9
X, X0 = states(1)[:, 0], states(1)[::-1, 0]
M = mpmath


def log_kernel(x: mpf, x0: mpf, looks: mpf) -> mpf:
    """log density of x0 G, G ~ Gamma(L, rate L)."""
    g = x / x0
    return (
        looks * M.log(looks) + (looks - 1) * M.log(g) - looks * g - M.loggamma(looks) - M.log(x0)
    )


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
    law = ref.gamma_marginal(ref.InverseGamma(ALPHA, BETA), LOOKS)
    h = law.hyvarinen_score(X[:, None])[:, 0]
    found = ref.gamma_denoiser(X, h, LOOKS)
    np.testing.assert_allclose(found, (LOOKS + ALPHA) / (BETA + LOOKS * X), rtol=1e-13)
    assert np.max(np.abs(ref.gamma_denoiser(X, h + 1.0, LOOKS) - found)) > 0.1


def test_steps_are_their_formulas() -> None:
    g = np.linspace(0.1, 0.95, X.size)
    np.testing.assert_allclose(ref.gamma_noise_sample(X0, LOOKS, g), X0 * g / LOOKS, rtol=1e-15)
    np.testing.assert_allclose(ref.gamma_chain_step(X, 5.0, 2.0, g), X * g * 2.5, rtol=1e-15)
    found = ref.gamma_ancestral_step(X, X0, 2.0, 5.0, g)
    np.testing.assert_allclose(found, (2.0 * X + X0 * g) / 5.0, rtol=1e-15)
