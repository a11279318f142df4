"""Laws of samplers by quadrature, to a tenth of the stated error; and both libraries' laws against
scipy.stats, written by others, to rounding relative to the terms that a log density adds up."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

import gbm_ref as ref
from tests.statistics.families import quadrature
from tests.statistics.families.affine import DALE_LINE
from tests.statistics.families.data_laws import FAST_LAWS, PARAMETERS, REF_LAWS
from tests.statistics.families.quadrature import oracle_rows, start_of
from tests.statistics.laws import ERROR, Law, distance, gaussian_line, log_sampler, signed_sampler
from tests.support.problems import PROCESSES, TARGETS, states
from tests.support.twins import Array, assert_twins, components, target_scales, tensor, twin_target

SIGNED = quadrature.SIGNED_DATA, quadrature.STRONG, quadrature.SIGNED_GRID
MIXED = quadrature.MIXTURE, quadrature.CONSTANT, quadrature.MIXED_GRID


def gap(one: Law, other: Law) -> float:
    """The distance without the stated errors."""
    return distance(*(Law(law.cdf, law.low, law.high) for law in (one, other)))


def normal_start(law: Law) -> ref.Gaussian:
    return ref.Gaussian(np.array([law.mean]), np.array([[law.var]]))


def test_a_gaussian_sampler_has_its_gaussian_law() -> None:
    s, step = DALE_LINE, ref.DaleLangevin()
    start = start_of(s.data, s.process, s.grid)
    rows = oracle_rows(step, s.data, s.process, s.grid)
    assert gap(log_sampler(rows, start), gaussian_line(s.law())) < ERROR / 10
    # The last row without noise, which is a map of the line.
    quiet = (*s.grid[:-1], s.grid[-1]._replace(noise=0.0))
    law = ref.exact_law(step, s.data, s.process, quiet, normal_start(start))
    rows = oracle_rows(step, s.data, s.process, quiet)
    assert gap(log_sampler(rows, start), gaussian_line(law)) < ERROR / 10


def test_the_sign_agnostic_sampler_has_the_signs_and_moments_of_the_oracle() -> None:
    """gbm_ref carries averages backwards with another quadrature; here densities go forwards."""
    start = normal_start(start_of(*SIGNED))
    signs = ref.sign_agnostic_average(np.ones_like, *SIGNED, start, signed=True)
    assert abs(quadrature.sign_agnostic_below_zero() - (1.0 - signs.value) / 2.0) < ERROR / 10
    law = quadrature.sign_agnostic()
    # P(|X| <= x), whose mean of log x is compared by parts on an even grid.
    y = np.linspace(np.log(law.high) - 30.0, np.log(law.high), 200_001)
    sizes = law.cdf(np.exp(y)) - law.cdf(-np.exp(y))
    log_mean = y[-1] - (y[1] - y[0]) * (sizes.sum() - (sizes[0] + sizes[-1]) / 2.0)
    assert abs(log_mean - ref.sign_agnostic_moments(*SIGNED, start).mean) < 1e-5


def test_more_nodes_change_nothing() -> None:
    rows, start = oracle_rows(ref.DaleLangevin(), *MIXED), start_of(*MIXED)
    fine, usual = (log_sampler(rows, start, nodes) for nodes in (1000, 500))
    assert gap(fine, usual) < ERROR / 10
    rows, start = oracle_rows(ref.SignAgnostic(), *SIGNED), start_of(*SIGNED)
    fine, usual = (signed_sampler(rows, start, nodes) for nodes in (1000, 600))
    assert gap(fine, usual) < ERROR / 10


# A distribution function of SciPy and of ours may each be wrong by some units of its slope.
CDF = 1e-14


def log_density(target: ref.Target, x: Array) -> Array:
    """By scipy.stats: lognorm for d = 1, multivariate_normal of log x for d = 2."""
    parts = []
    for weight, mean, cov in zip(*components(target), strict=True):
        if target.d == 1:
            logs = stats.lognorm(s=np.sqrt(cov[0, 0]), scale=np.exp(mean[0])).logpdf(x[:, 0])
        else:
            logs = stats.multivariate_normal(mean, cov).logpdf(np.log(x)) - np.log(x).sum(-1)
        parts.append(np.log(weight) + logs)
    return np.logaddexp.reduce(parts, axis=0)


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("name", TARGETS)
def test_log_normal_laws_before_and_after_the_process(name: str, process: str) -> None:
    """The data law and that of X_t; the log-variance for the deviation is refused."""
    for t in (0.0, 0.6):
        law = TARGETS[name].diffuse(PROCESSES[process], t)
        x = states(law.d)
        exact, scale = log_density(law, x), target_scales(law, x)[1]
        assert np.max(np.abs(law.logpdf(x) - exact) / scale) <= 8 * 2.0**-53
        assert_twins(twin_target(law).logpdf(tensor(x)), exact, scale, 1e-13)
        wrong = log_density(TARGETS[name].diffuse(PROCESSES[process], t + 0.05), x)
        assert np.max(np.abs(law.logpdf(x) - wrong) / scale) > 1e-6


@pytest.mark.parametrize("name", [name for name, law in TARGETS.items() if law.d == 1])
def test_distribution_functions(name: str) -> None:
    law, x = TARGETS[name].diffuse(PROCESSES["constant"], 0.4), states(1)
    exact = sum(
        weight * stats.lognorm.cdf(x[:, 0], s=np.sqrt(cov[0, 0]), scale=np.exp(mean[0]))
        for weight, mean, cov in zip(*components(law), strict=True)
    )
    assert np.max(np.abs(law.cdf(x) - exact)) <= CDF
    assert np.max(np.abs(twin_target(law).cdf(tensor(x)).numpy() - exact)) <= CDF


SCIPY: dict[str, Callable[..., object]] = {
    "gamma": lambda a, rate: stats.gamma(a, scale=1 / rate),
    "inverse gamma": lambda a, scale: stats.invgamma(a, scale=scale),
    "weibull": lambda k, scale: stats.weibull_min(k, scale=scale),
    "beta prime": lambda a, b, scale: stats.betaprime(a, b, scale=scale),
}


@pytest.mark.parametrize("name", SCIPY)
def test_other_laws(name: str) -> None:
    """Densities to 1e-12 of the terms (below 30 here), distribution functions to 1e-12."""
    right, wrong = PARAMETERS[name]
    law, twin = REF_LAWS[name](*right), FAST_LAWS[name](*(tensor([p]) for p in right))
    x = states(1, spread=1.2)
    exact = SCIPY[name](*right)
    for found in (law.logpdf(x), twin.logpdf(tensor(x)).numpy()):
        assert np.max(np.abs(found - exact.logpdf(x[:, 0]))) <= 3e-11
    for found in (law.cdf(x), twin.cdf(tensor(x)).numpy()):
        assert np.max(np.abs(found - exact.cdf(x[:, 0]))) <= 1e-12
    assert np.max(np.abs(law.cdf(x) - SCIPY[name](*wrong).cdf(x[:, 0]))) > 0.1
