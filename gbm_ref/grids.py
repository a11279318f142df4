"""The rows a sampler visits.

A grid is a tuple of `Row(t_score, dt, noise)`: the time at which the score is read, the length of
the step taken from there towards the data, and the factor on the step's noise (1 in the reverse
equation, chi^i when annealed, 0 for denoising). Times have no unit and lie in (0, horizon].

Symbols: N = num_steps, delta = horizon / N, delta_s = step_length, L = inner_steps.
Levels are t_k = k delta, visited downwards; k = 0 is never one (the score of the data may be
singular there; claims E4, E9). Times, lengths and factors are accurate to 8 * 2^-53 * S (claims
`E4`, `E3-literal`, `V1-Alg2`, `grid-geometric`, `grid-power`).
"""

import math
from typing import NamedTuple

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array
from gbm_ref.process import Process


class Row(NamedTuple):
    """One visit: read the score at `t_score`, step by `dt`, multiply the noise by `noise`."""

    t_score: float
    dt: float
    noise: float


Grid = tuple[Row, ...]


def uniform(num_steps: int, horizon: float = 1.0) -> Grid:
    """N rows from t = horizon to t = 0 in equal steps, with full noise (claims A-Alg1, E4).

    Raises ValueError for num_steps < 1 or horizon <= 0.
    """
    return annealed(num_steps, horizon)


def annealed(
    num_steps: int = 1000,
    horizon: float = 1.0,
    step_length: float | None = None,
    inner_steps: int = 1,
    chi: float = 1.0,
    start: int | None = None,
    denoise_steps: int = 0,
) -> Grid:
    """Algorithms 1 and 2 of version 2 (claim A-Alg1), the state being updated in place.

    num_steps      N, the number of levels; level k has its score read at k horizon / N
    step_length    delta_s in (0, delta]; None means delta (version 1: 2e-4 against delta = 1e-3)
    inner_steps    L, the steps taken at each level (version 1: 3)
    chi            noise factor: the i-th level visited, i = 0 first, has chi^i; in (0, 1]
    start          the first level k, in 1..N; None means N
    denoise_steps  extra rows at the last level, k = 1, with noise 0

    With chi = 1, L = 1 and delta_s = delta this is the uniform grid; otherwise the marginals of
    the reverse equation are not kept (claims E17, E18). `printed` has what version 1's listings do
    when run literally. Raises ValueError outside those domains.
    """
    levels = _checks.whole_number(num_steps, "num_steps", 1)
    horizon = _checks.positive_number(horizon, "horizon")
    delta = horizon / levels
    length = delta if step_length is None else _checks.positive_number(step_length, "step_length")
    if length > delta * (1 + _checks.TIME_TOLERANCE):
        raise ValueError(f"step_length={length} exceeds delta={delta}: it would end below t=0.")
    inner = _checks.whole_number(inner_steps, "inner_steps", 1)
    chi = _checks.positive_number(chi, "chi")
    if chi > 1.0:
        raise ValueError(f"chi must lie in (0, 1], got {chi}.")
    first = levels if start is None else _checks.whole_number(start, "start", 1, levels)
    extra = _checks.whole_number(denoise_steps, "denoise_steps", 0)
    rows = [
        Row(horizon * k / levels, length, chi**i)
        for i, k in enumerate(range(first, 0, -1))
        for _ in range(inner)
    ]
    return tuple(rows + [Row(delta, length, 0.0)] * extra)


def printed(
    num_steps: int = 1000, horizon: float = 1.0, step_length: float | None = None, chi: float = 1.0
) -> Grid:
    """The rows that version 1's algorithms visit when they are run as printed (claims E3, E4).

    Levels N - 1 to 1, one effective step each: Algorithm 1 with the defaults (its last pass, at
    k = 0, reads a score where it may be singular and writes X_{-1}; it is left out), Algorithm 2
    with its step_length and chi, for any number of inner steps. Domains and errors as in
    `annealed`; num_steps >= 2. With `PrintedAlgorithm1` or `DaleLangevin` as the step.
    """
    levels = _checks.whole_number(num_steps, "num_steps", 2)
    return annealed(levels, horizon, step_length, 1, chi, start=levels - 1)


def geometric(process: Process, num_steps: int, std_min: float, std_max: float) -> Grid:
    """Rows at which sqrt(v(t)) falls geometrically from std_max to std_min; the last goes to 0.

        sqrt(v(t_i)) = std_max (std_min / std_max)^(i / (num_steps - 1)),  i = 0 .. num_steps - 1

    In standard deviations of log X, with full noise (claim R16). num_steps (>= 2) scores are read.
    Raises ValueError unless 0 < std_min < std_max and std_max^2 <= v(horizon), or where rounding
    leaves two levels at one time.
    """
    steps, low, high = _checked_stds(num_steps, std_min, std_max)
    return _rows_at(process, high * (low / high) ** (np.arange(steps) / (steps - 1)))


def power(
    process: Process, num_steps: int, rho: float = 7.0, *, std_min: float, std_max: float
) -> Grid:
    """Rows at which sqrt(v(t))^(1/rho) falls linearly from std_max to std_min; the last goes to 0.

        sqrt(v(t_i)) = (a + i / (num_steps - 1) (b - a))^rho,  i = 0 .. num_steps - 1

    with a = std_max^(1/rho), b = std_min^(1/rho): the `karras` spacing (2022, eq. (5)), in
    the standard deviation of log X, with full noise (claim R16). num_steps (>= 2) scores are read.
    Raises ValueError as `geometric` does, and for rho <= 0.
    """
    steps, low, high = _checked_stds(num_steps, std_min, std_max)
    rho = _checks.positive_number(rho, "rho")
    fractions = np.arange(steps) / (steps - 1)
    ratio = math.log(low / high) / rho
    # A difference that cancels is avoided at either end of the range of rho.
    if ratio > -1.0:
        stds = high * np.exp(rho * np.log1p(fractions * math.expm1(ratio)))
    else:
        stds = high * (fractions[::-1] + fractions * math.exp(ratio)) ** rho
    stds[-1] = low
    return _rows_at(process, stds)


def _checked_stds(num_steps: int, std_min: float, std_max: float) -> tuple[int, float, float]:
    steps = _checks.whole_number(num_steps, "num_steps", 2)
    low = _checks.positive_number(std_min, "std_min")
    high = _checks.positive_number(std_max, "std_max")
    if low >= high:
        raise ValueError(f"std_min must be below std_max, got {low} and {high}.")
    return steps, low, high


def _rows_at(process: Process, stds: Array) -> Grid:
    times = [process.time_at_log_var(std**2) for std in stds] + [0.0]
    if (np.diff(times) >= 0.0).any():
        raise ValueError(
            "neighbouring levels of the grid are one time in float64: take fewer steps, std_min "
            "further from std_max and from 0, or rho nearer to 1."
        )
    return tuple(Row(t, t - s, 1.0) for t, s in zip(times[:-1], times[1:], strict=True))
