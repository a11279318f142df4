"""M-DSM, M-ESM, the implicit form and Hyvarinen's loss: gbm_fast against gbm_ref, Theorem 4.1."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast.process import Time
from tests.support import cases, twins
from tests.support.cases import PROBLEMS, PROCESS, Array, Event, Problem, crossed, states
from tests.support.problems import LOG_NORMALS, PROCESSES
from tests.support.quadrature import affine_model, expected_losses, gradient
from tests.support.twins import assert_twins, error_over_scale, tensor, twin_process, twin_target

# Each from the package, and a process of the package.
WEIGHTINGS: dict[str, Callable] = {
    "unweighted": lambda package, process: package.unweighted,
    "variance": lambda package, process: package.variance_weighting,
    "squared variance": lambda package, process: package.squared_variance_weighting,
    "preconditioned": lambda package, process: package.PreconditionedWeighting(0.37),
    "likelihood": lambda package, process: package.LikelihoodWeighting(process),
}


SLOPE, OFFSET = -0.83, 0.29


def log_linear(x: Tensor, t: Time) -> Tensor:
    """A model, no exact score of anything: h = OFFSET + SLOPE log x."""
    return OFFSET + SLOPE * x.log()


def log_linear_ref(x: Array, t: float) -> Array:
    return OFFSET + SLOPE * np.log(x)


@crossed(name=PROCESSES)
def test_a_target_of_another_time_is_the_conditional_score_there(name: str) -> None:
    """At log x = log x0 + m(t) + sqrt(v(t)) z, written out for the time of the target; both layers
    agree. The target of the data's own time, and the weight of that time, are refused."""
    process = PROCESSES[name]
    rng = cases.generator("target of another time", name)
    x0, z = rng.uniform(1, 2, (3, 2)), rng.standard_normal((3, 2))
    t, late = 0.4 * process.horizon, 0.5 * process.horizon
    m, v = process.log_mean(t), process.log_var(t)
    then, variance = process.log_mean(late), process.log_var(late)
    target = -1 - (m - then + np.sqrt(v) * z) / variance
    h = OFFSET + SLOPE * (np.log(x0) + m + np.sqrt(v) * z)
    expected = variance**2 * 0.5 * ((target - h) ** 2).sum(1)
    squared = ref.squared_variance_weighting
    found = ref.m_dsm(log_linear_ref, x0, t, z, process, squared, target_t=late)
    np.testing.assert_allclose(found.per_sample, expected, rtol=1e-12)
    times, targets = tensor(np.full(3, t)), tensor(np.full(3, late))
    at = tensor(x0), times, tensor(z), twin_process(process), gbm.squared_variance_weighting
    fast = gbm.m_dsm(log_linear, *at, targets)
    np.testing.assert_allclose(fast.per_sample.numpy(), expected, rtol=1e-12)
    own = ref.m_dsm(log_linear_ref, x0, t, z, process, squared)
    assert np.abs(own.per_sample / expected - 1).min() > 1e-2
    early = ref.m_dsm(log_linear_ref, x0, t, z, process, ref.unweighted, target_t=late)
    assert np.abs(early.per_sample * v**2 / expected - 1).min() > 1e-2


@crossed(name=PROCESSES, event=[(1,), (2,), (2, 4, 4)], weighting=WEIGHTINGS, dtype=twins.DTYPES)
def test_the_loss_agrees(name: str, event: Event, weighting: str, dtype: torch.dtype) -> None:
    """One time a sample against the oracle a sample at a time, with every named term. Scales:
    h_target 1 + |z| / sqrt(v); h_model below; the loss lambda / 2 (their sum)^2, twice as bad."""
    process, twin = PROCESSES[name], twin_process(PROCESSES[name])
    make = WEIGHTINGS[weighting]
    weights, ref_weights = make(gbm, twin), make(ref, process)
    rng = cases.generator("loss", name, str(event))
    x0, z = rng.uniform(1, 2, (4, *event)), rng.standard_normal((4, *event))
    times = np.array([1e-3, 0.2, 0.7, 1.0]) * process.horizon
    at = (tensor(x0, dtype), tensor(times), tensor(z, dtype), twin)
    found = gbm.m_dsm(log_linear, *at, weights)
    for i, t in enumerate(times):
        flat = (x0[i].reshape(1, -1), z[i].reshape(1, -1))
        expected = ref.m_dsm(log_linear_ref, flat[0], t, flat[1], process, ref_weights)
        v, spread = process.log_var(t), np.abs(flat[1])
        target_scale = 1 + spread / np.sqrt(v)
        model_scale = 2 + np.log(flat[0]) + abs(process.log_mean(t)) + np.sqrt(v) * spread
        assert_twins(found.h_target[i].reshape(1, -1), expected.h_target, target_scale)
        assert_twins(found.h_model[i].reshape(1, -1), expected.h_model, model_scale)
        loss_scale = ref_weights(v) * ((target_scale + model_scale) ** 2).sum()
        assert_twins(found.per_sample[i : i + 1], expected.per_sample, loss_scale)
    mean = float(found.per_sample.double().mean())
    assert_twins(found.loss, np.float64(mean), abs(mean))


