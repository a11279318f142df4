"""gbm_ref.divergence and gbm_ref.flips, against formulas at 50 digits and by quadrature."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import gbm_ref as ref
from tests.support.assertions import assert_accurate
from tests.support.mp_reference import gaussian, kl
from tests.support.problems import LOG_NORMALS, normal

P = ref.Gaussian(np.array([0.3, -0.8]), np.array([[0.50, 0.21], [0.21, 0.30]]))
Q = ref.Gaussian(np.array([0.1, -0.5]), np.array([[0.62, 0.10], [0.10, 0.41]]))


@pytest.mark.parametrize("gap", [1.0, 0.3, 0.02, 1e-4, 1e-7])
def test_matches_the_textbook_formula_even_for_close_laws(gap: float) -> None:
    """At a gap of 1e-7 the divergence is 1e-15 and the plain formula in double is noise."""
    near = ref.Gaussian(Q.mean + gap * (P.mean - Q.mean), Q.cov + gap * (P.cov - Q.cov))
    exact = float(kl(gaussian(*near), gaussian(*Q)))
    # near.cov - Q.cov keeps an error of u |Q.cov| / gap relative to the difference.
    assert ref.kl_divergence(near, Q) == pytest.approx(exact, rel=1e-13 + 1e-15 / gap)


@pytest.mark.parametrize("ratio", [1 + 1e-9, 1.05, 1.2, 30.0, 0.95, 0.8, 1e-6])
def test_one_dimension(ratio: float) -> None:
    """Across the switch from the series to the logarithm."""
    p, q = (normal(0.4, v) for v in (ratio * 0.7, 0.7))
    r = mpf(float(p.cov[0, 0])) / mpf(0.7)
    exact = float((r - 1 - mpmath.log(r)) / 2)
    # The relative error of r - 1 is a rounding of 1, over r - 1.
    assert ref.kl_divergence(p, q) == pytest.approx(exact, rel=1e-14 + 1e-15 / abs(ratio - 1))


def test_properties_of_the_divergence() -> None:
    """Zero for equal laws only, invariant, additive, infinite from a singular law."""
    assert ref.kl_divergence(Q, Q) == 0.0
    assert ref.kl_divergence(P, Q) > 0.01
    assert ref.kl_divergence(P, Q) != ref.kl_divergence(Q, P)
    a, b = np.array([[1.3, -0.4], [0.2, 0.9]]), np.array([0.7, -1.1])
    p, q = (ref.Gaussian(a @ law.mean + b, a @ law.cov @ a.T) for law in (P, Q))
    assert ref.kl_divergence(p, q) == pytest.approx(ref.kl_divergence(P, Q), rel=1e-13)

    def one(law: ref.Gaussian, i: int) -> ref.Gaussian:
        return ref.Gaussian(law.mean[i : i + 1], law.cov[i : i + 1, i : i + 1])

    p, q = (ref.Gaussian(law.mean, np.diag(np.diag(law.cov))) for law in (P, Q))
    total = sum(ref.kl_divergence(one(p, i), one(q, i)) for i in range(2))
    assert ref.kl_divergence(p, q) == pytest.approx(total, rel=1e-13)
    assert ref.kl_divergence(ref.Gaussian(Q.mean, np.array([[0.2, 0.2], [0.2, 0.2]])), Q) == np.inf


MU, SIGMA = 0.13, 1.1
PROCESS = ref.GBM(MU, SIGMA, 1.5)
# From a flip that is nearly certain to log P = -1e9.
SCORES = np.array([-60.0, -9.0, -3.3, -1.0, 0.4, 12.0, 900.0, 3e4])


def log_tail(z: mpf) -> mpf:
    """log Phi(-z)."""
    root = mpmath.sqrt(2)
    if z < 0:
        return mpmath.log1p(-mpmath.erfc(-z / root) / 2)
    return mpmath.log(mpmath.erfc(z / root) / 2)


def factor(score: mpf, dt: mpf, divergence: mpf) -> mpf:
    s2 = mpf(SIGMA) ** 2
    return 1 - dt * (mpf(MU) - divergence * s2) + dt * s2 * score


def assert_conditional(divergence: int, dt: float, noise: float) -> None:
    found = ref.log_flip_probability(PROCESS, SCORES, 1.2, dt, noise)
    wanted, scale = [], []
    root = mpf(noise) * mpf(SIGMA) * mpmath.sqrt(mpf(dt))
    for score in SCORES:
        z = factor(mpf(float(score)), mpf(dt), mpf(divergence)) / root
        sizes = (1 + 3 * SIGMA**2 * dt + SIGMA**2 * dt * abs(score)) / float(root)
        wanted.append(log_tail(z))
        # d log Phi(-z) / dz is at most 1 + z for z > 0 and phi(z) / Phi(-z) in general.
        scale.append(float(abs(wanted[-1]) + (mpmath.npdf(z) / mpmath.exp(wanted[-1])) * sizes))
    assert_accurate(found, wanted, np.array(scale), k=20)


@pytest.mark.parametrize(("dt", "noise"), [(0.3, 1.0), (1e-4, 0.6)])
def test_the_conditional_probability_at_50_digits(dt: float, noise: float) -> None:
    """R13, with 2 sigma^2 in the factor; 1 in its place is a twin."""
    assert_conditional(2, dt, noise)
    with pytest.raises(AssertionError, match="more than the 20 allowed"):
        assert_conditional(1, dt, noise)


def test_it_is_the_threshold_of_the_step() -> None:
    """The step itself flips exactly for the draws below the quantile, for either sign of x."""
    score, dt = ref.exact_score(LOG_NORMALS["log-normal-1d"], PROCESS), 0.4
    x = np.array([[0.2], [3.0], [40.0]])
    log_p = ref.log_flip_probability(PROCESS, score(x, 1.0), 1.0, dt, 0.7)
    quantile = np.array([[float(mpmath.erfinv(2 * mpmath.exp(p) - 1))] for p in log_p[:, 0]])
    for sign in (1.0, -1.0):
        for shift in (-1e-7, 1e-7):
            draws = np.sqrt(2.0) * quantile + shift
            image = ref.SignAgnostic()(PROCESS, score, sign * x, 1.0, dt, 0.7, draws)
            assert ((image * sign < 0.0) == (shift < 0.0)).all()


@pytest.mark.parametrize("noise", [1.0, 0.55, 0.0])
def test_the_average_is_the_average(noise: float) -> None:
    """The conditional probability averaged over log X_t in the plane by Gauss-Hermite."""
    target, t, dt = LOG_NORMALS["log-normal-2d"], 0.8, 0.35
    log_average = ref.log_average_flip_probability(target, PROCESS, t, dt, noise)
    end = target.diffuse(PROCESS, t)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    pairs = np.stack(np.meshgrid(nodes, nodes), axis=-1).reshape(-1, 2)
    weights = np.outer(weights, weights).ravel() / (2.0 * np.pi)
    score = end.hyvarinen_score(np.exp(end.log_mean + pairs @ np.linalg.cholesky(end.log_cov).T))
    if noise > 0.0:
        given = np.exp(ref.log_flip_probability(PROCESS, score, t, dt, noise))
        tolerance = 1e-9
    else:
        s2 = SIGMA**2
        given = (1.0 - dt * (MU - 2 * s2) + dt * s2 * score < 0.0).astype(float)
        tolerance = 0.02  # a step function: the rule resolves it to a node
    np.testing.assert_allclose(weights @ given, np.exp(log_average), rtol=0.0, atol=tolerance)
    wrong = np.exp(ref.log_average_flip_probability(target, PROCESS, t, dt, noise + 0.1))
    assert np.abs(weights @ given - wrong).max() > 1e-3 or noise == 0.0


@pytest.mark.parametrize("levels, printed", [(1000, "5.4e-338"), (100, "7.2e-33"), (10, "5.5e-4")])
def test_the_printed_probabilities(levels: int, printed: str) -> None:
    """E28 at k = 1, v_0 = 0.05, sigma = 0.8: far below the smallest float at N = 1000."""
    target, dt = ref.LogNormal([0.31], 0.05), 1.0 / levels
    log_p = ref.log_average_flip_probability(target, ref.GBM(sigma=0.8), dt, dt)[0]
    assert mpmath.nstr(mpmath.exp(mpf(float(log_p))), 2) == mpmath.nstr(mpf(printed), 2)
