"""Churn: where a row begins, what its noise adds, its exact law, and what is refused."""

from collections.abc import Callable

import numpy as np
import pytest

import gbm_ref as ref
from gbm_ref.steps import churn
from tests.support.orders import (
    DATA,
    LAST,
    PROCESS,
    assert_order,
    equal_steps,
    law_at,
    refuse_order,
)

INNER: dict[str, ref.Step] = {"ddim": ref.DDIM(), "flow": ref.ProbabilityFlow()}
PROCESSES: dict[str, ref.Process] = {
    "constant": ref.GBM(0.2, 0.8),
    "exploding": ref.VarianceExploding(0.01, 5.0),
    "piecewise": ref.PiecewiseGBM([0.4, 0.9, 0.3], [0.1, -0.3, 0.2]),
    "by coordinate": ref.CoordinateGBM([0.1, -0.3], [0.7, 1.3]),
}
PLANE = ref.LogNormal([0.3, -0.2], [[0.3, 0.12], [0.12, 0.17]])
START = ref.Gaussian(np.array([0.1, 0.4]), np.array([[0.9, 0.2], [0.2, 1.3]]))


def variances(process: ref.Process, t: float) -> np.ndarray:
    if isinstance(process, ref.CoordinateGBM):
        return process.log_vars(t)
    return np.full(2, process.log_var(t))


@pytest.mark.parametrize("process", PROCESSES)
def test_a_row_begins_where_the_variance_has_grown_and_ends_where_it_did(process: str) -> None:
    """t_hat in closed form, the noise that leads there, and at most the horizon."""
    where = PROCESSES[process]
    for gamma in (1e-9, 0.1, 0.5, 40.0):
        up = ref.Churn(ref.DDIM(), gamma).raised(where, 0.4, 0.15)
        wanted = np.minimum(variances(where, 0.4) * (1 + gamma) ** 2, variances(where, 1.0))
        np.testing.assert_allclose(variances(where, up.time), wanted, rtol=1e-13)
        added = np.broadcast_to(up.root**2, 2)
        grown = np.minimum(2 * gamma + gamma**2, wanted / variances(where, 0.4) - 1)
        np.testing.assert_allclose(added, grown * variances(where, 0.4), rtol=1e-13)
        assert up.time - up.dt == pytest.approx(0.25, abs=1e-15)
    assert ref.Churn(ref.DDIM(), 400.0).raised(where, 0.4, 0.1).time == 1.0
    at_the_top = ref.Churn(ref.DDIM(), 0.3).raised(where, 1.0, 0.1)
    assert at_the_top.time == 1.0 and np.all(at_the_top.root == 0.0)


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("process", PROCESSES)
def test_no_churn_is_the_step_itself(process: str, inner: str) -> None:
    where, score = PROCESSES[process], ref.exact_score(PLANE, PROCESSES[process])
    x, z = np.array([[1.3, 0.4], [0.2, 3.0]]), np.array([[0.3, -1.1], [2.0, 0.1]])
    for t, dt in ((0.7, 0.2), (0.7, 0.7)):
        plain = INNER[inner](where, score, x, t, dt, 1.0, None)
        found = ref.Churn(INNER[inner], 0.0)(where, score, x, t, dt, 1.0, z)
        np.testing.assert_array_equal(found, plain)
        other = ref.Churn(INNER[inner], 0.2)(where, score, x, t, dt, 1.0, z)
        assert np.abs(other / plain - 1).min() > 1e-3


GRIDS: dict[str, Callable[[ref.Process], ref.Grid]] = {
    "equal": lambda process: ref.uniform(5, process.horizon),
    "inner": lambda process: ref.annealed(3, process.horizon, 0.1, 2, 0.9, denoise_steps=1),
}


