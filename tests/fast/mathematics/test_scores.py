"""gbm_fast.scores against gbm_ref.scores, against autograd, and its refusals."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

import gbm_fast as gbm
import gbm_ref as ref
from tests.support import twins
from tests.support.cases import PROBLEMS, Array, Problem, generator, states
from tests.support.problems import PROCESSES
from tests.support.twins import assert_twins, error_over_scale, tensor, twin_process, twin_target

EVENTS = [(1,), (2,), (3, 4, 4)]
LEVELS = [1e-4, 0.3, 1.0]


def pair(name: str, event: tuple[int, ...]) -> tuple[Array, Array]:
    """Two positive states (len(LEVELS), *event)."""
    rng = generator("scores", name, str(event))
    first, second = np.exp(rng.uniform(-1.2, 1.2, (2, len(LEVELS), *event)))
    return first, second


@pytest.mark.parametrize("dtype", twins.DTYPES)
@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("name", PROCESSES)
def test_the_conditional_score_agrees(
    name: str, event: tuple[int, ...], dtype: torch.dtype
) -> None:
    process, twin = PROCESSES[name], twin_process(PROCESSES[name])
    x, x0 = pair(name, event)
    times = np.array(LEVELS) * process.horizon
    found = gbm.conditional_hyvarinen_score(
        tensor(x, dtype), tensor(x0, dtype), twin, tensor(times)
    )
    for i, t in enumerate(times):
        expected = ref.conditional_hyvarinen_score(x[i], x0[i], process, t)
        scale = twins.conditional_scale(process, x[i], x0[i], t)
        assert_twins(found[i], expected, scale)
        alone = gbm.conditional_hyvarinen_score(
            tensor(x[i : i + 1], dtype), tensor(x0[i : i + 1], dtype), twin, float(t)
        )
        assert_twins(alone[0], expected, scale)


@pytest.mark.parametrize("name", PROCESSES)
def test_the_conditional_score_is_a_derivative(name: str) -> None:
    """x * autograd of log p(x | x0) = sum -log x - (log x - log x0 - m)^2 / (2 v) + const."""
    process, twin = PROCESSES[name], twin_process(PROCESSES[name])
    t = 0.37 * process.horizon
    x, x0 = (tensor(part) for part in pair(name, (2,)))
    x.requires_grad_()
    residual = x.log() - x0.log() - twin.log_mean(t)
    log_density = (-x.log() - residual**2 / (2 * twin.log_var(t))).sum()
    (stein,) = torch.autograd.grad(log_density, x)
    x = x.detach()
    found = gbm.conditional_hyvarinen_score(x, x0, twin, t)
    assert_twins(
        found, (x * stein).numpy(), twins.conditional_scale(process, x.numpy(), x0.numpy(), t)
    )


def without_the_one(x: Array, x0: Array, m: float, v: float) -> Array:
    return -(np.log(x) - np.log(x0) - m) / v


def with_the_other_sign_of_m(x: Array, x0: Array, m: float, v: float) -> Array:
    return -1 - (np.log(x) - np.log(x0) + m) / v


def with_the_standard_deviation(x: Array, x0: Array, m: float, v: float) -> Array:
    return -1 - (np.log(x) - np.log(x0) - m) / math.sqrt(v)


@pytest.mark.parametrize(
    "wrong", [without_the_one, with_the_other_sign_of_m, with_the_standard_deviation]
)
def test_planted_conditional_scores_are_refused(wrong: Callable[..., Array]) -> None:
    """The comparison above must see the log score, a sign and a square root for what they are."""
    process = PROCESSES["constant"]
    x, x0 = pair("planted", (2,))
    t = 0.37 * process.horizon
    twin = tensor(wrong(x, x0, process.log_mean(t), process.log_var(t)))
    expected = ref.conditional_hyvarinen_score(x, x0, process, t)
    assert (
        error_over_scale(twin, expected, twins.conditional_scale(process, x, x0, t))
        > 1e6 * twins.EXACT
    )


@pytest.mark.parametrize("dtype", twins.DTYPES)
@pytest.mark.parametrize("event", EVENTS)
def test_the_conversions_of_the_score_itself_agree(
    event: tuple[int, ...], dtype: torch.dtype
) -> None:
    x, _ = pair("itself", event)
    h = generator("h", str(event)).normal(-0.7, 2.0, x.shape)
    x_twin, h_twin, size = tensor(x, dtype), tensor(h, dtype), 1 + np.abs(h)
    pairs = [
        (gbm.hyvarinen_from_stein(x_twin, h_twin), ref.hyvarinen_from_stein(x, h), x * size),
        (gbm.stein_from_hyvarinen(x_twin, h_twin), ref.stein_from_hyvarinen(x, h), size / x),
        (gbm.log_score_from_hyvarinen(h_twin), ref.log_score_from_hyvarinen(h), size),
        (gbm.hyvarinen_from_log_score(h_twin), ref.hyvarinen_from_log_score(h), size),
    ]
    for found, expected, scale in pairs:
        assert found.dtype == dtype
        assert_twins(found, expected, scale)


@pytest.mark.parametrize("dtype", twins.DTYPES)
@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("name", PROCESSES)
def test_noise_and_denoiser_agree(name: str, event: tuple[int, ...], dtype: torch.dtype) -> None:
    process, twin = PROCESSES[name], twin_process(PROCESSES[name])
    x, _ = pair(name, event)
    h = generator("h", name, str(event)).normal(-0.7, 2.0, x.shape)
    t = 0.42 * process.horizon
    v = process.log_var(t)
    x_twin, h_twin, size = tensor(x, dtype), tensor(h, dtype), 1 + np.abs(h)
    reach = 1 + np.abs(np.log(x)) + abs(process.log_mean(t))
    for found, expected, scale in [
        (
            gbm.noise_from_hyvarinen(h_twin, twin, t),
            ref.noise_from_hyvarinen(h, process, t),
            math.sqrt(v) * size,
        ),
        (
            gbm.hyvarinen_from_noise(h_twin, twin, t),
            ref.hyvarinen_from_noise(h, process, t),
            size + size / math.sqrt(v),
        ),
        (gbm.denoiser(x_twin, h_twin, twin, t), ref.denoiser(x, h, process, t), reach + v * size),
        (
            gbm.hyvarinen_from_denoiser(x_twin, h_twin, twin, t),
            ref.hyvarinen_from_denoiser(x, h, process, t),
            1 + (reach + size) / v,
        ),
    ]:
        assert found.dtype == dtype
        assert_twins(found, expected, scale)


@pytest.mark.parametrize("name", PROCESSES)
def test_conversions_undo_each_other_with_one_time_a_sample(name: str) -> None:
    twin = twin_process(PROCESSES[name])
    x = tensor(pair(name, (2, 3))[0])
    h = tensor(generator("back", name).normal(-0.7, 2.0, x.shape))
    t = tensor(LEVELS) * twin.horizon
    v = twin.log_var(t).reshape(-1, 1, 1).numpy()
    size = 1 + h.abs().numpy()
    reach = 1 + x.log().abs().numpy() + twin.log_mean(t).abs().reshape(-1, 1, 1).numpy()
    noise = gbm.noise_from_hyvarinen(h, twin, t)
    assert_twins(gbm.hyvarinen_from_noise(noise, twin, t), h.numpy(), size)
    clean = gbm.denoiser(x, h, twin, t)
    scale = size + (reach + v * size) / v
    assert_twins(gbm.hyvarinen_from_denoiser(x, clean, twin, t), h.numpy(), scale)
    stein = gbm.stein_from_hyvarinen(x, h)
    assert_twins(gbm.hyvarinen_from_stein(x, stein), h.numpy(), size)


@pytest.mark.parametrize("dtype", twins.DTYPES)
@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_exact_scores_agree_for_a_time_and_for_one_a_sample(
    problem: Problem, dtype: torch.dtype
) -> None:
    times = np.array([0.2, 0.2, 1.0]) * problem.process.horizon
    x = states(problem, times[0], size=2)[:3]
    score = gbm.exact_score(twin_target(problem.target, dtype), twin_process(problem.process))
    each = score(tensor(x, dtype), tensor(times))
    for i, t in enumerate(times):
        expected = ref.exact_score(problem.target, problem.process)(x[i : i + 1], t)
        scale = twins.target_scales(problem.target.diffuse(problem.process, t), x[i : i + 1])[0]
        assert_twins(each[i : i + 1], expected, scale)
        assert_twins(score(tensor(x[i : i + 1], dtype), float(t)), expected, scale)


def test_an_exact_score_takes_images() -> None:
    problem = next(p for p in PROBLEMS if p.name.startswith("images"))
    score = gbm.exact_score(twin_target(problem.target), twin_process(problem.process))
    x = tensor(states(problem, 0.3, size=2))
    flat = score(x, 0.3)
    assert torch.equal(score(x.reshape(-1, 1, 3, 3), 0.3), flat.reshape(-1, 1, 3, 3))
    with pytest.raises(ValueError, match="one time a sample"):
        score(x, torch.full((2,), 0.3))


PROCESS = gbm.GBM(mu=0.13, sigma=0.7)


@pytest.mark.parametrize("bad", [0.0, -1.3, float("nan"), float("inf")])
def test_states_that_are_not_positive_are_refused(bad: float) -> None:
    x = tensor([[1.2, bad]])
    good = tensor([[1.2, 1.4]])
    calls = [
        lambda: gbm.conditional_hyvarinen_score(x, good, PROCESS, 0.3),
        lambda: gbm.conditional_hyvarinen_score(good, x, PROCESS, 0.3),
        lambda: gbm.hyvarinen_from_stein(x, good),
        lambda: gbm.stein_from_hyvarinen(x, good),
        lambda: gbm.denoiser(x, good, PROCESS, 0.3),
        lambda: gbm.hyvarinen_from_denoiser(x, good, PROCESS, 0.3),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="positive and finite"):
            call()


def test_integers_and_other_shapes_are_refused() -> None:
    x = tensor([[1.2, 1.4]])
    with pytest.raises(ValueError, match="floating-point"):
        gbm.stein_from_hyvarinen(torch.ones(1, 2, dtype=torch.int64), x)
    with pytest.raises(ValueError, match="shape of x"):
        gbm.conditional_hyvarinen_score(x, x[:, :1], PROCESS, 0.3)
    with pytest.raises(ValueError, match="shape of x"):
        gbm.denoiser(x, x[0], PROCESS, 0.3)


@pytest.mark.parametrize("t", [0.0, torch.tensor([0.4, 0.0])])
def test_time_zero_is_refused_where_it_would_be_0_over_0(t: float | torch.Tensor) -> None:
    x = tensor([[1.2, 1.4], [1.1, 1.9]])
    calls = [
        lambda: gbm.conditional_hyvarinen_score(x, x, PROCESS, t),
        lambda: gbm.hyvarinen_from_noise(x, PROCESS, t),
        lambda: gbm.hyvarinen_from_denoiser(x, x, PROCESS, t),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="t must be positive"):
            call()
