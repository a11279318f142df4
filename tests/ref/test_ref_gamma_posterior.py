"""gbm_ref.gamma_noise and .line.gamma_posterior: what is known of X_0 and of log G, against
mpmath's integrals and Bessel functions."""

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import gbm_ref as ref
from tests.support.assertions import UNIT
from tests.support.refusals import Refusal, check, rows, table

M = mpmath
LOOKS = np.array([0.2, 1.0, 1.4616321449683622, 4.0, 37.5, 1e4])
X, L, ALPHA, BETA = 1.3, 3.5, 2.2, 0.7
LOG_NORMAL, WIDE = ref.LogNormal([0.4], 0.81), ref.LogNormal([-1.0], 25.0)
GAMMA, INVERSE = ref.Gamma(ALPHA, BETA), ref.InverseGamma(ALPHA, BETA)


def test_the_moments_of_the_logarithm_are_integrals() -> None:
    """E[log G] and Var[log G] against the density of G, integrated."""
    mean, var = ref.gamma_log_moments(LOOKS)
    assert mean.shape == var.shape == LOOKS.shape
    for looks, first, second in zip(LOOKS[:5].tolist(), mean, var, strict=False):
        exact = of_noise(looks, lambda y: y)
        assert abs(first - float(exact)) < 1e-10 * (1 + abs(first))
        square = of_noise(looks, lambda y, mean=exact: (y - mean) ** 2)
        assert second == pytest.approx(float(square), rel=1e-10)


def of_noise(looks: float, f: Callable) -> mpf:
    """E f(log G), the integral over the density of G."""
    count = mpf(looks)
    front = count * M.log(count) - M.loggamma(count)
    return M.quad(
        lambda y: f(y) * M.exp(front + count * (y - M.exp(y))), [-300, -60, -20, -6, -1, 0, 1, 6]
    )


def test_noise_of_many_looks_is_nearly_normal() -> None:
    """KL(log G || normal of the same moments) in closed form, 1 / (12 L) for many looks: the line
    on which gamma noise is near log-normal noise of variance psi'(L) with the bias removed."""
    values = {}
    for looks in (1, 2, 4, 8, 16, 32, 64, 100):
        mean, var = (float(part) for part in ref.gamma_log_moments(looks))
        with mpmath.workdps(30):
            count = mpf(looks)
            entropy = M.loggamma(count) - count * M.psi(0, count) + count
            exact = M.log(2 * M.pi * M.e * M.psi(1, count)) / 2 - entropy
        law, noise = ref.LogNormal([mean], var), ref.Gamma(looks, looks)
        y = mean + np.sqrt(var) * np.linspace(-16, 8, 6001)
        g = np.exp(y)[:, None]
        density = np.exp(noise.logpdf(g) + y)
        found = np.sum(density * (noise.logpdf(g) - law.logpdf(g))) * (y[1] - y[0])
        assert found == pytest.approx(float(exact), abs=1e-6)
        values[looks] = float(exact) * 12 * looks
    assert values[1] == pytest.approx(1.0703, abs=2e-2)
    assert all(abs(value - 1.0) < 0.6 / looks for looks, value in values.items())


def test_looks_and_variance_are_inverse_to_each_other() -> None:
    v = np.logspace(-149, 149, 597)
    found = ref.looks_at_log_var(v)
    np.testing.assert_allclose(ref.gamma_log_moments(found)[1], v, rtol=16 * UNIT)
    np.testing.assert_allclose(
        ref.looks_at_log_var(ref.gamma_log_moments(LOOKS)[1]), LOOKS, rtol=16 * UNIT
    )
    assert ref.looks_at_log_var(np.pi**2 / 6) == pytest.approx(1.0, rel=1e-15)
    assert (np.diff(found) < 0).all() and ref.looks_at_log_var(np.ones((2, 3))).shape == (2, 3)


