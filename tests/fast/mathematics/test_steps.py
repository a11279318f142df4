"""gbm_fast.steps and .simulation against gbm_ref: one step of any shape, dtype and form of times;
whole paths on the same noise, and the loop."""

import math
from collections.abc import Callable
from dataclasses import fields
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

import gbm_fast as gbm
import gbm_ref as ref
from gbm_fast.process import Time
from tests.support import cases, twins
from tests.support.cases import PROBLEMS, PROCESS, Array, Problem, generator, log_linear, states
from tests.support.paths import path_scales, row_scales
from tests.support.tables import STEPS, STEPS_2D
from tests.support.twins import assert_twins, error_over_scale, tensor, twin_process, twin_target

TABLE = {**STEPS, **STEPS_2D}
CASES = [
    pytest.param(problem, kind, id=f"{problem}-{kind}")
    for kind in TABLE
    for problem in PROBLEMS
    if kind in STEPS or problem.target.d == 2
]
FACTS = ["calculus", "coordinates", "strong_order", "weak_order", "keeps_sign", "uses_noise"]
# (time of the score, length of the step) in horizons: one in the middle, one that ends at t = 0.
SPANS = [(0.55, 0.07), (0.04, 0.04)]


Span = tuple[float, float]


@cache
def one_step(problem: Problem, kind: str, span: Span) -> tuple[ref.Row, *tuple[Array, ...]]:
    """A row, states (n, d), draws, the oracle's next states, and their condition scales."""
    row = ref.Row(span[0] * problem.process.horizon, span[1] * problem.process.horizon, 0.6)
    x = states(problem, row.t_score, size=4)
    z = generator("step", kind, problem.name).standard_normal(x.shape)
    score, step = ref.exact_score(problem.target, problem.process), TABLE[kind][1]
    x_s = step(problem.process, score, x, *row, z)
    growth, added = row_scales(step, problem, row, x, x_s, z)
    return row, x, z, x_s, np.abs(x_s) * (growth + added)[:, None]


@pytest.mark.parametrize("dtype", twins.DTYPES)
@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize(("problem", "kind"), CASES)
def test_one_step_agrees(problem: Problem, kind: str, span: Span, dtype: torch.dtype) -> None:
    """Times as numbers and, in the same call's twin, as tensors (batch,)."""
    row, x, z, expected, scale = one_step(problem, kind, span)
    step, process = TABLE[kind][0], twin_process(problem.process)
    score = gbm.exact_score(twin_target(problem.target, dtype), process)
    x_t, draws = tensor(x, dtype), tensor(z, dtype)
    found = step(process, score, x_t, *row, draws)
    assert found.dtype == dtype
    assert_twins(found, expected, scale)
    each = tensor(np.full(len(x), row.t_score)), tensor(np.full(len(x), row.dt))
    assert_twins(step(process, score, x_t, *each, row.noise, draws), expected, scale)


@pytest.mark.parametrize("kind", STEPS)
def test_images_are_stepped_pixel_by_pixel(kind: str) -> None:
    problem = next(p for p in PROBLEMS if p.name.startswith("images"))
    row, x, z, expected, scale = one_step(problem, kind, SPANS[0])
    step, process = STEPS[kind][0], twin_process(problem.process)
    score = gbm.exact_score(twin_target(problem.target), process)
    x_t, draws, wanted, size = (part.reshape(-1, 1, 3, 3) for part in (x, z, expected, scale))
    assert_twins(step(process, score, tensor(x_t), *row, tensor(draws)), wanted, size)


@pytest.mark.parametrize("kind", STEPS)
def test_declarations_agree_and_a_step_has_no_hidden_parameter(kind: str) -> None:
    twin, step = STEPS[kind]
    assert [getattr(twin, name) for name in FACTS] == [getattr(step, name) for name in FACTS]
    ours, theirs = ([f.name for f in fields(one) if f.name[0] != "_"] for one in (twin, step))
    assert ours == theirs


# (step, what is wrong) -> x_s / x_t from h, dm, dv and the scaled draws.
PLANTED: dict[tuple[str, str], Callable[..., Array]] = {
    ("sign-agnostic", "dv / 2, Ito's term in log space"): lambda h, m, v, z: (
        1 - m + v / 2 + v * h + z
    ),
    ("dale-langevin", "h for the log score"): lambda h, m, v, z: np.exp(-m + v * h + z),
    ("dale-langevin", "the forward drift"): lambda h, m, v, z: np.exp(m + v * (1 + h) + z),
}


