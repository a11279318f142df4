"""gbm_ref.steps, each against its equation written by hand in mpmath, and the loop over them."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from scipy.interpolate import CubicSpline

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
    rows = [(a, h, mpf(0.6) * mpmath.sqrt(dv) * b) for a, h, b in columns(x, H, z)]
    log_exact = [a * mpmath.exp(-dm + dv * (1 + h) + e) for a, h, e in rows]
    ambient_exact = [a * (1 - dm + 3 * dv / 2 + dv * h + e) for a, h, e in rows]
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
        assert (step(process, fixed_score, x, 0.9, 0.3, 1.0, z) > 0).all() == step.keeps_sign


@pytest.mark.parametrize("step", STEPS, ids=ids)
@pytest.mark.parametrize("process", list(PROCESSES.values()), ids=list(PROCESSES))
def test_no_time_no_change(step: ref.Step, process: ref.Process) -> None:
    x = states(2)
    moved = step(process, fixed_score, x, 0.5, 0.0, 1.0, draws(12, 2))
    np.testing.assert_allclose(moved, x, rtol=1e-15)


PROCESS, X = PROCESSES["constant"], states(2)
SCORE = ref.exact_score(MIXTURES["mixture-2d"], PROCESS)
GRID = ref.annealed(6, horizon=0.9, inner_steps=2, chi=0.8, denoise_steps=1)
Z = draws(len(GRID), 12, 2)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_simulate_is_a_plain_loop(step: ref.Step) -> None:
    expected = [X]
    for row, z in zip(GRID, Z, strict=True):
        expected.append(step(PROCESS, SCORE, expected[-1], row.t_score, row.dt, row.noise, z))
    last, path = ref.simulate(step, PROCESS, SCORE, X, GRID, Z, return_path=True)
    np.testing.assert_array_equal(path, np.stack(expected))
    np.testing.assert_array_equal(last, path[-1])
    np.testing.assert_array_equal(ref.simulate(step, PROCESS, SCORE, X, GRID, Z), last)


def test_noise_may_come_from_a_callable_and_is_left_out_where_no_step_needs_it() -> None:
    given = (ref.DaleLangevin(), PROCESS, SCORE, X, GRID)
    found = ref.simulate(*given, lambda index: Z[index])
    np.testing.assert_array_equal(ref.simulate(*given, Z), found)
    assert ref.simulate(ref.ProbabilityFlow(), PROCESS, SCORE, X, GRID).shape == X.shape


def test_states_do_not_influence_each_other() -> None:
    batch = ref.simulate(ref.DaleLangevin(), PROCESS, SCORE, X, GRID, Z)
    alone = ref.simulate(ref.DaleLangevin(), PROCESS, SCORE, X[4], GRID, Z[:, 4])
    np.testing.assert_allclose(alone, batch[4], rtol=1e-12)


@pytest.mark.parametrize("step", [ref.DaleLangevin(), ref.ProbabilityFlow()])
def test_the_score_of_a_data_set_leads_back_to_it(step: ref.Step) -> None:
    """R3: from noise of any size, noise-free at the end, a sampler returns training points."""
    process = ref.VarianceExploding(0.01, 10.0)
    data = ref.PointMasses(np.array([[0.7, 1.3], [1.9, 0.6]]))
    grid = ref.power(process, 60, std_min=0.01, std_max=10.0)
    x = np.exp(10.0 * draws(20, 2))
    z = draws(60, 20, 2) if step.uses_noise else None
    if z is not None:
        z[-1] = 0.0
    found = ref.simulate(step, process, ref.exact_score(data, process), x, grid, z)
    distance = np.abs(np.log(found)[:, None] - np.log(data.points)).max(axis=2).min(axis=1)
    assert (distance < 1e-6).all()


def sign_agnostic_moments(v0: float, sigma: float, steps: int) -> tuple[float, float]:
    """Log-mean and log-variance of the output of eq. (12), from an exact start, data mean 0.
    Backward: f_k(y) = E f_{k-1}(log|step(e^y, z)|), Gauss-Hermite in z and splines in y."""
    process, target = ref.GBM(sigma=sigma), ref.LogNormal([0.0], v0)
    score, nodes_weights = ref.exact_score(target, process), np.polynomial.hermite_e.hermegauss(24)
    nodes, weights = nodes_weights[0], nodes_weights[1] / nodes_weights[1].sum()
    std_end = np.sqrt(v0 + sigma**2)
    y = np.linspace(-10 * std_end, 10 * std_end, 601)
    values = np.stack([y, y**2], axis=-1)
    for row in reversed(ref.uniform(steps)):
        x = np.repeat(np.exp(y)[:, None, None], nodes.size, axis=1)
        z = np.broadcast_to(nodes[:, None], x.shape)
        moved = ref.SignAgnostic()(process, score, x, row.t_score, row.dt, row.noise, z)
        later = CubicSpline(y, values)(np.log(np.abs(moved[..., 0])))
        values = np.einsum("j,njm->nm", weights, later)
    first, second = weights @ CubicSpline(y, values)(std_end * nodes)
    return float(first), float(second - first**2)


def test_sign_agnostic_law_of_r14() -> None:
    """R14 at v0 = 0.2, sigma = 0.8, N = 100: log-mean -0.003200, log-variance 0.203601."""
    mean, var = sign_agnostic_moments(0.2, 0.8, 100)
    assert f"{mean:.6f} {var:.6f}" == "-0.003200 0.203601"


def test_sign_agnostic_leading_bias_and_weak_order() -> None:
    """R14's leading terms, and R15's weak order 1: both errors halve, N -> 2N."""
    errors = []
    for steps in (100, 200):
        mean, var = sign_agnostic_moments(0.2, 0.8, steps)
        errors.append((mean, var - 0.2))
    h, ratio = 0.64 / 200, 0.2 / 0.84
    mean_bias = -h * (0.5 * (1 - ratio) - 0.375 * 0.2 * np.log(ratio))
    var_bias = h / 2 * (1 - ratio**2 + 0.2 * (1 - ratio))
    np.testing.assert_allclose(errors[1], (mean_bias, var_bias), rtol=0.02)
    slopes = np.log2(np.array(errors[0]) / errors[1])
    assert np.abs(slopes - ref.SignAgnostic.weak_order).max() < 0.05
