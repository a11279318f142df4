"""Tests of gbm_ref.process: m, v, their increments, the kernel, and the chain of Appendix C."""

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

import gbm_ref as ref
from tests.support.assertions import assert_accurate
from tests.support.problems import PROCESSES, draws, normal, states


def constant_log_law(t: mpf) -> tuple[mpf, mpf]:
    mu, sigma = mpf(0.13), mpf(0.7)
    return (mu - sigma**2 / 2) * t, sigma**2 * t


def time_varying_log_law(t: mpf) -> tuple[mpf, mpf]:
    a, b, c, e = mpf(0.11), mpf(0.2), mpf(0.4), mpf(0.5)
    v = c**2 * t + 2 * c * e * t**3 / 3 + e**2 * t**5 / 5
    return a * t + b * t**2 / 2 - v / 2, v


def exploding_log_law(t: mpf) -> tuple[mpf, mpf]:
    low, high, horizon = mpf(0.02), mpf(3.0), mpf(1.1)
    return mpf(0), low**2 * ((1 + (high / low) ** 2) ** (t / horizon) - 1)


LAWS: dict[str, Callable[[mpf], tuple[mpf, mpf]]] = {
    "constant": constant_log_law,
    "time-varying": time_varying_log_law,
    "variance-exploding": exploding_log_law,
}
# In units of u: closed forms cost a few roundings (expm1 of an argument of 10 magnifies its
# relative error tenfold); the quadrature asks for 1e-13, which is 900 u.
ALLOWED = {"constant": 4.0, "time-varying": 1000.0, "variance-exploding": 40.0}


@pytest.fixture(params=list(PROCESSES))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize("fraction", [0.0, 1e-4, 0.31, 0.77, 1.0])
def test_log_mean_and_log_var_match_closed_forms(name: str, fraction: float) -> None:
    process = PROCESSES[name]
    t = fraction * process.horizon
    m, v = LAWS[name](mpf(t))
    # m is a difference of terms of the size of v, so v is part of its scale.
    size = abs(float(m)) + float(v) + 1e-300
    assert_accurate(np.array(process.log_mean(t)), [m], size, ALLOWED[name])
    assert_accurate(np.array(process.log_var(t)), [v], float(v) + 1e-300, ALLOWED[name])


@pytest.mark.parametrize("dt", [1e-9, 1e-3, 0.2])
def test_increments_have_no_cancellation(name: str, dt: float) -> None:
    process = PROCESSES[name]
    t = 0.83 * process.horizon
    dm, dv = process.increments(t, dt)
    (m_t, v_t), (m_s, v_s) = LAWS[name](mpf(t)), LAWS[name](mpf(t) - mpf(dt))
    exact_dm, exact_dv = m_t - m_s, v_t - v_s
    # s = t - dt is rounded once in double: a relative error of u t / dt that only a quadrature
    # over [s, t] feels; at dt = 1e-9 a difference of two values of v would be 1e7 u off.
    allowed = ALLOWED[name] + (2.0 * t / dt if name == "time-varying" else 0.0)
    size = float(exact_dv)
    assert_accurate(np.array(dv), [exact_dv], size, allowed)
    assert_accurate(np.array(dm), [exact_dm], abs(float(exact_dm)) + size, allowed)


def test_increments_add_up(name: str) -> None:
    process = PROCESSES[name]
    first, second = process.increments(0.8, 0.35), process.increments(0.45, 0.45)
    np.testing.assert_allclose(np.add(first, second), process.increments(0.8, 0.8), rtol=1e-13)
    m, v = process.log_mean(0.8), process.log_var(0.8)
    np.testing.assert_allclose(process.increments(0.8, 0.8), (m, v), rtol=1e-13)


