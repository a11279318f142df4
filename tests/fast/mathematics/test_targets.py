"""gbm_fast.targets against gbm_ref.targets, and against derivatives of their own log-densities."""

import numpy as np
import pytest
import torch

import gbm_fast as gbm
from tests.support import twins
from tests.support.cases import PROBLEMS, Problem, generator, states, torch_generator
from tests.support.twins import assert_twins, tensor, twin_process, twin_target

LEVELS = [0.02, 0.4, 1.0]


@pytest.mark.parametrize("dtype", twins.DTYPES)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_densities_and_scores_agree(problem: Problem, level: float, dtype: torch.dtype) -> None:
    t = level * problem.process.horizon
    diffused = problem.target.diffuse(problem.process, t)
    twin = twin_target(problem.target, dtype).diffuse(twin_process(problem.process), t)
    x = states(problem, t)
    score_scale, logpdf_scale = twins.target_scales(diffused, x)
    x_twin = tensor(x, dtype)
    assert twin.logpdf(x_twin).dtype == dtype
    assert_twins(twin.logpdf(x_twin), diffused.logpdf(x), logpdf_scale)
    assert_twins(twin.log_score(x_twin), diffused.log_score(x), score_scale)
    assert_twins(twin.hyvarinen_score(x_twin), diffused.hyvarinen_score(x), score_scale)
    assert_twins(twin.stein_score(x_twin), diffused.stein_score(x), score_scale / x)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_the_scores_are_the_derivatives_of_logpdf(problem: Problem, level: float) -> None:
    """torch.autograd of logpdf, another route through the same density, for each of the scores."""
    t = level * problem.process.horizon
    twin = twin_target(problem.target).diffuse(twin_process(problem.process), t)
    x = states(problem, t)
    scale = twins.target_scales(problem.target.diffuse(problem.process, t), x)[0]
    x_twin = tensor(x).requires_grad_()
    (gradient,) = torch.autograd.grad(twin.logpdf(x_twin).sum(), x_twin)
    assert_twins(twin.stein_score(tensor(x)), gradient, scale / x)
    assert_twins(twin.hyvarinen_score(tensor(x)), x * gradient.numpy(), scale)
    assert_twins(twin.log_score(tensor(x)), 1 + x * gradient.numpy(), scale)


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_distribution_functions_agree(problem: Problem) -> None:
    """S = Phi(1 + z^2) + phi |y| / std at most; below, its bound 1 + (|y| + |a|) / std."""
    t = 0.4 * problem.process.horizon
    diffused = problem.target.diffuse(problem.process, t)
    twin = twin_target(problem.target).diffuse(twin_process(problem.process), t)
    x = states(problem, t)
    if problem.target.d > 1:
        with pytest.raises(ValueError, match="d = 1"):
            twin.cdf(tensor(x))
        return
    reach = 1 + np.abs(np.log(x[:, 0])) + np.abs(problem.process.log_mean(t))
    std = np.sqrt(problem.process.log_var(t))
    assert_twins(twin.cdf(tensor(x)), diffused.cdf(x), 1 + 3 * reach / std)


def test_the_distribution_function_of_a_data_set_is_a_staircase() -> None:
    points = tensor([[1.2], [1.7], [1.7], [0.4]])
    staircase = gbm.PointMasses(points).cdf(tensor([[0.39], [0.4], [1.3], [1.7]]))
    torch.testing.assert_close(staircase, tensor([0.0, 0.25, 0.5, 1.0]), rtol=0, atol=0)


def test_draws_of_a_singular_law_stay_on_its_support() -> None:
    """A covariance of rank 1: every draw lies on a line of log space, and draws differ."""
    direction = tensor([0.6, -1.1])
    law = gbm.LogNormal(tensor([0.3, -0.2]), torch.outer(direction, direction))
    deviation = law.rvs(64, torch_generator("singular")).log() - law.log_mean
    across = deviation @ tensor([1.1, 0.6])
    assert float(across.abs().max()) < 1e-7
    assert float((deviation @ direction).std()) > 0.1
    with pytest.raises(ValueError, match="diffuse"):
        law.logpdf(tensor([[1.0, 1.0]]))