def test_the_posterior_of_inverse_gamma_data_is_bayes_rule() -> None:
    """Kernel times prior over the marginal, coordinate by coordinate."""
    data = ref.InverseGamma([2.6, 0.8], [1.9, 31.0])
    x, x0 = np.array([0.8, 12.0]), np.array([[0.3, 5.0], [2.4, 60.0]])
    found = ref.gamma_posterior(x, data, L).logpdf(x0)
    kernel = np.array([ref.Gamma(L, L / each).logpdf(x) for each in x0])
    expected = kernel + data.logpdf(x0) - ref.gamma_marginal(data, L).logpdf(x)
    np.testing.assert_allclose(found, expected, rtol=1e-13)


CASES = {
    "inverse gamma": (INVERSE, X, L), "few looks": (ref.InverseGamma(0.3, 1e3), 1e-4, 0.2),
    "many looks": (ref.InverseGamma(5.0, 1.0), 2.0, 1e4),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_quadratures_are_the_closed_form_on_inverse_gamma_data(name: str) -> None:
    data, x, looks = CASES[name]
    law = ref.gamma_posterior([x], data, looks)
    a, b = mpf(law.shape.item()), mpf(law.scale.item())
    moments = ref.gamma_posterior_log_moments(x, data, looks)
    assert abs(moments.mean - float(M.log(b) - M.psi(0, a))) <= moments.error < 1e-11
    assert abs(moments.var - float(M.psi(1, a))) <= moments.error
    for power in (-1.5, 0.25, min(float(a) / 3, 4.0)):
        found = ref.gamma_posterior_moment(power, x, data, looks)
        exact = float(b ** mpf(power) * M.gammaprod([a - power], [a]))
        assert abs(found.value - exact) <= found.error + 4 * UNIT * exact
        assert found.error < 1e-11 * exact
    q = np.array([[1e-6, 0.1, 0.5], [0.7, 0.9, 0.999]])
    places = law.ppf(q)[..., 0]
    found_places = ref.gamma_posterior_ppf(q, x, data, looks)
    np.testing.assert_allclose(found_places, places, rtol=1e-10)
    values, error = ref.gamma_posterior_cdf(places, x, data, looks)
    assert np.max(np.abs(values - q)) <= error < 1e-11 and values.shape == q.shape


def test_gamma_data_have_the_moments_of_a_generalised_inverse_gaussian_law() -> None:
    """E X_0^a = (L x / beta)^(a / 2) K_(p + a)(w) / K_p(w) with p = alpha - L and
    w = 2 sqrt(beta L x)."""
    p, w, ratio = ALPHA - L, 2 * M.sqrt(mpf(BETA) * L * X), mpf(L) * X / BETA
    for power in (-2.0, -0.5, 0.5, 1.0, 3.0):
        exact = ratio ** (power / 2) * M.besselk(p + power, w) / M.besselk(p, w)
        found = ref.gamma_posterior_moment(power, X, GAMMA, L)
        assert abs(found.value - float(exact)) <= found.error < 1e-12
    # E log X_0 is the derivative in a of the logarithm at 0, the variance the second one.
    logs = lambda a: a / 2 * M.log(ratio) + M.log(M.besselk(p + a, w))  # noqa: E731
    moments = ref.gamma_posterior_log_moments(X, GAMMA, L)
    with mpmath.workdps(40):
        assert moments.mean == pytest.approx(float(M.diff(logs, 0)), abs=1e-13)
        assert moments.var == pytest.approx(float(M.diff(logs, 0, 2)), abs=1e-13)


@pytest.mark.parametrize("data", [LOG_NORMAL, WIDE], ids=["log-normal", "wide"])
@pytest.mark.parametrize("looks", [0.5, 4.0, 90.0])
def test_log_normal_data_against_integrals(data: ref.LogNormal, looks: float) -> None:
    a, v = data.log_mean.item(), data.log_cov.item()

    def density(y: mpf) -> mpf:
        return M.exp(-((y - a) ** 2) / (2 * v) - looks * (y - M.log(X) + X * M.exp(-y)) + looks)

    moments = ref.gamma_posterior_log_moments(X, data, looks)
    ends = [moments.mean + moments.var**0.5 * s for s in (-14, -5, -2, -1, 0, 1, 2, 5, 14, 40)]
    with mpmath.workdps(25):
        average = lambda f: M.quad(lambda y: f(y) * density(y), ends)  # noqa: E731
        whole = average(lambda y: 1)
        mean = average(lambda y: y) / whole
        var = average(lambda y: (y - mean) ** 2) / whole
        first = average(M.exp) / whole
        below = M.quad(density, [*ends[:5]]) / whole
    assert abs(moments.mean - float(mean)) <= moments.error < 1e-12
    assert abs(moments.var - float(var)) <= moments.error
    found = ref.gamma_posterior_moment(1.0, X, data, looks)
    assert abs(found.value - float(first)) <= found.error + 1e-13
    values, error = ref.gamma_posterior_cdf(np.exp(float(ends[4])), X, data, looks)
    assert values == pytest.approx(float(below), abs=1e-13) and error < 1e-12
    assert ref.gamma_posterior_ppf(values, X, data, looks) == pytest.approx(
        np.exp(moments.mean), rel=1e-12
    )


def test_the_denoiser_is_the_moment_of_order_minus_one() -> None:
    """E[1 / X_0 | x] = (L - 1 - h) / (L x), h of the marginal of gamma data by differences."""

    def log_p(y: mpf) -> mpf:
        bessel = M.besselk(ALPHA - L, 2 * M.sqrt(BETA * L * M.exp(y)))
        return M.log(bessel) + y * ((ALPHA + L) / 2 - 1)

    h = float(M.diff(log_p, M.log(mpf(X))))
    expected = ref.gamma_denoiser([X], [h], L).item()
    assert ref.gamma_posterior_moment(-1.0, X, GAMMA, L).value == pytest.approx(
        expected, rel=1e-11
    )


ONE = {"x": X, "target": GAMMA, "looks": L}
PLANE = ref.Gamma([1.0, 2.0], 1.0)
GIVEN = (("x", -1.0, "x must be positive"), ("looks", 0.0, "looks must be positive"))
LINE = (*GIVEN, ("target", PLANE, "d = 1"), ("target", ref.LogNormal([0.0], 0.0), "density"))
POSTERIOR = {"x": [X], "data": INVERSE, "looks": L}


@table(
    rows(ref.gamma_log_moments, {"looks": [1.0, 2.0]}, ("looks", [1.0, 0.0], "positive")),
    rows(
        ref.looks_at_log_var, {"v": 0.3}, ("v", 0.0, "positive"), ("v", 1e200, "between"),
        ("v", 1e-160, "between"),
    ),
    rows(
        ref.gamma_posterior, POSTERIOR, ("x", [[X]], "one state"), ("x", [X, X], "one state"),
        ("x", [-X], "positive"), ("looks", -1.0, "looks"),
    ),
    rows(ref.gamma_posterior_log_moments, ONE, *LINE),
    rows(ref.gamma_posterior_moment, {"power": 1.0, **ONE}, *LINE, ("power", np.nan, "finite")),
    rows(ref.gamma_posterior_cdf, {"x0": 1.0, **ONE}, *LINE, ("x0", 0.0, "positive")),
    rows(ref.gamma_posterior_ppf, {"q": 0.5, **ONE}, *LINE, ("q", 1.0, "between 0 and 1")),
)  # fmt: skip
def test_refusals(refusal: Refusal) -> None:
    check(refusal)


def test_a_moment_that_is_infinite_is_refused() -> None:
    assert ref.gamma_posterior_moment(ALPHA + L - 0.5, X, INVERSE, L).value > 0
    with pytest.raises(ValueError, match="within range"):
        ref.gamma_posterior_moment(ALPHA + L + 0.1, X, INVERSE, L)