LEVELS = (0.15, 0.8)
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
    x = twins.single(states(problem, LEVELS[1] * problem.process.horizon, size=3))
    return x, np.resize(np.array(LEVELS) * problem.process.horizon, len(x))


@crossed(problem=CHOSEN, dtype=twins.DTYPES)
def test_explicit_and_implicit_losses_agree(problem: Problem, dtype: torch.dtype) -> None:
    """Every named term, one time a sample, against the oracle a sample at a time.
    Scales: S_h of the exact score (tests.support.twins); 3 + 2 |log x| of model and slope."""
    process, twin = problem.process, twin_process(problem.process)
    x, times = batch(problem)
    event = (1, 3, 3) if problem.target.d == 9 else (problem.target.d,)
    x_twin = tensor(x, dtype).reshape(-1, *event)
    law, at = twin_target(problem.target, dtype), (x_twin, tensor(times), twin)
    esm = gbm.m_esm(torch_waves, law, *at, gbm.variance_weighting)
    implicit = gbm.implicit_m_esm(torch_waves, torch_waves_slope, *at, gbm.variance_weighting)
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


def derivative_in_x(x: Tensor, v: float) -> Tensor:
    return v * (torch_waves_slope(x, 0.3) / x).sum(-1)


PLANTED: dict[str, Callable[[gbm.ImplicitLoss, Tensor, float], Tensor]] = {
    "weighted twice": lambda terms, x, v: terms.per_sample * v,
    "without the linear term": lambda terms, x, v: terms.square + terms.slope,
    "the slope's other sign": lambda terms, x, v: terms.square + terms.linear - terms.slope,
    "without the half": lambda terms, x, v: 2 * terms.square + terms.linear + terms.slope,
    "the derivative in x": lambda terms, x, v: terms.square + terms.linear + derivative_in_x(x, v),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_implicit_losses_are_refused(name: str) -> None:
    process, x, t = PROBLEMS[1].process, batch(PROBLEMS[1])[0], 0.3
    at = (tensor(x), t, twin_process(process), gbm.variance_weighting)
    terms, v = gbm.implicit_m_esm(torch_waves, torch_waves_slope, *at), process.log_var(t)
    expected = ref.implicit_m_esm(waves, waves_slope, x, t, process, ref.variance_weighting)
    scale = v * 20 * (1 + np.log(x) ** 2).sum(-1)
    found = PLANTED[name](terms, tensor(x), v)
    assert error_over_scale(terms.per_sample, expected.per_sample, scale) < twins.EXACT
    assert error_over_scale(found, expected.per_sample, scale) > 1e6 * twins.EXACT


@crossed(event=[(1,), (2,), (1, 3, 3)], dtype=twins.DTYPES)
def test_hyvarinen_s_loss_agrees(event: Event, dtype: torch.dtype) -> None:
    """The score psi = h / x of `waves` and its slope; and it is the implicit form at t = 0."""
    x = twins.single(np.exp(np.linspace(-1.2, 1.1, 4 * int(np.prod(event)))).reshape(4, -1))
    stein = twins.single(waves(x, 0.0) / x)
    slope = twins.single((waves_slope(x, 0.0) - waves(x, 0.0)) / x**2)
    parts = [tensor(part, dtype).reshape(-1, *event) for part in (stein, slope, x)]
    found = gbm.nonnegative_score_matching(*parts)
    expected = ref.nonnegative_score_matching(stein, slope, x)
    scale = ((1 + np.abs(x * stein)) ** 2 + np.abs(x**2 * slope)).sum(-1)
    for name in gbm.ImplicitLoss._fields[1:]:
        assert_twins(getattr(found, name), getattr(expected, name), scale)
    if dtype == torch.float64:
        same = gbm.implicit_m_esm(torch_waves, torch_waves_slope, parts[-1], 0.0, PROCESS)
        # stein and slope were rounded to float32.
        assert_twins(found.per_sample, same.per_sample.numpy(), scale, 2.0**-22)


@crossed(t=[0.05, 0.9], name=LOG_NORMALS)
def test_the_losses_differ_by_constants_and_their_gradients_agree(name: str, t: float) -> None:
    """Theorem 4.1 of version 2 (claims A26-A32, R18), by exact quadrature. M-DSM exceeds M-ESM by
    (d / v - I) / 2, I = tr (S_0 + v I)^-1 (claim R4b), the implicit form less by (d + I) / 2."""
    data, v = LOG_NORMALS[name], float(PROCESS.log_var(t))
    model, scale = affine_model(data.d), 10 * data.d / v
    found = expected_losses(data, PROCESS, t, model)
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
    data, model = LOG_NORMALS["log-normal-2d"], affine_model(2)
    right = gradient(expected_losses(data, PROCESS, 0.9, model).esm, model).numpy()
    shifted = torch.nn.Linear(2, 2, dtype=torch.float64)
    with torch.no_grad():
        shifted.weight.copy_(model.weight)
        shifted.bias.copy_(model.bias - 1)
    wrong = gradient(expected_losses(data, PROCESS, 0.9, shifted).dsm, shifted)
    assert error_over_scale(wrong, right, 20 / float(PROCESS.log_var(0.9))) > 0.01
