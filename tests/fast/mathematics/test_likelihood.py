"""gbm_fast.likelihood against gbm_ref's closed form and adaptive integrator, and its mistakes."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast.process import Time
from tests.support import twins
from tests.support.cases import PROBLEMS, PROCESS, Array, Problem, crossed, generator, states
from tests.support.problems import LOG_NORMALS, MIXTURES, PROCESSES
from tests.support.quadrature import affine_model, gradient
from tests.support.twins import assert_twins, error_over_scale, tensor, twin_process, twin_target

DATA = LOG_NORMALS["log-normal-2d"]
START = ref.LogNormal(np.array([0.2, -0.1]), np.array([[1.3, 0.1], [0.1, 0.8]]))
X = twins.single([[1.22, 0.61], [2.5, 1.35], [0.4, 0.9], [1.1, 0.2]])


def flow(x: Tensor, process: gbm.Process, grid: gbm.Grid, data: ref.Target = DATA) -> Tensor:
    law = twin_target(data, x.dtype)
    score, divergence = gbm.exact_score(law, process), gbm.exact_divergence(law, process)
    return gbm.log_likelihood(x, process, score, divergence, twin_target(START, x.dtype), grid)


@pytest.mark.parametrize("name", PROCESSES)
def test_the_error_is_of_fourth_order_and_vanishes(name: str) -> None:
    """N = 16 and 32 uniform steps against the closed form, for a start that is not the law at T.
    The error falls by 16; Richardson's extrapolation leaves a fraction of it."""
    process = PROCESSES[name]
    expected = ref.exact_log_likelihood(X, DATA, process, START)
    grids = (gbm.uniform(n, process.horizon) for n in (16, 32))
    coarse, fine = (flow(tensor(X), twin_process(process), grid).numpy() for grid in grids)
    errors = np.abs(coarse - expected).max(), np.abs(fine - expected).max()
    assert 14 < errors[0] / errors[1] < 18
    assert errors[1] < 1e-3
    assert np.abs(fine + (fine - coarse) / 15 - expected).max() < 0.15 * errors[1]


def test_a_mixture_agrees_with_the_adaptive_integrator() -> None:
    """One state of gbm_ref's DOP853 at 1e-12, a start that is not exact, noise levels in `power`.
    The data's time is the last level of the grid, as it is for a learned score."""
    data, process = MIXTURES["mixture-2d"], PROCESSES["variance-exploding"]
    twin = twin_process(process)
    grid = gbm.geometric(twin, 40, 0.05, float(process.log_var(process.horizon)) ** 0.5)[:-1]
    t_min = grid[-1].t_score - grid[-1].dt
    score, divergence = ref.exact_score(data, process), ref.exact_divergence(data, process)
    expected = ref.log_likelihood(X[:1], process, score, divergence, START, t_min)
    assert_twins(flow(tensor(X[:1]), twin, grid, data), expected, 1 + np.abs(expected), 2e-6)


@crossed(name=PROCESSES, dtype=twins.DTYPES)
def test_the_closed_form_agrees(name: str, dtype: torch.dtype) -> None:
    """Scale: the residuals at both ends over their smallest variances, times the condition."""
    process = PROCESSES[name]
    for t_min in (0.0, 0.3 * process.horizon):
        growth = np.sqrt(1 + process.log_var(process.horizon) / 0.16)
        reach = (2 + np.abs(np.log(X)).sum(-1)) * growth
        at, scale = (X, DATA, process, START, t_min), 20 * (1 + reach**2)
        twins.assert_agree("exact_log_likelihood", *at, scale=scale, dtype=dtype)


def test_float32_loses_what_its_steps_round() -> None:
    """The same 12 steps in float32: at most one budget of roundings a step and a scale."""
    process, grid = twin_process(PROCESSES["constant"]), gbm.uniform(12, 0.9)
    double = flow(tensor(X), process, grid)
    found = flow(tensor(X, torch.float32), process, grid)
    assert found.dtype == torch.float32
    assert_twins(found, double.numpy(), 10 * (1 + double.abs().numpy()), 12 * twins.SINGLE)


class StratonovichDrift(gbm.GBM):
    """The planted twin: mu + sigma^2 / 2 in place of mu in the flow."""

    def drift(self, t: Time) -> Tensor:
        return super().drift(t) + super().diffusion(t) ** 2 / 2


