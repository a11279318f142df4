"""Where the samplers start: Sections 6.2 and G.2 of version 2 (claims E22, E24).

Let a process end at log X_T = log X_0 + m + sqrt(v) z. The paper starts its samplers from

    class average       the mean image of one class, pushed through the forward process
    log-normal          exp(mu_hat + sigma_hat z) with one mu_hat and sigma_hat a channel, fitted
                        to the pixels of log X_T, where X_0 is either the training images (Section
                        6.2) or the class averages (Section G.2): two different fits (claim E24)

The fits need no simulated noise: the noise is independent of the data, so the moments of the
pixels of log X_T are mean + m and variance + v exactly. At the paper's sigma = 0.8 none of them is
the law of X_T, since the image still shows in it (claims E21, E22); where sqrt(v) is many times
the spread of the data, the log-normal is. `from_data`, the forward process applied to training
images, is that law itself: an upper bound that no generative model may use, for diagnosis.
"""

import math

import torch
from torch import Tensor

from gbm_fast.data.positive import state_from_pixels
from gbm_fast.data.statistics import DataStatistics
from gbm_fast.data.types import Events
from gbm_fast.process import Process
from gbm_fast.runtime.random import ImageNoise
from gbm_fast.settings.training import NoiseName
from gbm_fast.targets import LogNormalMixture
from gbm_fast.targets.components import drawn_classes, draws_from


def separation(statistics: DataStatistics, label: int, process: Process) -> float:
    """How far the nearest other class average is from that of a class, in deviations of the noise.

    log X_T is normal about the log average of the class with variance v in every element. So with
    d = |log a_k - log a_j| / sqrt(v), over all elements, the best guess of which of two averages
    a start came from is right with probability Phi(d / 2); 0.69 for d = 1. The result is the least
    d over the other classes with training images, and infinite where there are none.
    """
    present = statistics.class_frequencies > 0
    present[label] = False
    logs = statistics.class_averages.double().flatten(1).log()
    distances = (logs[present] - logs[label]).square().sum(1).sqrt()
    std = float(process.log_var(process.horizon)) ** 0.5
    return float(distances.min()) / std if len(distances) else math.inf


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
    if classes is None:
        classes = drawn_classes(statistics.class_frequencies, noise.uniform())
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
    """exp(mu_hat + sigma_hat z), channel by channel; (batch, C, ...)."""
    z = noise.normal()
    a_channel = (-1, *[1] * (z.ndim - 2))
    return torch.exp(mu_hat.to(z).reshape(a_channel) + sigma_hat.to(z).reshape(a_channel) * z)


def from_law(
    law: LogNormalMixture, process: Process, noise: ImageNoise, classes: Tensor | None = None
) -> Events:
    """Draws of the law of X_T itself, (batch, d), with their components.

    classes   int64 (batch,), on the CPU: the component of each; None draws them by their weights.
    """
    end = law.diffuse(process, process.horizon)
    if classes is None:
        classes = drawn_classes(end.weights, noise.uniform())
    z = noise.normal()
    return Events(draws_from(end, classes, z).to(z), classes)


def from_data(
    data: Events, process: Process, noise: ImageNoise, kind: NoiseName = "multiplicative"
) -> Events:
    """Training images (n, C, H, W), drawn at random, pushed to the horizon, with their labels.

    kind   of the noise of the training, which says what the state of an image is
    """
    chosen = noise.integers(len(data.x))
    z = noise.normal()
    labels = None if data.labels is None else data.labels[chosen]
    x_0 = state_from_pixels(data.x[chosen].to(z), kind)
    return Events(process.sample(x_0, process.horizon, z), labels)
