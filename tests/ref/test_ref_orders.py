"""Weak orders from laws at finite step, without Monte Carlo, with 50 digits (claim R15).

With a constant score dX = beta X dr + sigma X dW. A step in X multiplies by
G(z) = b + c z + q z^2, from the probe, the solution by
F(z) = exp((beta - sigma^2 / 2) d + sigma sqrt(d) z); N steps raise
    E F^2 = exp((2 beta + sigma^2) d),      E G^2 = b^2 + c^2 + 3 q^2 + 2 b q,
    E F G = exp(beta d) E G(z + sigma sqrt(d))      to the power N."""

import math
from functools import cache
from typing import NamedTuple

import mpmath
import numpy as np
import pytest
from mpmath import mpf, psi

import gbm_ref as ref
import gbm_ref.steps
from tests.support import orders
from tests.support.orders import (
    DATA,
    LAST,
    PROCESS,
    assert_order,
    equal_steps,
    law_at,
    refuse_order,
)

NUMBERS = (32, 64, 128, 256)
STEPS: dict[str, ref.LogAffineStep] = {
    "DaleLangevin": ref.DaleLangevin(),
    "MarginalPreserving": ref.MarginalPreserving(0.7),
    "Euler's flow": ref.MarginalPreserving(0.0),
    "Ancestral": ref.Ancestral(),
    "DDIM": ref.DDIM(),
}


def errors(step: ref.Step, last: float = LAST) -> tuple[list[float], list[float]]:
    """Errors of the variance, and divergences from the exact law, at NUMBERS steps to `last`."""
    exact, start = law_at(last), law_at(PROCESS.horizon)
    grids = [equal_steps(n, last=last) for n in NUMBERS]
    laws = [ref.exact_law(step, DATA, PROCESS, grid, start) for grid in grids]
    variances = [float(law.cov[0, 0] - exact.cov[0, 0]) for law in laws]
    return variances, [ref.kl_divergence(law, exact) for law in laws]


@pytest.mark.parametrize("name", [*STEPS, "ProbabilityFlow"])
def test_declared_weak_orders(name: str) -> None:
    """Variance at the declared order and divergence at twice that: it is quadratic (claim R8)."""
    step = STEPS.get(name, ref.ProbabilityFlow())
    variances, divergences = errors(step)
    assert_order(variances, step.weak_order)
    assert_order(divergences, 2 * step.weak_order)


@pytest.mark.parametrize("name", STEPS)
def test_a_defect_of_order_one_half_is_refused(name: str) -> None:
    for found, declared in zip(errors(orders.Disturbed(STEPS[name])), (1.0, 2.0), strict=True):
        refuse_order(found, declared)


def test_version_one_s_algorithm_one_has_its_order_to_its_own_limit() -> None:
    """E2, on [t, T] and in the limit: the mean of log X is off by -V_t log(V_T / V_t)."""
    low, high = (0.25 + PROCESS.log_var(t) for t in (LAST, PROCESS.horizon))
    limit = law_at(LAST).mean[0] - low * math.log(high / low)
    start = law_at(PROCESS.horizon)
    grids = [equal_steps(n) for n in NUMBERS]
    laws = [ref.exact_law(ref.PrintedAlgorithm1(), DATA, PROCESS, g, start) for g in grids]
    assert_order([law.mean[0] - limit for law in laws], ref.PrintedAlgorithm1.weak_order)
    assert_order([law.mean[0] - law_at(LAST).mean[0] for law in laws], 0.0)


def test_euler_is_not_taken_for_heun_or_milstein() -> None:
    for found, declared in zip(errors(ref.DDIM()), (2.0, 4.0), strict=True):
        refuse_order(found, declared)
    found = [np.sqrt(ambient_errors(ref.SignAgnostic(), n).square) for n in FINE]
    refuse_order(found, 1.0, slack=0.3)