def test_draws_repeat_with_their_generator() -> None:
    for problem in PROBLEMS:
        law = twin_target(problem.target)
        first, again = (law.rvs(7, torch_generator("repeat")) for _ in range(2))
        assert first.shape == (7, law.d)
        torch.testing.assert_close(first, again, rtol=0, atol=0)


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_states_that_are_not_positive_are_refused(bad: float) -> None:
    law = gbm.LogNormalMixture(
        tensor([0.3, 0.7]), tensor([[0.1, 0.2], [0.5, -0.4]]), tensor([0.2, 0.3])
    )
    for call in (law.logpdf, law.log_score, law.hyvarinen_score, law.stein_score):
        with pytest.raises(ValueError, match="positive"):
            call(tensor([[1.3, bad]]))
        with pytest.raises(ValueError, match="shape"):
            call(tensor([[1.3, 1.0, 2.0]]))


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_one_time_a_sample_is_refused(problem: Problem) -> None:
    """d times for d coordinates would broadcast to another law, without an error."""
    law, process = twin_target(problem.target), twin_process(problem.process)
    with pytest.raises(ValueError, match="one time"):
        law.diffuse(process, torch.full((law.d,), 0.3))


def test_a_finite_data_set_has_no_density_before_it_is_diffused() -> None:
    law = gbm.PointMasses(tensor([[1.2, 1.7], [1.9, 1.1]]))
    x = tensor([[1.5, 1.5]])
    for call in (law.logpdf, law.log_score, law.hyvarinen_score, law.stein_score):
        with pytest.raises(ValueError, match="diffuse first"):
            call(x)
    assert bool(torch.isfinite(law.diffuse(gbm.GBM(sigma=0.7), 0.2).logpdf(x)).all())


BAD_LAWS = {
    "mean of shape ()": lambda: gbm.LogNormal(tensor(0.3), tensor(0.4)),
    "mean NaN": lambda: gbm.LogNormal(tensor([0.3, np.nan]), tensor(0.4)),
    "covariance of another size": lambda: gbm.LogNormal(tensor([0.3, 0.1]), tensor([0.4] * 3)),
    "negative variance": lambda: gbm.LogNormal(tensor([0.3]), tensor(-0.4)),
    "not symmetric": lambda: gbm.LogNormal(tensor([0.3, 0.1]), tensor([[1, 0.2], [0.1, 1]])),
    "indefinite": lambda: gbm.LogNormal(tensor([0.3, 0.1]), tensor([[1, 2], [2, 1.0]])),
    "weights sum to 1.1": lambda: gbm.LogNormalMixture(
        tensor([0.5, 0.6]), tensor([[0.1], [0.2]]), tensor([0.3, 0.4])
    ),
    "weight zero": lambda: gbm.LogNormalMixture(
        tensor([1.0, 0.0]), tensor([[0.1], [0.2]]), tensor([0.3, 0.4])
    ),
    "one weight short": lambda: gbm.LogNormalMixture(
        tensor([1.0]), tensor([[0.1], [0.2]]), tensor([0.3, 0.4])
    ),
    "covariances of another size": lambda: gbm.LogNormalMixture(
        tensor([0.5, 0.5]), tensor([[0.1], [0.2]]), tensor([0.3])
    ),
    "point zero": lambda: gbm.PointMasses(tensor([[1.0, 0.0]])),
    "points of shape (n,)": lambda: gbm.PointMasses(tensor([1.0, 1.2])),
    "no points": lambda: gbm.PointMasses(torch.empty(0, 2)),
    "negative log-variance": lambda: gbm.PointMasses(tensor([[1.0, 1.2]]), -0.1),
}


@pytest.mark.parametrize("name", BAD_LAWS)
def test_bad_parameters_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="must"):
        BAD_LAWS[name]()


def test_parameters_keep_their_dtype_and_bring_it_to_the_result() -> None:
    rng = generator("dtype")
    x = tensor(rng.uniform(1, 2, (3, 2)), torch.float32)
    law = gbm.LogNormal(tensor([0.1, 0.4], torch.float32), tensor(0.3, torch.float32))
    assert law.diffuse(gbm.GBM(sigma=0.7), 0.3).hyvarinen_score(x).dtype == torch.float32
    assert law.rvs(3, torch_generator("dtype")).dtype == torch.float32
