"""The checks against SciPy's distributions, and what they must never accept: no random number,
p-values of draws made to have a given statistic, chances of a miss from SciPy's laws of it."""

import math

import numpy as np
import pytest
from scipy import stats

from tests.statistics import checks
from tests.statistics.checks import STATISTICS, Correlation, Mean, Rate, Shape, Variance
from tests.statistics.laws import Array, Law, Plane, midpoints, normal, pushforward, uniform
from tests.support.fixtures import Patch

N, ALPHA = 500, 1e-6
NULL, TRUTH = normal(0.4, 1.7), normal(0.52, 1.9)
PLANE = Plane(lambda w: normal(0.4 * float(w.sum()), 1.7))
LAWS: dict[str, Law | Plane | float] = dict.fromkeys(("mean", "variance", "shape"), NULL)
LAWS |= {"projections": PLANE, "rate": 0.3, "correlation": 0.0}


def made(mean: float, var: float) -> Array:
    """N numbers with that mean and that unbiased variance."""
    z = stats.norm.ppf(midpoints(N))
    return mean + math.sqrt(var) * (z - z.mean()) / z.std(ddof=1)


@pytest.mark.parametrize("shift", [-0.3, 0.0, 0.05, 0.4])
def test_the_mean_is_a_two_sided_z_test(shift: float) -> None:
    p = Mean(NULL, N, ALPHA).p_value(made(0.4 + shift, 9.9))
    assert p == pytest.approx(2 * stats.norm.sf(abs(shift) / math.sqrt(1.7 / N)), rel=1e-9)


@pytest.mark.parametrize("ratio", [0.7, 1.0, 1.4])
def test_the_variance_is_a_two_sided_chi_square_test(ratio: float) -> None:
    p = Variance(NULL, N, ALPHA).p_value(made(7.0, 1.7 * ratio))
    law = stats.chi2(N - 1)
    assert p == pytest.approx(2 * min(law.cdf((N - 1) * ratio), law.sf((N - 1) * ratio)), rel=1e-9)


def test_the_correlation_is_an_f_test() -> None:
    """And agrees with the exact t-test of Pearson's coefficient for centred numbers, nearly."""
    a, b = made(0.0, 1.0), np.roll(made(0.0, 1.0), 170)
    pairs = np.stack([a, 0.15 * a + b], axis=1)
    sums, gaps = pairs.sum(axis=1), pairs[:, 0] - pairs[:, 1]
    ratio = (sums @ sums) / (gaps @ gaps)
    expected = 2 * min(stats.f.cdf(ratio, N, N), stats.f.sf(ratio, N, N))
    assert Correlation(0.0, N, ALPHA).p_value(pairs) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("count", [0, 100, 150, 151, 230, 500])
def test_the_rate_is_a_two_sided_binomial_test(count: int) -> None:
    p = Rate(0.3, N, ALPHA).p_value(_first(count))
    law = stats.binom(N, 0.3)
    assert p == pytest.approx(min(1.0, 2 * min(law.cdf(count), law.sf(count - 1))), rel=1e-9)


def test_the_shape_has_the_bound_of_massart() -> None:
    """At the distance of draws that are quantiles of a shifted law; SciPy has the exact chance."""
    draws = stats.norm.ppf(midpoints(N), 0.52, math.sqrt(1.7))
    found = stats.kstest(draws, lambda y: NULL.cdf(y))
    p = Shape(NULL, N, ALPHA).p_value(draws)
    assert p == pytest.approx(2 * math.exp(-2 * N * found.statistic**2), rel=1e-9)
    assert found.pvalue <= p <= 1.3 * found.pvalue


def test_misses_are_the_laws_of_the_statistics() -> None:
    mean, variance = Mean(NULL, N, ALPHA), Variance(NULL, N, ALPHA)
    reach = stats.norm.isf(ALPHA / 2) * math.sqrt(1.7 / N)
    law = stats.norm(0.52, math.sqrt(1.9 / N))
    assert mean.miss(TRUTH) == pytest.approx(law.cdf(0.4 + reach) - law.cdf(0.4 - reach))
    chi, ratio = stats.chi2(N - 1), 1.7 / 1.9
    high, low = chi.isf(ALPHA / 2), chi.ppf(ALPHA / 2)
    assert variance.miss(TRUTH) == pytest.approx(chi.cdf(high * ratio) - chi.cdf(low * ratio))
    kept = [k for k in range(N + 1) if Rate(0.3, N, ALPHA).p_value(_first(k)) > ALPHA]
    expected = stats.binom.pmf(kept, N, 0.4).sum()
    assert Rate(0.3, N, ALPHA).miss(0.4) == pytest.approx(expected, rel=1e-9)
    f, factor = stats.f(N, N), 1.2 / 0.8
    edges = f.ppf(ALPHA / 2) / factor, f.isf(ALPHA / 2) / factor
    expected = f.cdf(edges[1]) - f.cdf(edges[0])
    assert Correlation(0.0, N, ALPHA).miss(0.2) == pytest.approx(expected, rel=1e-9)


