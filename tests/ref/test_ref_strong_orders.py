"""Strong orders of the steps in log X: mean squares along one Brownian motion, no Monte Carlo.
On log-normal data the probe says what each draw does to log X_0. The solution, with
E = log X - a - m, V = v0 + v, q = (1 + kappa^2) / 2 and B run backward in v (claim R11):
    E_s = (V_s / V_t)^q E_t + kappa integral (V_s / V)^q dB,      z = (B_s - B_t) / sqrt(dv)"""

from functools import cache, partial

import numpy as np
import pytest

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

# Each step with the kappa of the equation that it solves.
STEPS: dict[str, tuple[ref.Step, float]] = {
    "DaleLangevin": (ref.DaleLangevin(), 1.0),
    "MarginalPreserving": (ref.MarginalPreserving(0.7), 0.7),
    "Ancestral": (ref.Ancestral(), 1.0),
    "reverse kernel": (ref.Ancestral(0.25), 1.0),
    "DDIM": (ref.DDIM(), 0.0),
    "ProbabilityFlow": (ref.ProbabilityFlow(), 0.0),
    "DPMSolver": (ref.DPMSolver(), 0.0),
    "DPMSolver of third order": (ref.DPMSolver(3), 0.0),
}
NUMBERS = (32, 64, 128)
START = law_at(PROCESS.horizon)


@cache
def diffused(t: float) -> ref.LogNormal:
    """The law of X_t, kept for the other steps that pass through t."""
    return DATA.diffuse(PROCESS, t)


def score(x: np.ndarray, t: float) -> np.ndarray:
    return diffused(t).hyvarinen_score(x)


@cache
def affine_map(step: ref.Step, grid: ref.Grid) -> ref.AffineMap:
    sampler = partial(ref.simulate, step, PROCESS, score)
    return ref.extract_affine_map(lambda x, z: sampler(x, grid, z), len(grid), d=1)


def distance_to_the_solution(step: ref.Step, kappa: float, grid: ref.Grid, last: float) -> float:
    """Root mean square of log X at `last` minus that of the solution, on one Brownian motion."""
    found, q = affine_map(step, grid), (1 + kappa**2) / 2
    levels = np.array([0.25 + PROCESS.log_var(t) for t in [*(r.t_score for r in grid), last]])
    high, low = levels[:-1], levels[1:]

    def integral(power: float) -> np.ndarray:
        """Of V^-power over each step."""
        if power == 1.0:
            return np.log(high / low)
        return (high ** (1 - power) - low ** (1 - power)) / (1 - power)

    # What a step of the solution adds, carried to the end: its variance, its covariance with z.
    carried = kappa * levels[-1] ** q
    square, cross = carried**2 * integral(2 * q), carried * integral(q) / np.sqrt(high - low)
    noise = found.noise[:, 0, 0]
    mean = found.offset[0] + found.state[0, 0] * START.mean[0] - law_at(last).mean[0]
    total = mean**2 + (found.state[0, 0] - (levels[-1] / levels[0]) ** q) ** 2 * START.cov[0, 0]
    return float(np.sqrt(total + np.sum(square - 2 * noise * cross + noise**2)))


def distance_to_half_the_step(step: ref.Step, steps: int) -> float:
    """Root mean square of log X with `steps` steps minus log X with twice as many.
    Two fine draws make a coarse one, (z_1 + z_2) / sqrt(2)."""
    coarse, fine = (affine_map(step, equal_steps(n)) for n in (steps, 2 * steps))
    noise = np.repeat(coarse.noise[:, 0, 0], 2) / np.sqrt(2) - fine.noise[:, 0, 0]
    factor = float(coarse.state[0, 0] - fine.state[0, 0])
    mean = float(coarse.offset[0] - fine.offset[0]) + factor * START.mean[0]
    return float(np.sqrt(mean**2 + factor**2 * START.cov[0, 0] + np.sum(noise**2)))


