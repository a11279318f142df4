"""The one loop of every sampler: step, process, score, grid and noise, combined (torch).

Symbols: `x_T` (batch, *event) the start; a grid of rows (t_score, dt, noise); `z` the standard
normal draws, one of the shape of x_T a row. Annealing is data of the grid and randomness is an
argument, so the loop has no state of its own and the same draws reproduce the same path.

The loop carries the state in the coordinates of the step. For a step in log X that is y = log X:
the exponentials and logarithms between the rows cancel, so they are left out, and a state whose x
overflows or underflows on the way is none the worse for it if the result does not. Rounding then
adds 2^-24 |y| (float32) to y a row where x * exp(e) would add 2^-24 to log x; the error of a
score read at x is 2^-24 |y| either way, since it starts from log x.

Values are checked at the two ends only, without a wait for the device in between: what is not in
the domain of the step (NaN, infinity, zero) stays so until the end.
"""

from collections.abc import Callable
from typing import Literal, overload

import torch
from torch import Tensor

from gbm_fast.checks import has_values, is_positive, require_floating
from gbm_fast.grids import Grid, Row
from gbm_fast.process import Process
from gbm_fast.scores import LogScore, ScoreFunction
from gbm_fast.steps import Step

Noise = Tensor | Callable[[int], Tensor]
"""Draws (rows, *x_T.shape), or a source: row index -> draws of the shape of x_T."""
Callback = Callable[[int, Row, Tensor], None]
"""Called after each step with the row's index, the row, and the state it led to."""


@overload
def simulate(
    step: Step,
    process: Process,
    score: ScoreFunction,
    x_T: Tensor,
    grid: Grid,
    z: Noise | None = None,
    return_path: Literal[False] = False,
    callback: Callback | None = None,
) -> Tensor: ...


@overload
def simulate(
    step: Step,
    process: Process,
    score: ScoreFunction,
    x_T: Tensor,
    grid: Grid,
    z: Noise | None = None,
    *,
    return_path: Literal[True],
    callback: Callback | None = None,
) -> tuple[Tensor, Tensor]: ...


def simulate(
    step: Step,
    process: Process,
    score: ScoreFunction,
    x_T: Tensor,
    grid: Grid,
    z: Noise | None = None,
    return_path: bool = False,
    callback: Callback | None = None,
) -> Tensor | tuple[Tensor, Tensor]:
    """Take every row of `grid` in order, starting at `x_T`; Algorithms 1 and 2 of version 2.

    `x_T` (batch, *event) keeps its dtype and device; `z` is a tensor (rows, *x_T.shape) or a
    source of noise that is asked once a row, and may be left out only for a step that uses none.
    `callback(i, row, x)` sees each state. Runs under the caller's grad mode. Returns x_0, or (x_0,
    path) with path (rows + 1, *x_T.shape), x_T first.

    Raises ValueError for an empty grid, a step and a process of different calculus, missing or
    misshapen noise, a start outside the step's domain, times or factors that the step refuses, or
    a result outside its domain.
    """
    _check(step, process, x_T, grid, z)
    state = step.state_of(x_T)
    path = [x_T]
    schedules = step.schedules(process, grid)
    if isinstance(score, LogScore):
        score.prepare(step.score_times(process, grid), state)
    for i, (row, schedule) in enumerate(zip(grid, schedules, strict=True)):
        state = step.move(score, state, row.t_score, schedule, _draw(step, z, i))
        if return_path or callback is not None:
            x = step.x_of(state)
            if return_path:
                path.append(x)
            if callback is not None:
                callback(i, row, x)
    x_0 = step.x_of(state)
    _require_result(step, x_0)
    return (x_0, torch.stack(path)) if return_path else x_0


def _draw(step: Step, z: Noise | None, i: int) -> Tensor | None:
    """The draws of row i, where the step uses any."""
    if z is None or not step.uses_noise:
        return None
    return z[i] if isinstance(z, Tensor) else z(i)


def _require_result(step: Step, x_0: Tensor) -> None:
    if has_values(x_0) and not is_positive(x_0 if step.keeps_sign else x_0.abs()):
        raise ValueError(
            f"the result is not finite, or has zeros, in {x_0.dtype}: the score, or the step "
            "length for it, is too large, or log x_0 is beyond the range of this dtype."
        )


def _check(step: Step, process: Process, x_T: Tensor, grid: Grid, z: Noise | None) -> None:
    if step.calculus != process.calculus:
        raise ValueError(
            f"the step is written in the {step.calculus!r} calculus and the process in "
            f"{process.calculus!r}: use a step of the same calculus."
        )
    require_floating(x_T, "x_T")
    if len(grid) == 0:
        raise ValueError("the grid has no rows: nothing to simulate.")
    if z is None and step.uses_noise:
        raise ValueError("this step uses noise: pass z, a tensor (rows, *x_T.shape) or a source.")
    if z is not None and not callable(z):
        require_floating(z, "z")
    if isinstance(z, Tensor) and z.shape != (len(grid), *x_T.shape):
        raise ValueError(
            f"z must have the shape (rows, *x_T.shape) = {(len(grid), *x_T.shape)}, "
            f"got {tuple(z.shape)}."
        )