def _first(count: int) -> Array:
    return (np.arange(N) < count).astype(float)


@pytest.mark.parametrize("beta", [1e-3, 1e-8])
def test_the_smallest_effect_is_missed_with_beta(beta: float) -> None:
    """Exactly for the exact tests, whichever side is worse; at most for the bounds."""
    mean, variance = Mean(NULL, N, ALPHA), Variance(NULL, N, ALPHA)
    shifted = normal(0.4 + math.sqrt(1.7) * mean.smallest(beta), 1.7)
    assert mean.miss(shifted) == pytest.approx(beta, rel=1e-3)
    size = variance.smallest(beta)
    worst = max(variance.miss(normal(0.4, 1.7 * (1 + s * size))) for s in (-1, 1) if s * size > -1)
    assert worst == pytest.approx(beta, rel=1e-3)
    rate = Rate(0.3, N, ALPHA)
    factor = rate.smallest(beta)
    assert max(rate.miss(0.3 * factor), rate.miss(0.3 / factor)) == pytest.approx(beta, rel=1e-3)
    correlation = Correlation(0.0, N, ALPHA)
    assert correlation.miss(correlation.smallest(beta)) == pytest.approx(beta, rel=1e-3)
    shape = Shape(uniform(0.0, 1.0), N, ALPHA)
    moved = uniform(shape.smallest(beta), 1.0 + shape.smallest(beta))
    assert shape.miss(moved) == pytest.approx(beta, rel=1e-3)


def test_a_chance_without_a_formula_is_not_made_up() -> None:
    pushed = pushforward(stats.norm.ppf(midpoints(400)))
    assert math.isnan(Mean(NULL, N, ALPHA).miss(pushed))
    assert math.isnan(Variance(NULL, N, ALPHA).miss(pushed))


def check_of(name: str) -> checks.Check:
    return STATISTICS[name](LAWS[name], N, ALPHA)


def good(name: str) -> Array:
    if name == "rate":
        return _first(150)
    if name in {"mean", "variance", "shape"}:
        return made(0.4, 1.7)
    # Even angles, and radii independent of them: uncorrelated, and normal along every direction.
    angles, radii = np.pi * (1 + 5**0.5) * np.arange(N), np.sqrt(-2 * np.log1p(-midpoints(N)))
    pairs = radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return pairs if name == "correlation" else 0.4 + math.sqrt(1.7) * pairs


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_one_draw_that_is_not_finite_never_passes(name: str, bad: float) -> None:
    check, draws = check_of(name), good(name)
    assert check(draws) > ALPHA
    draws[7] = bad
    with pytest.raises(checks.NotFinite):
        check(draws)


@pytest.mark.parametrize("name", STATISTICS)
def test_another_number_of_draws_never_passes(name: str) -> None:
    with pytest.raises(checks.WrongShape):
        check_of(name)(good(name)[:-1])


def test_a_p_value_that_is_nan_is_a_rejection(monkeypatch: Patch) -> None:
    monkeypatch.setattr(Mean, "p_value", lambda self, draws: math.nan)
    with pytest.raises(Mean.rejection, match="p = nan"):
        Mean(NULL, N, ALPHA)(good("mean"))


def test_each_statistic_has_a_rejection_of_its_own() -> None:
    kinds = [check.rejection for check in STATISTICS.values()]
    assert len(set(kinds)) == len(kinds)
    assert all(kind.__bases__ == (checks.LawRejected,) for kind in kinds)


def test_the_error_of_a_law_makes_room_on_both_sides() -> None:
    """A rough distribution function neither refuses correct draws nor promises too much."""
    rough = Law(NULL.cdf, NULL.low, NULL.high, error=0.01)
    exact, loose = Shape(NULL, N, ALPHA), Shape(rough, N, ALPHA)
    draws = made(0.7, 1.7)
    assert loose.p_value(draws) > exact.p_value(draws)
    assert loose.miss(TRUTH) > exact.miss(TRUTH) or exact.miss(TRUTH) == 1.0
    assert loose.smallest(1e-6) == pytest.approx(exact.smallest(1e-6) + 0.01)


def test_projections_see_a_correlation_that_the_coordinates_do_not() -> None:
    """Standard normal coordinates with correlation 1: every one of 8 directions is looked at."""
    independent = Plane(lambda w: normal(0.0, 1.0))
    equal = Plane(lambda w: normal(0.0, float(w.sum() ** 2)))
    check = checks.Projections(independent, 4000, ALPHA)
    assert check.size(equal) > 0.1
    assert check.miss(equal) < 1e-9
