"""Grids: the rows that a sampler visits, as plain data.

A row (t_score, dt, noise) reads the score at t_score, takes a step of length dt towards t = 0 and
multiplies its noise by `noise`. A uniform grid, the annealed schedules of Algorithms 1 and 2,
inner steps at one level and a start below the last level are all just rows. Times are in [0,
horizon]; v(t) is the log-variance of the process and sqrt(v) the noise level that the spaced grids
are built on.
"""

import math
from typing import NamedTuple

from gbm_fast.checks import positive_number, whole_number
from gbm_fast.process import Process


class Row(NamedTuple):
    """One step of a sampler: where the score is read, the length of the step, its noise factor."""

    t_score: float
    dt: float
    noise: float


Grid = tuple[Row, ...]


def uniform(num_steps: int, horizon: float = 1.0) -> Grid:
    """`num_steps` equal steps from `horizon` to 0 at full noise: k = N, ..., 1 (claim E4).

    Raises ValueError for fewer than one step or a horizon that is not positive.
    """
    return annealed(num_steps=num_steps, horizon=horizon)


def annealed(
    num_steps: int = 1000,
    horizon: float = 1.0,
    step_length: float | None = None,
    inner_steps: int = 1,
    chi: float = 1.0,
    start: int | None = None,
    denoise_steps: int = 0,
) -> Grid:
    """Algorithms 1 and 2 of version 2 with the state updated in place (claims E3, R10).

    Level k has t = k horizon / num_steps; the levels k = start, ..., 1 are visited (start =
    num_steps unless said), `inner_steps` times each, and the i-th level visited, i = 0 first, has
    noise factor chi**i. `step_length` is the length of each step (horizon / num_steps unless
    said). `denoise_steps` further rows at the level k = 1 have no noise.

    Raises ValueError for counts below 1 (denoise_steps: 0), start outside 1..num_steps, chi
    outside (0, 1], or a step length outside (0, horizon / num_steps], which would pass t = 0.
    """
    num_steps = whole_number(num_steps, "num_steps", 1)
    inner_steps = whole_number(inner_steps, "inner_steps", 1)
    denoise_steps = whole_number(denoise_steps, "denoise_steps", 0)
    horizon, chi = positive_number(horizon, "horizon"), positive_number(chi, "chi")
    first = num_steps if start is None else whole_number(start, "start", 1)
    if first > num_steps:
        raise ValueError(f"start must be a level from 1 to num_steps = {num_steps}, got {start}.")
    if chi > 1:
        raise ValueError(f"chi must be in (0, 1], got {chi!r}.")
    spacing = horizon / num_steps
    dt = spacing if step_length is None else _length(step_length, spacing)
    # The products are rounded, some of them to just above the horizon.
    rows = [
        Row(min(k * horizon / num_steps, horizon), dt, chi ** (first - k))
        for k in range(first, 0, -1)
        for _ in range(inner_steps)
    ]
    return (*rows, *(Row(spacing, dt, 0.0) for _ in range(denoise_steps)))


def printed(
    num_steps: int = 1000, horizon: float = 1.0, step_length: float | None = None, chi: float = 1.0
) -> Grid:
    """The rows that version 1's algorithms visit when they are run as printed (claims E3, E4).

    Levels N - 1 to 1, one effective step each: Algorithm 1 with the defaults (its last pass, at
    k = 0, reads a score where it may be singular and writes X_{-1}; it is left out), Algorithm 2
    with its step_length and chi, for any number of inner steps. Domains and errors as in
    `annealed`; num_steps >= 2. With `PrintedAlgorithm1` or `DaleLangevin` as the step.
    """
    levels = whole_number(num_steps, "num_steps", 2)
    return annealed(levels, horizon, step_length, 1, chi, start=levels - 1)


def geometric(process: Process, num_steps: int, std_min: float, std_max: float) -> Grid:
    """Rows at noise levels sqrt(v) falling geometrically from std_max to std_min, then to t = 0.

    `num_steps` (at least 2) levels, so `num_steps` rows. Raises ValueError unless
    0 < std_min < std_max and the process reaches std_max, or where rounding leaves two levels at
    one time.
    """
    num_steps, std_min, std_max = _levels(num_steps, std_min, std_max)
    span = math.log(std_min / std_max)
    stds = [std_max * math.exp(i / (num_steps - 1) * span) for i in range(num_steps)]
    return _through_levels(process, stds)


def power(
    process: Process, num_steps: int, rho: float = 7.0, *, std_min: float, std_max: float
) -> Grid:
    """Rows at noise levels sqrt(v) equally spaced in sqrt(v)**(1/rho), then to t = 0.

    The spacing that others call `karras` (2022, eq. (5)), in log space. `num_steps` (at least 2)
    levels and rows. Raises ValueError unless rho > 0, 0 < std_min < std_max and the process
    reaches std_max.
    """
    num_steps, std_min, std_max = _levels(num_steps, std_min, std_max)
    rho = positive_number(rho, "rho")
    last, ratio = num_steps - 1, math.log(std_min / std_max) / rho
    # A difference that cancels is avoided at either end of the range of rho.
    if ratio > -1:
        span = math.expm1(ratio)
        stds = [std_max * math.exp(rho * math.log1p(i / last * span)) for i in range(last)]
    else:
        end = math.exp(ratio)
        stds = [std_max * ((last - i) / last + i / last * end) ** rho for i in range(last)]
    return _through_levels(process, [*stds, std_min])


def _length(step_length: float, spacing: float) -> float:
    length = positive_number(step_length, "step_length")
    if length > spacing * (1 + 1e-12):
        raise ValueError(
            f"step_length must be in (0, horizon / num_steps] = (0, {spacing:.6g}], got "
            f"{length!r}: a longer step from the lowest level would pass t = 0."
        )
    return length


def _levels(num_steps: int, std_min: float, std_max: float) -> tuple[int, float, float]:
    """The arguments as numbers, once they are known to make levels."""
    count = whole_number(num_steps, "num_steps", 2)
    low, high = positive_number(std_min, "std_min"), positive_number(std_max, "std_max")
    if low >= high:
        raise ValueError(f"noise levels need 0 < std_min < std_max, got {low!r} and {high!r}.")
    return count, low, high


def _through_levels(process: Process, stds: list[float]) -> Grid:
    """Rows from each noise level to the next, and from the last to t = 0, at full noise."""
    times = [float(process.time_at_log_var(std**2)) for std in stds]
    ends = [*times[1:], 0.0]
    if not all(t > s for t, s in zip(times, ends, strict=True)):
        raise ValueError(
            "neighbouring levels of the grid are one time in float64: take fewer steps, std_min "
            "further from std_max and from 0, or rho nearer to 1."
        )
    return tuple(Row(t, t - s, 1.0) for t, s in zip(times, ends, strict=True))