@pytest.mark.parametrize("name", STEPS)
def test_declared_strong_orders_of_steps_in_log_x(name: str) -> None:
    """Order and limit are separate assertions: against itself, then against the solution."""
    step, kappa = STEPS[name]
    # The rows that have no past are seen in the slopes of few steps.
    numbers = [n * (6 if isinstance(step, ref.DPMSolver) else 1) for n in NUMBERS]
    assert_order([distance_to_half_the_step(step, n) for n in numbers[:2]], step.strong_order)
    gaps = [distance_to_the_solution(step, kappa, equal_steps(n), LAST) for n in numbers]
    assert_order(gaps, step.strong_order)


def test_defects_are_refused() -> None:
    """Order 1/2 in the pull, and a step that converges to the solution for another kappa."""
    disturbed = orders.Disturbed(ref.DaleLangevin())
    for step, kappa in ((disturbed, 1.0), (ref.MarginalPreserving(0.7), 0.72)):
        gaps = [distance_to_the_solution(step, kappa, equal_steps(n), LAST) for n in NUMBERS]
        refuse_order(gaps, 1.0)


def corrector_distance(steps: int, disturbed: bool = False) -> float:
    """Root mean square distance from the Ornstein-Uhlenbeck process that the corrector follows.
    dE = -E / (2 V) du + dB at a fixed time; u is the strength. A step adds the integral of
    exp(-(dv - u) / 2V) dB: variance V (1 - exp(-dv / V)), covariance 2 V (1 - exp(-dv / 2V))."""
    t, strength = 0.6, 0.7
    dv, v = strength / steps, 0.25 + PROCESS.log_var(t)
    step = orders.Disturbed(ref.Corrector()) if disturbed else ref.Corrector()
    found = affine_map(step, (ref.Row(t, dv / 0.64, 1.0),) * steps)
    decay = np.exp(-dv / (2 * v) * np.arange(steps)[::-1])
    square = decay**2 * -v * np.expm1(-dv / v)
    cross = decay * -2 * v * np.expm1(-dv / (2 * v)) / np.sqrt(dv)
    noise = found.noise[:, 0, 0]
    factor = found.state[0, 0] - np.exp(-strength / (2 * v))
    mean = found.offset[0] + (found.state[0, 0] - 1) * (0.3 + PROCESS.log_mean(t))
    # From E = 0.9 with the variance V.
    total = (mean + 0.9 * factor) ** 2 + factor**2 * v
    return float(np.sqrt(total + np.sum(square - 2 * noise * cross + noise**2)))


def test_the_strong_order_of_the_corrector() -> None:
    assert_order([corrector_distance(n) for n in NUMBERS], ref.Corrector.strong_order)
    refuse_order([corrector_distance(n, disturbed=True) for n in NUMBERS], 1.0)


def test_version_one_s_algorithm_one_converges_strongly_to_something_else() -> None:
    """E2: against itself the order is 1, against the solution of the reverse equation it is 0."""
    step = ref.PrintedAlgorithm1()
    assert_order([distance_to_half_the_step(step, n) for n in NUMBERS[:2]], step.strong_order)
    assert_order([distance_to_the_solution(step, 1.0, equal_steps(n), LAST) for n in NUMBERS], 0.0)


def test_every_declared_strong_order_is_tried() -> None:
    offered = {vars(gbm_ref.steps)[name] for name in gbm_ref.steps.__all__}
    tried = {type(step) for step, _ in STEPS.values()} | {ref.Corrector, ref.PrintedAlgorithm1}
    tried.add(ref.Churn)  # no equation of one Brownian motion: test_ref_churn.py
    declared = {kind for kind in offered if "strong_order" in vars(kind)}
    assert tried == {kind for kind in declared if kind.coordinates == "log"}


def test_the_constant_of_dale_langevin_down_to_the_data() -> None:
    """R15: h sqrt(1 - (v0 / v_N)^3) / (3 sqrt(v0)); the distance from it halves with the step."""
    added = PROCESS.log_var(PROCESS.horizon)
    ratios = []
    for n in (64, 128):
        grid = ref.uniform(n, PROCESS.horizon)
        gap = distance_to_the_solution(ref.DaleLangevin(), 1.0, grid, 0.0)
        leading = added / n * np.sqrt((1 - (0.25 / (0.25 + added)) ** 3) / 0.25) / 3
        ratios.append(gap / leading - 1)
    assert abs(ratios[1]) < 0.02
    assert ratios[0] / ratios[1] == pytest.approx(2, rel=0.05)
