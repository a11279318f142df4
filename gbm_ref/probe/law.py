"""Samplers that are affine in log x and in their noise."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array
from gbm_ref._gaussians import SINGULAR, correlation_axes
from gbm_ref.divergence import Gaussian, checked_gaussian
from gbm_ref.probe.rejection import (
    NOISE_SIZES,
    LawRejected,
    called,
    refuse,
    require_same_twice,
    returned_array,
    sign_patterns,
)

# (x_T (n, d), z (rows, n, d)) -> x_0 (n, d); the n states must not influence each other.
Sampler = Callable[[Array, Array], Array]

# Of |log x_T|: exp of it, and what a sampler adds, is within the range of float64.
_LARGEST = 600.0


class AffineMap(NamedTuple):
    """log x_0 = offset + state @ log x_T + sum_k noise[k] @ z_k: (d,), (d, d), (rows, d, d)."""

    offset: Array
    state: Array
    noise: Array

    def law(self, start: Gaussian) -> Gaussian:
        """The law of log x_0 when log x_T ~ start and the noise is standard normal.

        Raises ValueError for a start of another dimension (claim R9).
        """
        start = checked_gaussian(start, "start", self.offset.size)
        added = np.einsum("kij,klj->il", self.noise, self.noise)
        return Gaussian(
            self.offset + self.state @ start.mean, self.state @ start.cov @ self.state.T + added
        )


def extract_affine_map(
    sampler: Sampler, rows: int, d: int, start: Gaussian | None = None
) -> AffineMap:
    """The map of log x_T and noise to log x_0, by one call with 1 + d + rows * d states.

    sampler  (x_T, z) -> x_0, of shapes (n, d), (rows, n, d) and (n, d)
    rows     how many draws of shape (n, d) it uses, >= 0
    d        number of coordinates, >= 1
    start    the law of log x_T, round which the sampler is read: a mean (d,) within +-600, exp of
             which is in range, and a covariance (d, d); None reads it round log x_T = 0

    One state is the mean of `start`, from which the others are one standard deviation away in a
    coordinate of log x_T (1 where that is 0, less where it would lead beyond +-600) or one in a
    z_k; without `start` these are 0, and unit vectors. Nothing is checked beyond them: that is
    `assert_law`. With size = 1 + |mean| + |log x_0|, an entry of `noise` is known to
    8 * 2^-53 * size, one of `state` to that over the standard deviation, and the offset to the
    sum of both with |mean|, besides the sampler's own rounding. Raises ValueError outside those
    domains or for a result of another shape, and LawRejected for values that are not positive and
    finite.
    """
    rows, d = _checks.whole_number(rows, "rows", 0), _checks.whole_number(d, "d", 1)
    centre, lengths = _where_read(start, d)
    count = 1 + d + rows * d
    y, z = np.tile(centre, (count, 1)), np.zeros((rows, count, d))
    y[1 : 1 + d] += np.diag(lengths)
    for k in range(rows):
        first = 1 + d + k * d
        z[k, first : first + d] = np.eye(d)
    values = _log_output(sampler, y, z)
    columns = values[1:] - values[0]
    state = columns[:d].T / np.diag(y[1 : 1 + d] - centre)
    noise = columns[d:].reshape(rows, d, d).transpose(0, 2, 1)
    return AffineMap(values[0] - state @ centre, state, noise)


def _where_read(start: Gaussian | None, d: int) -> tuple[Array, Array]:
    """The state about which a sampler is read, and the way from it in each coordinate, (d,)."""
    if start is None:
        return np.zeros(d), np.ones(d)
    law = checked_gaussian(start, "start", d)
    if (np.abs(law.mean) > _LARGEST).any():
        raise ValueError(
            f"the mean of start must lie within +-{_LARGEST:g}, where exp of it is in range: it "
            "is the law of log x_T, not of x_T."
        )
    stds = np.sqrt(np.maximum(np.diag(law.cov), 0.0))
    lengths = np.where(stds > 0.0, np.minimum(stds, _LARGEST), 1.0)
    return law.mean, np.where(law.mean > 0.0, -lengths, lengths)


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

    A sampler in float32 leaves gaps of 1e-7 to 2e-4; the message of the rejection says so. One
    that draws random numbers of its own cannot be examined: let it take z, or compare its draws
    with the law by a test such as scipy.stats.kstest.

    Raises ValueError for laws of different dimension, a singular `expected`, a sampler that takes
    no z, or a result of another shape than x_T.
    """
    expected = checked_gaussian(expected, "expected")
    scales, values, vectors = correlation_axes(expected.cov)
    if values[0] <= SINGULAR:
        raise ValueError("the covariance of expected must be positive definite.")
    tolerance = _checks.positive_number(tolerance, "tolerance")
    start = checked_gaussian(start, "start", expected.mean.size)
    found = extract_affine_map(sampler, rows, expected.mean.size)
    _require_no_own_noise(sampler, *found.noise.shape[:2])
    law = found.law(start)
    refuse({"affinity": _affinity_gap(sampler, found, start)}, tolerance)
    whiten = vectors / np.sqrt(values) / scales[:, None]
    mean_gap = np.max(np.abs((law.mean - expected.mean) @ whiten))
    cov_gap = np.max(np.abs(whiten.T @ (law.cov - expected.cov) @ whiten))
    details = f"\n  found   {_written(law)}\n  stated  {_written(expected)}"
    gaps = {"mean": float(mean_gap), "covariance": float(cov_gap)}
    refuse(gaps, tolerance, details, law)
    return law


