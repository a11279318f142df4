"""How good an estimate of an intensity is: numbers of one image.

psnr        10 log10(255^2 / mean squared error), dB; estimates are not clipped
ssim        scikit-image's, windows of 7 x 7, data_range=255
enl         mean^2 / variance in the sky of camera, NaN where it is not in the image
ratio_mean, ratio_var
            of y / estimate over pixels where both are positive: 1 and 1 / L where the estimate is
            the truth
"""

import math
from dataclasses import dataclass

import numpy as np

from validation.speckle.images import PEAK, UNIFORM, Array, Seen


@dataclass(frozen=True)
class Scores:
    """One estimate of one image; the module's docstring says of what."""

    psnr: float
    ssim: float
    enl: float
    ratio_mean: float
    ratio_var: float
    seconds: float
    coverage: float | None = None


def psnr(estimate: Array, truth: Array) -> float:
    """Peak signal to noise, dB, of peak 255; infinite for the truth."""
    error = float(np.mean((estimate - truth) ** 2))
    return 10 * math.log10(PEAK**2 / error) if error > 0 else math.inf


def enl(name: str, image: Array) -> float:
    """The equivalent number of looks; infinite where nothing varies."""
    rows, columns = UNIFORM
    if name != "camera" or image.shape[0] < rows.stop or image.shape[1] < columns.stop:
        return math.nan
    patch = image[UNIFORM]
    variance = float(patch.var())
    return float(patch.mean()) ** 2 / variance if variance > 0 else math.inf


def score(case: Seen, estimate: Array, seconds: float, coverage: float | None = None) -> Scores:
    """All numbers of an estimate."""
    from skimage.metrics import structural_similarity

    inside = (case.noisy > 0) & (estimate > 0)
    ratio = case.noisy[inside] / estimate[inside]
    return Scores(
        psnr(estimate, case.truth),
        float(structural_similarity(case.truth, estimate, data_range=PEAK)),
        enl(case.name, estimate),
        float(ratio.mean()),
        float(ratio.var()),
        seconds,
        coverage,
    )


def covered(case: Seen, low: Array, high: Array) -> float:
    """The share of positive pixels whose truth is in [low, high]."""
    inside = (case.truth >= low) & (case.truth <= high)
    return float(inside[case.noisy > 0].mean())
