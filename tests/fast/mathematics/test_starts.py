"""The starts as laws and their price: gbm_fast against gbm_ref, and their mistakes."""

import numpy as np
import pytest
import torch

import gbm_fast as gbm
import gbm_ref as ref
from tests.support import twins
from tests.support.cases import PROBLEMS, Array, Problem, crossed, generator
from tests.support.problems import PROCESSES
from tests.support.twins import assert_twins, error_over_scale, tensor, twin_process, twin_target

CHANNELS = {"one": None, "three": np.array([0, 0, 1, 1, 2, 2]), "each": np.arange(6)}


def labelled() -> tuple[Array, Array]:
    """Points (30, 6) in [1, 2] and labels 2, 3 and 7."""
    return twins.single(generator("labelled").uniform(1, 2, (30, 6))), np.resize([7, 2, 3, 2], 30)


def data_moments() -> ref.Gaussian:
    exact = ref.log_moments(ref.PointMasses(labelled()[0]))
    cov = twins.single(exact.cov)
    return ref.Gaussian(twins.single(exact.mean), (cov + cov.T) / 2)


@crossed(problem=PROBLEMS, dtype=twins.DTYPES)
def test_moments_agree(problem: Problem, dtype: torch.dtype) -> None:
    """S: the means, and for the covariance the products of what is averaged."""
    _, means, covs = twins.components(problem.target)
    reach = 1 + np.abs(means).max()
    expected = ref.log_moments(problem.target)
    found = gbm.log_moments(twin_target(problem.target, dtype))
    assert found.mean.dtype == dtype
    assert_twins(found.mean, expected.mean, reach)
    assert_twins(found.cov, expected.cov, np.abs(covs).max() + reach**2)


@pytest.mark.parametrize("dtype", twins.DTYPES)
def test_class_averages_agree(dtype: torch.dtype) -> None:
    """Refused: the average of the logarithms, which lies below (claim E22)."""
    points, labels = labelled()
    expected = ref.class_averages(points, labels)
    found = gbm.class_averages(tensor(points, dtype), torch.as_tensor(labels))
    assert found.log_means.dtype == dtype
    assert_twins(found.weights, expected.weights, 1.0)
    assert_twins(found.log_means, expected.log_means, 3.0)
    assert float(found.log_covs.abs().max()) == 0.0
    geometric = np.stack([np.log(points[labels == k]).mean(0) for k in (2, 3, 7)])
    assert error_over_scale(found.log_means, geometric, 3.0) > 1e-3
    process = PROCESSES["constant"]
    pushed = gbm.from_class_averages(found, twin_process(process))
    assert_twins(pushed.log_covs, ref.from_class_averages(expected, process).log_covs, 1.0)


@crossed(name=PROCESSES, kind=CHANNELS, dtype=twins.DTYPES)
def test_fits_and_prices_agree(name: str, kind: str, dtype: torch.dtype) -> None:
    process, exact, channels = PROCESSES[name], data_moments(), CHANNELS[kind]
    data, twin, given = (twins.twin(value, dtype) for value in (exact, process, channels))
    expected, found = ref.best_start(exact, process, channels), gbm.best_start(data, twin, given)
    v = process.log_var(process.horizon)
    assert_twins(found.start.log_mean, expected.start.log_mean, 3 + v)
    assert_twins(found.start.log_cov, expected.start.log_cov, 3 + v)
    # An error e of a covariance or mean moves a divergence by e / smallest variance, d times.
    scale = 12 * 3 * (1 + v) / v * (1 + expected.cost)
    assert found.cost.dtype == dtype
    assert_twins(found.cost, expected.cost, scale)
    ours, theirs = gbm.terminal_gaussian(data, twin), ref.terminal_gaussian(exact, process)
    assert_twins(ours.mean, theirs.mean, 3 + v)
    assert_twins(ours.cov, theirs.cov, 3 + v)


def test_prices_of_other_starts_agree_and_are_higher() -> None:
    process, exact = PROCESSES["constant"], data_moments()
    best = float(gbm.best_start(twins.twin(exact), twin_process(process)).cost)
    for shift, factor in ((0.1, 1.0), (0.0, 1.2)):
        fitted = ref.fitted_lognormal(exact, process)
        other = ref.LogNormal(fitted.log_mean + shift, fitted.log_cov * factor)
        scale = 100 * (1 + ref.terminal_mismatch(other, exact, process))
        found = twins.assert_agree("terminal_mismatch", other, exact, process, scale=scale)
        assert float(found) > best + 1e6 * twins.EXACT
    standard = gbm.standard_lognormal(6)
    assert torch.equal(standard.log_cov, torch.eye(6, dtype=torch.float64))
    assert torch.equal(standard.log_mean, torch.zeros(6, dtype=torch.float64))


def test_the_data_themselves_are_pushed_to_the_horizon() -> None:
    process = PROCESSES["constant"]
    points = labelled()[0]
    found = gbm.from_data(tensor(points), twin_process(process))
    assert isinstance(found, gbm.PointMasses)
    expected = ref.from_data(points, process)
    assert_twins(found.points, expected.points, expected.points)
    assert abs(found.log_var - expected.log_var) < 1e-15
