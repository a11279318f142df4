"""What is raised when a sampler is not the stated one, and what both probes share."""

from collections.abc import Mapping

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.divergence import Gaussian

# A clipped step shows only beyond its bound, so there is a size that no clip spares.
NOISE_SIZES = (3.0, 8.0)
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


def refuse(
    gaps: Mapping[str, float], tolerance: float, details: str = "", found: Gaussian | None = None
) -> None:
    """Raise LawRejected for those of the gaps that are above the tolerance, or NaN."""
    failed = {name: gap for name, gap in gaps.items() if not gap <= tolerance}
    if failed:
        raise LawRejected(failed, details, found)


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
