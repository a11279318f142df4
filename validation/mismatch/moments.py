"""Log moments of positive images, of all of them and of each class.

a, C      mean and covariance of log X_0 over the images (divided by n: the images are the law)
a_c, C_c  the same within a class;  log xbar_c  logarithm of the class's average image
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gbm_fast.data.statistics import DataStatistics, data_statistics
from gbm_ref import Gaussian

Array = NDArray[np.float64]


class ClassMoments(NamedTuple):
    """One class: its share of the images, its law in the log, the log of its average image."""

    share: float
    law: Gaussian
    log_average: Array


class Moments(NamedTuple):
    """A data set: the law in the log, its classes, and what gbm_fast's starts know of it."""

    law: Gaussian
    classes: tuple[ClassMoments, ...]
    statistics: DataStatistics


def moments(images: Tensor, labels: Tensor) -> Moments:
    """The moments of positive images (n, C, H, W) with integer labels (n,), in float64."""
    statistics = data_statistics(images, labels, int(labels.max()) + 1)
    logs = images.double().log().flatten(1).numpy()
    groups = labels.numpy()
    averages = statistics.class_averages.log().flatten(1).numpy()
    shares = statistics.class_frequencies
    classes = tuple(
        ClassMoments(float(shares[label]), gaussian(logs[groups == label]), averages[label])
        for label in np.unique(groups)
    )
    return Moments(gaussian(logs), classes, statistics)


def gaussian(points: Array) -> Gaussian:
    """Mean and covariance of points (n, d)."""
    mean = points.mean(axis=0)
    centred = points - mean
    return Gaussian(mean, centred.T @ centred / len(points))


def pooled(classes: tuple[ClassMoments, ...]) -> Gaussian:
    """The law of all images from its classes: the law of total covariance."""
    mean = sum(group.share * group.law.mean for group in classes)
    cov = sum(
        group.share * (group.law.cov + np.outer(group.law.mean - mean, group.law.mean - mean))
        for group in classes
    )
    return Gaussian(mean, cov)
