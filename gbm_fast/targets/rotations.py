"""Eigenvectors of covariances whose coordinates have unlike scales (float64, no gradients).

Those of LAPACK are accurate to the rounding of the largest variance, which mixes its digits into
coordinates of small ones. Here a root R of the covariance, S = R R^T, has its rows turned in
pairs until they are orthogonal (Jacobi's method from one side): V^T R with V the eigenvectors and
rows as long as the deviations. Every entry of V then keeps its digits, to units of rounding times
the condition of the correlations. Thousands of small products, which NumPy does sooner than torch.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gbm_fast.checks import has_values, numbers_of

_Array = NDArray[np.float64]
_Indices = NDArray[np.intp]
# Ratio of variances from which on the digits of eigenvectors do not serve all coordinates.
_UNLIKE = 1e3
# Dimension to which pairs of rows are turned one after the other.
_LARGEST = 128
# A sweep squares the cosines of rows, so that below this the next ones are those of rounding.
_NEARLY, _ROUNDING = 1e-9, 2.0**-53


def unlike_scales(covs: Tensor) -> Tensor:
    """Whether each of (..., d, d) has coordinates of very different variance, (...)."""
    own = covs.diagonal(dim1=-2, dim2=-1)
    return own.amax(-1) > _UNLIKE * own.amin(-1)


def principal_axes(covs: Tensor) -> tuple[Tensor, Tensor]:
    """Variances (J, d), ascending and at least 0, and axes (J, d, d) of covariances (J, d, d).

    Where scales are unlike, to d = 128, with the digits of every coordinate; float64.
    """
    variances, axes = torch.linalg.eigh(covs)
    variances = variances.clamp(min=0)
    if not has_values(covs) or not 1 < covs.shape[-1] <= _LARGEST:
        return variances, axes
    unlike = unlike_scales(covs)
    if not bool(unlike.any()):
        return variances, axes
    along, turned = (torch.from_numpy(part) for part in _by_rotations(numbers_of(covs[unlike])))
    return (
        variances.masked_scatter(unlike[:, None], along.to(variances)),
        axes.masked_scatter(unlike[:, None, None], turned.to(axes)),
    )


def _by_rotations(covs: _Array) -> tuple[_Array, _Array]:
    d = covs.shape[-1]
    order = np.argsort(-covs.diagonal(axis1=-2, axis2=-1), axis=-1)[:, :, None]
    descending = np.take_along_axis(covs, order, 1)
    descending = np.take_along_axis(descending, order.swapaxes(-1, -2), 2)
    eye = np.take_along_axis(np.broadcast_to(np.eye(d), covs.shape), order, 1)
    rows, rounds = np.concatenate([_roots(descending), eye], axis=-1), _rounds(d)
    while max([_turned(rows, first, second) for first, second in rounds]) > _NEARLY:
        continue
    variances = np.square(rows[:, :, :d]).sum(-1)
    ascending = np.argsort(variances, axis=-1)
    axes = np.take_along_axis(rows[:, :, d:], ascending[:, :, None], 1).swapaxes(-1, -2)
    return np.take_along_axis(variances, ascending, -1), np.ascontiguousarray(axes)


def _roots(covs: _Array) -> _Array:
    """R with R R^T = S for variances that descend, by Cholesky where S is positive definite."""
    units = np.sqrt(covs.diagonal(axis1=-2, axis2=-1))[:, :, None]
    safe = np.where(units > 0, units, 1.0)
    correlations = torch.from_numpy(covs / safe / safe.swapaxes(-1, -2))
    factors, failed = torch.linalg.cholesky_ex(correlations)
    values, vectors = torch.linalg.eigh(correlations)
    general = vectors * values.clamp(min=0).sqrt()[:, None, :]
    roots = torch.where((failed > 0)[:, None, None], general, factors).numpy()
    return np.asarray(safe * roots)


def _turned(rows: _Array, first: _Indices, second: _Indices) -> float:
    """Turn pairs of rows (J, d, 2 d) = (R, V^T) until R's are orthogonal; the largest cosine."""
    d, a, b = rows.shape[1], rows[:, first], rows[:, second]
    long, other = (np.sqrt(np.square(part[..., :d]).sum(-1)) for part in (a, b))
    product = (a[..., :d] * b[..., :d]).sum(-1)
    allowed = _ROUNDING * long * other
    turning = (np.abs(product) > allowed) & (allowed > 0)
    # tan 2 angle = 2 product / (long^2 - other^2), by the smaller of its two angles.
    gap = (other - long) * (other + long)
    with np.errstate(all="ignore"):
        slope = gap / (2 * np.where(turning, product, 1.0))
        tangent = np.copysign(1.0, slope) / (np.abs(slope) + np.hypot(1.0, slope))
    tangent = np.where(turning, tangent, 0.0)[..., None]
    cosine = 1 / np.sqrt(1 + np.square(tangent))
    rows[:, first], rows[:, second] = cosine * (a - tangent * b), cosine * (b + tangent * a)
    sizes = np.where(turning, long * other, 1.0)
    return float(np.max(np.where(turning, np.abs(product) / sizes, 0.0)))


def _rounds(d: int) -> list[tuple[_Indices, _Indices]]:
    """All pairs of d rows, the earlier one first, in rounds that have no row twice."""
    last = d + d % 2 - 1
    rounds = []
    for k in range(last):
        met = [(k, last), *(((k - i) % last, (k + i) % last) for i in range(1, (last + 1) // 2))]
        one, other = np.array([sorted(pair) for pair in met if max(pair) < d]).T
        rounds.append((one, other))
    return rounds
