"""The laws of the samplers by three routes: `gbm_ref.probe` on `gbm_ref.simulate`, the recursion
of `gbm_ref.exact_law`, and the closed forms of the equation sheet in mpmath."""

from functools import partial

import numpy as np
import pytest
from mpmath import gamma, mpf, psi

import gbm_ref as ref
from gbm_ref import Gaussian
from tests.support.problems import LOG_NORMALS, PROCESSES, end_law, normal

PROCESS, TARGET = ref.GBM(mu=0.13, sigma=0.8), ref.LogNormal([0.31], 0.1)
START = end_law(TARGET, PROCESS)


def assert_probe_agrees(
    step: ref.Step, target: ref.LogNormal, process: ref.Process, grid: ref.Grid, start: Gaussian
) -> Gaussian:
    """exact_law, once the probe has found the same law in `simulate`."""
    law = ref.exact_law(step, target, process, grid, start)
    run = partial(ref.simulate, step, process, ref.exact_score(target, process))
    ref.assert_law(lambda x, z: run(x, grid, z), start, law, rows=len(grid))
    return law


@pytest.mark.parametrize("steps, ratio", [(10, "1.37777"), (100, "1.03210"), (1000, "1.00315")])
def test_dale_langevin_law_of_r8(steps: int, ratio: str) -> None:
    """R8 at v0 = 0.1, sigma = 0.8: V0 / v0 as printed, and the trigamma closed form."""
    law = assert_probe_agrees(ref.DaleLangevin(), TARGET, PROCESS, ref.uniform(steps), START)
    assert f"{law.cov[0, 0] / 0.1:.5f}" == ratio
    v0, added = mpf(0.1), mpf(0.8) ** 2
    h, v_end = added / steps, v0 + added
    closed = float(v0**2 / v_end + v0**2 / h * (psi(1, v0 / h) - psi(1, v0 / h + steps)))
    assert law.cov[0, 0] == pytest.approx(closed, rel=1e-12)
    # The mean is exact: an exact start leaves no bias at all.
    assert law.mean[0] == pytest.approx(0.31, abs=1e-13)


def test_a_wrong_mean_at_the_start_shrinks_by_v0_over_v_end() -> None:
    """R8: e_0 = (v0 / v_N) e_N for every number of steps."""
    wrong = START._replace(mean=START.mean + 0.5)
    for steps in (3, 40):
        law = assert_probe_agrees(ref.DaleLangevin(), TARGET, PROCESS, ref.uniform(steps), wrong)
        assert law.mean[0] - 0.31 == pytest.approx(0.5 * 0.1 / 0.74, rel=1e-12)


def test_matrix_case_of_r9() -> None:
    """R9: full covariance and a start of another mean and covariance, in closed form."""
    target, steps = LOG_NORMALS["log-normal-2d"], 25
    shift, wrong_cov = np.array([0.4, -0.7]), np.array([[1.1, -0.3], [-0.3, 0.8]])
    start = Gaussian(end_law(target, PROCESS).mean + shift, wrong_cov)
    law = assert_probe_agrees(ref.DaleLangevin(), target, PROCESS, ref.uniform(steps), start)
    s0, added = target.log_cov, 0.64
    k = s0 @ np.linalg.inv(s0 + added * np.eye(2))
    np.testing.assert_allclose(law.mean, target.log_mean + k @ shift, rtol=1e-12)
    values, vectors = np.linalg.eigh(s0)
    h = added / steps
    sums = [float(x**2 / h * (psi(1, x / h) - psi(1, x / h + steps))) for x in values]
    expected = k @ wrong_cov @ k.T + vectors @ np.diag(sums) @ vectors.T
    np.testing.assert_allclose(law.cov, expected, rtol=1e-12)


def test_point_mass_comes_out_blurred_by_one_step() -> None:
    """R8: for v0 = 0, V_0 = h whatever the start, since every step but the last is forgotten."""
    target, start = ref.LogNormal([0.31], 0.0), normal(2.0, 3.0)
    law = assert_probe_agrees(ref.DaleLangevin(), target, PROCESS, ref.uniform(20), start)
    assert law.cov[0, 0] == pytest.approx(0.64 / 20, rel=1e-12)
    assert law.mean[0] == pytest.approx(0.31, abs=1e-13)


@pytest.mark.parametrize("start_level", [30, 29])
@pytest.mark.parametrize("mu", [0.32, 0.13])
def test_annealed_law_is_the_recursion_of_r10(mu: float, start_level: int) -> None:
    """R10 written out level by level, with chi, inner steps, another step length and denoising."""
    process, target, v0 = ref.GBM(mu=mu, sigma=0.8), ref.LogNormal([0.31], 0.1), 0.1
    settings = {"inner_steps": 3, "chi": 0.93, "step_length": 0.2 / 30, "denoise_steps": 2}
    grid = ref.annealed(30, start=start_level, **settings)
    start = end_law(target, process, start_level / 30)
    law = assert_probe_agrees(ref.DaleLangevin(), target, process, grid, start)
    m, h, h_s = mu - 0.32, 0.64 / 30, 0.64 * 0.2 / 30
    e, var = 0.0, v0 + h * start_level
    levels = [(k, 3, 0.93 ** (start_level - k)) for k in range(start_level, 0, -1)]
    for k, repeats, kappa in [*levels, (1, 2, 0.0)]:
        for _ in range(repeats):
            factor = 1 - h_s / (v0 + h * k)
            e = factor * e - m * 0.2 / 30
            var = factor**2 * var + kappa**2 * h_s
        # The deviation is measured from a + m t_k, which moves when k does.
        e += m / 30 if k > 1 else 0.0
    final_mean = 0.31 + m / 30
    assert law.cov[0, 0] == pytest.approx(var, rel=1e-12)
    assert law.mean[0] - final_mean == pytest.approx(e, rel=1e-11, abs=1e-14)


