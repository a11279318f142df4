"""Fréchet and kernel distances between two sets of feature vectors, in float64.

For features a (n_a, d) and b (n_b, d), with sample means m and unbiased sample covariances S,

    frechet = |m_a - m_b|^2 + tr S_a + tr S_b - 2 tr (S_a S_b)^(1/2),

the squared 2-Wasserstein distance between the two Gaussians with those moments (Dowson and
Landau 1982; its use on network features is Heusel et al. 2017, arXiv:1706.08500). Its expectation
is biased upwards by O(1/n), so it is comparable only at equal n.

The kernel distance is the unbiased estimate of the squared maximum mean discrepancy under the
kernel k(x, y) = (x.y/d + 1)^3 (Binkowski et al. 2018, arXiv:1801.01401). It has no bias, so it
may be negative.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def checked_pair(a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    """Both sets as finite float64 (n, d) arrays with the same d and at least two rows.

    Raises ValueError for anything else.
    """
    sets = []
    for name, features in (("first", a), ("second", b)):
        array = np.asarray(features, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] == 0:
            raise ValueError(
                f"the {name} feature set has shape {array.shape}; pass (images, features)."
            )
        if len(array) < 2:
            raise ValueError(
                f"the {name} feature set has {len(array)} row(s); a covariance needs at least 2."
            )
        bad = int(np.count_nonzero(~np.isfinite(array)))
        if bad:
            raise ValueError(
                f"the {name} feature set holds {bad} NaN or infinite value(s); "
                "check the images and the feature network."
            )
        sets.append(array)
    if sets[0].shape[1] != sets[1].shape[1]:
        raise ValueError(
            f"the feature sets have {sets[0].shape[1]} and {sets[1].shape[1]} columns; "
            "use one extractor for both."
        )
    return sets[0], sets[1]


def _covariance_factor(features: Array) -> Array:
    """L (d, d) with L L^T the sample covariance, from its eigenvectors.

    Eigenvalues below d * machine epsilon * the largest are rounding of zeros; they are dropped,
    since their square roots (1e-8 each, not 1e-16) would otherwise add up.
    """
    covariance = np.atleast_2d(np.cov(features, rowvar=False))
    values, vectors = np.linalg.eigh(covariance)
    cut = len(values) * np.finfo(np.float64).eps * values[-1]
    return vectors * np.sqrt(np.where(values > cut, values, 0.0))


def frechet_distance(a: ArrayLike, b: ArrayLike) -> float:
    """Fréchet distance between the Gaussians fitted to two feature sets.

    With S_a = L_a L_a^T and S_b = L_b L_b^T, tr (S_a S_b)^(1/2) is the sum of the singular
    values of L_a^T L_b. No square root of a matrix product is taken, so singular covariances
    (fewer images than features, or dead features) need no special case, and the result is
    non-negative up to rounding.

    Args:
        a: (n_a, d) features, n_a >= 2.
        b: (n_b, d) features, n_b >= 2.

    Returns:
        The distance in squared feature units; about -1e-15 times the traces at worst.

    Raises:
        ValueError: fewer than two rows, a different d, or a value that is not finite.
    """
    a, b = checked_pair(a, b)
    shift = a.mean(axis=0) - b.mean(axis=0)
    factor_a, factor_b = _covariance_factor(a), _covariance_factor(b)
    overlap = np.linalg.svd(factor_a.T @ factor_b, compute_uv=False).sum()
    return float(shift @ shift + np.sum(factor_a**2) + np.sum(factor_b**2) - 2.0 * overlap)


def _kernel(x: Array, y: Array) -> Array:
    """(x.y/d + 1)^3 for all pairs of rows; a product, since a float64 power is far slower."""
    base = x @ y.T
    base /= x.shape[1]
    base += 1.0
    cube = base * base
    cube *= base
    return cube


def _unbiased_mmd(x: Array, y: Array) -> float:
    """Unbiased squared maximum mean discrepancy of two sets of m rows (diagonal left out)."""
    m = len(x)
    within = 0.0
    for rows in (x, y):
        kernel = _kernel(rows, rows)
        within += (kernel.sum() - np.trace(kernel)) / (m * (m - 1))
    return float(within - 2.0 * _kernel(x, y).mean())


def kernel_distance(
    a: ArrayLike, b: ArrayLike, num_subsets: int = 100, subset_size: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Kernel distance: the mean over random subsets of an unbiased estimate, and their spread.

    Each subset holds m = min(n_a, n_b, subset_size) rows of either set, drawn without
    replacement. If m covers both sets there is nothing to draw: one estimate, spread 0.

    Args:
        a, b: (n_a, d) and (n_b, d) features, at least two rows each.
        num_subsets: number of subsets, at least 1.
        subset_size: largest subset, at least 2.
        seed: of the generator that draws the subsets.

    Returns (mean, sd): mean may be negative; sd is the standard deviation over the subsets (0 for
    one subset), not the standard error of the mean.
    Raises ValueError as `frechet_distance` does, or for num_subsets < 1, or subset_size < 2.
    """
    a, b = checked_pair(a, b)
    if num_subsets < 1:
        raise ValueError(f"num_subsets is {num_subsets}; it must be at least 1.")
    if subset_size < 2:
        raise ValueError(f"subset_size is {subset_size}; an unbiased estimate needs at least 2.")
    m = min(len(a), len(b), subset_size)
    if m == len(a) == len(b):
        return _unbiased_mmd(a, b), 0.0
    generator = np.random.default_rng(seed)
    estimates = [
        _unbiased_mmd(
            a[generator.choice(len(a), m, replace=False)],
            b[generator.choice(len(b), m, replace=False)],
        )
        for _ in range(num_subsets)
    ]
    spread = float(np.std(estimates, ddof=1)) if num_subsets > 1 else 0.0
    return float(np.mean(estimates)), spread
