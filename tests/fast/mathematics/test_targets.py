"""gbm_fast.targets against gbm_ref.targets, and against derivatives of their own log-densities."""

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_fast.targets.points as points_module
from tests.support import cases, twins
from tests.support.cases import PROBLEMS, Problem, crossed, generator, states, torch_generator
from tests.support.fixtures import Patch
from tests.support.twins import assert_twins, error_over_scale, tensor, twin_process, twin_target

LEVELS = [0.02, 0.4, 1.0]
METHODS = ("logpdf", "log_score", "hyvarinen_score", "stein_score")
PAIR = tensor([[0.7, 1.3], [1.9, 0.6]])


@crossed(problem=PROBLEMS, level=LEVELS, dtype=twins.DTYPES)
def test_densities_and_scores_agree(problem: Problem, level: float, dtype: torch.dtype) -> None:
    t = level * problem.process.horizon
    diffused = problem.target.diffuse(problem.process, t)
    twin = twin_target(problem.target, dtype).diffuse(twin_process(problem.process), t)
    x = states(problem, t)
    score_scale, logpdf_scale = twins.target_scales(diffused, x)
    assert twin.logpdf(tensor(x, dtype)).dtype == dtype
    scales = (logpdf_scale, score_scale, score_scale, score_scale / x)
    for method, scale in zip(METHODS, scales, strict=True):
        assert_twins(getattr(twin, method)(tensor(x, dtype)), getattr(diffused, method)(x), scale)


@crossed(problem=PROBLEMS, level=LEVELS)
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
    assert float((deviation @ tensor([1.1, 0.6])).abs().max()) < 1e-7
    assert float((deviation @ direction).std()) > 0.1
    with pytest.raises(ValueError, match="diffuse"):
        law.logpdf(tensor([[1.0, 1.0]]))


def test_draws_repeat_with_their_generator() -> None:
    for problem in PROBLEMS:
        law = twin_target(problem.target)
        first, again = (law.rvs(7, torch_generator("repeat")) for _ in range(2))
        assert first.shape == (7, law.d)
        torch.testing.assert_close(first, again, rtol=0, atol=0)


@pytest.mark.parametrize("method", METHODS)
def test_a_finite_data_set_has_no_density_before_it_is_diffused(method: str) -> None:
    law, x = gbm.PointMasses(tensor([[1.2, 1.7], [1.9, 1.1]])), tensor([[1.5, 1.5]])
    with pytest.raises(ValueError, match="diffuse first"):
        getattr(law, method)(x)
    assert bool(torch.isfinite(getattr(law.diffuse(cases.PROCESS, 0.2), method)(x)).all())


def test_parameters_keep_their_dtype_and_bring_it_to_the_result() -> None:
    x = tensor(generator("dtype").uniform(1, 2, (3, 2)), torch.float32)
    law = gbm.LogNormal(tensor([0.1, 0.4], torch.float32), tensor(0.3, torch.float32))
    assert law.diffuse(gbm.GBM(sigma=0.7), 0.3).hyvarinen_score(x).dtype == torch.float32
    assert law.rvs(3, torch_generator("dtype")).dtype == torch.float32


STD = 0.005
PIXELS = 784


def near_duplicates() -> tuple[np.ndarray, np.ndarray]:
    """200 pictures in [1, 2], in pairs that differ by half a grey level; 5 states beside some."""
    rng = generator("near duplicates")
    half = rng.uniform(1.0, 2.0, (100, PIXELS))
    points = twins.single(np.concatenate([half, half + rng.uniform(-1, 1, half.shape) / 512]))
    noise = np.exp(STD * rng.standard_normal((5, PIXELS)))
    return points, twins.single((points[:5] + points[100:105]) / 2 * noise)