def _require_no_own_noise(sampler: Sampler, rows: int, d: int) -> None:
    """Raise LawRejected for a sampler that returns other values when it is called again."""
    y, z = np.zeros((2, d)), np.zeros((rows, 2, d))
    first, second = (_log_output(sampler, y, z) for _ in range(2))
    require_same_twice(np.exp(first), np.exp(second))


def _affinity_gap(sampler: Sampler, found: AffineMap, start: Gaussian) -> float:
    """The largest deviation from `found` at generic points, relative to the terms added up.

    Half of them are +-2, half as many standard deviations from the start's mean as the noise has:
    a clip of states shows only beyond its bound.
    """
    rows, d, _ = found.noise.shape
    sizes = np.repeat(NOISE_SIZES, len(sign_patterns(rows, d)))
    z = np.stack(
        [size * signs for size in NOISE_SIZES for signs in sign_patterns(rows, d)], axis=1
    )
    signs = (-1.0) ** (np.arange(sizes.size)[:, None] + np.arange(d))
    spread = np.sqrt(np.maximum(np.diag(start.cov), 0.0))
    wide = np.clip(start.mean + sizes[:, None] * spread * signs, -_LARGEST, _LARGEST)
    y, z = np.concatenate([2.0 * signs, wide]), np.concatenate([z, z], axis=1)
    noise = np.einsum("kij,knj->ni", found.noise, z)
    expected = found.offset + y @ found.state.T + noise
    terms = 1.0 + np.abs(found.offset) + np.abs(y) @ np.abs(found.state).T
    terms += np.einsum("kij,knj->ni", np.abs(found.noise), np.abs(z))
    return float(np.max(np.abs(_log_output(sampler, y, z) - expected) / terms))


def _log_output(sampler: Sampler, y: Array, z: Array) -> Array:
    x = returned_array(called(sampler, np.exp(y), z, "sampler"), y, "sampler")
    bad = ~(np.isfinite(x) & (x > 0.0))
    if bad.any():
        raise LawRejected({"positivity": float(bad.sum())})
    return np.log(x)


def _written(law: Gaussian) -> str:
    mean, stds = (
        np.array2string(a, precision=8, threshold=6) for a in (law.mean, np.sqrt(np.diag(law.cov)))
    )
    return f"mean {mean}, standard deviations {stds}"