@pytest.mark.parametrize("step", [ref.DDIM(), ref.ProbabilityFlow()], ids=["DDIM", "Heun"])
def test_the_flows_keep_their_order_down_to_the_data_in_steps_of_sqrt_v(step: ref.Step) -> None:
    """From a wrong start too, whose deviation the exact flow multiplies by sqrt(v0 / v_N), R16."""
    std = math.sqrt(PROCESS.log_var(PROCESS.horizon))
    exact = law_at(PROCESS.horizon)
    wrong = ref.Gaussian(exact.mean + 1.0, 1.4 * exact.cov)
    factor = math.sqrt(0.25 / float(exact.cov[0, 0]))
    grids = [ref.power(PROCESS, n, 1.0, std_min=std / n, std_max=std) for n in NUMBERS[1:]]
    laws = [ref.exact_law(step, DATA, PROCESS, grid, wrong) for grid in grids]
    assert_order([float(law.mean[0]) - 0.3 - factor for law in laws], step.weak_order)
    assert_order([float(law.cov[0, 0]) - 0.35 for law in laws], step.weak_order)


# sigma^2 T = 1 and v0 = 1 / 4.
UNIT, NARROW = ref.GBM(mu=0.1, sigma=0.8, horizon=1 / 0.64), ref.LogNormal([0.3], 0.25)
DOWN = [ref.uniform(n, UNIT.horizon) for n in (16, *NUMBERS)]


@cache
def variances_down_to_the_data(start_variance: float) -> tuple[float, ...]:
    """Variance of log X_0 for N = 16 .. 256, from a start with the right mean."""
    start = law_at(UNIT.horizon, UNIT, NARROW)._replace(cov=np.array([[start_variance]]))
    laws = [ref.exact_law(ref.DaleLangevin(), NARROW, UNIT, grid, start) for grid in DOWN]
    assert all(abs(law.mean[0] - 0.3) < 1e-13 for law in laws)
    return tuple(float(law.cov[0, 0]) for law in laws)


def divergence(variance: float) -> float:
    """Of N(0.3, variance) from the law of log X_0."""
    law = ref.Gaussian(NARROW.log_mean, np.array([[variance]]))
    return ref.kl_divergence(law, ref.Gaussian(NARROW.log_mean, NARROW.log_cov))


def test_divergence_of_dale_langevin_at_finite_step() -> None:
    """KL is that of R8's trigamma form at 50 digits, whose slopes for N = 16 .. 1024 tend to 2."""
    right = 0.25 + UNIT.log_var(UNIT.horizon)
    found = [divergence(variance) for variance in variances_down_to_the_data(right)]
    closed = []
    v0, v_end = mpf(0.25), mpf(0.25) + mpf(UNIT.log_var(UNIT.horizon))
    for steps in (16, *NUMBERS, 512, 1024):
        h = (v_end - v0) / steps
        r = v0 / v_end + v0 / h * (psi(1, v0 / h) - psi(1, v0 / h + steps)) - 1
        closed.append(float((r - mpmath.log1p(r)) / 2))
    np.testing.assert_allclose(found, closed[: len(found)], rtol=1e-9)
    found = [f"{p:.3f}" for p in orders.slopes(closed)]
    assert found == "2.054 2.030 2.016 2.008 2.004 2.002".split()
    assert [f"{closed[0]:.2e}", f"{closed[-1]:.2e}"] == ["3.90e-03", "8.80e-07"]


def test_a_start_without_the_data_s_variance_has_a_floor_and_no_order() -> None:
    """The biases of start and step cancel near N = 64, where wrong code looks better than right.
    For every N, V_0 lacks (v0 / v_N)^2 v0 (claim R9), also in the limit."""
    added = UNIT.log_var(UNIT.horizon)
    lost = 0.25 * (0.25 / (0.25 + added)) ** 2
    right, forgetful = (variances_down_to_the_data(v) for v in (0.25 + added, added))
    np.testing.assert_allclose(forgetful, np.array(right) - lost, rtol=1e-12)
    assert_order([v - 0.25 for v in right[2:]], 1.0)
    found, floor = [divergence(v) for v in forgetful], divergence(0.25 - lost)
    assert found[2] < divergence(right[2]) / 10
    assert divergence(right[-1]) < found[2] < found[3] < found[4] < floor
    refuse_order(found, 2.0)


