"""The law that the probability flow makes of a start: with the exact score that of the data, with
a guided one that of guidance, by closed form, by its density, and by solvers of the flow."""

from functools import partial

import numpy as np
import pytest
from scipy.stats import norm

import gbm_ref as ref
from tests.support.problems import DATA_SETS, MIXTURES, PROCESSES
from tests.support.refusals import Refusal, check, rows, table

P = PROCESSES["constant"]
MIXED = MIXTURES["mixture-1d"]
CLASS = ref.LogNormal(MIXED.log_means[1], MIXED.log_covs[1])
Y = np.linspace(-1.7, 2.1, 9)
SHARES = np.array([[1e-6, 0.04, 0.3], [0.61, 0.97, 1 - 1e-7]])


def end(target: ref.Target, process: ref.Process = P) -> ref.Target:
    return target.diffuse(process, process.horizon)


def guided(weight: float, of_class: ref.Target = CLASS, of_all: ref.Target = MIXED) -> ref.Score:
    return ref.guided_score(ref.exact_score(of_class, P), ref.exact_score(of_all, P), weight)


@pytest.mark.parametrize("name", PROCESSES)
def test_the_exact_score_gives_the_mixture_itself(name: str) -> None:
    process = PROCESSES[name]
    given = ref.exact_score(MIXED, process), process, end(MIXED, process)
    found = ref.flow_cdf(np.exp(Y), *given)
    assert np.abs(found - MIXED.cdf(np.exp(Y)[:, None])).max() < 1e-10
    found = ref.flow_ppf(SHARES, *given)
    assert np.abs(np.log(found / MIXED.ppf(SHARES)[..., 0])).max() < 1e-9
    early = ref.flow_cdf(np.exp(Y), *given, t_min=0.3)
    assert np.abs(early - MIXED.diffuse(process, 0.3).cdf(np.exp(Y)[:, None])).max() < 1e-10


def test_the_exact_score_gives_the_moments_of_the_mixture() -> None:
    found = ref.flow_moments(ref.exact_score(MIXED, P), P, end(MIXED), rtol=1e-7, atol=1e-7)
    mean, cov = ref.log_moments(MIXED)
    assert abs(found.mean - mean[0]) < 1e-6 and abs(found.var - cov[0, 0]) < 1e-6
    assert found.error < 1e-6


def factor(v_class: float, v_all: float, v: float, weight: float) -> float:
    """Variance at the data over that at noise v (claim guided-flow)."""
    return (v_class / (v_class + v)) ** weight * (v_all / (v_all + v)) ** (1 - weight)


NARROW, WIDE, CENTRE = 0.07, 0.4, 0.25
BOTH = ref.LogNormal([CENTRE], NARROW), ref.LogNormal([CENTRE], WIDE)
START = ref.LogNormal([0.9], 0.5)


@pytest.mark.parametrize("weight", [-0.5, 0.6, 4.0])
def test_log_normal_data_have_the_law_in_closed_form(weight: float) -> None:
    v, m = P.log_var(P.horizon), P.log_mean(P.horizon)
    given = guided(weight, *BOTH), P, START

    def law(w: float, pair: tuple[float, float] = (NARROW, WIDE)) -> tuple[float, float]:
        gain = factor(*pair, v, w)
        return CENTRE + np.sqrt(gain) * (0.9 - CENTRE - m), gain * 0.5

    mean, var = law(weight)
    found = ref.flow_cdf(np.exp(Y), *given)
    assert np.abs(found - norm.cdf(Y, mean, np.sqrt(var))).max() < 1e-10
    quantiles = np.log(ref.flow_ppf(SHARES, *given))
    np.testing.assert_allclose(quantiles, norm.ppf(SHARES, mean, np.sqrt(var)), atol=1e-9)
    moments = ref.flow_moments(*given, rtol=1e-7, atol=1e-7)
    assert abs(moments.mean - mean) < 1e-6 and abs(moments.var - var) < 1e-6
    tilted = 1 / (weight / NARROW + (1 - weight) / WIDE)
    wrong = [law(weight - 1), law(weight, (WIDE, NARROW)), (mean, tilted)]
    for centre, square in wrong:
        if square > 0:
            other = norm.ppf(SHARES, centre, np.sqrt(square))
            assert np.abs(quantiles - other).max() > 0.02