@pytest.mark.parametrize(("kind", "mistake"), PLANTED)
def test_planted_steps_are_refused(kind: str, mistake: str) -> None:
    """The comparison above must see a wrong constant, score or sign in any of the steps."""
    problem = PROBLEMS[0]
    row, x, z, expected, scale = one_step(problem, kind, SPANS[0])
    dm, dv = problem.process.increments(row.t_score, row.dt)
    h = ref.exact_score(problem.target, problem.process)(x, row.t_score)
    wrong = tensor(x * PLANTED[kind, mistake](h, dm, dv, row.noise * math.sqrt(dv) * z))
    assert error_over_scale(wrong, expected, scale) > 1e6 * twins.EXACT


def test_the_sign_agnostic_step_carries_the_sign() -> None:
    """Claim E28: the score is read at |x|, and x and -x move as mirror images."""
    x, z = tensor([[1.3, -0.8], [-2.1, 0.4]]), tensor([[0.3, -1.1], [0.8, 0.2]])

    def step(x: Tensor, z: Tensor) -> Tensor:
        return gbm.SignAgnostic()(PROCESS, log_linear, x, 0.5, 0.1, 1.0, z)

    moved = step(x, z)
    assert torch.equal(moved, -step(-x, z))
    assert torch.equal(moved.abs(), step(x.abs(), z).abs())
    assert torch.equal(step(x, torch.full_like(x, -9.0)).sign(), -x.sign())


