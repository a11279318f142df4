"""M-ESM, the implicit form and Hyvarinen's loss: gbm_fast against gbm_ref, and Theorem 4.1."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast.process import Time
from tests.support import twins
from tests.support.cases import PROBLEMS, Array, Problem, states
from tests.support.problems import LOG_NORMALS
from tests.support.quadrature import affine_model, expected_losses, gradient
from tests.support.twins import assert_twins, error_over_scale, tensor, twin_process, twin_target

LEVELS = (0.15, 0.8)
EVENTS = {"images-constant": (1, 3, 3)}
CHOSEN = [p for p in PROBLEMS if p.name.split("-")[0] in {"log", "mixture", "images"}]


def waves(x: Array, t: float) -> Array:
    """A model, no score of anything, whose derivative in log x is known."""
    return np.sin(2 * np.log(x)) - 0.7 * t


def waves_slope(x: Array, t: float) -> Array:
    """x dh/dx of `waves`."""
    return 2 * np.cos(2 * np.log(x))


def torch_waves(x: Tensor, t: Time) -> Tensor:
    """`waves`, for a number or one time a sample."""
    times = torch.as_tensor(t, dtype=torch.float64).to(x).reshape(-1, *[1] * (x.ndim - 1))
    return (2 * x.log()).sin() - 0.7 * times


def torch_waves_slope(x: Tensor, t: Time) -> Tensor:
    return 2 * (2 * x.log()).cos()


def batch(problem: Problem) -> tuple[Array, Array]:
    """States (n, d) that float32 holds, and as many times, of the two levels in turn."""
    t = LEVELS[1] * problem.process.horizon
    x = states(problem, t, size=3).astype(np.float32).astype(np.float64)
    return x, np.resize(np.array(LEVELS) * problem.process.horizon, len(x))


@pytest.mark.parametrize("dtype", twins.DTYPES)
@pytest.mark.parametrize("problem", CHOSEN, ids=str)
def test_explicit_and_implicit_losses_agree(problem: Problem, dtype: torch.dtype) -> None:
    """Every named term, one time a sample, against the oracle a sample at a time.

    Scales: S_h of the exact score (tests.support.twins); 3 + 2 |log x| of the model and its slope;
    a square has twice the relative error of its root; sums add the scales of their terms.
    """
    process, twin = problem.process, twin_process(problem.process)
    x, times = batch(problem)
    event = EVENTS.get(problem.name, (problem.target.d,))
    x_twin = tensor(x, dtype).reshape(-1, *event)
    law = twin_target(problem.target, dtype)
    weight = gbm.variance_weighting
    esm = gbm.m_esm(torch_waves, law, x_twin, tensor(times), twin, weight)
    implicit = gbm.implicit_m_esm(
        torch_waves, torch_waves_slope, x_twin, tensor(times), twin, weight
    )
    for i, t in enumerate(times):
        row, one = x[i : i + 1], slice(i, i + 1)
        v = process.log_var(t)
        expected = ref.m_esm(waves, problem.target, row, t, process, ref.variance_weighting)
        exact_scale = twins.target_scales(problem.target.diffuse(process, t), row)[0]
        scale = 3 + 2 * np.abs(np.log(row))
        assert_twins(esm.h_exact.flatten(1)[one], expected.h_exact, exact_scale)
        assert_twins(esm.h_model.flatten(1)[one], expected.h_model, scale)
        # |a^2 - b^2| <= (|a| + |b|) |a - b|, and the size of the sum bounds |a|.
        sizes = np.abs(expected.h_exact) + np.abs(expected.h_model)
        loss_scale = v * (sizes * (exact_scale + scale)).sum()
        assert_twins(esm.per_sample[one], expected.per_sample, loss_scale)
        parts = ref.implicit_m_esm(waves, waves_slope, row, t, process, ref.variance_weighting)
        for found, wanted in zip(implicit[1:], parts[1:], strict=True):
            assert_twins(found[one], wanted, v * (scale + scale**2).sum())
    for loss in (esm, implicit):
        each = loss.per_sample.double()
        assert_twins(loss.loss, np.float64(each.mean()), float(each.abs().mean()))


def weighted_twice(terms: gbm.ImplicitLoss, x: Tensor, v: float) -> Tensor:
    return terms.per_sample * v


def without_the_linear_term(terms: gbm.ImplicitLoss, x: Tensor, v: float) -> Tensor:
    return terms.square + terms.slope


def with_the_other_sign_of_the_slope(terms: gbm.ImplicitLoss, x: Tensor, v: float) -> Tensor:
    return terms.square + terms.linear - terms.slope


def without_the_half(terms: gbm.ImplicitLoss, x: Tensor, v: float) -> Tensor:
    return 2 * terms.square + terms.linear + terms.slope


def with_the_derivative_in_x(terms: gbm.ImplicitLoss, x: Tensor, v: float) -> Tensor:
    slope = v * (torch_waves_slope(x, 0.3) / x).sum(-1)
    return terms.square + terms.linear + slope


@pytest.mark.parametrize(
    "wrong",
    [
        weighted_twice,
        without_the_linear_term,
        with_the_other_sign_of_the_slope,
        without_the_half,
        with_the_derivative_in_x,
    ],
)
def test_planted_implicit_losses_are_refused(wrong: Callable[..., Tensor]) -> None:
    problem = PROBLEMS[1]
    x = batch(problem)[0]
    process, t = problem.process, 0.3
    terms = gbm.implicit_m_esm(
        torch_waves, torch_waves_slope, tensor(x), t, twin_process(process), gbm.variance_weighting
    )
    v = process.log_var(t)
    expected = ref.implicit_m_esm(waves, waves_slope, x, t, process, ref.variance_weighting)
    scale = v * 20 * (1 + np.log(x) ** 2).sum(-1)
    found = wrong(terms, tensor(x), v)
    assert error_over_scale(terms.per_sample, expected.per_sample, scale) < twins.EXACT
    assert error_over_scale(found, expected.per_sample, scale) > 1e6 * twins.EXACT


@pytest.mark.parametrize("dtype", twins.DTYPES)
@pytest.mark.parametrize("event", [(1,), (2,), (1, 3, 3)])
def test_hyvarinen_s_loss_agrees(event: tuple[int, ...], dtype: torch.dtype) -> None:
    """The score psi = h / x of `waves` and its slope; and it is the implicit form at t = 0."""
    x = np.exp(np.linspace(-1.2, 1.1, 4 * int(np.prod(event)))).reshape(4, -1)
    x = x.astype(np.float32).astype(np.float64)
    stein = (waves(x, 0.0) / x).astype(np.float32).astype(np.float64)
    slope = (waves_slope(x, 0.0) - waves(x, 0.0)) / x**2
    slope = slope.astype(np.float32).astype(np.float64)
    x_twin, stein_twin, slope_twin = (
        tensor(part, dtype).reshape(-1, *event) for part in (x, stein, slope)
    )
    found = gbm.nonnegative_score_matching(stein_twin, slope_twin, x_twin)
    expected = ref.nonnegative_score_matching(stein, slope, x)
    size = 1 + np.abs(x * stein)
    scale = (size**2 + np.abs(x**2 * slope)).sum(-1)
    for name in gbm.ImplicitLoss._fields[1:]:
        assert_twins(getattr(found, name), getattr(expected, name), scale)
    if dtype == torch.float64:
        process = gbm.GBM(mu=0.13, sigma=0.7)
        same = gbm.implicit_m_esm(torch_waves, torch_waves_slope, x_twin, 0.0, process)
        # stein and slope were rounded to float32.
        assert_twins(found.per_sample, same.per_sample.numpy(), scale, 2.0**-22)


@pytest.mark.parametrize("name", LOG_NORMALS)
@pytest.mark.parametrize("t", [0.05, 0.9])
def test_the_losses_differ_by_constants_and_their_gradients_agree(name: str, t: float) -> None:
    """Theorem 4.1 of version 2 (sheet A26-A32) and R18, by exact quadrature: nothing is sampled.

    M-DSM exceeds M-ESM by (d / v - I) / 2 with I = tr (S_0 + v I)^-1 (sheet R4b): the excess loss
    over the exact score's is M-ESM. The implicit form is below it by E|h|^2 / 2 = (d + I) / 2.
    """
    data, process = LOG_NORMALS[name], gbm.GBM(mu=0.13, sigma=0.7)
    model = affine_model(data.d)
    found = expected_losses(data, process, t, model)
    v = float(process.log_var(t))
    scale = 10 * data.d / v
    information = np.trace(np.linalg.inv(data.log_cov + v * np.eye(data.d)))
    floor = 0.5 * (data.d / v - information)
    assert_twins(found.esm, found.by_hand.detach().numpy(), scale)
    assert_twins(found.dsm - found.esm, np.float64(floor), scale)
    assert_twins(found.esm - found.implicit, np.float64(0.5 * (data.d + information)), scale)
    right = gradient(found.by_hand, model).numpy()
    for loss in (found.dsm, found.esm, found.implicit):
        assert_twins(gradient(loss, model), right, scale)


def test_a_target_without_its_one_is_refused() -> None:
    """The planted twin: h_target = -z / sqrt(v), the log score, moves the bias's gradient."""
    data, process = LOG_NORMALS["log-normal-2d"], gbm.GBM(mu=0.13, sigma=0.7)
    model = affine_model(2)
    right = gradient(expected_losses(data, process, 0.9, model).esm, model).numpy()
    shifted = torch.nn.Linear(2, 2, dtype=torch.float64)
    with torch.no_grad():
        shifted.weight.copy_(model.weight)
        shifted.bias.copy_(model.bias - 1)
    wrong = gradient(expected_losses(data, process, 0.9, shifted).dsm, shifted)
    assert error_over_scale(wrong, right, 20 / float(process.log_var(0.9))) > 0.01


