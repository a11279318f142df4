"""gbm_ref.laws: densities and scores against mpmath, and distribution functions.

Draws are compared with these laws in tests/statistics."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from gbm_ref.laws import BetaPrime, Gamma, InverseGamma, ProductLaw, Weibull
from tests.support.assertions import UNIT, assert_accurate

M = mpmath
LAWS: dict[str, ProductLaw] = {
    "gamma": Gamma(2.3, 0.7),
    "exponential": Gamma(1.0, 1.7),
    "inverse gamma": InverseGamma(3.1, 2.2),
    "weibull": Weibull(1.6, 1.3),
    "beta prime": BetaPrime(2.3, 3.4, 0.6),
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
    return np.asarray(6.0 + 6.0 * np.abs(np.log(x)) + tail)


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
    log_score = [value + 1 for value in exact]
    assert_accurate(LAWS[name].log_score(STATES), log_score, scale, k=8)
    stein = [value / mpf(float(x)) for value, x in zip(exact, STATES[:, 0], strict=True)]
    assert_accurate(LAWS[name].stein_score(STATES), stein, scale / STATES, k=8)


@pytest.mark.parametrize("name", LAWS)
def test_distribution_function(name: str) -> None:
    """SciPy's special functions: relative accuracy of 1e-12 is asked, not of rounding."""
    points = STATES[2:6]
    with mpmath.workdps(30):
        exact = [
            float(M.quad(lambda u: M.exp(log_density(name, u)), [0, float(x) / 8, float(x)]))
            for x in points[:, 0]
        ]
    np.testing.assert_allclose(LAWS[name].cdf(points), exact, rtol=1e-12)


def test_coordinates_are_independent() -> None:
    law = Gamma([2.3, 1.1], 0.7)
    x = np.array([[0.4, 1.9], [3.0, 0.2]])
    parts = [Gamma(2.3, 0.7).logpdf(x[:, :1]), Gamma(1.1, 0.7).logpdf(x[:, 1:])]
    np.testing.assert_allclose(law.logpdf(x), parts[0] + parts[1], rtol=8 * UNIT)
    assert law.d == 2
