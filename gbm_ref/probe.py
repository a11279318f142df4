"""The exact law of anybody's sampler, by injected noise: no random numbers, no Monte Carlo.

A *sampler* is any callable (x_T, z) -> x_0, whatever it is written with, that takes its noise as
an argument: NumPy arrays go in and come out. Two kinds can be examined.

Samplers written in log space. For log-normal data the map from (log x_T, z_1 .. z_rows) to
log x_0 is affine (sheet R8, R9), so 1 + d + rows * d evaluations determine it, N + 2 on the line
(`extract_affine_map`), and with it the law of the output for a normal start:

    log x_0 = offset + state log x_T + sum_k noise_k z_k
    log x_T ~ N(M, S)   =>   log x_0 ~ N(offset + state M, state S state^T + sum_k noise_k noise_k^T)

Steps written in X, such as eq. (12) of version 2. They are not affine in log x, but the ratio
x_s / x_t is a polynomial in z for each x_t, of degree 1, or 2 for Milstein's scheme
(`extract_step_polynomial`).

Whether the map really is affine, or of that degree, is looked at with noise of size 3 and 8: a
step that clips shows only beyond its bound. `assert_law` and `assert_step` compare with what the
caller states and raise `LawRejected`, which says what failed and by how much. They judge the map
alone: a sampler's own random numbers are not seen.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.divergence import Gaussian, checked_gaussian

# (x_T (n, d), z (rows, n, d)) -> x_0 (n, d); the n states must not influence each other.
Sampler = Callable[[Array, Array], Array]
# (x_t (n, d), z (n, d)) -> x_s (n, d): one step at a fixed time, with a fixed score.
OneStep = Callable[[Array, Array], Array]

_SIZES = (3.0, 8.0)
_COEFFICIENTS = ("offset", "slope", "curvature")
_WORDS = {
    "positivity": "{:.0f} of the values that it returned are not positive and finite",
    "affinity": "it is not affine in log x and z, off by {:.3g} of the terms added up",
    "mean": "the mean of log x_0 is off by {:.3g} standard deviations",
    "covariance": "the covariance of log x_0 is off by {:.3g} of the stated one",
    "finiteness": "{:.0f} of the values that it returned are not finite",
    "coupling": "a coordinate moves by {:.3g} with the noise of another",
    "polynomial": "x_s / x_t is no polynomial of the stated degree in z, off by {:.3g}",
    "offset": "x_s / x_t is off by {:.3g} at z = 0",
    "slope": "the coefficient of z in x_s / x_t is off by {:.3g}",
    "curvature": "the coefficient of z^2 in x_s / x_t is off by {:.3g}",
}


class LawRejected(AssertionError):
    """The sampler or step is not the stated one.

    reasons  what failed -> its size, in the unit of the tolerance: "affinity", "mean",
             "covariance" or "positivity" from `assert_law`; "polynomial", "coupling", "offset",
             "slope", "curvature" or "finiteness" from `assert_step`
    found    the law that `assert_law` found, None where there is none
    """

    def __init__(
        self, reasons: Mapping[str, float], details: str = "", found: Gaussian | None = None
    ) -> None:
        text = "; ".join(_WORDS[name].format(size) for name, size in reasons.items())
        super().__init__(text + details)
        self.reasons = dict(reasons)
        self.found = found


class AffineMap(NamedTuple):
    """log x_0 = offset + state @ log x_T + sum_k noise[k] @ z_k: (d,), (d, d), (rows, d, d)."""

    offset: Array
    state: Array
    noise: Array

    def law(self, start: Gaussian) -> Gaussian:
        """The law of log x_0 when log x_T ~ start and the noise is standard normal.

        Raises ValueError for a start of another dimension (sheet R9).
        """
        start = checked_gaussian(start, "start", self.offset.size)
        added = np.einsum("kij,klj->il", self.noise, self.noise)
        return Gaussian(
            self.offset + self.state @ start.mean, self.state @ start.cov @ self.state.T + added
        )


def extract_affine_map(sampler: Sampler, rows: int, d: int) -> AffineMap:
    """The affine map of log x_T and noise to log x_0, by one call with 1 + d + rows * d states.

    sampler  (x_T, z) -> x_0, of shapes (n, d), (rows, n, d) and (n, d)
    rows     how many draws of shape (n, d) it uses, >= 0
    d        number of coordinates, >= 1

    The states are x_T = 1 with no noise, and with log x_T or one z_k a unit vector. Nothing is
    checked beyond them: that is `assert_law`. Raises ValueError for a result of another shape and
    LawRejected for values that are not positive and finite.
    """
    rows, d = _checks.whole_number(rows, "rows", 0), _checks.whole_number(d, "d", 1)
    count = 1 + d + rows * d
    y, z = np.zeros((count, d)), np.zeros((rows, count, d))
    y[1 : 1 + d] = np.eye(d)
    for k in range(rows):
        first = 1 + d + k * d
        z[k, first : first + d] = np.eye(d)
    values = _log_output(sampler, y, z)
    columns = values[1:] - values[0]
    noise = columns[d:].reshape(rows, d, d).transpose(0, 2, 1)
    return AffineMap(values[0], columns[:d].T, noise)


def assert_law(
    sampler: Sampler, start: Gaussian, expected: Gaussian, rows: int, tolerance: float = 1e-11
) -> Gaussian:
    """The law of log x_0, once it is known to be `expected`; raises LawRejected otherwise.

    sampler    (x_T, z) -> x_0, of shapes (n, d), (rows, n, d) and (n, d)
    start      the law of log x_T from which the sampler is started
    expected   the law it should return, for instance that of `exact_law`; cov not singular
    rows       how many draws of shape (n, d) the sampler uses
    tolerance  in every direction, on |mean - expected| / std, on |cov - expected| / cov and on
               the deviation from an affine map, relative to the terms added up: 1e-11 suits
               float64, 5e-5 float32

    Rounding is about `rows` * 1e-16. Raises ValueError for laws of different dimension, a
    singular `expected` or a result of another shape than x_T.
    """
    expected = checked_gaussian(expected, "expected")
    values, vectors = np.linalg.eigh(expected.cov)
    if values[0] <= 1e-14 * values[-1]:
        raise ValueError("the covariance of expected must be positive definite")
    tolerance = _checks.positive_number(tolerance, "tolerance")
    found = extract_affine_map(sampler, rows, expected.mean.size)
    law = found.law(start)
    _refuse({"affinity": _affinity_gap(sampler, found)}, tolerance)
    whiten = vectors / np.sqrt(values)
    mean_gap = np.max(np.abs((law.mean - expected.mean) @ whiten))
    cov_gap = np.max(np.abs(whiten.T @ (law.cov - expected.cov) @ whiten))
    details = f"\n  found   {_written(law)}\n  stated  {_written(expected)}"
    gaps = {"mean": float(mean_gap), "covariance": float(cov_gap)}
    _refuse(gaps, tolerance, details, law)
    return law


def extract_step_polynomial(step: OneStep, x: Values, degree: int = 1) -> Array:
    """Coefficients of z -> step(x, z) / x, lowest first: (degree + 1, n, d), degree 1 or 2.

    step  (x_t, z) -> x_s, all (n, d): one step at a fixed time
    x     (n, d), finite and not zero; negative entries are for steps that take them

    For eq. (12) of version 2 (`SignAgnostic`) they are 1 - dm + 3/2 dv + dv h(|x|, t) and
    noise sqrt(dv), each coordinate on its own. Read off at z = 0 and 1, and at -1 for degree 2.
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

    Raises LawRejected where they differ, or where a coordinate feels the noise of another, and
    ValueError outside those domains.
    """
    states = _states(x)
    stated = _checks.finite_array(expected, "expected")
    if stated.shape not in ((2, *states.shape), (3, *states.shape)):
        raise ValueError(
            f"expected must have shape (2 or 3, *{states.shape}), one entry a power of z, got "
            f"{stated.shape}"
        )
    tolerance = _checks.positive_number(tolerance, "tolerance")
    found = extract_step_polynomial(step, states, stated.shape[0] - 1)
    gaps = np.abs(found - stated) / (1.0 + np.abs(stated).sum(axis=0))
    reasons = {"coupling": _coupling(step, states, found[0])}
    reasons |= {"polynomial": 0.0 if reasons["coupling"] > tolerance else _bend(step, states, found)}
    _refuse(reasons, tolerance)
    _refuse({name: float(gap.max()) for name, gap in zip(_COEFFICIENTS, gaps)}, tolerance)
    return found


def _refuse(
    gaps: Mapping[str, float], tolerance: float, details: str = "", found: Gaussian | None = None
) -> None:
    """Raise LawRejected for those of the gaps that are above the tolerance, or NaN."""
    failed = {name: gap for name, gap in gaps.items() if not gap <= tolerance}
    if failed:
        raise LawRejected(failed, details, found)


def _affinity_gap(sampler: Sampler, found: AffineMap) -> float:
    """The largest deviation from `found` at generic points, relative to the terms added up."""
    rows, d, _ = found.noise.shape
    signs = np.where((np.arange(rows * d) * 2654435761 % 7) < 3, -1.0, 1.0).reshape(rows, d)
    patterns = [sign * size * s for size in _SIZES for s in (signs, np.ones_like(signs)) for sign in (1, -1)]
    z = np.stack(patterns, axis=1)
    y = np.stack([2.0 * (-1.0) ** (j + np.arange(d)) for j in range(len(patterns))])
    noise = np.einsum("kij,knj->ni", found.noise, z)
    expected = found.offset + y @ found.state.T + noise
    terms = 1.0 + np.abs(found.offset) + np.abs(y) @ np.abs(found.state).T
    terms += np.einsum("kij,knj->ni", np.abs(found.noise), np.abs(z))
    return float(np.max(np.abs(_log_output(sampler, y, z) - expected) / terms))
