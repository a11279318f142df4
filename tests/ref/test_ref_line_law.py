"""Laws of samplers on the line: against `exact_law`, against nested Gauss-Hermite rules, and
against themselves with errors that are errors."""

import numpy as np
import pytest

import gbm_ref as ref
from tests.support.problems import DATA_SETS, LOG_NORMALS, MIXTURES, PROCESSES
from tests.support.refusals import Refusal, check, rows, table

P = PROCESSES["constant"]
LINE, MIXED, POINTS = LOG_NORMALS["log-normal-1d"], MIXTURES["mixture-1d"], DATA_SETS["points-1d"]
STEPS = {
    "dale-langevin": ref.DaleLangevin(),
    "ancestral": ref.Ancestral(),
    "half the noise": ref.MarginalPreserving(0.5),
    "ddim": ref.DDIM(),
    "flow": ref.ProbabilityFlow(),
}
X = np.array([0.4, 1.1, 2.3])


def end(target: ref.Target, process: ref.Process = P) -> ref.Target:
    return target.diffuse(process, process.horizon)


@pytest.mark.parametrize("name", STEPS)
def test_log_normal_data_have_the_exact_law(name: str) -> None:
    grid, start = ref.uniform(5, P.horizon), end(LINE)
    given = LINE, P, grid, start
    law = ref.exact_law(STEPS[name], LINE, P, grid, ref.Gaussian(start.log_mean, start.log_cov))
    found = ref.sampler_moments(STEPS[name], *given)
    assert abs(found.mean - law.mean[0]) <= found.error < 1e-11
    assert abs(found.var - law.cov[0, 0]) <= found.error
    values, error = ref.sampler_cdf(X, STEPS[name], *given)
    expected = ref.LogNormal(law.mean, law.cov).cdf(X[:, None])
    assert np.max(np.abs(values - expected)) <= error < 1e-11
    average = ref.sampler_average(np.exp, STEPS[name], *given)
    assert abs(average.value - ref.LogNormal(law.mean, law.cov).mean()[0]) <= average.error


def nested(target: ref.Target, grid: ref.Grid, power: int) -> float:
    """E (log X_0)^power of two rows of Dale-Langevin by Gauss-Hermite rules, one in another."""
    z, w = np.polynomial.hermite_e.hermegauss(160)
    w = w / w.sum()
    law = end(target)
    stds = np.sqrt(np.broadcast_to(law.log_covs[:, 0, 0], law.weights.shape))
    y = (law.log_means + stds[:, None] * z).ravel()
    share = (law.weights[:, None] * w).ravel()
    for row in grid:
        s = target.diffuse(P, row.t_score).log_score(np.exp(y)[:, None])[:, 0]
        dm, dv = P.increments(row.t_score, row.dt)
        y = ((y - dm + dv * s)[:, None] + np.sqrt(dv) * row.noise * z).ravel()
        share = (share[:, None] * w).ravel()
    return float(np.sum(share * y**power))


def test_mixtures_match_nested_rules() -> None:
    grid = ref.uniform(2, P.horizon)
    found = ref.sampler_moments(ref.DaleLangevin(), MIXED, P, grid, end(MIXED))
    mean, square = (nested(MIXED, grid, power) for power in (1, 2))
    assert found.mean == pytest.approx(mean, abs=1e-9)
    assert found.var == pytest.approx(square - mean**2, abs=1e-9)


@pytest.mark.parametrize("target", [MIXED, POINTS], ids=["mixture", "data set"])
def test_one_exact_step_lands_on_the_denoiser(target: ref.Target) -> None:
    """The mean of the data is kept, and the variance is that of the posterior mean (Tweedie)."""
    grid = ref.uniform(1, P.horizon)
    found = ref.sampler_moments(ref.Ancestral(), target, P, grid, end(target))
    moments = ref.log_moments(target)
    floor = ref.m_dsm_floor(target, P, P.horizon)
    unexplained = 2.0 * floor.value * P.log_var(P.horizon) ** 2
    assert found.mean == pytest.approx(moments.mean[0], abs=1e-12)
    assert found.var == pytest.approx(moments.cov[0, 0] - unexplained, rel=1e-11)


