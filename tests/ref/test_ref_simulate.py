"""Tests of gbm_ref.simulate: the loop, and the law of the sign-agnostic sampler by quadrature."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

import gbm_ref as ref
from tests.support.problems import MIXTURES, PROCESSES, draws, states

STEPS: list[ref.Step] = [ref.SignAgnostic(), ref.DaleLangevin(), ref.ProbabilityFlow()]
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
    Backward in the order of the grid: f_k(y) = E f_{k-1}(log|step(e^y, z)|) by Gauss-Hermite
    quadrature in z and cubic splines in y, for f_0 = y and y^2; then E f_N over the start."""
    process, target = ref.GBM(sigma=sigma), ref.LogNormal(np.array([0.0]), v0)
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