def likelihood_with(edit: str) -> Tensor:
    process = gbm.GBM(mu=0.13, sigma=0.7, horizon=0.9)
    law, start = twin_target(DATA), twin_target(START)
    score, right = gbm.exact_score(law, process), gbm.exact_divergence(law, process)
    divergences: dict[str, Callable[[Tensor, Time], Tensor]] = {
        "of the Hyvarinen score in x": lambda x, t: (gbm.log_score_slope(score)(x, t) / x).sum(-1),
        "of the Stein score": lambda x, t: right(x, t) - score(x, t).sum(-1),
        "doubled": lambda x, t: 2 * right(x, t),
        "of the other sign": lambda x, t: -right(x, t),
    }
    scores = {
        "log score for Hyvarinen score": lambda x, t: 1 + score(x, t),
        "noise for the score": lambda x, t: -(process.log_var(t) ** 0.5) * (1 + score(x, t)),
    }
    if edit == "drift of another calculus":
        process = StratonovichDrift(mu=0.13, sigma=0.7, horizon=0.9)
    parts = scores.get(edit, score), divergences.get(edit, right)
    return gbm.log_likelihood(tensor(X), process, *parts, start, gbm.uniform(8, 0.9))


EDITS = ["of the Hyvarinen score in x", "of the Stein score", "doubled", "of the other sign"]
EDITS += ["log score for Hyvarinen score", "noise for the score", "drift of another calculus"]


@pytest.mark.parametrize("edit", EDITS)
def test_planted_mistakes_are_refused(edit: str) -> None:
    """Each moves the log-likelihood by more than 1e-3, where the right one is within 1e-5."""
    expected = ref.exact_log_likelihood(X, DATA, PROCESSES["constant"], START)
    scale = 1 + np.abs(expected)
    assert error_over_scale(likelihood_with("none"), expected, scale) < 1e-5
    assert error_over_scale(likelihood_with(edit), expected, scale) > 1e-3


def test_images_are_events_and_probes_replace_the_trace() -> None:
    """(batch, 1, 2, 1) events; a score of diagonal derivative needs one sign probe only."""
    law, grid = gbm.LogNormal(tensor([0.3, -0.2]), tensor([0.2, 0.4])), gbm.uniform(4)
    start, score = law.diffuse(PROCESS, 1.0), gbm.exact_score(law, PROCESS)
    probes = torch.tensor([1.0, -1.0]).reshape(1, 1, 1, 2, 1).expand(1, 4, 1, 2, 1)
    exact, probed = gbm.exact_divergence(law, PROCESS), gbm.hutchinson_divergence(score, probes)
    flat = gbm.log_likelihood(tensor(X), PROCESS, score, exact, start, grid)
    found = gbm.log_likelihood(tensor(X).reshape(4, 1, 2, 1), PROCESS, score, probed, start, grid)
    assert_twins(found, flat.numpy(), 10 * (1 + flat.abs().numpy()))


@pytest.mark.parametrize("dtype", twins.DTYPES)
def test_bits_per_dim_agree(dtype: torch.dtype) -> None:
    nats: Array = twins.single([[-3.1, 40.0], [0.0, -912.5]])
    for d, cell in ((784, 1 / 256), (3, 0.1)):
        scale = np.abs(nats) / d / np.log(2) + abs(np.log2(cell))
        twins.assert_agree("bits_per_dim", nats, d, cell, scale=scale, dtype=dtype)
        wrong = -tensor(nats) / d - np.log2(cell)
        assert error_over_scale(wrong, ref.bits_per_dim(nats, d, cell), scale) > 1e-2


