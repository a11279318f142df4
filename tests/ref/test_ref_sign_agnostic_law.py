"""The law of eq. 12's sampler without Monte Carlo: backward quadrature of `gbm_ref` against the
density on a log grid, nested sums over start and draws, and the claims' recursion."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import gbm_ref as ref
from gbm_ref import (
    GBM,
    Gaussian,
    LogNormal,
    Process,
    Row,
    SignAgnostic,
    VarianceExploding,
    uniform,
)
from gbm_ref.sign_agnostic_law import sign_agnostic_average, sign_agnostic_moments
from spec.exact import _transport
from tests.support.density_transport import Moments, transported
from tests.support.flips_by_quadrature import log_moments
from tests.support.problems import LOG_NORMALS, PROCESSES, end_law

Problem = tuple[LogNormal, Process, ref.Grid, Gaussian]
LINE = LOG_NORMALS["log-normal-1d"]


def square(y: np.ndarray) -> np.ndarray:
    return np.exp(2.0 * y)


def moments(target: LogNormal, process: Process, grid: ref.Grid, start: Gaussian) -> Moments:
    law = sign_agnostic_moments(target, process, grid, start)
    mean = sign_agnostic_average(np.exp, target, process, grid, start, signed=True)
    second = sign_agnostic_average(square, target, process, grid, start)
    sign = sign_agnostic_average(np.ones_like, target, process, grid, start, signed=True)
    return Moments(law.mean, law.var, mean.value, second.value, (1.0 - sign.value) / 2.0)


def test_the_value_of_the_sheet() -> None:
    """R14: v_0 = 0.2, sigma = 0.8, N = 100, m = 0; and the transport to 1e-10."""
    target, process = LogNormal([0.0], 0.2), GBM(sigma=0.8)
    law = sign_agnostic_moments(target, process, uniform(100), end_law(target, process))
    assert f"{law.mean:.6f} {law.var:.6f}" == "-0.003200 0.203601"
    assert law.error < 1e-14
    wanted = transported(target, process, 100, 280, 7.0)
    assert abs(law.mean - wanted.log_mean) < 1e-10
    assert abs(law.var - wanted.log_var) < 1e-10


def test_moments_against_the_transport_where_signs_flip() -> None:
    """sigma = 1, N = 8: one path in sixty ends negative. The transport is good to 1e-7 here."""
    target, process = LogNormal([0.3], 0.25), GBM(0.1, 1.0)
    found = moments(target, process, uniform(8), end_law(target, process))
    wanted = transported(target, process, 8, 1000, 21.0)
    assert found.negative > 0.015
    np.testing.assert_allclose(found, wanted, rtol=0.0, atol=1e-7)
    assert abs(found.log_mean - transported(target, process, 8, 400, 8.0, ito=1.0).log_mean) > 0.1


@pytest.mark.parametrize(("drift", "kappa"), [("0", "1"), ("0.3", "0.6"), ("-0.7", "0.25")])
def test_against_the_claims_at_any_drift_and_noise(drift: str, kappa: str) -> None:
    """R14, R14b: v_0 = 0.2, v_N = 0.3, 16 steps, m' = m / sigma^2 = drift, constant kappa."""
    sigma, centre = 0.6, 0.31
    horizon, m = 0.1 / sigma**2, float(drift) * sigma**2
    target, process = LogNormal([centre], 0.2), GBM(m + sigma**2 / 2, sigma, horizon)
    grid = tuple(Row(t, dt, float(kappa)) for t, dt, _ in uniform(16, horizon))
    law = sign_agnostic_moments(target, process, grid, end_law(target, process))
    mean, var = _transport.law("0.2", "0.1", 16, drift, kappa)
    assert abs(law.mean - centre - float(mean)) < 1e-8
    assert abs(law.var - float(var)) < 1e-8
    wrong, _ = _transport.law("0.2", "0.1", 16, drift, "0.9")
    assert abs(law.mean - centre - float(wrong)) > 1e-4


def by_simulation(target: LogNormal, process: Process, grid: ref.Grid, start: Gaussian) -> Moments:
    """Gauss-Hermite nodes for the start and each draw, all through the sampler itself."""
    points, weights = np.polynomial.hermite_e.hermegauss(22)
    weights = weights / weights.sum()
    axes = np.meshgrid(*[points] * (len(grid) + 1), indexing="ij")
    share = np.ones(1)
    for _ in axes:
        share = np.outer(share, weights).ravel()
    x = np.exp(start.mean[0] + np.sqrt(start.cov[0, 0]) * axes[0].ravel())[:, None]
    z = np.stack([axis.ravel()[:, None] for axis in axes[1:]])
    end = ref.simulate(SignAgnostic(), process, ref.exact_score(target, process), x, grid, z)[:, 0]
    logs = np.log(np.abs(end))
    mean = share @ logs
    return Moments(mean, share @ (logs - mean) ** 2, share @ end, share @ end**2, 0.0)


