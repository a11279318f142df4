"""What the starts of the samplers need of a training set: moments and class averages."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gbm_fast.checks import require_positive
from gbm_fast.data.positive import state_from_pixels
from gbm_fast.settings.training import NoiseName
from gbm_fast.targets import LogNormalMixture


@dataclass(frozen=True, eq=False)
class DataStatistics:
    """What the starts need of a training set; K classes of images (C, H, W), numbered as there.

    Of a law on vectors (d,) with K components the coordinates are the channels. X_0 is the state:
    the images themselves, or exp of them for additive noise.

    class_averages        (K, C, H, W) state of the mean image of each class; NaN for a class
                          without a training image
    class_frequencies     (K,) share of each class; sums to 1; 0 for a class without an image
    log_means, log_stds   (C,) moments of the pixels of log X_0
    average_log_means, average_log_stds
                          (C,) the same of the class averages, weighted by the classes' shares
    """

    class_averages: Tensor
    class_frequencies: Tensor
    log_means: Tensor
    log_stds: Tensor
    average_log_means: Tensor
    average_log_stds: Tensor


# Images that are taken to float64 at once, so that a large training set is never copied whole.
_BLOCK = 4096


def _channel_moments(images: Tensor, weights: Tensor, noise: NoiseName) -> tuple[Tensor, Tensor]:
    """Weighted mean and deviation of each channel's log states; weights (n,) sum to 1."""
    shares = (weights / images[0, 0].numel())[:, None, None, None]
    blocks = list(zip(images.split(_BLOCK), shares.split(_BLOCK), strict=True))

    def logs(block: Tensor) -> Tensor:
        return state_from_pixels(block.double(), noise).log()

    sums = [(share * logs(block)).sum((0, 2, 3)) for block, share in blocks]
    mean = torch.stack(sums).sum(0)
    centre = mean[:, None, None]
    squares = [(share * (logs(block) - centre).square()).sum((0, 2, 3)) for block, share in blocks]
    return mean, torch.stack(squares).sum(0).sqrt()


def data_statistics(
    images: Tensor, labels: Tensor, num_classes: int, noise: NoiseName = "multiplicative"
) -> DataStatistics:
    """The statistics of positive images (n, C, H, W) with integer labels (n,), in float64.

    num_classes: classes of the data set; some of them may have no image.
    noise: of the training, which says what the state is.

    Raises ValueError for non-positive pixels, a wrong shape, or a label outside the classes.
    """
    require_positive(images, "images")
    if images.ndim != 4 or labels.shape != images.shape[:1]:
        raise ValueError(
            f"images must be (n, C, H, W) with labels (n,), got {tuple(images.shape)} "
            f"and {tuple(labels.shape)}."
        )
    if len(labels) == 0 or labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(
            f"labels must be numbers of the {num_classes} classes, one an image, and there must "
            "be some images."
        )
    counts = labels.bincount(minlength=num_classes)
    totals = torch.zeros((num_classes, *images.shape[1:]), dtype=torch.float64)
    for block, at in zip(images.split(_BLOCK), labels.split(_BLOCK), strict=True):
        totals.index_add_(0, at, block.double())
    averages = totals / counts[:, None, None, None]  # 0 / 0 where a class has no image
    frequencies, some = counts.double() / len(labels), counts > 0
    even = torch.full((len(images),), 1 / len(images), dtype=torch.float64)
    return DataStatistics(
        state_from_pixels(averages, noise),
        frequencies,
        *_channel_moments(images, even, noise),
        *_channel_moments(averages[some], frequencies[some], noise),
    )


def law_statistics(law: LogNormalMixture) -> DataStatistics:
    """Exact statistics of a law, float64; the average of a component is exp(a + diag S / 2)."""
    weights, means = law.weights.double(), law.log_means.double()
    variances = law.log_covs.double().diagonal(dim1=1, dim2=2)
    averages = means + variances / 2

    def moments(centres: Tensor, within: Tensor) -> tuple[Tensor, Tensor]:
        mean = weights @ centres
        return mean, (weights @ (within + (centres - mean).square())).sqrt()

    return DataStatistics(
        averages.exp(),
        weights,
        *moments(means, variances),
        *moments(averages, torch.zeros_like(variances)),
    )
