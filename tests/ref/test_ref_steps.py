"""Tests of gbm_ref.steps: each step against its equation written by hand in mpmath."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import gbm_ref as ref
from tests.ref.test_ref_process import ALLOWED, LAWS
from tests.support.assertions import assert_accurate
from tests.support.problems import FIXED as H
from tests.support.problems import MIXTURES, PROCESSES, draws, fixed_score, states

STEPS: list[ref.Step] = [ref.SignAgnostic(), ref.DaleLangevin(), ref.ProbabilityFlow()]
ids = [type(step).__name__ for step in STEPS]


def columns(*arrays: np.ndarray) -> list[tuple[mpf, ...]]:
    rows = zip(*[array.ravel().tolist() for array in arrays], strict=True)
    return [tuple(mpf(value) for value in row) for row in rows]


@pytest.mark.parametrize("noise", [1.0, 0.35, 0.0])
@pytest.mark.parametrize("dt", [1e-3, 0.04, 0.3])
@pytest.mark.parametrize("step", STEPS[:2], ids=ids[:2])
def test_steps_are_equations_12_and_13(step: ref.Step, dt: float, noise: float) -> None:
    """Version 2 (A12, A13), with e = delta sigma^2 h + sigma sqrt(delta) Z:
    X (1 - delta (mu - 2 sigma^2) + e) and X exp(-delta (mu - 3/2 sigma^2) + e)"""
    process = ref.GBM(mu=0.13, sigma=0.7, horizon=0.9)
    ambient = step.coordinates == "ambient"
    x, z = states(2), draws(12, 2)
    x = x * np.where(z > 0, 1, -1) if ambient else x
    found = step(process, fixed_score, x, 0.5, dt, noise, z)
    exact = []
    mu, sigma, delta, kappa = mpf(0.13), mpf(0.7), mpf(dt), mpf(noise)
    for a, h, b in columns(x, H, z):
        e = delta * sigma**2 * h + kappa * sigma * mpmath.sqrt(delta) * b
        if ambient:
            exact.append(a * (1 - delta * (mu - 2 * sigma**2) + e))
        else:
            exact.append(a * mpmath.exp(-delta * (mu - 3 * sigma**2 / 2) + e))
    dv = 0.49 * dt
    size = 1 + 0.2 * dt + dv * (2 + np.abs(H)) + np.sqrt(dv) * np.abs(z)
    assert_accurate(found, exact, np.abs(x if ambient else found) * size, k=8)


@pytest.mark.parametrize("name", list(PROCESSES))
def test_steps_use_the_increments_of_any_process(name: str) -> None:
    """Appendix C's time-varying coefficients, with the exact integrals over [s, t] (E19 iv)."""
    process, t, dt = PROCESSES[name], 0.71, 0.13
    x, z = states(2), draws(12, 2)
    log_found = ref.DaleLangevin()(process, fixed_score, x, t, dt, 0.6, z)
    ambient_found = ref.SignAgnostic()(process, fixed_score, x, t, dt, 0.6, z)
    (m_t, v_t), (m_s, v_s) = LAWS[name](mpf(t)), LAWS[name](mpf(t) - mpf(dt))
    dm, dv = m_t - m_s, v_t - v_s
    rows = columns(x, H, z)
    noise = [mpf(0.6) * mpmath.sqrt(dv) * b for _, _, b in rows]
    log_exact = [
        a * mpmath.exp(-dm + dv * (1 + h) + e) for (a, h, _), e in zip(rows, noise, strict=True)
    ]
    ambient_exact = [
        a * (1 - dm + 3 * dv / 2 + dv * h + e) for (a, h, _), e in zip(rows, noise, strict=True)
    ]
    size = 1 + abs(float(dm)) + float(dv) * (2 + np.abs(H)) + np.sqrt(float(dv)) * np.abs(z)
    assert_accurate(log_found, log_exact, log_found * size, k=8 + ALLOWED[name])
    assert_accurate(ambient_found, ambient_exact, x * size, k=8 + ALLOWED[name])


@pytest.mark.parametrize("name", list(PROCESSES))
@pytest.mark.parametrize("dt", [0.13, 0.71])
def test_probability_flow_is_heun_in_the_standard_deviation(name: str, dt: float) -> None:
    """By hand, log score -c (1 + t) (log x - b), to v(s) > 0 and to v(s) = 0 (Euler)."""
    process, t = PROCESSES[name], 0.71

    def score(x: np.ndarray, time: float) -> np.ndarray:
        return -1.0 - 0.75 * (1.0 + time) * (np.log(x) - 0.5)

    x = states(2)
    found = ref.ProbabilityFlow()(process, score, x, t, dt, 1.0, None)
    last = mpf(t) - mpf(dt)
    (m_t, v_t), (m_s, v_s) = LAWS[name](mpf(t)), LAWS[name](last)
    a, b = mpmath.sqrt(v_t), mpmath.sqrt(v_s)
    exact = []
    for (value,) in columns(x):
        u = mpmath.log(value) - m_t
        slope = a * mpf(0.75) * (1 + mpf(t)) * (u + m_t - mpf(0.5))
        u_end = u + (b - a) * slope
        end_slope = b * mpf(0.75) * (1 + last) * (u_end + m_s - mpf(0.5))
        if last > 0:
            u_end = u + (b - a) * (slope + end_slope) / 2
        exact.append(mpmath.exp(u_end + m_s))
    size = (1 + float(v_t)) ** 2 * (2 + np.abs(np.log(x))) + abs(float(m_t - m_s))
    assert_accurate(found, exact, found * size, k=8 + ALLOWED[name])


def test_probability_flow_lands_on_the_denoiser_and_ignores_noise() -> None:
    process, target = PROCESSES["constant"], MIXTURES["mixture-2d"]
    score, x = ref.exact_score(target, process), states(2)
    landed = ref.ProbabilityFlow()(process, score, x, 0.4, 0.4, 1.0, None)
    expected = ref.denoiser(x, score(x, 0.4), process, 0.4)
    np.testing.assert_allclose(np.log(landed), expected, rtol=0, atol=1e-14)
    process, x = PROCESSES["constant"], states(2)
    quiet = ref.ProbabilityFlow()(process, fixed_score, x, 0.4, 0.1, 0.0, None)
    loud = ref.ProbabilityFlow()(process, fixed_score, x, 0.4, 0.1, 1.0, 9 * draws(12, 2))
    np.testing.assert_array_equal(quiet, loud)


def test_keeps_sign_is_what_the_steps_declare() -> None:
    """At a large step and z = -8: the factor of eq. (12) is negative, that of eq. (13) is not."""
    process, x = PROCESSES["constant"], states(2)
    z = np.full_like(x, -8.0)
    for step in STEPS:
        moved = step(process, fixed_score, x, 0.9, 0.3, 1.0, z)
        assert (moved > 0).all() == step.keeps_sign


@pytest.mark.parametrize("step", STEPS, ids=ids)
@pytest.mark.parametrize("process", list(PROCESSES.values()), ids=list(PROCESSES))
def test_no_time_no_change(step: ref.Step, process: ref.Process) -> None:
    x = states(2)
    np.testing.assert_allclose(
        step(process, fixed_score, x, 0.5, 0.0, 1.0, draws(12, 2)), x, rtol=1e-15
    )
