"""The methods that the study compares: each takes (y, looks) to an estimate of the intensity.

y is an intensity, positive, (height, width), float64. Means and variances of log-speckle, which
the methods on the logarithm remove and use, are psi(L) - log L and psi'(L).

    Lee 7 x 7       the estimate that is linear in y given means and variances of 7 x 7 pixels,
                    J. S. Lee 1980: intensity and its number of looks, as in torchgeo
    log-TV          total variation (Chambolle) of the logarithm
    log-BM3D        BM3D of the logarithm, as of Gaussian noise
    MuLoG + BM3D    Deledalle et al. 2017: the law of log-speckle, with BM3D as a prior, iterated

The estimates of the last three are exponentials of estimates of log x, as their authors leave
them. The packages of the last two are not dependencies: `validation.speckle.peers` runs them here
where they are installed, or in another Python.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter
from scipy.special import digamma, polygamma

from validation.speckle import peers
from validation.speckle.images import Array

Method = Callable[[Array, float], Array]
WINDOW = 7
TV_WEIGHT = 1.1
"""The weight of log-TV in deviations of log-speckle: by validation.speckle.tuning."""
TV_STEPS = 100
"""Its iterations, all of them: by scikit-image's own rule it stops long before the minimum."""


class Moments(NamedTuple):
    """Mean and variance of the logarithm of speckle of L looks."""

    bias: float
    variance: float


def log_moments(looks: float) -> Moments:
    """psi(L) - log L and psi'(L)."""
    return Moments(float(digamma(looks) - np.log(looks)), float(polygamma(1, looks)))


def noisy(y: Array, looks: float) -> Array:
    """The image itself."""
    return y


def lee(y: Array, looks: float) -> Array:
    """The mean of a window, plus the part of the deviation from it that is not speckle's."""
    mean = uniform_filter(y, WINDOW)
    variance = np.maximum(uniform_filter(y * y, WINDOW) - mean * mean, 0)
    of_speckle = mean * mean / looks
    weight = np.zeros_like(y)
    np.divide(variance - of_speckle, variance, out=weight, where=variance > of_speckle)
    return mean + weight * (y - mean)


def log_tv(y: Array, looks: float, weight: float = TV_WEIGHT) -> Array:
    """Total variation of log y, of the given weight times the deviation of log-speckle."""
    from skimage.restoration import denoise_tv_chambolle

    bias, variance = log_moments(looks)
    strength = weight * np.sqrt(variance)
    found = denoise_tv_chambolle(np.log(y) - bias, weight=strength, eps=0, max_num_iter=TV_STEPS)
    return np.exp(found)


METHODS: dict[str, Method] = {"noisy": noisy, "Lee 7 x 7": lee, "log-TV": log_tv}
PEERS: dict[str, peers.Peer] = {"log-BM3D": peers.BM3D, "MuLoG + BM3D": peers.MULOG}
