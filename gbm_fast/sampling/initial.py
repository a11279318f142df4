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
from typing import NamedTuple

import torch
from torch import Tensor

from gbm_fast.data.positive import state_from_pixels
from gbm_fast.data.statistics import DataStatistics
from gbm_fast.data.types import Events
from gbm_fast.process import Process
from gbm_fast.runtime.random import ImageNoise
from gbm_fast.settings.training import NoiseName
from gbm_fast.starts import log_moments
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
    m, v = process.log_mean(process.horizon), process.log_var(process.horizon)
    return _moved_averages(statistics, noise, classes, m, v.sqrt())


def from_class_averages_as_coded(
    statistics: DataStatistics,
    fit: tuple[Tensor, Tensor],
    time: float,
    noise: ImageNoise,
    classes: Tensor | None,
) -> Events:
    """The same with mu_hat and sigma_hat in place of the process's mu and sigma, at `time`.

        log X = log average + (mu_hat - sigma_hat^2 / 2) t + sigma_hat sqrt(t) z

    as in the authors' code, at their level N - 1 of N (claim coded-start).

    fit    (mu_hat, sigma_hat) of `fitted_lognormal`, each (C,)
    """
    mu_hat, sigma_hat = fit
    drift, std = (mu_hat - sigma_hat.square() / 2) * time, sigma_hat * math.sqrt(time)
    return _moved_averages(statistics, noise, classes, drift, std)


def _moved_averages(
    statistics: DataStatistics, noise: ImageNoise, classes: Tensor | None, m: Tensor, std: Tensor
) -> Events:
    """exp(m + std z) times the average of each one's class; m and std 0-d or (C,)."""
    if classes is None:
        classes = drawn_classes(statistics.class_frequencies, noise.uniform())
    z = noise.normal()
    averages = statistics.class_averages.to(z)[classes.to(z.device)]
    return Events(averages * torch.exp(_by_channel(m, z) + _by_channel(std, z) * z), classes)


def _by_channel(values: Tensor, z: Tensor) -> Tensor:
    """Values 0-d or (C,), ready for (batch, C, ...)."""
    return values.to(z).reshape(-1, *[1] * (z.ndim - 2))


def fitted_lognormal(
    log_means: Tensor, log_stds: Tensor, process: Process
) -> tuple[Tensor, Tensor]:
    """(mu_hat, sigma_hat), each (C,): the log-normal fitted to the pixels at the horizon."""
    m, v = process.log_mean(process.horizon), process.log_var(process.horizon)
    return log_means + m, (log_stds.square() + v).sqrt()


def from_lognormal(mu_hat: Tensor, sigma_hat: Tensor, noise: ImageNoise) -> Tensor:
    """exp(mu_hat + sigma_hat z), channel by channel; (batch, C, ...)."""
    z = noise.normal()
    return torch.exp(_by_channel(mu_hat, z) + _by_channel(sigma_hat, z) * z)


class LogAxes(NamedTuple):
    """A normal law of log X_0 in d dimensions by its principal axes, float64."""

    mean: Tensor
    """(d,)"""
    axes: Tensor
    """(d, r), the columns orthonormal."""
    variances: Tensor
    """(r,), along the axes."""
    rest: float
    """The variance along every direction that is perpendicular to them."""


_MOST_ELEMENTS = 4096
_MOST_IMAGES = 1024
_MOST_AXES = 256


def log_axes(of: Tensor | LogNormalMixture) -> LogAxes:
    """The law with the moments of log X_0, of positive states (n, C, H, W) or of a law.

    Up to 4,096 elements the covariance is that of all n states, exactly (divided by n). Above,
    it is that of 1,024 of them, evenly spread over the n: their 256 leading axes, and in every
    other direction the mean of the variance that is left.
    """
    if isinstance(of, LogNormalMixture):
        mean, cov = (part.double() for part in log_moments(of))
        return LogAxes(mean, *_decomposed(cov), 0.0)
    d = of[0].numel()
    if d > _MOST_ELEMENTS and len(of) > _MOST_IMAGES:
        of = of[torch.linspace(0, len(of) - 1, _MOST_IMAGES).round().long()]
    blocks = of.split(_MOST_IMAGES)
    mean = sum((_logs(block).sum(0) for block in blocks), torch.zeros(())) / len(of)
    if d <= _MOST_ELEMENTS:
        squares = ((_logs(block) - mean).mT @ (_logs(block) - mean) for block in blocks)
        return LogAxes(mean, *_decomposed(sum(squares, torch.zeros(())) / len(of)), 0.0)
    deviations = torch.cat([_logs(block) for block in blocks]) - mean
    axes, variances = _decomposed(deviations @ deviations.mT / len(of))
    kept = min(_MOST_AXES, len(of) - 1)
    along = deviations.mT @ axes[:, -kept:] / (variances[-kept:] * len(of)).sqrt()
    return LogAxes(mean, along, variances[-kept:], float(variances[:-kept].sum() / (d - kept)))


def _logs(states: Tensor) -> Tensor:
    return states.flatten(1).double().log()


def _decomposed(cov: Tensor) -> tuple[Tensor, Tensor]:
    """The principal axes of a covariance, as columns, and their variances, ascending."""
    variances, axes = torch.linalg.eigh(cov)
    return axes, variances.clamp(min=0)


def from_log_normal_law(data: LogAxes, process: Process, noise: ImageNoise) -> Tensor:
    """exp(N(mean + m, covariance + v I)), the symmetric root of the covariance times z.

    So along every axis the noise is that of z; where v is large, of each pixel that of its own.
    """
    z = noise.normal()
    m, v = process.log_mean(process.horizon), process.log_var(process.horizon)
    alone = (data.rest + v).sqrt()
    flat, axes = z.flatten(1), data.axes.to(z)
    longer = ((data.variances + v).sqrt() - alone).to(z)
    log_x = (data.mean + m).to(z) + alone.to(z) * flat + flat @ axes * longer @ axes.mT
    return log_x.exp().reshape(z.shape)


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