class NoOutput(torch.nn.Module):
    """A network that has learned nothing, with a parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.zero = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.zero * x


def test_a_model_s_likelihood_is_that_of_the_law_it_has_learned() -> None:
    """The preconditioned denoiser without its network is exact for N(a, s^2) pixels:
    the likelihood by one sign probe is that law's density at v(t_min); another is far."""
    a, s, d = 0.27, 0.34, 8
    process = twin_process(PROCESSES["variance-exploding"])
    score = gbm.score_function(gbm.ScoreModel(NoOutput(), gbm.Denoiser(a, s), a, s), process)
    grid = gbm.geometric(process, 25, 0.05, 3.0 * (1 - 1e-12))[:-1]
    x = tensor(twins.single(generator("model").uniform(1, 2, (3, 2, 2, 2))))
    law = gbm.LogNormal(tensor([a] * d), tensor(s**2))
    end = law.diffuse(process, grid[0].t_score)
    divergence = gbm.hutchinson_divergence(score, torch.ones(1, 3, 2, 2, 2))
    with torch.no_grad():
        found = gbm.log_likelihood(x, process, score, divergence, end, grid)
    begin = law.diffuse(process, grid[-1].t_score - grid[-1].dt)
    assert_twins(found, begin.logpdf(x.flatten(1)).numpy(), 1.0, 1e-3)
    other = gbm.LogNormal(tensor([a] * d), tensor(1.1 * s**2)).logpdf(x.flatten(1))
    assert error_over_scale(found, other.numpy(), 1.0) > 1e-2


@pytest.mark.parametrize("name", PROCESSES)
def test_the_likelihood_weighting_integrates_to_the_bound(name: str) -> None:
    """A score that is wrong by a constant c costs at most c^2 d v(T) / 2 nats (claim R20).
    M-ESM over [0, T] by 16 Gauss-Legendre nodes, exact to 1e-9. Refused: another weighting."""
    process, law, error = twin_process(PROCESSES[name]), twin_target(DATA), 0.3
    score = gbm.exact_score(law, process)
    nodes, weights = np.polynomial.legendre.leggauss(16)
    times = process.horizon * (nodes + 1) / 2
    x = tensor([[1.2, 0.7]])

    def wrong(x: Tensor, t: Time) -> Tensor:
        return score(x, t) + error

    def integral(weighting: gbm.Weighting) -> Tensor:
        each = [gbm.m_esm(wrong, law, x, t, process, weighting).loss for t in times.tolist()]
        return process.horizon / 2 * (tensor(weights) * torch.stack(each)).sum()

    bound = error**2 * 2 * float(process.log_var(process.horizon)) / 2
    assert_twins(integral(gbm.LikelihoodWeighting(process)), np.float64(bound), bound, 1e-9)
    assert error_over_scale(integral(gbm.variance_weighting), np.float64(bound), bound) > 1e-2


LEVEL = 0.4


def divergence_scale(problem: Problem, t: float, x: Array) -> Array:
    """(n,): what the two sums are made of, and what errors of shares and pulls do to them."""
    target = problem.target.diffuse(problem.process, t)
    _, means, covs = twins.components(target)
    y = np.log(x)
    inverses, condition = np.linalg.inv(covs), np.linalg.cond(covs).max()
    trace = np.trace(inverses, axis1=-2, axis2=-1).max()
    size = np.linalg.norm(np.einsum("jab,njb->nja", inverses, y[:, None] - means), axis=-1).max(-1)
    reach = condition * trace * (1 + np.abs(y).sum(-1) + np.abs(means).sum(-1).max())
    shares = 2 * twins.target_scales(target, x)[1]
    return condition * trace + shares * (trace + size**2) + 4 * size * reach


@crossed(problem=PROBLEMS, dtype=twins.DTYPES)
def test_the_divergence_s_closed_form_agrees(problem: Problem, dtype: torch.dtype) -> None:
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
    for wrong in ((slopes / tensor(x)).sum(-1), (slopes - score(tensor(x), t)).sum(-1)):
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
    model, x = affine_model(2), tensor(generator("implicit").uniform(1, 2, (5, 2)))

    def h_model(x: Tensor, t: Time) -> Tensor:
        return model(x.log()) + (model.weight[0, 1] * x.log()).sin()

    def slope(x: Tensor, t: Time) -> Tensor:
        weight = model.weight[0, 1]
        return model.weight.diagonal() + weight * (weight * x.log()).cos()

    def loss(slope: Callable[..., Tensor]) -> gbm.ImplicitLoss:
        return gbm.implicit_m_esm(h_model, slope, x, 0.3, PROCESS)

    expected = gradient(loss(slope).loss, model)
    found = gradient(loss(gbm.log_score_slope(h_model, create_graph=True)).loss, model)
    assert_twins(found, expected.numpy(), 20.0)
    frozen = loss(gbm.log_score_slope(h_model))
    assert not frozen.slope.requires_grad
    assert error_over_scale(gradient(frozen.loss, model), expected.numpy(), 20.0) > 1e-3