def test_the_density_by_the_divergence_integrates_to_the_same_law() -> None:
    """log_likelihood with the guided divergence, between two places, by Gauss-Legendre rules."""
    weight = 2.5
    of_class, of_all = (ref.exact_divergence(law, P) for law in (CLASS, MIXED))

    def divergence(x: np.ndarray, t: float) -> np.ndarray:
        return (1 - weight) * of_all(x, t) + weight * of_class(x, t)

    nodes, shares = np.polynomial.legendre.leggauss(10)
    low, high = 0.3, 0.9
    y = (low + high) / 2 + (high - low) / 2 * nodes
    tolerances = {"rtol": 1e-6, "atol": 1e-6}
    given = P, guided(weight), divergence, end(MIXED)
    density = np.exp(ref.log_likelihood(np.exp(y)[:, None], *given, **tolerances) + y)
    mass = float((high - low) / 2 * (shares @ density))

    def between(score: ref.Score) -> float:
        low_share, high_share = ref.flow_cdf(np.exp([low, high]), score, P, end(MIXED))
        return float(high_share - low_share)

    assert abs(mass - between(guided(weight))) < 1e-5
    for wrong in (guided(weight - 1), guided(weight, MIXED, CLASS)):
        assert abs(mass - between(wrong)) > 1e-2


SOLVERS = {"heun": ref.ProbabilityFlow(), "dpm": ref.DPMSolver(2)}
T_MIN = 0.05


def simulated(step: ref.Step, score: ref.Score, rows_: int) -> np.ndarray:
    """log X at T_MIN of quantiles of the start, on rows that are even in the root of time."""
    times = np.linspace(np.sqrt(P.horizon), np.sqrt(T_MIN), rows_ + 1) ** 2
    grid = tuple(ref.Row(t, t - s, 1.0) for t, s in zip(times[:-1], times[1:], strict=True))
    x_T = end(MIXED).ppf(SHARES.ravel())
    return np.log(ref.simulate(step, P, score, x_T, grid)[:, 0])


@pytest.mark.parametrize("solver", SOLVERS)
def test_solvers_come_to_the_law_as_their_order_says(solver: str) -> None:
    weight, score = 3.0, guided(3.0)
    exact = np.log(ref.flow_ppf(SHARES.ravel(), score, P, end(MIXED), t_min=T_MIN))
    run = partial(simulated, SOLVERS[solver], score)
    errors = [np.abs(run(n) - exact).max() for n in (20, 40, 80)]
    assert errors[2] < 5e-3 and errors[0] / errors[1] > 3.0 and errors[1] / errors[2] > 3.0
    for wrong in (guided(weight - 1), guided(weight, MIXED, CLASS)):
        assert np.abs(simulated(SOLVERS[solver], wrong, 80) - exact).max() > 0.05


def test_far_states_have_the_probabilities_nothing_and_one() -> None:
    """Also where the flow takes them out of the range of float64."""
    given = guided(60.0, *BOTH), P, START
    found = ref.flow_cdf(np.exp([-600.0, 600.0]), *given)
    np.testing.assert_array_equal(found, [0.0, 1.0])
    assert ref.flow_cdf([], *given).shape == (0,)


def test_more_states_than_are_carried_together_are_each_as_alone() -> None:
    q = np.linspace(0.01, 0.99, 403)
    given = guided(2.0), P, end(MIXED)
    found = ref.flow_ppf(q, *given, rtol=1e-6, atol=1e-6)
    assert (np.diff(found) > 0).all()
    alone = ref.flow_ppf(q[-3:], *given, rtol=1e-6, atol=1e-6)
    assert np.abs(np.log(found[-3:] / alone)).max() < 1e-5


GIVEN = {"score": guided(2.0), "process": P, "start": end(MIXED)}


@table(
    rows(ref.flow_cdf, {**GIVEN, "x": np.exp(Y)}, ("x", -np.exp(Y), "x must be positive"),
         ("start", end(MIXTURES["mixture-2d"]), "d = 1"),
         ("score", lambda x, t: x * np.nan, "the score must be finite")),
    rows(ref.flow_ppf, {**GIVEN, "q": SHARES}, ("q", [0.3, 1.0], "between 0 and 1")),
    rows(ref.flow_cdf, {**GIVEN, "x": np.exp(Y), "t_min": 0.1, "rtol": 1e-6, "atol": 1e-6},
         ("t_min", P.horizon, "t_min must be below"), ("t_min", 1.1, "t must lie in"),
         ("rtol", 1e-13, "rtol must be at least"), ("atol", 0.0, "atol must be positive")),
    rows(ref.flow_moments, GIVEN, ("start", DATA_SETS["points-1d"], "no density")),
)  # fmt: skip
@pytest.mark.usefixtures("unchecked")
def test_what_does_not_fit_is_refused(refusal: Refusal) -> None:
    check(refusal)