POINT = ref.LogNormal([0.3], 0.0)


@pytest.mark.parametrize("steps", [1, 3, 64])
@pytest.mark.parametrize("step", [ref.Ancestral(), ref.DDIM()], ids=["Ancestral", "DDIM"])
def test_steps_that_are_exact_for_one_data_point(step: ref.LogAffineStep, steps: int) -> None:
    """Claim R17: with the denoiser constant there is no error at any step length."""
    start, end = law_at(PROCESS.horizon, data=POINT), law_at(LAST, data=POINT)
    law = ref.exact_law(step, POINT, PROCESS, equal_steps(steps), start)
    np.testing.assert_allclose(law.mean, end.mean, rtol=0, atol=1e-14)
    np.testing.assert_allclose(law.cov, end.cov, rtol=1e-13)
    twin = ref.exact_law(ref.DaleLangevin(), POINT, PROCESS, equal_steps(steps), start)
    assert abs(float(twin.cov[0, 0] / end.cov[0, 0]) - 1) > 0.005


def test_the_ancestral_step_has_a_logarithm_in_equal_steps_down_to_the_data() -> None:
    """R17: V_0 as a sum, and its leading bias -h (log(v0 / h) + gamma - 3/2 + G), no pure order.
    The noise of the last steps is that of a point mass, so that the bias falls slower than h."""
    variances, _ = errors(ref.Ancestral(), last=0.0)
    refuse_order(variances, 1.0)
    ratio = PROCESS.log_var(PROCESS.horizon) / 0.25
    constant = math.log(ratio / (1 + ratio)) + 1 / (1 + ratio) + 1 / (2 * (1 + ratio) ** 2)
    gaps = []
    for n, variance in zip(NUMBERS, variances, strict=True):
        h = PROCESS.log_var(PROCESS.horizon) / n
        v = 0.25 + h * np.arange(n + 1)
        noise = h * np.arange(n) / np.arange(1, n + 1)
        by_sum = 0.25**2 * (1 / v[-1] + np.sum(noise / v[:-1] ** 2))
        assert variance + 0.25 == pytest.approx(by_sum, rel=1e-12)
        leading = -h * (math.log(0.25 / h) + np.euler_gamma - 1.5 + constant)
        gaps.append(abs(variance / leading - 1))
    assert gaps[-1] < 0.05 and gaps[-1] < 0.6 * gaps[-2]


def test_the_corrector_follows_an_ornstein_uhlenbeck_process() -> None:
    """R11: after a total strength S, E decays by exp(-S / 2V) and Var - V by exp(-S / V)."""
    t, strength = 0.6, 0.7
    law = law_at(t)
    v = float(law.cov[0, 0])
    start = ref.Gaussian(law.mean + 0.9, 0.4 * law.cov)
    wanted = (0.9 * math.exp(-strength / (2 * v)), -0.6 * v * math.exp(-strength / v))
    for step, judge in (
        (ref.Corrector(), assert_order),
        (orders.Disturbed(ref.Corrector()), refuse_order),
    ):
        gaps = []
        for n in NUMBERS:
            rows = (ref.Row(t, strength / 0.64 / n, 1.0),) * n
            found = ref.exact_law(step, DATA, PROCESS, rows, start)
            moved = (found.mean[0] - law.mean[0], found.cov[0, 0] - v)
            gaps.append([float(m - w) for m, w in zip(moved, wanted, strict=True)])
        for column in zip(*gaps, strict=True):
            judge(column, ref.Corrector.weak_order)


# With the kappa of each, by which the process has to be louder for the same sigma.
IN_X: dict[ref.Step, float] = {
    ref.SignAgnostic(): 1.0,
    ref.AmbientMarginalPreserving(0.7): 0.7,
    ref.AmbientMilstein(): 1.0,
}
BETA, SIGMA = mpf("0.5"), mpf("0.4")
FINE = (256, 512, 1024)


class Errors(NamedTuple):
    """After a unit of time: of E X and E X^2, and E (X - X^)^2, each relative to the solution."""

    mean: float
    second: float
    square: float


