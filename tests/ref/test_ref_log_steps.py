"""The steps beyond eqs. 12 and 13: formulas, limits and laws; version 1 as printed."""

from functools import partial

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from scipy.special import digamma

import gbm_ref as ref
from tests.support.assertions import assert_accurate
from tests.support.problems import FIXED as H
from tests.support.problems import LOG_NORMALS, PROCESSES, draws, end_law, fixed_score, states

PROCESS = ref.GBM(mu=0.13, sigma=0.7, horizon=0.9)
T, DT, KAPPA, NOISE = 0.5, 0.2, 0.7, 0.9
M = mpmath


def coefficients() -> tuple[mpf, mpf, mpf, mpf]:
    """dm, dv, v(t), v(s) of one step from T by DT, the floats taken as exact."""
    mu, sigma, t, dt = mpf(0.13), mpf(0.7), mpf(T), mpf(DT)
    return (mu - sigma**2 / 2) * dt, sigma**2 * dt, sigma**2 * t, sigma**2 * (t - dt)


def log_factor(name: str, h: mpf, z: mpf) -> mpf:
    """log X_s - log X_t of the steps in log X, from claims R7, R11 and R17."""
    dm, dv, v_t, v_s = coefficients()
    kappa, noise = mpf(KAPPA) * mpf(NOISE), mpf(NOISE)
    bridge = -dm + dv * (1 + h)
    return {
        "marginal": -dm + (1 + kappa**2) / 2 * dv * (1 + h) + kappa * M.sqrt(dv) * z,
        "corrector": dv / 2 * (1 + h) + noise * M.sqrt(dv) * z,
        "ancestral": bridge + noise * M.sqrt(dv * v_s / v_t) * z,
        "reverse kernel": bridge + noise * M.sqrt(dv * (mpf(0.3) + v_s) / (mpf(0.3) + v_t)) * z,
        "ddim": -dm + (v_t - M.sqrt(v_s * v_t)) * (1 + h),
    }[name]


LOG_STEPS: dict[str, ref.Step] = {
    "marginal": ref.MarginalPreserving(KAPPA),
    "corrector": ref.Corrector(),
    "ancestral": ref.Ancestral(),
    "reverse kernel": ref.Ancestral(0.3),
    "ddim": ref.DDIM(),
}


@pytest.mark.parametrize("name", LOG_STEPS)
def test_steps_in_log_x_are_their_formulas(name: str) -> None:
    x, z = states(2), draws(12, 2)
    found = LOG_STEPS[name](PROCESS, fixed_score, x, T, DT, NOISE, z)
    flat = zip(x.ravel(), H.ravel(), z.ravel(), strict=True)
    exact = [mpf(a) * M.exp(log_factor(name, mpf(h), mpf(b))) for a, h, b in flat]
    assert_accurate(found, exact, np.abs(found) * (1.0 + 0.1 * (2 + np.abs(H)) + np.abs(z)), k=8)


@pytest.mark.parametrize("name", ["marginal", "milstein"])
def test_steps_in_x_are_their_formulas(name: str) -> None:
    x, z = states(2) * np.where(draws(12, 2) > 0, 1, -1), draws(12, 2)
    marginal = name == "marginal"
    step = ref.AmbientMarginalPreserving(KAPPA) if marginal else ref.AmbientMilstein()
    found = step(PROCESS, fixed_score, x, T, DT, NOISE, z)
    dm, dv, _, _ = coefficients()
    kappa = mpf(NOISE) * (mpf(KAPPA) if marginal else 1)
    exact = []
    for a, h, b in zip(x.ravel(), H.ravel(), z.ravel(), strict=True):
        factor = 1 - dm + kappa * M.sqrt(dv) * mpf(b)
        if marginal:
            factor += (1 + kappa**2) / 2 * dv * (1 + mpf(h)) + kappa**2 / 2 * dv
        else:
            factor += mpf(3) / 2 * dv + dv * mpf(h) + kappa**2 * dv / 2 * (mpf(b) ** 2 - 1)
        exact.append(mpf(a) * factor)
    scale = np.abs(x) * (1.0 + 0.1 * (3 + np.abs(H)) + np.abs(z) + 0.1 * z**2)
    assert_accurate(found, exact, scale, k=8)