def traced(step: ref.Step, process: ref.Process, grid: ref.Grid) -> ref.Gaussian:
    """The law of the loop itself, from its images of states and draws."""
    score = ref.exact_score(PLANE, process)

    def sampler(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        return ref.simulate(step, process, score, x, grid, z)

    return ref.extract_affine_map(sampler, len(grid), 2).law(START)


def assert_same(law: ref.Gaussian, found: ref.Gaussian) -> None:
    np.testing.assert_allclose(law.mean, found.mean, rtol=0, atol=1e-13)
    np.testing.assert_allclose(law.cov, found.cov, rtol=0, atol=1e-13)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("inner", INNER)
def test_the_exact_law_is_that_of_the_loop(inner: str, process: str, grid: str) -> None:
    where, step = PROCESSES[process], ref.Churn(INNER[inner], 0.3)
    rows = GRIDS[grid](where)
    assert_same(ref.exact_law(step, PLANE, where, rows, START), traced(step, where, rows))


def test_mistakes_in_the_noise_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """gamma v in place of v_hat - v, the variance for its root, and the inner row from t."""
    step, where = ref.Churn(ref.ProbabilityFlow(), 0.3), PROCESSES["constant"]
    rows = ref.uniform(5)
    law, raised = ref.exact_law(step, PLANE, where, rows, START), churn.Churn.raised
    twins: list[Callable[[churn.Raised, float, float], churn.Raised]] = [
        lambda up, t, dt: up._replace(root=np.sqrt(0.3 * where.log_var(t))),
        lambda up, t, dt: up._replace(root=up.root**2),
        lambda up, t, dt: up._replace(time=t, dt=dt),
        lambda up, t, dt: up._replace(shift=0.0),
        lambda up, t, dt: up._replace(dt=dt),
    ]
    for twin in twins:
        monkeypatch.setattr(
            churn.Churn, "raised",
            lambda self, p, t, dt, twin=twin: twin(raised(self, p, t, dt), t, dt),
        )  # fmt: skip
        with pytest.raises(AssertionError):
            assert_same(law, traced(step, where, rows))


def test_the_law_on_the_line_is_the_exact_one() -> None:
    """By quadrature, which knows mixtures too: each row of a churned sampler is two."""
    start = DATA.diffuse(PROCESS, PROCESS.horizon)
    rows = ref.uniform(4, PROCESS.horizon)
    for inner in INNER.values():
        step = ref.Churn(inner, 0.4)
        law = ref.exact_law(step, DATA, PROCESS, rows, law_at(PROCESS.horizon))
        found = ref.sampler_moments(step, DATA, PROCESS, rows, start)
        assert abs(found.mean - law.mean[0]) < 1e-11 + found.error
        assert abs(found.var - law.cov[0, 0]) < 1e-11 + found.error


def error_of_the_variance(inner: ref.Step, gamma: float, rows: int) -> float:
    """The share by which the variance of log X at LAST is off, from an exact start."""
    start, grid = law_at(PROCESS.horizon), equal_steps(rows)
    law = ref.exact_law(ref.Churn(inner, gamma), DATA, PROCESS, grid, start)
    return float(law.cov[0, 0] / law_at(LAST).cov[0, 0] - 1)


@pytest.mark.parametrize(("name", "order"), [("ddim", 1), ("flow", 2)])
def test_at_one_gamma_no_order_holds_and_with_shorter_rows_less_noise_does(
    name: str, order: int
) -> None:
    """The declared order 0, and that of the inner step where gamma falls with the rows."""
    numbers = (60, 120, 240)
    step = ref.Churn(INNER[name], 0.5)
    gaps = [error_of_the_variance(INNER[name], step.gamma, n) for n in numbers]
    assert_order(gaps, step.weak_order, slack=0.1)
    less = [error_of_the_variance(INNER[name], 3.0 / n, n) for n in numbers]
    assert_order(less, order, slack=0.1)
    refuse_order(less, 0, slack=0.1)


@pytest.mark.parametrize("inner", INNER)
def test_churn_shrinks_the_error_of_a_wrong_start(inner: str) -> None:
    """Claim churn: the share by which the variance is off, by (v0 + v) / (v0 + v_hat); what
    the inner step does to it, that step says, from t_hat with that variance."""
    t, gamma, v0 = 0.8, 0.2, DATA.log_cov[0, 0]
    step = ref.Churn(INNER[inner], gamma)
    up, v, v_hat = step.raised(PROCESS, t, 0.3), PROCESS.log_var(t), PROCESS.log_var(t) * 1.44
    above, exact = law_at(up.time), law_at(t)
    shrunk = ref.Gaussian(above.mean, (1 + 0.5 * (v0 + v) / (v0 + v_hat)) * above.cov)
    wrong = ref.Gaussian(exact.mean, 1.5 * exact.cov)
    row, inner_row = (ref.Row(t, 0.3, 1.0),), (ref.Row(up.time, up.dt, 1.0),)
    law = ref.exact_law(step, DATA, PROCESS, row, wrong)
    assert_same(law, ref.exact_law(INNER[inner], DATA, PROCESS, inner_row, shrunk))
    with pytest.raises(AssertionError):
        assert_same(law, ref.exact_law(INNER[inner], DATA, PROCESS, inner_row, above))


def error_with_a_left_past(length: float, noise: float) -> float:
    """Of a row of DPMSolver of `length` in lambda, from t = 1 at `noise` off the solution on which
    the row before read its denoiser; the flow keeps deviations in proportion to deviations."""
    process, v0 = ref.GBM(sigma=0.8, horizon=2.0), DATA.log_cov[0, 0]
    before, end = float(np.exp(2 * length)), float(np.exp(-2 * length))
    spread = {t: np.sqrt(v0 + process.log_var(t)) for t in (before, 1.0, end)}
    shrunk = v0 / spread[before] ** 2
    found = DATA.log_mean[0] + shrunk * (spread[before] - process.log_mean(before))
    x = np.exp(DATA.log_mean + process.log_mean(1.0) + (1 + noise) * spread[1.0])
    moved, _ = ref.DPMSolver(2).with_past(
        process, ref.exact_score(DATA, process), x, 1.0, 1.0 - end, 1.0, None,
        ((before, np.array([found])),),
    )  # fmt: skip
    wanted = DATA.log_mean[0] + process.log_mean(end) + (1 + noise) * spread[end]
    return float(np.log(moved[0]) - wanted)


def test_a_past_that_the_noise_has_left_costs_two_orders() -> None:
    """Why `DPMSolver` is not churned: a row is off by the first power of its length, not by the
    third; what is left of it is c_1 times the move of the denoiser, n v0 / (v0 + v)."""
    lengths = [2.0**-k for k in (6, 7, 8)]
    assert_order([error_with_a_left_past(length, 0.0) for length in lengths], 3, slack=0.08)
    assert_order([error_with_a_left_past(length, 0.3) for length in lengths], 1, slack=0.08)
    v0, v = DATA.log_cov[0, 0], 0.64
    leading = 0.3 * np.sqrt(v0 + v) * v0 / (v0 + v) / 2  # of l n v0 / (2 alpha (v0 + v)), alpha 1
    assert error_with_a_left_past(2.0**-12, 0.3) * 2.0**12 == pytest.approx(leading, rel=2e-3)


@pytest.mark.usefixtures("unchecked")
def test_what_is_refused() -> None:
    for step in (ref.DPMSolver(2), ref.DaleLangevin(), ref.Churn(ref.DDIM(), 0.1), "ddim"):
        with pytest.raises(ValueError, match="cannot be churned: pass DDIM"):
            ref.Churn(step, 0.1)
    for gamma in (-0.1, float("inf"), float("nan"), "1"):
        with pytest.raises(ValueError, match="gamma"):
            ref.Churn(ref.DDIM(), gamma)
    x, score = np.array([[1.3]]), ref.exact_score(DATA, PROCESS)
    step = ref.Churn(ref.DDIM(), 0.1)
    for row in ((0.2, 0.3, 1.0), (0.2, -0.1, 1.0), (0.2, 0.1, -1.0), (2.0, 0.1, 1.0)):
        with pytest.raises(ValueError):
            step(PROCESS, score, x, *row, x)
    with pytest.raises(ValueError, match="uses noise"):
        step(PROCESS, score, x, 0.5, 0.1, 1.0, None)
