"""What is raised when a sampler is not the stated one, and what both probes share."""

import inspect
from collections.abc import Callable, Mapping

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.divergence import Gaussian

# A clipped step shows only beyond its bound, so there is a size that no clip spares.
NOISE_SIZES = (3.0, 8.0)
_OWN_NUMBERS = (
    "pass z on to where it draws them, or put a generator in their place that hands out z row by "
    "row. Where neither can be done, compare draws with the law: scipy.stats.kstest(x_0, law.cdf) "
    "on the line, and the moments of log x_0."
)
_WORDS = {
    "randomness": "it differs by {:.3g} when it is called with the same x and z, so it draws "
    "random numbers of its own: " + _OWN_NUMBERS,
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
             "slope", "curvature" or "finiteness" from `assert_step`; "randomness" from both
    found    the law that `assert_law` found, None where there is none
    """

    def __init__(
        self, reasons: Mapping[str, float], details: str = "", found: Gaussian | None = None
    ) -> None:
        text = "; ".join(_WORDS[name].format(size) for name, size in reasons.items())
        super().__init__(text + details)
        self.reasons = dict(reasons)
        self.found = found


# What a sampler in float32 leaves, and the tolerance that suits it.
_OF_SINGLE, SINGLE = 2e-4, 5e-5


def refuse(
    gaps: Mapping[str, float], tolerance: float, details: str = "", found: Gaussian | None = None
) -> None:
    """Raise LawRejected for those of the gaps that are above the tolerance, or NaN."""
    failed = {name: gap for name, gap in gaps.items() if not gap <= tolerance}
    if failed:
        raise LawRejected(failed, _hint(failed, tolerance) + details, found)


def _hint(failed: Mapping[str, float], tolerance: float) -> str:
    """What to do where the gaps are of the size that float32 leaves."""
    if tolerance >= SINGLE or not max(failed.values()) <= _OF_SINGLE:
        return ""
    return (
        f"; gaps of 1e-7 to {_OF_SINGLE:g} are what float32 leaves: compute in float64, or pass "
        f"tolerance={SINGLE:g} for a sampler in float32"
    )


def called(function: Callable[[Array, Array], Values], x: Array, z: Array, name: str) -> Values:
    """function(x, z); a ValueError that says what to do for one that takes no noise."""
    try:
        takes = inspect.signature(function).bind(x, z) is not None
    except TypeError:
        takes = False
    except ValueError:  # a builtin without a signature
        takes = True
    if not takes:
        raise ValueError(
            f"the {name} must be called as {name}(x, z), with its standard normal draws z as an "
            "argument: " + _OWN_NUMBERS
        )
    return function(x, z)


def require_same_twice(first: Array, second: Array) -> None:
    """Raise LawRejected where two calls with the same arguments differ by more than rounding."""
    with np.errstate(all="ignore"):
        gaps = np.abs(second - first) / (np.abs(first) + np.abs(second))
    refuse({"randomness": float(np.nanmax(gaps, initial=0.0))}, 1e-4)


def sign_patterns(rows: int, d: int) -> list[Array]:
    """Patterns of signs (rows, d): mixed and all equal, each also reversed."""
    scrambled = np.arange(rows * d) * 2654435761 % 7 < 3
    mixed = np.where(scrambled, -1.0, 1.0).reshape(rows, d)
    return [mixed, -mixed, np.ones((rows, d)), -np.ones((rows, d))]


def returned_array(values: Values, like: Array, name: str) -> Array:
    """What a sampler or step returned, in float64, once it is known to have that shape."""
    array = _checks.real_array(values, f"what the {name} returns")
    if array.shape != like.shape:
        raise ValueError(f"the {name} must return the shape {like.shape}, got {array.shape}.")
    return array
