"""Quadrature of sampler laws against what is known exactly, to a tenth of the stated error."""

import numpy as np

import gbm_ref
from tests.statistics.families import quadrature
from tests.statistics.families.affine import DALE_LINE
from tests.statistics.families.quadrature import oracle_rows, start_of
from tests.statistics.laws import Law, distance, gaussian_line
from tests.statistics.transport import ERROR, log_sampler, signed_sampler


def bare(law: Law) -> Law:
    """The law without its stated error."""
    return Law(law.cdf, law.low, law.high)


def test_a_gaussian_sampler_has_its_gaussian_law() -> None:
    s = DALE_LINE
    rows = oracle_rows(gbm_ref.DaleLangevin(), s.data, s.process, s.grid)
    start = start_of(s.data, s.process, s.grid)
    assert distance(bare(log_sampler(rows, start)), gaussian_line(s.law())) < ERROR / 10
    # The last row without noise, which is a map of the line.
    quiet = (*s.grid[:-1], s.grid[-1]._replace(noise=0.0))
    law = gbm_ref.exact_law(
        gbm_ref.DaleLangevin(), s.data, s.process, quiet, gbm_ref.Gaussian(*_moments(start))
    )
    rows = oracle_rows(gbm_ref.DaleLangevin(), s.data, s.process, quiet)
    assert distance(bare(log_sampler(rows, start)), gaussian_line(law)) < ERROR / 10


def _moments(law: Law) -> tuple[np.ndarray, np.ndarray]:
    return np.array([law.mean]), np.array([[law.var]])


def test_the_sign_agnostic_sampler_has_the_signs_and_moments_of_the_oracle() -> None:
    """gbm_ref carries averages backwards with another quadrature; here densities go forwards."""
    data, process, grid = quadrature.SIGNED_DATA, quadrature.STRONG, quadrature.SIGNED_GRID
    start = gbm_ref.Gaussian(*_moments(start_of(data, process, grid)))
    signs = gbm_ref.sign_agnostic_average(np.ones_like, data, process, grid, start, signed=True)
    below = quadrature.sign_agnostic_below_zero()
    assert abs(below - (1.0 - signs.value) / 2.0) < ERROR / 10
    law = quadrature.sign_agnostic()
    # P(|X| <= x), whose mean of log x is compared by parts on an even grid.
    y = np.linspace(np.log(law.high) - 30.0, np.log(law.high), 200_001)
    sizes = law.cdf(np.exp(y)) - law.cdf(-np.exp(y))
    log_mean = y[-1] - (y[1] - y[0]) * (sizes.sum() - (sizes[0] + sizes[-1]) / 2.0)
    exact = gbm_ref.sign_agnostic_moments(data, process, grid, start)
    assert abs(log_mean - exact.mean) < 1e-5


def test_more_nodes_change_nothing() -> None:
    data, process, grid = quadrature.MIXTURE, quadrature.CONSTANT, quadrature.MIXED_GRID
    rows = oracle_rows(gbm_ref.DaleLangevin(), data, process, grid)
    start = start_of(data, process, grid)
    fine, usual = (log_sampler(rows, start, nodes) for nodes in (1000, 500))
    assert distance(bare(fine), bare(usual)) < ERROR / 10
    data, process, grid = quadrature.SIGNED_DATA, quadrature.STRONG, quadrature.SIGNED_GRID
    rows = oracle_rows(gbm_ref.SignAgnostic(), data, process, grid)
    start = start_of(data, process, grid)
    fine, usual = (signed_sampler(rows, start, nodes) for nodes in (1000, 600))
    assert distance(bare(fine), bare(usual)) < ERROR / 10
