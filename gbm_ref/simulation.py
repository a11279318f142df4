"""The one loop: a step, a process, a score and a grid make a sampler."""

from collections.abc import Callable
from typing import Literal, overload

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.grids import Grid, Row
from gbm_ref.process import Process
from gbm_ref.steps import MultistepStep, Score, Step
from gbm_ref.steps.multistep import Past

Noise = Values | Callable[[int], Array] | None


@overload
def simulate(
    step: Step,
    process: Process,
    score: Score,
    x_T: Values,
    grid: Grid,
    z: Noise = None,
    return_path: Literal[False] = False,
) -> Array: ...


@overload
def simulate(
    step: Step,
    process: Process,
    score: Score,
    x_T: Values,
    grid: Grid,
    z: Noise = None,
    *,
    return_path: Literal[True],
) -> tuple[Array, Array]: ...


def simulate(
    step: Step,
    process: Process,
    score: Score,
    x_T: Values,
    grid: Grid,
    z: Noise = None,
    return_path: bool = False,
) -> Array | tuple[Array, Array]:
    """Carry x_T through every row of the grid, in order, and return the state after the last.

    step, process  must declare the same calculus
    score          callable (x, t) -> x * grad log p_t(x)
    x_T            (..., d), in the domain of the step
    grid           a tuple of `Row(t_score, dt, noise)`, at least one
    z              standard normal draws: an array (rows, *x_T.shape), or a callable from the row
                   index to an array of x_T's shape; None only for a step that uses no noise

    Returns x_0 of x_T's shape; with return_path=True also the path, (rows + 1, *x_T.shape), whose
    first entry is x_T (claim A-Alg1). Paths of eight rows are accurate to 8 * 2^-53 * S (accuracy
    vectors `dale_langevin_path`, `sign_agnostic_path`). Raises ValueError for a mismatch of any of
    these, as the step does, or for a result outside its domain.
    """
    if step.calculus != process.calculus:
        raise ValueError(
            f"the step is of {step.calculus} type but the process of {process.calculus} type."
        )
    if len(grid) == 0:
        raise ValueError("the grid has no rows.")
    x = _checks.finite_array(x_T, "x_T")
    draw = _noise_source(step, z, (len(grid), *x.shape))
    path = [x]
    past: Past = ()
    for index, row in enumerate(grid):
        x, past = _taken(step, process, score, x, row, draw(index), past)
        if return_path:
            path.append(x)
    _require_result(step, x)
    return (x, np.stack(path)) if return_path else x


def _taken(
    step: Step, process: Process, score: Score, x: Array, row: Row, z: Array | None, past: Past
) -> tuple[Array, Past]:
    """The state after a row, and what a step that remembers passes on."""
    if isinstance(step, MultistepStep):
        return step.with_past(process, score, x, *row, z, past)
    return step(process, score, x, *row, z), past


def _require_result(step: Step, x_0: Array) -> None:
    if not (np.isfinite(x_0) & (x_0 > 0.0 if step.keeps_sign else x_0 != 0.0)).all():
        raise ValueError(
            "the result is not finite, or has zeros: the score, or the step length for it, is too "
            "large, or log x_0 is beyond the range of float64."
        )


def _noise_source(step: Step, z: Noise, shape: tuple[int, ...]) -> Callable[[int], Array | None]:
    if not step.uses_noise:
        return lambda index: None
    if z is None:
        raise ValueError(f"{type(step).__name__} uses noise: pass z of shape {shape}.")
    if callable(z):
        return z
    draws = _checks.finite_array(z, "z")
    if draws.shape != shape:
        raise ValueError(f"z must have shape {shape} (rows, *x_T.shape), got {draws.shape}.")
    return lambda index: draws[index]
