"""What the formulas say of a row, from the data's own mean and covariance (claims R8 to R10, R16).

The logarithms of the training images have a mean and a covariance. For log-normal data with these
two the exact law of a sampler's output is known (`gbm_ref.exact_law`), whatever the network: its
distance from the test images, in the logarithm of the pixels, is what start, step and grid alone
cost. Beside it stands the same distance of the images that the network made, with the floor of as
many training images.

A start from class averages, or from training images, is no Gaussian; its output has the mean and
covariance that the same affine map makes of the start's. States are compared before they are
clipped to [1, 2].
"""

import numpy as np
from torch import Tensor

import gbm_ref
from gbm_fast.data import ImageData
from gbm_fast.data.positive import state_from_pixels
from gbm_fast.evaluation.distances import frechet_distance
from gbm_fast.settings.sampling import SamplingSettings
from gbm_fast.settings.training import TrainConfig
from validation.gate.problem import Array
from validation.gate.reference import fitted, reference

_AFFINE = (gbm_ref.LogAffineStep, gbm_ref.ProbabilityFlow, gbm_ref.DPMSolver)


def logarithms(x: Tensor) -> Array:
    """log |x| of positive or other states (n, ...), float64 (n, d); 0 counts as 1e-30."""
    return np.log(np.abs(x.flatten(1).double().numpy()).clip(1e-30))


class Prediction:
    """The distances of one data set in the logarithm of its pixels.

    config   resolved settings of the run
    data     its images
    """

    def __init__(self, config: TrainConfig, data: ImageData) -> None:
        self._config = config
        images = [
            state_from_pixels(data.positive(part), config.noise)
            for part in (data.train_images, data.test_images)
        ]
        self._train, self._test = (logarithms(part) for part in images)
        self._labels = data.train_labels.numpy()
        self._channels = images[0].shape[1]
        self._averages = gbm_ref.class_averages(np.exp(self._train), self._labels)
        self._factor = _factor(np.cov(self._test.T, ddof=0))

    def measured(self, states: Tensor) -> float:
        """The Fréchet distance of states (n, C, H, W) from the test images."""
        return frechet_distance(logarithms(states), self._test)

    def floor(self, count: int) -> float:
        """That of the first `count` training images."""
        return frechet_distance(self._train[:count], self._test)

    def __call__(self, settings: SamplingSettings) -> float | None:
        """That of the exact law of a row; None for a step that is not affine in the logarithm."""
        of = reference(self._config, settings)
        if not isinstance(of.step, _AFFINE):
            return None
        centre = self._train.mean(0)
        target = gbm_ref.LogNormal(centre, np.cov(self._train.T, ddof=0))
        start = self._start(settings, of.process)
        law = gbm_ref.exact_law(of.step, target, of.process, of.grid, start)
        shift = law.mean - self._test.mean(0)
        overlap = np.linalg.svd(_factor(law.cov) @ self._factor, compute_uv=False).sum()
        size = np.trace(law.cov) + np.sum(self._factor**2)
        return float(shift @ shift + size - 2.0 * overlap)

    def _start(self, settings: SamplingSettings, process: gbm_ref.Process) -> gbm_ref.Gaussian:
        """Mean and covariance of log X_T for the start of a row."""
        m, v = process.log_mean(process.horizon), process.log_var(process.horizon)
        averages = gbm_ref.log_moments(self._averages)
        noise = v * np.eye(len(averages.mean))
        match settings.start:
            case "class-average":
                return gbm_ref.Gaussian(averages.mean + m, averages.cov + noise)
            case "class-average-coded":
                centre, spread = fitted(self._train.mean(0), self._train.var(0), self._channels)
                t, spread = 1.0 - 1.0 / settings.levels, spread + v
                moved = averages.mean + (centre + m - spread / 2.0) * t
                return gbm_ref.Gaussian(moved, averages.cov + np.diag(spread) * t)
            case "data" | "lognormal-full":
                of = gbm_ref.Gaussian(self._train.mean(0) + m, np.cov(self._train.T, ddof=0))
                return gbm_ref.Gaussian(of.mean, of.cov + noise)
            case "lognormal":
                mean, var = self._train.mean(0), self._train.var(0)
            case "lognormal-averages":
                mean, var = averages.mean, np.diag(averages.cov)
        centre, spread = fitted(mean, var, self._channels)
        return gbm_ref.Gaussian(centre + m, np.diag(spread + v))


def _factor(cov: Array) -> Array:
    """A symmetric square root of a covariance (d, d)."""
    values, axes = np.linalg.eigh(cov)
    return axes * np.sqrt(values.clip(0.0)) @ axes.T