@pytest.mark.parametrize("name", list(PROCESSES))
def test_short_grids_against_the_sampler_itself(name: str) -> None:
    """Any process; rows with less noise and none, several at a level, steps short of the next.
    Flips have a probability below 1e-30 here, and the rules of 22 nodes are good to 1e-10."""
    process = PROCESSES[name]
    grid = (Row(0.21, 0.02, 1.0), Row(0.21, 0.02, 0.4), Row(0.09, 0.03, 0.0))
    start = Gaussian(end_law(LINE, process, 0.21).mean + 0.4, np.array([[0.3]]))
    found = moments(LINE, process, grid, start)
    np.testing.assert_allclose(found, by_simulation(LINE, process, grid, start), atol=1e-9)


def test_noise_free_rows_carry_points_to_points() -> None:
    """Noise 0 and a start without variance: the sampler's single path, nothing averaged."""
    process, grid = PROCESSES["constant"], ref.annealed(6, 0.9, denoise_steps=2)
    rows = tuple(row._replace(noise=0.0) for row in grid)
    law = sign_agnostic_moments(LINE, process, rows, Gaussian(np.array([1.3]), np.zeros((1, 1))))
    z, score = np.zeros((len(rows), 1)), ref.exact_score(LINE, process)
    end = ref.simulate(SignAgnostic(), process, score, np.exp([1.3]), rows, z)
    assert law.mean == pytest.approx(float(np.log(end[0])), abs=1e-13)
    assert abs(law.var) < 1e-13


def test_the_leading_bias_of_r14() -> None:
    """The bias over h tends to that of R14, m' not 0; two orders removed by extrapolation."""
    v0, total, slope = 0.2, 0.1, 0.3
    process = GBM((slope + 0.5) * total, np.sqrt(total))
    target = LogNormal([0.0], v0)
    relative = []
    for steps in (8, 16, 32):
        law = sign_agnostic_moments(target, process, uniform(steps), end_law(target, process))
        relative.append(np.array([law.mean, law.var - v0]) * steps / total)
    limit = (8 * relative[2] - 6 * relative[1] + relative[0]) / 3
    end = v0 + total
    bias = -((1 - v0 / end) / 2 + (3 / 8 + slope / 2 + slope**2 / 2) * v0 * np.log(end / v0))
    spread = (1 - v0**2 / end**2 + v0 * (1 - v0 / end)) / 2
    np.testing.assert_allclose(limit, [bias, spread], atol=1e-4)


def test_the_weak_orders_of_the_moments() -> None:
    """Local slopes of the errors of E X and E X^2. The figures are those of the verification note
    (d6), found with another transport; of the usual problems this one gives all six."""
    target, process = LogNormal([0.3], 0.09), GBM(0.1, 0.4)
    start, errors = end_law(target, process), []
    wanted = np.exp([0.3 + 0.045, 0.6 + 0.18])
    for steps in (8, 16, 32, 64):
        grid = uniform(steps)
        first = sign_agnostic_average(np.exp, target, process, grid, start, signed=True)
        second = sign_agnostic_average(square, target, process, grid, start)
        errors.append(np.array([first.value, second.value]) - wanted)
    slopes = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert [f"{slope:.3f}" for slope in slopes[:, 0]] == ["1.034", "1.018", "1.009"]
    assert [f"{slope:.3f}" for slope in slopes[:, 1]] == ["1.161", "1.079", "1.039"]
    assert np.abs(slopes[-1] - SignAgnostic.weak_order).max() < 0.05


def flipping_problem(rng: np.random.Generator, rows: int) -> Problem:
    """Any process, wide and narrow starts, long and short steps, much noise, little and none."""
    process: Process = GBM(rng.normal() * 0.5, 10 ** rng.uniform(-1, 0.5))
    if rng.random() < 0.3:
        process = VarianceExploding(10 ** rng.uniform(-3, -1), 10 ** rng.uniform(-0.5, 0.7))
    times = np.sort(rng.uniform(0.2, 1.0, rows))[::-1]
    noise = [rng.choice([0.0, 0.3, 1.0, 1.5]) for _ in times]
    noise[-1] = noise[-1] or float(rows > 1)  # the rule of the tests has no noise in row one alone
    lengths = [rng.choice([0.05, 0.3, 0.8, 1.0]) for _ in times]
    grid = tuple(Row(t, t * x, k) for t, x, k in zip(times, lengths, noise, strict=True))
    start = Gaussian(rng.normal(size=1), np.array([[rng.choice([0.0, 0.1, 1.0, 4.0, 9.0])]]))
    return LogNormal(rng.normal(size=1), rng.choice([0.0, 0.05, 0.5, 2.0])), process, grid, start


