"""gbm_fast.scores against gbm_ref.scores, and against derivatives."""

import math
from collections.abc import Callable, Sequence
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast.process import Time
from tests.support import cases, twins
from tests.support.cases import PROBLEMS, Array, Event, Problem, crossed, generator, states
from tests.support.problems import MIXTURES, PROCESSES
from tests.support.twins import assert_agree, assert_twins, tensor, twin_process, twin_target

EVENTS = [(1,), (2,), (3, 4, 4)]
LEVELS = [1e-4, 0.3, 1.0]


def pair(name: str, event: Event) -> tuple[Array, Array]:
    """Two positive states (len(LEVELS), *event)."""
    rng = generator("scores", name, str(event))
    first, second = twins.single(np.exp(rng.uniform(-1.2, 1.2, (2, len(LEVELS), *event))))
    return first, second


def logpdf_scale(process: ref.Process, x: Array, x0: Array, t: float) -> Array:
    """(n, d) to (n,): the terms, a residual r in the square having the error of its parts."""
    m, v = process.log_mean(t), process.log_var(t)
    logs = np.abs(np.log(x)) + np.abs(np.log(x0)) + abs(m)
    residual = np.abs(np.log(x) - np.log(x0) - m)
    return (residual * (residual + logs + 1) / v + abs(np.log(2 * np.pi * v)) + 1 + logs).sum(-1)


SCALES: dict[str, Callable[..., Array]] = {
    "conditional_hyvarinen_score": twins.conditional_scale,
    "conditional_logpdf": logpdf_scale,
}


@crossed(call=SCALES, name=PROCESSES, event=EVENTS, dtype=twins.DTYPES)
def test_the_kernel_agrees(call: str, name: str, event: Event, dtype: torch.dtype) -> None:
    """One time a sample, and each sample alone, against the oracle a sample at a time."""
    process, ours = PROCESSES[name], getattr(gbm, call)
    x, x0 = pair(name, event)
    times, twin = np.array(LEVELS) * process.horizon, twin_process(process)
    found = ours(tensor(x, dtype), tensor(x0, dtype), twin, tensor(times))
    assert found.dtype == dtype
    for i, t in enumerate(times):
        one = slice(i, i + 1)
        flat = x[one].reshape(1, -1), x0[one].reshape(1, -1)
        expected = getattr(ref, call)(*flat, process, t)
        scale = SCALES[call](process, *flat, t)
        alone = ours(tensor(x[one], dtype), tensor(x0[one], dtype), twin, float(t))
        for result in (found[one], alone):
            assert_twins(result.reshape(expected.shape), expected, scale)


def kernel_density(
    x: Tensor, x0: Tensor, process: gbm.Process, t: Time, jacobian: float = 1.0, edit: str = ""
) -> Tensor:
    """The formula again, with room for one edit."""
    v, sign = process.log_var(t), -1 if edit == "the other sign of m" else 1
    v = v.sqrt() if edit == "deviation for variance" else v
    residual = x.log() - x0.log() - sign * process.log_mean(t)
    return (-(residual**2) / (2 * v) - (2 * torch.pi * v).log() / 2 - jacobian * x.log()).sum(-1)


EDITS = {"no Jacobian": 0.0, "Jacobian twice": 2.0}
EDITS |= {"the other sign of m": 1.0, "deviation for variance": 1.0}


@pytest.mark.parametrize("edit", EDITS)
def test_densities_with_one_edit_are_refused(edit: str) -> None:
    x, x0 = pair("planted", (2,))
    scale = logpdf_scale(ref.GBM(mu=0.13, sigma=0.7), x, x0, 0.37)
    at = (tensor(x), tensor(x0), cases.PROCESS, 0.37)
    found = gbm.conditional_logpdf(*at)
    assert_twins(found, kernel_density(*at).numpy(), scale)
    wrong = kernel_density(*at, EDITS[edit], edit)
    assert twins.error_over_scale(found, wrong.numpy(), scale) > 1e6 * twins.EXACT


@crossed(name=PROCESSES, by_hand=[True, False])
def test_the_conditional_score_is_a_derivative(name: str, by_hand: bool) -> None:
    """x times autograd of log p(x | x0), the formula written out and that of the package."""
    process, twin = PROCESSES[name], twin_process(PROCESSES[name])
    t = 0.37 * process.horizon
    x, x0 = pair(name, (2,))
    at = tensor(x).requires_grad_()
    density = kernel_density if by_hand else gbm.conditional_logpdf
    (stein,) = torch.autograd.grad(density(at, tensor(x0), twin, t).sum(), at)
    found = gbm.conditional_hyvarinen_score(tensor(x), tensor(x0), twin, t)
    assert_twins(found, x * stein.numpy(), twins.conditional_scale(process, x, x0, t))