def test_bad_batches_are_refused() -> None:
    process, law = gbm.GBM(mu=0.13, sigma=0.7), twin_target(LOG_NORMALS["log-normal-2d"])
    x = tensor([[1.2, 1.4], [1.1, 1.9]])
    with pytest.raises(ValueError, match="x must be positive"):
        gbm.m_esm(torch_waves, law, -x, 0.3, process)
    line = twin_target(LOG_NORMALS["log-normal-1d"])
    for other, states_of_another_d in ((law, x[:, :1]), (line, x)):
        with pytest.raises(ValueError, match="shape"):
            gbm.m_esm(torch_waves, other, states_of_another_d, 0.3, process)
    with pytest.raises(ValueError, match="model's score must have the shape"):
        gbm.m_esm(lambda x, t: x[:, :1], law, x, 0.3, process)
    with pytest.raises(ValueError, match="slope of the model's score"):
        gbm.implicit_m_esm(torch_waves, lambda x, t: x[:, :1], x, 0.3, process)
    with pytest.raises(ValueError, match="hold data"):
        gbm.implicit_m_esm(torch_waves, torch_waves_slope, x[0], 0.3, process)
    with pytest.raises(ValueError, match="stein must have the shape"):
        gbm.nonnegative_score_matching(x[:, :1], x, x)
    with pytest.raises(ValueError, match="v must lie in"):
        gbm.LikelihoodWeighting(process)(tensor([0.3, 0.5]))