def test_the_last_step_of_the_flow_lands_on_the_denoiser() -> None:
    """Claims R5 and R16, from any time and for one time a sample."""
    x, t = tensor([[1.3, 0.8], [2.1, 0.4]]), tensor([0.7, 0.2])
    landed = gbm.ProbabilityFlow()(PROCESS, log_linear, x, t, t, 1.0, None)
    expected = gbm.denoiser(x, log_linear(x, t), PROCESS, t).exp()
    torch.testing.assert_close(landed, expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("kind", STEPS)
def test_a_score_of_another_dtype_does_not_change_that_of_the_state(kind: str) -> None:
    def coarse(x: Tensor, t: Time) -> Tensor:
        return log_linear(x, t).bfloat16()

    for dtype in twins.DTYPES:
        x = tensor([[1.3, 0.8]], dtype)
        assert STEPS[kind][0](PROCESS, coarse, x, 0.5, 0.1, 1.0, torch.zeros(1, 2)).dtype == dtype


GRIDS = ["annealed", "power"]
# Each step with two problems, each problem with two or three steps.
PAIRS = [
    pytest.param(problem, kind, id=f"{problem}-{kind}")
    for shift in (0, 3)
    for i, kind in enumerate(STEPS)
    for problem in [PROBLEMS[(i + shift) % len(PROBLEMS)]]
]


def make_grid(kind: str, problem: Problem) -> tuple[ref.Row, ...]:
    """Inner steps, chi < 1, a shorter step, a later start and denoising; or spaced levels."""
    horizon = problem.process.horizon
    if kind == "annealed":
        return ref.annealed(7, horizon, 0.6 * horizon / 7, 2, chi=0.9, start=6, denoise_steps=2)
    highest = problem.process.log_var(horizon) ** 0.5
    return ref.power(problem.process, 8, std_min=0.1, std_max=highest)


@cache
def whole_path(problem: Problem, kind: str, grid_kind: str) -> tuple[tuple, Array, Array, Array]:
    """A grid, draws (rows, n, d), the oracle's path (rows + 1, n, d) and its condition scales."""
    grid = make_grid(grid_kind, problem)
    x_T = states(problem, grid[0].t_score, size=3)[:4]
    z = generator("path", problem.name, kind).standard_normal((len(grid), *x_T.shape))
    step, score = STEPS[kind][1], ref.exact_score(problem.target, problem.process)
    _, path = ref.simulate(step, problem.process, score, x_T, grid, z, return_path=True)
    return grid, z, path, np.abs(path) * path_scales(step, problem, grid, path, z)


@pytest.mark.parametrize("dtype", twins.DTYPES)
@pytest.mark.parametrize("spaced", GRIDS)
@pytest.mark.parametrize(("problem", "kind"), PAIRS)
def test_whole_paths_agree(problem: Problem, spaced: str, kind: str, dtype: torch.dtype) -> None:
    """Every state of the path, in float64 and in float32, images as images."""
    grid, z, path, scale = whole_path(problem, kind, spaced)
    event = (1, 3, 3) if problem.target.d == 9 else (problem.target.d,)
    process = twin_process(problem.process)
    score = gbm.exact_score(twin_target(problem.target, dtype), process)
    x_T = tensor(path[0], dtype).reshape(-1, *event)
    noise = tensor(z, dtype).reshape(len(grid), -1, *event)
    at = (STEPS[kind][0], process, score, x_T, tuple(gbm.Row(*row) for row in grid), noise)
    x_0, found = gbm.simulate(*at, return_path=True)
    assert found.dtype == dtype
    assert torch.equal(found[-1], x_0)
    assert_twins(found.reshape(path.shape), path, scale)


@pytest.mark.parametrize("kind", ["sign-agnostic", "dale-langevin"])
def test_a_grid_with_an_inner_step_too_few_is_refused(kind: str) -> None:
    """The planted twin of version 1's Algorithm 2 (claim E3): only the last inner step counts."""
    problem = PROBLEMS[2]
    grid, z, path, scale = whole_path(problem, kind, "annealed")
    process = twin_process(problem.process)
    score = gbm.exact_score(twin_target(problem.target), process)
    kept = [i for i, row in enumerate(grid) if i % 2 == 1 or row.noise == 0]
    rows = tuple(gbm.Row(*grid[i]) for i in kept)
    x_0 = gbm.simulate(STEPS[kind][0], process, score, tensor(path[0]), rows, tensor(z[kept]))
    assert error_over_scale(x_0, path[-1], scale[-1]) > 1e6 * twins.EXACT


START = tensor([[1.3, 0.8], [0.6, 2.2], [1.9, 1.1]])


def draws(rows: int, name: str = "draws") -> Tensor:
    return tensor(generator(name).standard_normal((rows, *START.shape)))


@pytest.mark.parametrize("kind", STEPS)
def test_noise_from_a_source_is_the_same_as_noise_from_a_tensor(kind: str) -> None:
    grid, z = gbm.annealed(6, inner_steps=2, chi=0.9), draws(12)
    asked = []

    def source(i: int) -> Tensor:
        asked.append(i)
        return z[i]

    step = STEPS[kind][0]
    from_tensor = gbm.simulate(step, PROCESS, log_linear, START, grid, z)
    assert torch.equal(gbm.simulate(step, PROCESS, log_linear, START, grid, source), from_tensor)
    assert asked == (list(range(12)) if step.uses_noise else [])


def test_the_callback_sees_every_state_and_nothing_changes_the_start() -> None:
    grid, z, before = gbm.uniform(5), draws(5), START.clone()
    seen = []
    at = (gbm.DaleLangevin(), PROCESS, log_linear, START, grid, z)
    x_0, path = gbm.simulate(*at, return_path=True, callback=lambda *row: seen.append(row))
    assert [i for i, _, _ in seen] == list(range(5))
    assert tuple(row for _, row, _ in seen) == grid
    assert torch.equal(torch.stack([x for _, _, x in seen]), path[1:])
    assert torch.equal(path[0], before) and torch.equal(START, before)
    assert torch.equal(path[-1], x_0)


def test_samples_of_a_batch_do_not_influence_each_other() -> None:
    grid, z, step = gbm.uniform(4), draws(4), gbm.SignAgnostic()
    together = gbm.simulate(step, PROCESS, log_linear, START, grid, z)
    for i in range(len(START)):
        alone = gbm.simulate(step, PROCESS, log_linear, START[i : i + 1], grid, z[:, i : i + 1])
        torch.testing.assert_close(alone, together[i : i + 1], rtol=1e-15, atol=0)


def test_gradients_flow_under_the_grad_mode_of_the_caller() -> None:
    """d log x_0 / d log x_T of a Dale-Langevin path with h = a + b log x: prod (1 + b dv)."""
    grid, z, step = gbm.uniform(4), draws(4), gbm.DaleLangevin()
    start = START.clone().requires_grad_()
    x_0 = gbm.simulate(step, PROCESS, log_linear, start, grid, z)
    (gradient,) = torch.autograd.grad(x_0.log().sum(), start)
    expected = (1 - 0.7 * float(PROCESS.increments(1.0, 0.25)[1])) ** 4 / START
    torch.testing.assert_close(gradient, expected, rtol=1e-13, atol=0)
    with torch.no_grad():
        assert not gbm.simulate(step, PROCESS, log_linear, start, grid, z).requires_grad


OUTSIDE = [gbm.Row(0.2, 0.3, 1.0), gbm.Row(0.2, -0.1, 1.0), gbm.Row(1.2, 0.1, 1.0)]


@cases.crossed(kind=STEPS, bad=OUTSIDE)
def test_a_row_that_leaves_the_process_is_refused_at_once(kind: str, bad: gbm.Row) -> None:
    asked = []

    def score(x: Tensor, t: Time) -> Tensor:
        asked.append(t)
        return -x

    x_T = torch.full((2, 2), 1.5)
    with pytest.raises(ValueError, match="must"):
        rows = (gbm.Row(0.5, 0.1, 1.0), bad)
        gbm.simulate(STEPS[kind][0], gbm.GBM(), score, x_T, rows, x_T.expand(2, 2, 2))
    assert bad.t_score not in asked
