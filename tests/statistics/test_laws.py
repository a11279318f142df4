"""Quadrature of sampler laws against what is known exactly, to a tenth of the stated error."""

import numpy as np

import gbm_ref as ref
from tests.statistics.families import quadrature
from tests.statistics.families.affine import DALE_LINE
from tests.statistics.families.quadrature import oracle_rows, start_of
from tests.statistics.laws import ERROR, Law, distance, gaussian_line, log_sampler, signed_sampler

SIGNED = quadrature.SIGNED_DATA, quadrature.STRONG, quadrature.SIGNED_GRID
MIXED = quadrature.MIXTURE, quadrature.CONSTANT, quadrature.MIXED_GRID


def gap(one: Law, other: Law) -> float:
    """The distance without the stated errors."""
    bare = [Law(law.cdf, law.low, law.high) for law in (one, other)]
    return distance(*bare)


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
    below = quadrature.sign_agnostic_below_zero()
    assert abs(below - (1.0 - signs.value) / 2.0) < ERROR / 10
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
