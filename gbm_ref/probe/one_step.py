"""Single steps whose ratio x_s / x_t is a polynomial in the noise, each coordinate on its own."""

from collections.abc import Callable

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.probe.rejection import (
    NOISE_SIZES,
    LawRejected,
    called,
    refuse,
    require_same_twice,
    returned_array,
    sign_patterns,
)

# (x_t (n, d), z (n, d)) -> x_s (n, d): one step at a fixed time, with a fixed score.
OneStep = Callable[[Array, Array], Array]

_COEFFICIENTS = ("offset", "slope", "curvature")


def extract_step_polynomial(step: OneStep, x: Values, degree: int = 1) -> Array:
    """Coefficients of z -> step(x, z) / x, lowest first: (degree + 1, n, d), degree 1 or 2.

    step  (x_t, z) -> x_s, all (n, d): one step at a fixed time
    x     (n, d), finite and not zero; negative entries are for steps that take them

    For eq. (12) of version 2 (`SignAgnostic`) they are 1 - dm + 3/2 dv + dv h(|x|, t) and
    noise sqrt(dv), each coordinate on its own. Read off at z = 0 and 1, and at -1 for degree 2.
    They are known to 8 * 2^-53 * (1 + their absolute values), besides the step's own rounding.
    Raises ValueError outside those domains and LawRejected for values that are not finite.
    """
    states = _states(x)
    degree = _checks.whole_number(degree, "degree", 1, 2)
    still, up = (_ratio(step, states, np.full_like(states, size)) for size in (0.0, 1.0))
    if degree == 1:
        return np.stack([still, up - still])
    down = _ratio(step, states, np.full_like(states, -1.0))
    return np.stack([still, (up - down) / 2.0, (up + down) / 2.0 - still])


def assert_step(step: OneStep, x: Values, expected: Values, tolerance: float = 1e-11) -> Array:
    """The polynomial of `extract_step_polynomial`, once it is known to be `expected`.

    step       (x_t, z) -> x_s, all (n, d)
    x          (n, d), finite and not zero: a few states at which the step is examined
    expected   (degree + 1, n, d), the stated coefficients, lowest first, degree 1 or 2
    tolerance  on the coefficients, relative to 1 + their absolute values, and on the values with
               noise of size 3 and 8 in different signs

    Raises LawRejected where they differ, where a coordinate feels the noise of another, and for a
    step with random numbers of its own; ValueError outside those domains or without an argument z.
    """
    states = _states(x)
    stated = _checks.finite_array(expected, "expected")
    if stated.shape not in ((2, *states.shape), (3, *states.shape)):
        raise ValueError(
            f"expected must have shape (2 or 3, *{states.shape}), one entry a power of z, got "
            f"{stated.shape}."
        )
    tolerance = _checks.positive_number(tolerance, "tolerance")
    first, second = (_ratio(step, states, np.zeros_like(states)) for _ in range(2))
    require_same_twice(first, second)
    found = extract_step_polynomial(step, states, stated.shape[0] - 1)
    refuse({"coupling": _coupling(step, states, found[0])}, tolerance)
    refuse({"polynomial": _polynomial_gap(step, states, found)}, tolerance)
    gaps = np.abs(found - stated) / (1.0 + np.abs(stated).sum(axis=0))
    names = _COEFFICIENTS[: gaps.shape[0]]
    refuse({name: float(np.max(gap)) for name, gap in zip(names, gaps, strict=True)}, tolerance)
    return found


def _polynomial_gap(step: OneStep, x: Array, found: Array) -> float:
    """The largest deviation from the polynomial `found`, relative to the terms added up."""
    worst = 0.0
    for size in NOISE_SIZES:
        for signs in sign_patterns(*x.shape):
            powers = (size * signs) ** np.arange(found.shape[0])[:, None, None]
            expected = np.sum(found * powers, axis=0)
            terms = 1.0 + np.sum(np.abs(found * powers), axis=0)
            gaps = np.abs(_ratio(step, x, size * signs) - expected) / terms
            worst = max(worst, float(np.max(gaps)))
    return worst


def _coupling(step: OneStep, x: Array, still: Array) -> float:
    """How far the ratio of a coordinate moves with a unit of noise in another one."""
    worst = 0.0
    for unit in np.eye(x.shape[1]):
        moved = np.abs(_ratio(step, x, np.broadcast_to(unit, x.shape).copy()) - still)
        worst = max(worst, float(np.max(moved * (1.0 - unit))))
    return worst


def _states(x: Values) -> Array:
    states = _checks.finite_array(x, "x")
    if states.ndim != 2 or states.size == 0 or (states == 0.0).any():
        raise ValueError(f"x must have shape (n, d) and hold no zeros, got {states.shape}.")
    return states


def _ratio(step: OneStep, x: Array, z: Array) -> Array:
    moved = returned_array(called(step, x, z, "step"), x, "step")
    bad = ~np.isfinite(moved)
    if bad.any():
        raise LawRejected({"finiteness": float(bad.sum())})
    return moved / x