@pytest.mark.parametrize("v0, ratio", [(0.01, 0.478), (0.05, 0.633), (0.2, 0.790)])
def test_version_one_s_published_setting_is_under_dispersed(v0: float, ratio: float) -> None:
    """R10b: N = 1000, delta_s = 2e-4, L = 3, chi = .995, in place, exact start at k = 999."""
    process, target = ref.GBM(sigma=0.8), ref.LogNormal([0.31], v0)
    grid = ref.annealed(step_length=2e-4, inner_steps=3, chi=0.995, start=999)
    law = ref.exact_law(ref.DaleLangevin(), target, process, grid, end_law(target, process, 0.999))
    assert law.cov[0, 0] / v0 == pytest.approx(ratio, abs=5e-4)


@pytest.mark.parametrize("name", list(PROCESSES))
def test_time_varying_law_of_r21(name: str) -> None:
    """R21 with the exact integrals: V_0 = v0^2 [V_N / v_N^2 + sum_k dv_k / v_{k-1}^2]."""
    process, target, v0, steps = PROCESSES[name], LOG_NORMALS["log-normal-1d"], 0.23, 17
    grid, start = ref.uniform(steps, process.horizon), end_law(target, process)
    law = assert_probe_agrees(ref.DaleLangevin(), target, process, grid, start)
    v = [v0 + process.log_var(process.horizon * k / steps) for k in range(steps + 1)]
    total = 1 / v[-1] + sum((v[k] - v[k - 1]) / v[k - 1] ** 2 for k in range(1, steps + 1))
    assert law.cov[0, 0] == pytest.approx(v0**2 * total, rel=1e-11)
    assert law.mean[0] == pytest.approx(0.31, abs=1e-11)


def heun_factor(v0: float, stds: list[float]) -> mpf:
    """The product over the steps of Heun's rule for y' = a y / (v0 + a^2), by hand."""
    product = mpf(1)
    for first, last in zip(stds[:-1], stds[1:], strict=True):
        a, b = mpf(first), mpf(last)
        slope = a / (v0 + a**2)
        end = b / (v0 + b**2) * (1 + (b - a) * slope)
        product *= 1 + (b - a) * ((slope + end) / 2 if b > 0 else slope)
    return product


@pytest.mark.parametrize("name", list(PROCESSES))
def test_probability_flow_scales_the_start(name: str) -> None:
    """R16 for log-normal data: the deviation is multiplied by one number a step."""
    process, target = PROCESSES[name], LOG_NORMALS["log-normal-1d"]
    grid = ref.power(process, 9, std_min=0.05, std_max=0.6)
    start = end_law(target, process, grid[0].t_score)
    wrong = Gaussian(start.mean + 0.5, 1.3 * start.cov)
    law = assert_probe_agrees(ref.ProbabilityFlow(), target, process, grid, wrong)
    stds = [float(np.sqrt(process.log_var(row.t_score))) for row in grid] + [0.0]
    factor = float(heun_factor(0.23, stds))
    assert law.mean[0] - 0.31 == pytest.approx(0.5 * factor, rel=1e-11)
    assert law.cov[0, 0] == pytest.approx(factor**2 * wrong.cov[0, 0], rel=1e-11)


def test_probability_flow_of_a_matrix() -> None:
    process, target = PROCESSES["constant"], LOG_NORMALS["log-normal-2d"]
    start = Gaussian(np.array([0.9, -0.2]), np.array([[1.1, -0.3], [-0.3, 0.8]]))
    assert_probe_agrees(ref.ProbabilityFlow(), target, process, ref.uniform(11, 0.9), start)


def test_euler_s_gamma_functions_are_not_ours() -> None:
    """R16 prints Euler's law in time: Heun in sqrt(v) must be far closer to the exact flow."""
    steps = 40
    q = mpf("0.1") / (mpf("0.64") / steps)
    half = mpf(1) / 2
    ratio = gamma(q + steps + half) * gamma(q + 1) / gamma(q + half) / gamma(q + steps + 1)
    euler = abs(float(mpf("0.74") * ratio**2) - 0.1)
    grid = ref.power(PROCESS, steps, 1.0, std_min=0.8 / steps, std_max=0.8)
    law = ref.exact_law(ref.ProbabilityFlow(), TARGET, PROCESS, grid, START)
    assert abs(law.cov[0, 0] - 0.1) < euler / 10
