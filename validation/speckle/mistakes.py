"""The gate of the study: what must hold whichever method is best.

Mistakes that users make are planted in a method, and each must lose against the method as it
should be called, in the mean PSNR of the test images:

    bias not removed         the estimate has the mean of log-speckle in it
    amplitude for intensity  the method sees sqrt(y), and its estimate is squared
    1 / L for L              at L other than 1
    4 L for L, L / 4 for L   wrong looks

And the noisy images have the mean squared error that speckle has: E[(y - x)^2] = x^2 / L, of
variance x^4 (2 / L^2 + 6 / L^3) for each pixel, to 5 deviations of the mean over all pixels.
"""

from collections.abc import Callable, Sequence

import numpy as np

from validation.speckle.images import Array, Seen, filled
from validation.speckle.methods import Method, log_moments
from validation.speckle.scores import psnr
from validation.study import Check

DEVIATIONS = 5.0
Mistake = Callable[[Method], Method]


def _bias_left(method: Method) -> Method:
    return lambda y, looks: method(y * np.exp(log_moments(looks).bias), looks)


def _amplitude(method: Method) -> Method:
    return lambda y, looks: method(np.sqrt(y), looks) ** 2


def _inverse(method: Method) -> Method:
    return lambda y, looks: method(y, 1 / looks)


def _four_times(method: Method) -> Method:
    return lambda y, looks: method(y, 4 * looks)


def _a_fourth(method: Method) -> Method:
    return lambda y, looks: method(y, looks / 4)


MISTAKES: dict[str, Mistake] = {
    "bias not removed": _bias_left,
    "amplitude for intensity": _amplitude,
    "1 / L for L": _inverse,
    "4 L for L": _four_times,
    "L / 4 for L": _a_fourth,
}


def estimate(method: Method, case: Seen) -> Array:
    """The estimate of a method, 0 where the image is 0."""
    found = method(filled(case.noisy), case.looks)
    return np.where(case.noisy > 0, found, 0.0)


def mean_psnr(method: Method, cases: Sequence[Seen]) -> float:
    """The mean over the images."""
    return float(np.mean([psnr(estimate(method, case), case.truth) for case in cases]))


def mistakes_lose(name: str, method: Method, cases: Sequence[Seen]) -> list[Check]:
    """A check for each mistake; the cases are of one number of looks."""
    looks, right = cases[0].looks, mean_psnr(method, cases)
    found = []
    for mistake, planted in MISTAKES.items():
        if planted is _inverse and looks == 1:
            continue
        wrong = mean_psnr(planted(method), cases)
        says = f"{wrong:.2f} dB against {right:.2f} dB"
        found.append(Check(f"{name}, L = {looks:g}: {mistake} loses", wrong < right, says))
    return found


def noise_is_right(case: Seen) -> Check:
    """The mean squared error of a noisy image, against its expectation."""
    x2, looks = case.truth**2, case.looks
    wanted, pixels = float(x2.mean() / looks), x2.size
    each = 2 / looks**2 + 6 / looks**3
    deviation = float(np.sqrt((x2**2).sum() * each)) / pixels
    found = float(np.mean((case.noisy - case.truth) ** 2))
    off = abs(found - wanted) / deviation
    says = f"{found:.1f}, expected {wanted:.1f} +- {DEVIATIONS:g} x {deviation:.1f}"
    name = f"{case.name}, L = {looks:g}: the speckle's mean squared error"
    return Check(name, off <= DEVIATIONS, says)
