"""Kernel, bridge and the law of two times: against Gaussian conditioning at 50 digits, and the
kernels that they are made of."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import gbm_ref as ref
from tests.support.problems import (
    BLURRED,
    DATA_SETS,
    LOG_NORMALS,
    MIXTURES,
    PROCESSES,
    draws,
    states,
)
from tests.support.refusals import Refusal, check, rows, table
from tests.support.tables import COORDINATE_PROCESSES

BOTH = COORDINATE_PROCESSES["rates by coordinate"]
ALL = {**PROCESSES, **COORDINATE_PROCESSES}
X, Z = states(2), draws(12, 2)
R, S, T = 0.13, 0.4, 0.85
TARGETS = {**LOG_NORMALS, **MIXTURES, **BLURRED, **DATA_SETS}
PLANES = {name: target for name, target in TARGETS.items() if target.d == 2}


def brownian(i: int) -> tuple[mpf, mpf]:
    """mu - sigma^2 / 2 and sigma^2 of a coordinate of BOTH."""
    sigma = mpf(float(BOTH.sigma[i]))
    return mpf(float(BOTH.mu[i])) - sigma**2 / 2, sigma**2


def conditioned(i: int, y_r: mpf, y_t: mpf) -> tuple[mpf, mpf]:
    """Mean and variance of log X_s given both ends, by conditioning the joint normal law."""
    slope, rate = brownian(i)
    # Of (log X_s, log X_t) given log X_r: covariance rate * min of the times since r.
    cov = mpmath.matrix([[S - mpf(R), S - mpf(R)], [S - mpf(R), T - mpf(R)]]) * rate
    gain = cov[0, 1] / cov[1, 1]
    mean = y_r + slope * (mpf(S) - R) + gain * (y_t - y_r - slope * (mpf(T) - R))
    return mean, cov[0, 0] - gain * cov[0, 1]


def test_the_bridge_is_gaussian_conditioning_at_50_digits() -> None:
    with mpmath.workdps(50):
        for x, y in zip(X[:4], X[4:8], strict=True):
            law = ref.bridge_law(x, y, BOTH, R, S, T)
            for i in (0, 1):
                ends = [mpmath.log(mpf(float(v[i]))) for v in (x, y)]
                mean, var = conditioned(i, *ends)
                assert law.log_mean[i] == pytest.approx(float(mean), rel=1e-14, abs=1e-15)
                assert law.log_cov[i, i] == pytest.approx(float(var), rel=1e-14)


def test_a_bridge_keeps_its_digits_where_products_leave_the_range() -> None:
    """Between equal halves: the mean is in the middle and the variance half of either."""
    for sigma in (1e-150, 1e150):
        process = ref.GBM(sigma=sigma)
        law = ref.bridge_law([np.exp(300.0)], [np.exp(100.0)], process, 0.0, 0.5, 1.0)
        assert law.log_mean.item() == pytest.approx(200.0, rel=1e-14)
        assert law.log_cov.item() == pytest.approx(sigma**2 / 4, rel=1e-14)


@pytest.mark.parametrize("name", ALL)
def test_the_kernel_from_zero_is_that_of_the_process(name: str) -> None:
    process = ALL[name]
    np.testing.assert_allclose(
        ref.kernel_sample(X, process, 0.0, T, Z), process.sample(X, T, Z), rtol=1e-14
    )
    law = ref.kernel_law(X[3], process, 0.0, T)
    expected = ref.conditional_logpdf(X, np.broadcast_to(X[3], X.shape), process, T)
    np.testing.assert_allclose(law.logpdf(X), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_kernels_compose(name: str) -> None:
    """Chapman-Kolmogorov: the kernel to s, diffused on, is the kernel to t."""
    process = ALL[name]
    law, whole = ref.kernel_law(X[1], process, R, S), ref.kernel_law(X[1], process, R, T)
    later = ref.kernel_law(np.exp(law.log_mean), process, S, T)
    np.testing.assert_allclose(later.log_mean, whole.log_mean, atol=1e-13)
    np.testing.assert_allclose(later.log_cov + law.log_cov, whole.log_cov, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("name", ALL)
def test_bayes_holds_between_bridge_and_kernels(name: str) -> None:
    """p(x_s | x_r) p(x_t | x_s) = p(x_t | x_r) p(x_s | x_r, x_t)."""
    process, (x_r, x_s, x_t) = ALL[name], X[:3] ** 0.3
    left = ref.kernel_law(x_r, process, R, S).logpdf(x_s)
    left = left + ref.kernel_law(x_s, process, S, T).logpdf(x_t)
    right = ref.kernel_law(x_r, process, R, T).logpdf(x_t)
    right = right + ref.bridge_law(x_r, x_t, process, R, S, T).logpdf(x_s)
    assert left == pytest.approx(right, rel=1e-11, abs=1e-11)


def test_draws_follow_the_laws() -> None:
    law = ref.bridge_law(X[0], X[1], BOTH, R, S, T)
    for z in Z[:3]:
        drawn = ref.bridge_sample(X[0], X[1], BOTH, R, S, T, z)
        expected = law.log_mean + np.sqrt(np.diag(law.log_cov)) * z
        np.testing.assert_allclose(np.log(drawn), expected, atol=1e-14)
    for s, x in ((R, X[0]), (T, X[1])):
        pinned = ref.bridge_law(X[0], X[1], BOTH, R, s, T)
        np.testing.assert_allclose(pinned.log_mean, np.log(x), atol=1e-15)
        np.testing.assert_array_equal(pinned.log_cov, 0.0)
    assert ref.bridge_sample(X[:6], X[6:], BOTH, R, S, T, Z[:6]).shape == (6, 2)


@pytest.mark.parametrize("process", [PROCESSES["constant"], BOTH], ids=["one rate", "rates"])
@pytest.mark.parametrize("name", PLANES)
def test_the_law_of_two_times_is_diffused_twice(name: str, process: ref.Process) -> None:
    target = PLANES[name]
    if isinstance(target, ref.PointMasses) and process is BOTH:
        n = len(target.points)
        spread = np.full(n, target.log_var)
        target = ref.LogNormalMixture(np.full(n, 1 / n), np.log(target.points), spread)
    law = ref.two_time_law(target, process, S, T)
    assert law.d == 4
    for part, t in (([0, 1], S), ([2, 3], T)):
        expected = target.diffuse(process, t).logpdf(X)
        np.testing.assert_allclose(law.marginal(part).logpdf(X), expected, rtol=1e-11, atol=1e-11)
    # Joint density: that of X_s times the kernel.
    pairs = np.concatenate([X, np.roll(X, 1, axis=0)], axis=-1)
    kernels = [ref.kernel_law(pair[:2], process, S, T).logpdf(pair[2:]) for pair in pairs]
    expected = target.diffuse(process, S).logpdf(X) + kernels
    np.testing.assert_allclose(law.logpdf(pairs), expected, rtol=1e-10, atol=1e-10)


class Other(ref.Target):
    """A law that is no mixture."""

    d = 2
    diffuse = logpdf = log_score = rvs = lambda self, *given: None


LAW = {"x_s": X[0], "process": BOTH, "s": S, "t": T}
DRAW = {"x_s": X, "process": BOTH, "s": S, "t": T, "z": Z}
BRIDGE = {"x_r": X[0], "x_t": X[1], "process": BOTH, "r": R, "s": S, "t": T}
PAIR = {**BRIDGE, "x_r": X[:6], "x_t": X[6:], "z": Z[:6]}
TWO = {"target": PLANES["log-normal-2d"], "process": BOTH, "s": S, "t": T}


@table(
    rows(ref.kernel_law, LAW, ("x_s", X, r"shape \(d,\)"), ("x_s", [1.0, 0.0], "must be positive"),
         ("x_s", [1.0], r"shape \(..., 2\)"), ("s", 0.9, "in order"), ("t", 1.0, "t must lie in")),
    rows(ref.kernel_sample, DRAW, ("z", Z[:3], "z must have the shape"), ("t", R, "in order"),
         ("x_s", -X, "must be positive")),
    rows(ref.bridge_law, BRIDGE, ("s", 0.1, "in order"), ("s", 0.9, "in order"),
         ("x_t", [1.0], "x_t must have the shape"), ("x_r", X, r"shape \(d,\)")),
    rows(ref.bridge_law, {**BRIDGE, "s": R}, ("t", R, "two different times")),
    rows(ref.bridge_sample, PAIR, ("x_t", X, "x_t must have the shape"),
         ("z", Z, "z must have the shape")),
    rows(ref.two_time_law, TWO, ("t", R, "in order"), ("target", Other(), "not a Other"),
         ("target", LOG_NORMALS["log-normal-1d"], "must have shape")),
)  # fmt: skip
@pytest.mark.usefixtures("unchecked")
def test_what_does_not_fit_is_refused(refusal: Refusal) -> None:
    check(refusal)