def test_drift_and_diffusion_are_the_derivatives(name: str) -> None:
    process, t = PROCESSES[name], 0.62
    m_rate = mpmath.diff(lambda s: LAWS[name](s)[0], mpf(t))
    v_rate = mpmath.diff(lambda s: LAWS[name](s)[1], mpf(t))
    assert process.diffusion(t) ** 2 == pytest.approx(float(v_rate), rel=1e-13)
    found = process.drift(t) - process.diffusion(t) ** 2 / 2
    assert found == pytest.approx(float(m_rate), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("fraction", [0.0, 0.05, 0.6, 1.0])
def test_time_at_log_var_inverts_log_var(name: str, fraction: float) -> None:
    process = PROCESSES[name]
    t = fraction * process.horizon
    assert process.time_at_log_var(process.log_var(t)) == pytest.approx(t, rel=1e-11, abs=1e-15)


def test_sample_is_the_log_normal_kernel(name: str) -> None:
    process, t = PROCESSES[name], 0.47
    x0, z = states(2), draws(12, 2)
    x = process.sample(x0, t, z)
    m, v = LAWS[name](mpf(t))
    pairs = zip(x0.ravel().tolist(), z.ravel().tolist(), strict=True)
    exact = [mpf(a) * mpmath.exp(m + mpmath.sqrt(v) * mpf(b)) for a, b in pairs]
    size = x * (1 + abs(float(m)) + float(v) + np.sqrt(float(v)) * np.abs(z))
    assert_accurate(x, exact, size, ALLOWED[name])


def test_sample_at_time_zero_is_the_data(name: str) -> None:
    np.testing.assert_array_equal(PROCESSES[name].sample(states(2), 0.0, draws(12, 2)), states(2))


def test_without_mu_there_is_no_log_drift() -> None:
    process = ref.GBM(sigma=0.8)
    assert process.mu == 0.8**2 / 2
    assert process.log_mean(0.7) == 0.0
    process = ref.PiecewiseGBM(SIGMA)
    assert process.horizon == 1.0
    assert [process.log_mean(t) for t in (0.0, 0.31, 1.0)] == [0.0, 0.0, 0.0]


def test_variance_exploding_is_a_time_varying_gbm() -> None:
    closed = ref.VarianceExploding(std_min=0.02, std_max=3.0, horizon=1.1)
    integrated = ref.TimeVaryingGBM(closed.drift, closed.diffusion, horizon=1.1)
    for t in (1e-3, 0.4, 1.1):
        assert integrated.log_var(t) == pytest.approx(closed.log_var(t), rel=1e-12)
        assert abs(integrated.log_mean(t)) <= 1e-15 * closed.log_var(t)
        found, wanted = (p.increments(t, 1e-3)[1] for p in (integrated, closed))
        assert found == pytest.approx(wanted, rel=1e-12)
        assert integrated.time_at_log_var(closed.log_var(t)) == pytest.approx(t, rel=1e-10)


def test_variance_exploding_reaches_both_ends() -> None:
    process = ref.VarianceExploding()
    assert process.log_var(1.0) == pytest.approx(100.0, rel=1e-14)
    # Appendix C's r: sigma grows by the factor sqrt(1 + (std_max / std_min)^2) over the range.
    ratio = process.diffusion(1.0) / process.diffusion(0.0)
    assert ratio == pytest.approx(np.sqrt(1 + 2000.0**2), rel=1e-12)


def test_a_jump_in_sigma_is_integrated_and_rounding_does_not_miss_the_data() -> None:
    process = ref.TimeVaryingGBM(lambda t: 0.2, lambda t: 0.5 if t < 0.37 else 1.1)
    assert process.log_var(1.0) == pytest.approx(0.25 * 0.37 + 1.21 * 0.63, rel=1e-9)
    process: ref.Process = PROCESSES["variance-exploding"]
    t = 0.3
    assert process.increments(t, t * (1 + 1e-15)) == process.increments(t, t)


N, T = 7, 1.3
SIGMA = 0.3 * 1.4 ** np.arange(N)
MU = 0.11 + 0.05 * np.arange(N)
PROCESS = ref.PiecewiseGBM(SIGMA, MU, T)
DELTA = T / N


@pytest.mark.parametrize("k", range(N + 1))
def test_left_sums_of_eqs_34_and_35(k: int) -> None:
    pairs = [(mpf(a), mpf(b)) for a, b in zip(MU[:k], SIGMA[:k], strict=True)]
    mean = mpf(T) / N * mpmath.fsum(a - b**2 / 2 for a, b in pairs)
    var = mpf(T) / N * mpmath.fsum(b**2 for a, b in pairs)
    scale = float(mpf(T) / N * mpmath.fsum(abs(a) + b**2 for a, b in pairs)) + 1e-300
    t = min(k * DELTA, T)
    found = np.array([PROCESS.log_mean(t), PROCESS.log_var(t)])
    assert_accurate(found, [mean, var], 8 * scale, k=4)


def test_the_reverse_step_takes_out_what_the_forward_step_put_in() -> None:
    """Claim E19 iv: from k to k - 1 the rate is sigma_{k-1}; sigma_k would be the mistake."""
    for k in range(1, N + 1):
        _, dv = PROCESS.increments(min(k * DELTA, T), DELTA)
        assert dv == pytest.approx(DELTA * SIGMA[k - 1] ** 2, rel=1e-13)
        assert k == N or abs(dv - DELTA * SIGMA[k] ** 2) > 1e-3
    assert PROCESS.diffusion(0.0) == SIGMA[0]
    assert PROCESS.diffusion(3 * DELTA) == SIGMA[3]
    assert PROCESS.diffusion(T) == SIGMA[-1]
    assert PROCESS.drift(2.5 * DELTA) == MU[2]


def test_the_law_of_the_sampler_is_that_of_sheet_r21() -> None:
    v0, start_var = 0.2, 1.1
    start, data = normal(0.5, start_var), ref.LogNormal([0.3], v0)
    law = ref.exact_law(ref.DaleLangevin(), data, PROCESS, ref.uniform(N, T), start)
    v = v0 + DELTA * np.concatenate([[0.0], np.cumsum(SIGMA**2)])
    closed = v0**2 * (start_var / v[-1] ** 2 + np.sum(DELTA * SIGMA**2 / v[:-1] ** 2))
    assert float(law.cov[0, 0]) == pytest.approx(closed, rel=1e-12)
    shifted = 0.5 - 0.3 - PROCESS.log_mean(T)
    assert float(law.mean[0]) == pytest.approx(0.3 + v0 / v[-1] * shifted, rel=1e-12)


@settings(max_examples=100, derandomize=True)
@given(st.floats(0, T), st.floats(0, 1))
def test_increments_of_the_chain_add_up(t: float, share: float) -> None:
    s = t * (1 - share)
    dm, dv = PROCESS.increments(t, t - s)
    assert dm == pytest.approx(PROCESS.log_mean(t) - PROCESS.log_mean(s), abs=1e-13)
    assert dv == pytest.approx(PROCESS.log_var(t) - PROCESS.log_var(s), abs=1e-13)
    assert PROCESS.time_at_log_var(PROCESS.log_var(t)) == pytest.approx(t, abs=1e-12)