@pytest.mark.parametrize(("rows", "fine", "coarse"), [(1, 180, 160), (2, 80, 72)])
def test_the_stated_error_bounds_the_error(
    rows: int, fine: int, coarse: int, rng: np.random.Generator
) -> None:
    """Against nested sums over the start and the draws, where these have converged."""
    compared = 0
    while compared < 16 // rows**2:
        problem = flipping_problem(rng, rows)
        truth, rough = (np.array(log_moments(*problem, nodes)) for nodes in (fine, coarse))
        if np.abs(truth - rough).max() > 1e-5:
            continue
        law = sign_agnostic_moments(*problem)
        compared += 1
        slack = 5.0 * np.abs(truth - rough) + 1e-13 * (1.0 + np.abs(truth))
        assert (np.abs(np.array([law.mean, law.var]) - truth) <= law.error + slack).all()
        assert law.error <= 1e-6 * (1.0 + law.var)


def test_a_row_without_noise_where_factors_vanish() -> None:
    """A wide start, N(0.4, 4), over the zero of the factor; by mpmath over y, split there."""
    target, process, row = LogNormal([0.3], 0.05), GBM(0.32, 0.8), Row(1.0, 1.0, 0.0)
    law = sign_agnostic_moments(target, process, (row,), Gaussian(np.array([0.4]), np.eye(1) * 4))
    with mpmath.workdps(30):
        v, mu = mpf(0.8) ** 2, mpf(0.32)
        m, slope = mu - v / 2, v / (mpf(0.05) + v)
        centre, top = mpf(0.3) + m, 1 - m + v / 2

        def end(z: mpf) -> mpf:
            y = mpf(0.4) + 2 * z
            return y + mpmath.log(abs(top - slope * (y - centre)))

        kink = (centre + top / slope - mpf(0.4)) / 2
        parts = [-12, -3, 0, kink, 4, 12]
        mean = mpmath.quad(lambda z: end(z) * mpmath.npdf(z), parts)
        var = mpmath.quad(lambda z: (end(z) - mean) ** 2 * mpmath.npdf(z), parts)
    assert f"{law.mean:.5f} {law.var:.4f}" == "0.58650 2.9149"
    assert abs(law.mean - mean) <= law.error and abs(law.var - var) <= law.error < 1e-12


def test_growing_functions_of_a_wide_start_have_their_tails() -> None:
    """E X_0 and E X_0^2 of one row by hand: polynomials in log X_T under a tilted normal law."""
    target, process, row = LogNormal([0.3], 0.05), GBM(0.32, 0.8), Row(1.0, 0.4, 0.7)
    start = Gaussian(np.array([0.4]), np.array([[9.0]]))
    mean = sign_agnostic_average(np.exp, target, process, (row,), start, signed=True)
    second = sign_agnostic_average(square, target, process, (row,), start)
    dv, slope = 0.64 * 0.4, 0.64 * 0.4 / 0.69
    first = [(1 + dv / 2 + slope * 0.3) - slope * (0.4 + k * 9.0) for k in (1, 2)]
    wanted_mean = np.exp(0.4 + 4.5) * first[0]
    wanted_second = np.exp(0.8 + 18.0) * (first[1] ** 2 + slope**2 * 9.0 + 0.49 * dv)
    assert mean.value == pytest.approx(wanted_mean, rel=1e-11)
    assert second.value == pytest.approx(wanted_second, rel=1e-11)
    assert abs(mean.value - wanted_mean) <= mean.error + 1e-14 * abs(wanted_mean)
    assert abs(second.value - wanted_second) <= second.error + 1e-14 * wanted_second


def test_sharp_features_after_a_start_without_spread() -> None:
    """A row of much noise from one state, and one of little where its factor may vanish: the mean
    agrees with sums over many more nodes."""
    process = VarianceExploding(0.024, 2.475)
    grid = (Row(0.82635, 0.661, 1.5), Row(0.5583, 0.4466, 0.01))
    problem = LogNormal([0.1], 0.05), process, grid, Gaussian(np.array([0.5]), np.zeros((1, 1)))
    law, wanted = sign_agnostic_moments(*problem), log_moments(*problem, 1200)
    np.testing.assert_allclose([law.mean, law.var], wanted, rtol=0.0, atol=5e-5)
