"""Where the samplers start: Sections 6.2 and G.2 of version 2 (sheet E22, E24).

Let a process end at log X_T = log X_0 + m + sqrt(v) z. The paper starts its samplers from

    class average       the mean image of one class, pushed through the forward process
    log-normal          exp(mu_hat + sigma_hat z) with one mu_hat and sigma_hat a channel, fitted
                        to the pixels of log X_T, where X_0 is either the training images (Section
                        6.2) or the class averages (Section G.2): two different fits (sheet E24)

The fits need no simulated noise: the noise is independent of the data, so the moments of the
pixels of log X_T are mean + m and variance + v exactly. At the paper's sigma = 0.8 none of them is
the law of X_T, since the image still shows in it (sheet E21, E22); where sqrt(v) is many times the
spread of the data, the log-normal is. `from_data`, the forward process applied to training
images, is that law itself: an upper bound that no generative model may use, for diagnosis.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gbm_fast.checks import require_positive
from gbm_fast.events import Events
from gbm_fast.noise import ImageNoise
from gbm_fast.process import Process


@dataclass(frozen=True, eq=False)
class DataStatistics:
    """What the starts need of a training set; K classes of images (C, H, W), all that have any.

    class_averages        (K, C, H, W) mean of the positive images of each class
    class_frequencies     (K,) share of each class; sums to 1
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


def _channel_moments(images: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean and standard deviation of each channel's log pixels; weights (n,) sum to 1."""
    shares = (weights / images[0, 0].numel())[:, None, None, None]
    blocks = list(zip(images.split(_BLOCK), shares.split(_BLOCK), strict=True))
    sums = [(share * block.double().log()).sum((0, 2, 3)) for block, share in blocks]
    mean = torch.stack(sums).sum(0)
    centre = mean[:, None, None]
    squares = [
        (share * (block.double().log() - centre).square()).sum((0, 2, 3))
        for block, share in blocks
    ]
    return mean, torch.stack(squares).sum(0).sqrt()


def data_statistics(images: Tensor, labels: Tensor) -> DataStatistics:
    """The statistics of positive images (n, C, H, W) with integer labels (n,), in float64.

    Raises ValueError for non-positive pixels or a wrong shape.
    """
    require_positive(images, "images")
    if images.ndim != 4 or labels.shape != images.shape[:1]:
        raise ValueError(
            f"images must be (n, C, H, W) with labels (n,), got {tuple(images.shape)} "
            f"and {tuple(labels.shape)}."
        )
    classes, places, counts = labels.unique(return_inverse=True, return_counts=True)
    totals = torch.zeros((len(classes), *images.shape[1:]), dtype=torch.float64)
    for block, at in zip(images.split(_BLOCK), places.split(_BLOCK), strict=True):
        totals.index_add_(0, at, block.double())
    averages = totals / counts[:, None, None, None]
    frequencies = counts.double() / len(labels)
    even = torch.full((len(images),), 1 / len(images), dtype=torch.float64)
    return DataStatistics(
        averages,
        frequencies,
        *_channel_moments(images, even),
        *_channel_moments(averages, frequencies),
    )


def drawn_classes(frequencies: Tensor, uniform: Tensor) -> Tensor:
    """The class of each uniform number (batch,), drawn by the shares (K,); int64 (batch,)."""
    return torch.bucketize(uniform.double(), frequencies.cumsum(0)[:-1], right=True)


def from_class_averages(
    statistics: DataStatistics,
    process: Process,
    noise: ImageNoise,
    classes: Tensor | None = None,
) -> Events:
    """The average image of each one's class, pushed to the horizon, with the class.

    classes   int64 (batch,), on the CPU; None draws them by their shares. The noise is the same
              either way.
    """
    uniform = noise.uniform()
    if classes is None:
        classes = drawn_classes(statistics.class_frequencies, uniform)
    z = noise.normal()
    averages = statistics.class_averages.to(z)[classes.to(z.device)]
    return Events(process.sample(averages, process.horizon, z), classes)


def fitted_lognormal(
    log_means: Tensor, log_stds: Tensor, process: Process
) -> tuple[Tensor, Tensor]:
    """(mu_hat, sigma_hat), each (C,): the log-normal fitted to the pixels at the horizon."""
    m, v = process.log_mean(process.horizon), process.log_var(process.horizon)
    return log_means + m, (log_stds.square() + v).sqrt()


def from_lognormal(mu_hat: Tensor, sigma_hat: Tensor, noise: ImageNoise) -> Tensor:
    """exp(mu_hat + sigma_hat z), channel by channel; (batch, C, H, W)."""
    z = noise.normal()
    return torch.exp(mu_hat.to(z)[:, None, None] + sigma_hat.to(z)[:, None, None] * z)


def from_data(data: Events, process: Process, noise: ImageNoise) -> Events:
    """Training images (n, C, H, W), drawn at random, pushed to the horizon, with their labels."""
    chosen = noise.integers(len(data.x))
    z = noise.normal()
    labels = None if data.labels is None else data.labels[chosen]
    return Events(process.sample(data.x[chosen].to(z), process.horizon, z), labels)
