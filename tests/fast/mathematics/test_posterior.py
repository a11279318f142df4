"""gbm_fast.posterior against gbm_ref, against autograd, and on data sets."""

import numpy as np
import pytest
import torch

import gbm_fast as gbm
import gbm_ref as ref
from tests.support import twins
from tests.support.cases import PROBLEMS, Array, Problem, crossed, states, torch_generator
from tests.support.twins import assert_agree, assert_twins, tensor, twin_process, twin_target

LEVEL = 0.3
POWER = -1.7


class Scales:
    """Condition scales at x (n, d), from those of the density and of the score: W = 2 E bounds
    every share, K a covariance's condition, R a component's mean, G the means' spread."""

    def __init__(self, problem: Problem, t: float, x: Array) -> None:
        process = problem.process
        m, self.v = process.log_mean(t), process.log_var(t)
        score, terms = twins.target_scales(problem.target.diffuse(process, t), x)
        _, means, covs = twins.components(problem.target)
        y = np.log(x)
        condition = np.linalg.cond(covs + self.v * np.eye(means.shape[1])).max()
        self.shares = 2 * terms[:, None]
        self.log_mean = condition * (1 + np.abs(y) + np.abs(means).max() + abs(m)) + self.v * score
        spread = np.abs(y[:, None] - means - m).max() + np.ptp(means, axis=0).max()
        self.log_cov = self.v + (spread**2 * self.shares + 2 * spread * self.log_mean)[..., None]
        self.moment = self.shares + abs(POWER) * self.log_mean + POWER**2 * self.v


@crossed(problem=PROBLEMS, dtype=twins.DTYPES)
def test_posteriors_agree(problem: Problem, dtype: torch.dtype) -> None:
    t = LEVEL * problem.process.horizon
    x = twins.single(states(problem, t, size=3))
    scales = Scales(problem, t, x)
    at = (x, problem.target, problem.process, t)
    assert_agree("posterior_weights", *at, scale=scales.shares, dtype=dtype)
    assert_agree("posterior_log_mean", *at, scale=scales.log_mean, dtype=dtype)
    assert_agree("posterior_log_cov", *at, scale=scales.log_cov, dtype=dtype)
    assert_agree("log_posterior_moment", *at, scale=scales.moment, dtype=dtype, power=POWER)


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_the_covariance_is_tweedie_s_and_one_edit_is_refused(problem: Problem) -> None:
    """Cov = v I + v^2 grad_y s (claim R5), with grad_y s by autograd of the exact score. Planted:
    v for v^2, the other sign, and the prior's spread left out (that of the points alone)."""
    t = LEVEL * problem.process.horizon
    x = states(problem, t, size=2)
    law, process = twin_target(problem.target), twin_process(problem.process)
    later, v = law.diffuse(process, t), float(process.log_var(t))
    y = tensor(np.log(x)).requires_grad_()
    score = later.log_score(y.exp())
    rows = [torch.autograd.grad(s.sum(), y, retain_graph=True)[0] for s in score.unbind(-1)]
    slope = torch.stack(rows, dim=-2)
    eye = torch.eye(law.d, dtype=torch.float64)
    found = gbm.posterior_log_cov(tensor(x), law, process, t)
    scale = Scales(problem, t, x).log_cov + v**2 * float(slope.abs().max())
    assert_twins(found, (v * eye + v**2 * slope).numpy(), scale)
    for wrong in (v * eye + v * slope, v * eye - v**2 * slope, v**2 * slope):
        assert twins.error_over_scale(wrong, found.numpy(), scale) > 1e6 * twins.EXACT


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_means_and_moments_with_one_edit_are_refused(problem: Problem) -> None:
    """Planted: the other sign of m, s for v s, h for s; the geometric mean for the arithmetic."""
    t = LEVEL * problem.process.horizon
    x = states(problem, t, size=2)
    law, process = twin_target(problem.target), twin_process(problem.process)
    y, score = tensor(x).log(), law.diffuse(process, t).log_score(tensor(x))
    m, v = process.log_mean(t), process.log_var(t)
    scales, at = Scales(problem, t, x), (problem.target, problem.process, t)
    mean = ref.posterior_log_mean(x, *at)
    assert_twins(y - m + v * score, mean, scales.log_mean)
    edits = [y - m + score, y - m + v * (score - 1)]
    if float(m) != 0:
        edits.append(y + m + v * score)
    for wrong in edits:
        assert twins.error_over_scale(wrong, mean, scales.log_mean) > 1e6 * twins.EXACT
    moment = ref.log_posterior_moment(x, *at, power=POWER)
    assert twins.error_over_scale(tensor(POWER * mean), moment, scales.moment) > 1e3 * twins.EXACT


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_the_posterior_of_one_state_is_a_law(problem: Problem) -> None:
    t = LEVEL * problem.process.horizon
    x = states(problem, t, size=1)[0]
    at, scales = (x, problem.target, problem.process, t), Scales(problem, t, x[None])
    law, expected = gbm.posterior_law(*map(twins.twin, at)), ref.posterior_law(*at)
    assert type(law) is getattr(gbm, type(expected).__name__)
    sizes = {"log_mean": scales.log_mean[0], "log_cov": scales.log_cov[0]}
    if isinstance(expected, ref.LogNormalMixture):
        sizes = {f"{name}s": size for name, size in sizes.items()} | {"weights": scales.shares[0]}
    for name, size in sizes.items():
        assert_twins(getattr(law, name), getattr(expected, name), size)
    assert law.rvs(3, torch_generator("posterior")).shape == (3, problem.target.d)


def test_without_noise_the_posterior_is_the_state() -> None:
    problem = PROBLEMS[1]
    x = tensor(states(problem, 0.2, size=2))
    law, process = twin_target(problem.target), twin_process(problem.process)
    assert_twins(gbm.posterior_log_mean(x, law, process, 0.0), x.log().numpy(), 3.0)
    assert float(gbm.posterior_log_cov(x, law, process, 0.0).abs().max()) == 0.0