def test_more_steps_come_to_the_data() -> None:
    gaps = []
    for n in (8, 16, 32):
        grid = ref.uniform(n, P.horizon)
        found = ref.sampler_moments(ref.DaleLangevin(), MIXED, P, grid, end(MIXED))
        gaps.append(found.var - ref.log_moments(MIXED).cov[0, 0])
    assert 0.0 < gaps[2] < gaps[1] < gaps[0] and gaps[0] / gaps[2] > 3.0


def test_averages_and_probabilities_are_of_one_law() -> None:
    """The mean of log X_0 from its distribution function, integrated by parts."""
    given = POINTS, P, ref.uniform(6, P.horizon), end(POINTS)
    y, width = np.linspace(-3.0, 4.0, 1401, retstep=True)
    values, error = ref.sampler_cdf(np.exp(y), ref.DaleLangevin(), *given)
    assert (np.diff(values) >= -error).all() and values[0] < 1e-9 and values[-1] > 1 - 1e-9
    mean = y[-1] - np.sum((values[1:] + values[:-1]) / 2.0) * width
    found = ref.sampler_moments(ref.DaleLangevin(), *given)
    assert found.mean == pytest.approx(mean, abs=2e-5)


def test_a_grid_may_mix_steps() -> None:
    steps = [ref.Ancestral(), ref.Corrector(), ref.DDIM()]
    grid = (ref.Row(0.9, 0.4, 1.0), ref.Row(0.5, 0.2, 1.0), ref.Row(0.5, 0.5, 1.0))
    start = end(LINE)
    law = ref.exact_law(steps, LINE, P, grid, ref.Gaussian(start.log_mean, start.log_cov))
    found = ref.sampler_moments(steps, LINE, P, grid, start)
    assert abs(found.var - law.cov[0, 0]) <= found.error < 1e-11


def test_errors_are_errors_where_a_flow_is_nearly_a_staircase() -> None:
    """A noise-free sampler of points: the coarser and the finer rule differ by what is missing."""
    given = POINTS, P, ref.uniform(30, P.horizon), end(POINTS)
    found = ref.sampler_moments(ref.DDIM(), *given)
    assert found.error > 1e-6
    # Its distribution function inverts the rows and needs no such rule.
    y, width = np.linspace(-1.2, 1.6, 5601, retstep=True)
    values, _ = ref.sampler_cdf(np.exp(y), ref.DDIM(), *given)
    mean = y[-1] - np.sum((values[1:] + values[:-1]) / 2.0) * width
    assert abs(found.mean - mean) <= 2.0 * found.error


def steep(x: np.ndarray) -> np.ndarray:
    return np.full_like(x, np.nan)


GIVEN = {
    "step": ref.DaleLangevin(), "target": MIXED, "process": P, "grid": ref.uniform(2, 0.9),
    "start": end(MIXED),
}  # fmt: skip


@table(
    rows(ref.sampler_moments, GIVEN, ("step", ref.SignAgnostic(), "not written in log X"),
         ("step", [ref.DDIM()], "one step a row: 1 for 2"), ("grid", (), "no rows"),
         ("target", MIXTURES["mixture-2d"], "d = 1"), ("start", MIXTURES["mixture-2d"], "d = 1"),
         ("grid", (ref.Row(0.0, 0.0, 1.0),), "t_score > 0"),
         ("grid", ref.uniform(2, 2.0), "t must lie in"),
         ("grid", (ref.Row(0.5, 0.1, 1e-7),) * 2, "noise of a row is too small")),
    rows(ref.sampler_average, {**GIVEN, "function": np.exp}, ("function", steep, "finite")),
    rows(ref.sampler_cdf, {**GIVEN, "x": X}, ("x", -X, "must be positive")),
)  # fmt: skip
@pytest.mark.usefixtures("unchecked")
def test_what_does_not_fit_is_refused(refusal: Refusal) -> None:
    check(refusal)
