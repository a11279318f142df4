"""The divergence of a score: closed form against gbm_ref, autograd and probes against it."""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast.process import Time
from tests.support import twins
from tests.support.cases import PROBLEMS, Array, Problem, generator, states
from tests.support.quadrature import affine_model, gradient
from tests.support.twins import assert_twins, error_over_scale, tensor, twin_process, twin_target

LEVEL = 0.4


def divergence_scale(problem: Problem, t: float, x: Array) -> Array:
    """(n,): what the two sums are made of, and what errors of shares and pulls do to them."""
    target = problem.target.diffuse(problem.process, t)
    _, means, covs = twins.components(target)
    y = np.log(x)
    inverses, condition = np.linalg.inv(covs), np.linalg.cond(covs).max()
    trace = np.trace(inverses, axis1=-2, axis2=-1).max()
    pulls = np.einsum("jab,njb->nja", inverses, y[:, None] - means)
    size = np.linalg.norm(pulls, axis=-1).max(-1)
    reach = condition * trace * (1 + np.abs(y).sum(-1) + np.abs(means).sum(-1).max())
    shares = 2 * twins.target_scales(target, x)[1]
    return condition * trace + shares * (trace + size**2) + 4 * size * reach


@pytest.mark.parametrize("dtype", twins.DTYPES)
@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_the_closed_form_agrees(problem: Problem, dtype: torch.dtype) -> None:
    t = LEVEL * problem.process.horizon
    x = twins.single(states(problem, t, size=3))
    scale = divergence_scale(problem, t, x)
    expected = ref.log_score_divergence(x, problem.target.diffuse(problem.process, t))
    law, process = twin_target(problem.target, dtype), twin_process(problem.process)
    found = gbm.log_score_divergence(tensor(x, dtype), law.diffuse(process, t))
    assert found.dtype == dtype
    assert_twins(found, expected, scale)
    assert_twins(gbm.exact_divergence(law, process)(tensor(x, dtype), t), expected, scale)


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_autograd_is_the_closed_form_and_others_are_refused(problem: Problem) -> None:
    """Planted: the derivative in x for that in log x, and the Stein score's divergence times x."""
    t = LEVEL * problem.process.horizon
    x = states(problem, t, size=2)
    law, process = twin_target(problem.target), twin_process(problem.process)
    scale = divergence_scale(problem, t, x)
    exact = gbm.exact_divergence(law, process)(tensor(x), t)
    score = gbm.exact_score(law, process)
    with torch.no_grad():
        found = gbm.autograd_divergence(score)(tensor(x), t)
        slopes = gbm.log_score_slope(score)(tensor(x), t)
    assert_twins(found, exact.numpy(), scale)
    in_x = (slopes / tensor(x)).sum(-1)
    of_stein = (slopes - score(tensor(x), t)).sum(-1)
    for wrong in (in_x, of_stein):
        assert error_over_scale(wrong, exact.numpy(), scale) > 1e6 * twins.EXACT


@pytest.mark.parametrize("dtype", twins.DTYPES)
def test_all_sign_probes_give_the_trace_exactly(dtype: torch.dtype) -> None:
    """The mean of e^T A e over every e in {-1, 1}^d is tr A; one probe alone is not."""
    matrix = tensor(generator("probes").normal(size=(4, 4)), dtype)

    def score(x: Tensor, t: Time) -> Tensor:
        return (x.log().flatten(1) @ matrix.mT).reshape(x.shape) - 0.3

    x = tensor(generator("x").uniform(1, 2, (3, 1, 2, 2)), dtype)
    signs = torch.tensor(list(itertools.product([-1.0, 1.0], repeat=4)), dtype=dtype)
    probes = signs.reshape(16, 1, 1, 2, 2).expand(-1, 3, -1, -1, -1)
    trace = np.full(3, float(matrix.diagonal().double().sum()))
    scale = float(matrix.abs().sum())
    found = gbm.hutchinson_divergence(score, probes)(x, 0.3)
    assert found.dtype == dtype
    assert_twins(found, trace, scale)
    assert_twins(gbm.autograd_divergence(score)(x, 0.3), trace, scale)
    one = gbm.hutchinson_divergence(score, probes[:1])(x, 0.3)
    assert error_over_scale(one, trace, scale) > 1e-3


def test_the_implicit_loss_trains_through_the_slope() -> None:
    """With create_graph its gradient is that of the slope written out; without, it is refused."""
    model = affine_model(2)
    x = tensor(generator("implicit").uniform(1, 2, (5, 2)))
    process = gbm.GBM(mu=0.13, sigma=0.7)

    def h_model(x: Tensor, t: Time) -> Tensor:
        return model(x.log()) + (model.weight[0, 1] * x.log()).sin()

    def slope(x: Tensor, t: Time) -> Tensor:
        weight = model.weight[0, 1]
        return model.weight.diagonal() + weight * (weight * x.log()).cos()

    expected = gradient(gbm.implicit_m_esm(h_model, slope, x, 0.3, process).loss, model)
    by_autograd = gbm.log_score_slope(h_model, create_graph=True)
    found = gradient(gbm.implicit_m_esm(h_model, by_autograd, x, 0.3, process).loss, model)
    assert_twins(found, expected.numpy(), 20.0)
    frozen = gbm.implicit_m_esm(h_model, gbm.log_score_slope(h_model), x, 0.3, process)
    assert not frozen.slope.requires_grad
    assert error_over_scale(gradient(frozen.loss, model), expected.numpy(), 20.0) > 1e-3


def test_scores_and_probes_that_do_not_fit_are_refused() -> None:
    x = tensor([[1.2, 0.7]])
    with pytest.raises(ValueError, match="no derivative"):
        gbm.autograd_divergence(lambda x, t: torch.ones_like(x))(x, 0.3)
    for probes in (torch.ones(1, 2), torch.ones(3, 2, 2), torch.ones(0, 1, 2)):
        with pytest.raises(ValueError, match="probes must have shape"):
            gbm.hutchinson_divergence(lambda x, t: x, probes)(x, 0.3)
    law = twin_target(PROBLEMS[1].target)
    with pytest.raises(ValueError, match="shape"):
        gbm.log_score_divergence(x[:, :1], law)
    with pytest.raises(ValueError, match="positive"):
        gbm.log_score_divergence(-x, law)