def exact_score(points: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """s of claim R3 by differences in float64, and its condition scale (5, d).
    s = sum r_n u_n with u_n = (log x_n - log x) / V: r_n and u_n move by their roundings."""
    residual = np.log(points) - np.log(x)[:, None]
    exponents = -(residual**2).sum(-1) / (2 * STD**2)
    r = np.exp(exponents - exponents.max(-1, keepdims=True))
    r /= r.sum(-1, keepdims=True)
    score = np.einsum("nk,nkd->nd", r, residual) / STD**2
    logs = np.abs(np.log(x)) + np.log(points).max()
    gap = np.abs(residual[:, :100] - residual[:, 100:]).max(1)
    return score, 1 + (logs + gap * (-2 * (r * exponents).sum(-1, keepdims=True))) / STD**2


def by_float32_product(points: Tensor, x: Tensor) -> Tensor:
    """The planted twin: the square expanded, in the precision of the state."""
    logs, y = points.log(), x.log()
    centre = logs.mean(0)
    a, b = logs - centre, y - centre
    squares = b.square().sum(-1, keepdim=True) - 2 * b @ a.mT + a.square().sum(-1)
    return (torch.softmax(-squares / (2 * STD**2), -1) @ logs - y) / STD**2


def test_float32_keeps_its_digits_between_near_duplicates() -> None:
    """sqrt(V) = 0.005, the smallest level of the default process. The shares of two pictures that
    nearly agree decide the score; an expanded square in float32 gets them wrong by tenths."""
    points, x = near_duplicates()
    expected, scale = exact_score(points, x)
    law = gbm.PointMasses(tensor(points, torch.float32), STD**2)
    found = law.log_score(tensor(x, torch.float32))
    assert found.dtype == torch.float32
    assert_twins(found, expected, scale)
    shares = law.responsibilities(tensor(x, torch.float32))
    exact = gbm.PointMasses(tensor(points), STD**2).responsibilities(tensor(x))
    assert float((shares - exact).abs().max()) < 1e-5
    assert 0.01 < float(exact[0, 0]) < 0.99
    wrong = by_float32_product(tensor(points, torch.float32), tensor(x, torch.float32))
    assert error_over_scale(wrong, expected, scale) > 10 * twins.SINGLE


@pytest.mark.parametrize("dtype", twins.DTYPES)
def test_chunks_change_memory_alone(dtype: torch.dtype, monkeypatch: Patch) -> None:
    points, x = (tensor(part, dtype) for part in near_duplicates())
    law = gbm.PointMasses(points, 0.3)
    calls = (law.logpdf, law.log_score, law.responsibilities, law.log_score_divergence)
    whole = [call(x) for call in calls]
    monkeypatch.setattr(points_module, "LARGEST_CHUNK", 2 * len(points))
    for one, other in zip(whole, [call(x) for call in calls], strict=True):
        assert_twins(one, other.double().numpy(), 1 + other.double().abs().numpy())


def test_diffusions_share_the_logarithms_and_move_the_points() -> None:
    points = tensor([[0.7, 1.3], [1.9, 0.6], [2.4, 2.2]])
    process, law = gbm.GBM(mu=0.4, sigma=0.7), gbm.PointMasses(points)
    twice, once = law.diffuse(process, 0.3).diffuse(process, 0.5), law.diffuse(process, 0.8)
    assert_twins(twice.points, once.points.numpy(), once.points.numpy())
    assert_twins(once.points, (points * float(process.log_mean(0.8).exp())).numpy(), 3.0)
    assert abs(twice.log_var - once.log_var) < 1e-15
    assert twice._data is law._data
    x = tensor([[1.1, 0.9]])
    fresh = gbm.PointMasses(once.points, once.log_var)
    assert_twins(once.log_score(x), fresh.log_score(x).numpy(), 10.0)
    assert_twins(once.logpdf(x), fresh.logpdf(x).numpy(), 10.0)


def test_draws_of_a_diffused_data_set_are_those_of_the_moved_points() -> None:
    """On one generator, also under a process with m > 0."""
    process = gbm.GBM(mu=2.0, sigma=0.7)
    moved = gbm.PointMasses(PAIR * process.log_mean(0.6).exp(), float(process.log_var(0.6)))
    diffused = gbm.PointMasses(PAIR).diffuse(process, 0.6)
    found, expected = (law.rvs(40, torch_generator("moved")) for law in (diffused, moved))
    assert_twins(found, expected.numpy(), 4 * expected.numpy())


def test_an_undiffused_data_set_has_its_points_unchanged() -> None:
    law = gbm.PointMasses(PAIR)
    assert torch.equal(law.points, PAIR)
    assert torch.equal(law.diffuse(gbm.VarianceExploding(), 0.0).points, PAIR)
