"""gbm_fast.steps against gbm_ref.steps: one step, any shape, dtype and form of the times."""

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
from tests.support import twins
from tests.support.cases import PROBLEMS, PROCESS, Array, Problem, generator, log_linear, states
from tests.support.paths import row_scales
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


@cache
def one_step(
    problem: Problem, kind: str, span: tuple[float, float]
) -> tuple[ref.Row, Array, Array, Array, Array]:
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
def test_one_step_agrees(
    problem: Problem, kind: str, span: tuple[float, float], dtype: torch.dtype
) -> None:
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
    found = step(process, score, tensor(x_t), *row, tensor(draws))
    assert_twins(found, wanted, size)


@pytest.mark.parametrize("kind", STEPS)
def test_declarations_agree_and_a_step_has_no_hidden_parameter(kind: str) -> None:
    twin, step = STEPS[kind]
    assert [getattr(twin, name) for name in FACTS] == [getattr(step, name) for name in FACTS]
    public = [f.name for f in fields(twin) if not f.name.startswith("_")]
    assert public == [f.name for f in fields(step)]


# (step, what is wrong) -> x_s / x_t from h, dm, dv and the scaled draws.
PLANTED: dict[tuple[str, str], Callable[..., Array]] = {
    ("sign-agnostic", "dv / 2, the term of Ito's formula in log space"): lambda h, dm, dv, noise: (
        1 - dm + 0.5 * dv + dv * h + noise
    ),
    ("dale-langevin", "h for the log score 1 + h"): lambda h, dm, dv, noise: np.exp(
        -dm + dv * h + noise
    ),
    ("dale-langevin", "the drift of the forward equation"): lambda h, dm, dv, noise: np.exp(
        dm + dv * (1 + h) + noise
    ),
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
    """Claim R5 and R16, from any time and for one time a sample."""
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
        moved = STEPS[kind][0](PROCESS, coarse, x, 0.5, 0.1, 1.0, torch.zeros(1, 2))
        assert moved.dtype == dtype