def test_at_kappa_one_they_are_the_samplers_of_the_paper() -> None:
    x, z = states(2), draws(12, 2)
    arguments = (PROCESS, fixed_score, x, T, DT, 1.0, z)
    found, ambient = ref.MarginalPreserving(), ref.AmbientMarginalPreserving()
    np.testing.assert_array_equal(found(*arguments), ref.DaleLangevin()(*arguments))
    wanted = ref.SignAgnostic()(*arguments)
    np.testing.assert_allclose(ambient(*arguments), wanted, rtol=0, atol=1e-14 * 9)


def test_milstein_is_closer_to_dale_langevin_than_euler_is() -> None:
    """Gap of order dt^(3/2) against dt (claim A13): at dt / 100 it falls by 1000, not by 100."""
    x, z = np.full((12, 2), 1.3), draws(12, 2)

    def gap(step: ref.Step, dt: float) -> float:
        exact = ref.DaleLangevin()(PROCESS, fixed_score, x, T, dt, 1.0, z)
        return float(np.max(np.abs(step(PROCESS, fixed_score, x, T, dt, 1.0, z) - exact)))

    falls = [gap(s, 1e-4) / gap(s, 1e-6) for s in (ref.AmbientMilstein(), ref.SignAgnostic())]
    assert falls[0] == pytest.approx(1000, rel=0.15)
    assert falls[1] == pytest.approx(100, rel=0.15)


@pytest.mark.parametrize("step", [ref.DDIM(), ref.Ancestral()], ids=["DDIM", "Ancestral"])
def test_a_step_to_the_data_lands_on_the_denoiser(step: ref.Step) -> None:
    x = states(2)
    found = step(PROCESS, fixed_score, x, T, T, 1.0, draws(12, 2))
    np.testing.assert_allclose(np.log(found), ref.denoiser(x, H, PROCESS, T), rtol=0, atol=1e-14)


@pytest.mark.parametrize("target", LOG_NORMALS.values(), ids=list(LOG_NORMALS))
@pytest.mark.parametrize("process", PROCESSES.values(), ids=list(PROCESSES))
@pytest.mark.parametrize("steps", [1, 3, 16])
def test_reverse_kernel_is_exact(target: ref.LogNormal, process: ref.Process, steps: int) -> None:
    """Claim R7; with the noise of the point-mass kernel instead, the law is too narrow."""
    grid, start = ref.uniform(steps, process.horizon), end_law(target, process)
    law = ref.exact_law(ref.Ancestral(target.log_cov), target, process, grid, start)
    np.testing.assert_allclose(law.mean, target.log_mean, atol=1e-13)
    np.testing.assert_allclose(law.cov, target.log_cov, atol=1e-13)
    twin = ref.exact_law(ref.Ancestral(), target, process, grid, start)
    assert np.trace(twin.cov) < 0.9 * np.trace(target.log_cov)


STEPS_WITH_A_LAW: dict[str, ref.LogAffineStep] = {
    "marginal": ref.MarginalPreserving(KAPPA),
    "euler flow": ref.MarginalPreserving(0.0),
    "corrector": ref.Corrector(),
    "ancestral": ref.Ancestral(),
    "reverse kernel": ref.Ancestral([[0.4, 0.1], [0.1, 0.2]]),
    "ddim": ref.DDIM(),
}


@pytest.mark.parametrize("name", STEPS_WITH_A_LAW)
def test_the_law_of_the_code_is_the_exact_law(name: str) -> None:
    step, target = STEPS_WITH_A_LAW[name], LOG_NORMALS["log-normal-2d"]
    grid = ref.annealed(5, PROCESS.horizon, chi=0.8, step_length=0.11, inner_steps=2)
    score = ref.exact_score(target, PROCESS)
    start = ref.Gaussian(np.array([0.4, -0.1]), np.array([[1.0, 0.3], [0.3, 0.7]]))
    expected = ref.exact_law(step, target, PROCESS, grid, start)
    assert name != "reverse kernel" or abs(expected.cov[0, 1]) > 1e-3
    run = partial(ref.simulate, step, PROCESS, score)
    ref.assert_law(lambda x, z: run(x, grid, z), start, expected, len(grid))
    wider = ref.Gaussian(expected.mean, expected.cov * (1 + 1e-9))
    with pytest.raises(ref.LawRejected):
        ref.assert_law(lambda x, z: run(x, grid, z), start, wider, len(grid))