PLANTED: dict[str, Callable[[Array, float], Array]] = {
    "without the one": lambda residual, m, v: -residual / v,
    "the other sign of m": lambda residual, m, v: -1 - (residual + 2 * m) / v,
    "the standard deviation": lambda residual, m, v: -1 - residual / math.sqrt(v),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_conditional_scores_are_refused(name: str) -> None:
    """The comparison above must see the log score, a sign and a square root for what they are."""
    process = PROCESSES["constant"]
    x, x0 = pair("planted", (2,))
    t = 0.37 * process.horizon
    m, v = process.log_mean(t), process.log_var(t)
    wrong = tensor(PLANTED[name](np.log(x) - np.log(x0) - m, m, v))
    expected = ref.conditional_hyvarinen_score(x, x0, process, t)
    scale = twins.conditional_scale(process, x, x0, t)
    assert twins.error_over_scale(wrong, expected, scale) > 1e6 * twins.EXACT


@crossed(event=EVENTS, dtype=twins.DTYPES)
def test_conversions_of_the_score_itself_agree(event: Event, dtype: torch.dtype) -> None:
    x, _ = pair("itself", event)
    h = generator("h", str(event)).normal(-0.7, 2.0, x.shape)
    size = 1 + np.abs(h)
    assert_agree("hyvarinen_from_stein", x, h, scale=x * size, dtype=dtype)
    assert_agree("stein_from_hyvarinen", x, h, scale=size / x, dtype=dtype)
    assert_agree("log_score_from_hyvarinen", h, scale=size, dtype=dtype)
    assert_agree("hyvarinen_from_log_score", h, scale=size, dtype=dtype)


@crossed(name=PROCESSES, event=EVENTS, dtype=twins.DTYPES)
def test_noise_and_denoiser_agree(name: str, event: Event, dtype: torch.dtype) -> None:
    process, x = PROCESSES[name], pair(name, event)[0]
    h = generator("h", name, str(event)).normal(-0.7, 2.0, x.shape)
    t = 0.42 * process.horizon
    v, size = process.log_var(t), 1 + np.abs(h)
    reach = 1 + np.abs(np.log(x)) + abs(process.log_mean(t))
    for call, arguments, scale in (
        ("noise_from_hyvarinen", (h,), math.sqrt(v) * size),
        ("hyvarinen_from_noise", (h,), size + size / math.sqrt(v)),
        ("denoiser", (x, h), reach + v * size),
        ("hyvarinen_from_denoiser", (x, h), 1 + (reach + size) / v),
    ):
        assert_agree(call, *arguments, process, t, scale=scale, dtype=dtype)


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
    assert_twins(gbm.hyvarinen_from_stein(x, gbm.stein_from_hyvarinen(x, h)), h.numpy(), size)


@crossed(problem=PROBLEMS, dtype=twins.DTYPES)
def test_exact_scores_agree_for_one_time_a_sample(problem: Problem, dtype: torch.dtype) -> None:
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
    assert torch.equal(score(x.reshape(-1, 1, 3, 3), 0.3), score(x, 0.3).reshape(-1, 1, 3, 3))
    with pytest.raises(ValueError, match="one time a sample"):
        score(x, torch.full((2,), 0.3))


PLANE_MIXTURE = MIXTURES["mixture-2d"]
OTHER = ref.LogNormal([0.4, -0.3], [[0.5, 0.1], [0.1, 0.4]])
WEIGHTS = [0.0, 1.0, 2.5, -0.7]


def guided(package: ModuleType, make: Callable, weight: float, read: Callable) -> Callable:
    """The guided score of a mixture against another law, each as `read` leaves it."""
    laws = (make(PLANE_MIXTURE), make(OTHER))
    process = make(PROCESSES["constant"])
    return package.guided_score(*(read(package.exact_score(law, process)) for law in laws), weight)


READINGS: dict[str, Callable] = {
    "at log x": lambda score: score,
    "at x": lambda score: lambda x, t: score(x, t),
}


@crossed(weight=WEIGHTS, reading=READINGS, dtype=twins.DTYPES)
def test_guided_scores_agree(weight: float, reading: str, dtype: torch.dtype) -> None:
    x, t = pair("guided", (2,))[0], 0.42
    score = guided(gbm, lambda v: twins.twin(v, dtype), weight, READINGS[reading])
    expected = guided(ref, lambda v: v, weight, READINGS[reading])(x, t)
    process, sizes = PROCESSES["constant"], (abs(weight), abs(1 - weight))
    scale = 1 + sum(
        size * twins.target_scales(law.diffuse(process, t), x)[0]
        for size, law in zip(sizes, (PLANE_MIXTURE, OTHER), strict=True)
    )
    found = score(tensor(x, dtype), t)
    assert found.dtype == dtype
    assert_twins(found, expected, scale)
    assert_twins(score.at_log(tensor(np.log(x), dtype), t) - 1, expected, scale)
    for wrong in (weight - 1, 1 - weight):
        planted = guided(gbm, twins.twin, wrong, READINGS[reading])(tensor(x), t)
        if wrong != weight:
            assert twins.error_over_scale(planted, expected, scale) > 1e6 * twins.EXACT


def test_weights_of_one_and_nothing_are_the_scores_themselves() -> None:
    x = tensor(pair("guided", (2,))[0])
    parts = [gbm.exact_score(twin_target(law), cases.PROCESS) for law in (PLANE_MIXTURE, OTHER)]
    for weight, part in zip((1.0, 0.0), parts, strict=True):
        found = gbm.guided_score(*parts, weight)
        assert torch.equal(found.at_log(x.log(), 0.3), part.at_log(x.log(), 0.3))
    with pytest.raises(ValueError, match="weight must be"):
        gbm.guided_score(*parts, math.inf)


class Told(gbm.LogScore):
    """Notes the times that it is told of."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, x: Tensor, t: Time) -> Tensor:
        return -x

    def at_log(self, y: Tensor, t: Time) -> Tensor:
        return 1 - y.exp()

    def prepare(self, times: Sequence[float], state: Tensor) -> None:
        self.times += times


def test_both_scores_are_told_of_the_times_of_a_sampler() -> None:
    first, second, x = Told(), Told(), tensor(pair("guided", (2,))[0])
    gbm.guided_score(first, second, 2.0).prepare([0.5, 0.3], x)
    assert first.times == second.times == [0.5, 0.3]
    gbm.guided_score(first, lambda x, t: x, 2.0).prepare([0.2], x)
    assert first.times == [0.5, 0.3, 0.2]