def ambient_errors(step: ref.Step, steps: int, defect: float | None = None) -> Errors:
    """Of a step in X whose constant score makes the reverse drift BETA X; plus d^defect / 10."""
    kappa = IN_X[step]
    rate = (0.4 / kappa) ** 2
    process = ref.GBM(mu=0.1, sigma=0.4 / kappa)
    # beta = -m' + (1 + kappa^2) / 2 sigma^2 (1 + h) + kappa^2 / 2 sigma^2   (claim R11)
    constant = (0.5 + 0.1 - rate / 2 - 0.4**2 / 2) / ((1 + kappa**2) / 2 * rate) - 1

    def one_step(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        return step(process, lambda a, t: np.full_like(a, constant), x, 1.0, 1 / steps, 1.0, z)

    found = ref.extract_step_polynomial(one_step, np.array([[1.7]]), degree=2)[:, 0, 0]
    b, c, q = (mpf(float(value)) for value in found)
    d = mpf(1) / steps
    b += 0 if defect is None else d**defect / 10
    second = mpmath.exp((2 * BETA + SIGMA**2) * d)
    cross = mpmath.exp(BETA * d) * (b + c * SIGMA * mpmath.sqrt(d) + q * (1 + SIGMA**2 * d))
    own = b**2 + c**2 + 3 * q**2 + 2 * b * q
    return Errors(
        float(((b + q) / mpmath.exp(BETA * d)) ** steps - 1),
        float((own / second) ** steps - 1),
        float(1 - 2 * (cross / second) ** steps + (own / second) ** steps),
    )


@pytest.mark.parametrize("step", IN_X)
def test_declared_orders_of_steps_in_x(step: ref.Step) -> None:
    found = [ambient_errors(step, n) for n in FINE]
    assert_order([e.mean for e in found], step.weak_order, slack=0.01)
    assert_order([e.second for e in found], step.weak_order, slack=0.01)
    assert_order([np.sqrt(e.square) for e in found], step.strong_order)
    assert_order([np.sqrt(e.square) for e in found[1:]], step.strong_order, slack=0.01)
    twins = [ambient_errors(step, n, defect=1.5) for n in FINE]
    for column in ([e.mean for e in twins], [e.second for e in twins]):
        refuse_order(column, step.weak_order)
    with pytest.raises(AssertionError, match="slopes"):
        wrong = [np.sqrt(ambient_errors(step, n, defect=1.0).square) for n in FINE]
        assert_order(wrong, step.strong_order)


# E(X - X^)^2 over d^power, and E X^^2 / E X^2 - 1 over d, for T = 1: claim R15.
LEADING = {
    ref.SignAgnostic(): (1, SIGMA**4 / 2, -(BETA**2) - 2 * BETA * SIGMA**2 - SIGMA**4 / 2),
    ref.AmbientMilstein(): (
        2,
        SIGMA**6 / 6 + BETA**2 * SIGMA**2 + BETA**2 * (BETA + 2 * SIGMA**2) ** 2 / 4,
        -(BETA**2) - 2 * BETA * SIGMA**2,
    ),
}


@pytest.mark.parametrize("step", LEADING)
def test_leading_terms_with_a_constant_score(step: ref.Step) -> None:
    """The errors over their leading terms are near 1, and twice as near at half the step."""
    power, square, second = LEADING[step]
    ratios, leading = [], np.array([-(BETA**2) / 2, second, square], dtype=np.float64)
    for n in FINE[1:]:
        ratios.append(np.array(ambient_errors(step, n)) * [n, n, n**power] / leading - 1)
    assert np.abs(ratios[1]).max() < 0.01
    np.testing.assert_allclose(np.divide(*ratios), 2, rtol=0.02)


def test_every_step_in_x_is_tried() -> None:
    offered = {vars(gbm_ref.steps)[name] for name in gbm_ref.steps.__all__}
    declared = {kind for kind in offered if "strong_order" in vars(kind)}
    assert {type(step) for step in IN_X} == {k for k in declared if k.coordinates == "ambient"}