@pytest.mark.parametrize("kappa", [0.0, 0.5, 1.0, 1.6])
def test_any_amount_of_noise_has_the_same_limit(kappa: float) -> None:
    """Claim R11: the bias of the variance halves with the step, whatever kappa is."""
    target, process = ref.LogNormal([0.3], 0.2), ref.GBM(mu=0.13, sigma=0.8)
    start = ref.Gaussian(target.diffuse(process, 1.0).log_mean, np.array([[0.84]]))

    def bias(steps: int) -> float:
        step, grid = ref.MarginalPreserving(kappa), ref.uniform(steps)
        return float(ref.exact_law(step, target, process, grid, start).cov[0, 0]) / 0.2 - 1

    assert bias(400) / bias(800) == pytest.approx(2, rel=0.02)
    assert abs(bias(800)) < 5e-3


def test_annealing_narrows_dale_langevin_and_not_the_marginal_preserving_step() -> None:
    """Claim E18: chi = 0.995 at N = 1000 leaves 0.081 v0; with the drift adapted, v0 remains."""
    target, process = ref.LogNormal([0.0], 0.05), ref.GBM(sigma=0.8)
    start = ref.Gaussian(np.zeros(1), np.array([[0.69]]))
    grid = ref.annealed(1000, chi=0.995)
    narrow = ref.exact_law(ref.DaleLangevin(), target, process, grid, start).cov[0, 0] / 0.05
    kept = ref.exact_law(ref.MarginalPreserving(), target, process, grid, start).cov[0, 0] / 0.05
    assert round(float(narrow), 3) == 0.081
    assert float(kept) == pytest.approx(1, abs=5e-3)


def test_the_corrector_s_limit_is_that_of_sheet_r11() -> None:
    target, process = ref.LogNormal([0.3], 0.2), ref.GBM(mu=0.13, sigma=0.8)
    row = ref.uniform(10)[3]
    v = 0.2 + process.log_var(row.t_score)
    start = ref.Gaussian(np.array([0.3 + process.log_mean(row.t_score)]), np.array([[v]]))
    law = ref.exact_law(ref.Corrector(), target, process, (row,) * 2000, start)
    assert float(law.cov[0, 0]) == pytest.approx(v / (1 - 0.64 * row.dt / (4 * v)), rel=1e-12)
    assert float(law.mean[0]) == pytest.approx(float(start.mean[0]), rel=1e-12)


def test_algorithm_1_as_printed_has_the_bias_of_sheet_e2() -> None:
    """-v0 [psi(v0 / h + N) - psi(v0 / h)] = -0.1315 on rows N..1; nearly so on those printed."""
    target, process, v0, h = ref.LogNormal([0.3], 0.05), ref.GBM(sigma=0.8), 0.05, 0.64e-3
    start = ref.Gaussian(np.array([0.3]), np.array([[0.69]]))
    law = ref.exact_law(ref.PrintedAlgorithm1(), target, process, ref.uniform(1000), start)
    wanted = -v0 * (digamma(v0 / h + 1000) - digamma(v0 / h))
    assert float(law.mean[0]) - 0.3 == pytest.approx(wanted, rel=1e-11)
    assert round(wanted, 4) == -0.1315
    as_printed = ref.exact_law(ref.PrintedAlgorithm1(), target, process, ref.printed(1000), start)
    assert float(as_printed.mean[0]) - 0.3 == pytest.approx(wanted, rel=1e-3)
    right = ref.exact_law(ref.DaleLangevin(), target, process, ref.printed(1000), start)
    assert float(right.mean[0]) == pytest.approx(0.3, abs=1e-13)


def test_printed_grids_start_one_level_below_the_end() -> None:
    """Claims E3, E4: Algorithm 2's literal variance 4.93 v0 at its published setting (R10b)."""
    assert ref.printed(5) == ref.annealed(5, start=4)
    assert [row.t_score for row in ref.printed(5)] == [0.8, 0.6, 0.4, 0.2]
    grid = ref.printed(1000, step_length=2e-4, chi=0.995)
    assert {row.dt for row in grid} == {2e-4}
    target, process = ref.LogNormal([0.0], 0.05), ref.GBM(sigma=0.8)
    start = ref.Gaussian(np.zeros(1), np.array([[0.05 + 0.64 * 0.999]]))
    law = ref.exact_law(ref.DaleLangevin(), target, process, grid, start)
    assert round(float(law.cov[0, 0]) / 0.05, 2) == 4.93
