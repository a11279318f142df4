"""Comparison with 50 digits, within K * u * S: u = 2^-53, S the size of the terms that the
function adds up, K small and stated by the test; near a zero a relative error means nothing."""

from collections.abc import Iterable

import mpmath
import numpy as np
import pytest

from gbm_ref import Gaussian

UNIT = 2.0**-53
DIGITS = 50


def error_in_units(actual: np.ndarray, reference: Iterable[object], scale: np.ndarray) -> float:
    """The largest |actual - reference| / (u * scale), the difference in mpmath; NaN counts as
    infinite. `scale` is broadcast to `actual`; `reference` is a sequence, nested or flat, in the
    same order."""
    exact = np.asarray(list(reference), dtype=object).reshape(np.shape(actual))
    sizes = np.broadcast_to(scale, np.shape(actual))
    worst = 0.0
    with mpmath.workdps(DIGITS):
        for value, truth, size in zip(
            np.ravel(actual), np.ravel(exact), np.ravel(sizes), strict=True
        ):
            if not np.isfinite(value):
                return float("inf")
            gap = abs(mpmath.mpf(float(value)) - truth)
            worst = max(worst, float(gap / (mpmath.mpf(UNIT) * mpmath.mpf(float(size)))))
    return worst


def assert_accurate(
    actual: np.ndarray, reference: Iterable[object], scale: np.ndarray | float, k: float
) -> None:
    """|actual - reference| <= k * u * scale in every entry."""
    worst = error_in_units(actual, reference, np.asarray(scale, dtype=np.float64))
    assert worst <= k, f"error of {worst:.3g} u*S, more than the {k} allowed"


def assert_inaccurate(
    actual: np.ndarray, twin: Iterable[object], scale: np.ndarray | float, k: float
) -> None:
    """`assert_accurate` refuses the reference, a planted mistake."""
    with pytest.raises(AssertionError, match=f"more than the {k} allowed"):
        assert_accurate(actual, twin, scale, k)


def assert_same_law(
    found: Gaussian, wanted: Gaussian, rtol: float = 0.0, atol: float = 0.0
) -> None:
    """The means and the covariances agree, each entry within the tolerances."""
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol)
