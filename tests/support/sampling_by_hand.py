"""Samples written out from the documentation in NumPy, float64: starts, rows of the grid, scores.
The steps and their loop are gbm_ref's; of gbm_fast it calls the network alone."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.linalg import sqrtm
from torch import nn

import gbm_fast as gbm
import gbm_ref as ref
from tests.support.batch_noise import SampleNoise, sample_noise
from tests.support.training_by_hand import Array, HandData, score

STEPS: dict[str, Callable[[gbm.SamplingSettings], ref.Step]] = {
    "dale-langevin": lambda settings: ref.DaleLangevin(),
    "sign-agnostic": lambda settings: ref.SignAgnostic(),
    "milstein": lambda settings: ref.AmbientMilstein(),
    "ancestral": lambda settings: ref.Ancestral(),
    "marginal-preserving": lambda settings: ref.MarginalPreserving(settings.kappa),
    "probability-flow": lambda settings: ref.ProbabilityFlow(),
    "ddim": lambda settings: ref.DDIM(),
    "dpmpp-2m": lambda settings: ref.DPMSolver(2),
    "dpmpp-3m": lambda settings: ref.DPMSolver(3),
}
NOISE_FREE = ("probability-flow", "ddim", "dpmpp-2m", "dpmpp-3m")
LEVELS = {"probability-flow": 18, "ddim": 50, "dpmpp-2m": 20, "dpmpp-3m": 20}


@dataclass
class HandRun:
    """What a run has learned from and how; `classes` are those its network is told, 0 for none."""

    config: gbm.TrainConfig
    data: HandData
    network: nn.Module
    classes: int

    def process(self, settings: gbm.SamplingSettings) -> tuple[ref.Process, float, float]:
        """The process that is reversed, its greatest and the run's least noise level sqrt(v)."""
        config = self.config
        low, top = config.std_min, config.std_max
        own: ref.Process = ref.VarianceExploding(low, top)
        if config.process == "constant":
            low, top = config.sigma / math.sqrt(config.num_steps), config.sigma
            own = ref.GBM(sigma=top)
        if settings.process == "constant":
            return ref.GBM(sigma=settings.sigma), settings.sigma, low
        return own, top, low

    def grid(self, settings: gbm.SamplingSettings) -> list[ref.Row]:
        """The rows (t, dt, factor of the noise)."""
        process, top, low = self.process(settings)
        count = settings.num_steps or LEVELS.get(settings.sampler, 1000)
        places = [i / (count - 1) for i in range(count)]
        if settings.sampler in NOISE_FREE:
            ends = top ** (1 / 7), low ** (1 / 7)
            stds = [(ends[0] + place * (ends[1] - ends[0])) ** 7 for place in places]
        elif isinstance(process, ref.GBM):
            dt = settings.step_length or 1 / count
            rows = [
                ref.Row((count - i) / count, dt, settings.chi**i)
                for i in range(count)
                for _ in range(settings.inner_steps)
            ]
            return rows + [ref.Row(1 / count, dt, 0.0)] * settings.denoise_steps
        else:
            stds = [top ** (1 - place) * low**place for place in places]
        chi = 1.0 if settings.sampler in NOISE_FREE else settings.chi
        times = [self.time(process, std**2) for std in stds] + [0.0]
        pairs = zip(times, times[1:], strict=False)
        return [ref.Row(t, t - s, chi**i) for i, (t, s) in enumerate(pairs)]

    def time(self, process: ref.Process, v: float) -> float:
        """The t with v(t) = v."""
        if isinstance(process, ref.GBM):
            return min(1.0, v / process.sigma**2)
        growth = math.log(1 + (process.std_max / process.std_min) ** 2)
        return min(1.0, math.log(1 + v / process.std_min**2) / growth)

    def hyvarinen(
        self, process: ref.Process, labels: list[int] | None
    ) -> Callable[[Array, float], Array]:
        """h of samples (n, elements), by the network."""
        mean, spread = self.data.moments

        def h(x: Array, t: float) -> Array:
            u = np.log(x).reshape(-1, *self.event)
            v = np.full((len(u), *[1] * len(self.event)), float(process.log_var(t)))
            told = (torch.tensor(labels),) if self.classes else ()
            inputs = torch.from_numpy((u - mean) / np.sqrt(v + spread**2))
            with torch.no_grad():
                output = self.network(inputs, torch.from_numpy(np.log(v.ravel()) / 4), *told)
            at_zero, slope = score(self.config, u, v, mean, spread)
            return (at_zero + slope * output.numpy()).reshape(x.shape)

        return h

    def guided(
        self, process: ref.Process, labels: list[int] | None, weight: float
    ) -> Callable[[Array, float], Array]:
        """h without a class, and `weight` times what the class adds to it."""
        of_class = self.hyvarinen(process, labels)
        if weight == 1 or labels is None:
            return of_class
        of_all = self.hyvarinen(process, [self.classes] * len(labels))
        return lambda x, t: of_all(x, t) + weight * (of_class(x, t) - of_all(x, t))

    @property
    def event(self) -> tuple[int, ...]:
        return (self.data.law.d,) if self.data.images is None else self.data.images.shape[1:]

    def shares(self) -> Array:
        """The share of each class, or of each component."""
        if self.data.images is None:
            return self.data.law.weights.numpy()
        return np.bincount(self.data.labels) / len(self.data.labels)

    def averages(self) -> Array:
        """The mean of each class, or of each component: exp(a + S / 2)."""
        if self.data.images is None:
            covs = self.data.law.log_covs.numpy()
            return np.exp(
                self.data.law.log_means.numpy() + np.stack([c.diagonal() for c in covs]) / 2
            )
        x, labels = self.data.positive(), self.data.labels
        return np.stack([x[labels == k].mean(0) for k in range(labels.max() + 1)])

    def fit(self, settings: gbm.SamplingSettings) -> tuple[Array, Array]:
        """(mu_hat, sigma_hat), one of each a channel, of log X_T."""
        _, top, _ = self.process(settings)
        averages = settings.start == "lognormal-averages"
        if self.data.images is not None:
            x = self.averages()[self.data.labels] if averages else self.data.positive()
            logs = np.moveaxis(np.log(x), 1, 0).reshape(x.shape[1], -1)
            return logs.mean(1), np.sqrt(logs.var(1) + top**2)
        means, covs = self.data.law.log_means.numpy(), self.data.law.log_covs.numpy()
        within = 0 if averages else np.stack([c.diagonal() for c in covs])
        centres = np.log(self.averages()) if averages else means
        mean = self.shares() @ centres
        return mean, np.sqrt(self.shares() @ (within + (centres - mean) ** 2) + top**2)

    def moments(self) -> tuple[Array, Array]:
        """Mean (d,) and covariance (d, d) of log X_0."""
        if self.data.images is not None:
            logs = np.log(self.data.positive()).reshape(len(self.data.labels), -1)
            return logs.mean(0), np.cov(logs.T, ddof=0)
        means = self.data.law.log_means.numpy()
        mean = self.shares() @ means
        within = np.tensordot(self.shares(), self.data.law.log_covs.numpy(), 1)
        return mean, within + (means - mean).T @ np.diag(self.shares()) @ (means - mean)

    def samples(
        self, settings: gbm.SamplingSettings, numbers: range
    ) -> tuple[Array, list[int] | None]:
        """The states of these samples at t = 0, (n, *event), and their classes."""
        process, _, _ = self.process(settings)
        grid, parts = self.grid(settings), []
        for number in numbers:
            picks, rows = self.picks(settings)
            noise = sample_noise(settings.seed, number, self.event, len(grid), picks)
            told = settings.label
            if told is None and self.classes and not len(rows):
                told = self.drawn(noise.label)
            parts.append((noise.z[1:], *self.start(settings, noise, told, rows)))
        z, starts, labels = zip(*parts, strict=True)
        flat = np.stack(z, 1).astype(np.float64).reshape(len(grid), len(parts), -1)
        told = None if labels[0] is None else list(labels)
        step, h = STEPS[settings.sampler](settings), self.guided(process, told, settings.guidance)
        step = ref.Churn(step, settings.churn) if settings.churn else step
        start = np.stack(starts).reshape(len(parts), -1)
        end = ref.simulate(step, process, h, start, tuple(grid), flat)
        return end.reshape(-1, *self.event), told

    def picks(self, settings: gbm.SamplingSettings) -> tuple[int | None, np.ndarray]:
        """What is drawn before the normal numbers (`sample_noise`); the images to pick from."""
        label, none = settings.label, np.arange(0)
        if settings.start.startswith("class-average"):
            return 0, none
        if settings.start == "data" and self.data.images is not None:
            rows = np.arange(len(self.data.labels))
            rows = rows if label is None else rows[self.data.labels == label]
            return len(rows), rows
        on_law = settings.start == "data" and label is None and not self.classes
        return (0 if on_law else None), none

    def drawn(self, uniform: float) -> int:
        """The class that a number in [0, 1) picks."""
        return int(sum(uniform >= edge for edge in np.cumsum(self.shares())[:-1]))

    def start(
        self, settings: gbm.SamplingSettings, noise: SampleNoise, label: int | None, rows: Array
    ) -> tuple[Array, int | None]:
        """The state at the horizon, where v is the square of the greatest level, and its class."""
        _, top, _ = self.process(settings)
        z = noise.z[0].astype(np.float64)
        if settings.start == "lognormal-full":
            mean, cov = self.moments()
            root = sqrtm(cov + top**2 * np.eye(len(mean))).real
            return np.exp(mean + root @ z.ravel()).reshape(z.shape), label
        if settings.start.startswith("lognormal"):
            mu, sigma = (part.reshape(-1, *[1] * (z.ndim - 1)) for part in self.fit(settings))
            return np.exp(mu + sigma * z), label
        if len(rows):
            row = rows[int(noise.drawn)]
            return self.data.positive()[row] * np.exp(top * z), int(self.data.labels[row])
        label = self.drawn(noise.drawn) if label is None else label
        if settings.start == "class-average":
            return self.averages()[label] * np.exp(top * z), label
        if settings.start == "class-average-coded":
            mu, sigma = (part.reshape(-1, *[1] * (z.ndim - 1)) for part in self.fit(settings))
            t = 1 - 1 / (settings.num_steps or LEVELS.get(settings.sampler, 1000))
            moved = np.exp((mu - sigma**2 / 2) * t + sigma * np.sqrt(t) * z)
            return self.averages()[label] * moved, label
        cov = self.data.law.log_covs[label].numpy() + top**2 * np.eye(len(z))
        y = self.data.law.log_means[label].numpy() + sqrtm(cov).real @ z
        return np.exp(y), label
