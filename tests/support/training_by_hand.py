"""A training written out from the documentation in NumPy, float64: times, kernel, loss, AdamW,
averages. Of gbm_fast it calls the network; the settings it knows by name."""

import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import sqrtm
from scipy.special import ndtr, ndtri
from torch import nn

import gbm_fast as gbm
from tests.support.batch_noise import batch_noise, dropout_masks, epoch_order, law_noise

Array = NDArray[np.float64]


@dataclass
class HandData:
    """What is learned: images as files have them, or a law; and the moments of all logarithms."""

    images: np.ndarray | None
    labels: np.ndarray | None
    max_value: int = 0
    law: gbm.LogNormalMixture | None = None

    def events(self, seed: int, step: int, count: int) -> tuple[Array, np.ndarray]:
        """Batch `step`: positive events and their labels."""
        if self.images is None:
            return law_draws(self.law, *law_noise(seed, step, count, self.law.d))
        total = len(self.images)
        places = [divmod(step * count + i, total) for i in range(count)]
        rows = [epoch_order(seed, epoch, total)[place] for epoch, place in places]
        return self.positive()[rows], self.labels[rows]

    def positive(self) -> Array:
        """x = 1 + u / max_value, rounded to float32."""
        levels = self.images.astype(np.float32) / np.float32(self.max_value)
        return (np.float32(1) + levels).astype(np.float64)

    @cached_property
    def moments(self) -> tuple[float, float]:
        """Mean and deviation of all logarithms together."""
        if self.images is not None:
            logs = np.log(self.positive())
            return float(logs.mean()), float(logs.std(ddof=1))
        weights, means, covs = (
            part.numpy() for part in (self.law.weights, self.law.log_means, self.law.log_covs)
        )
        rows = [(w, m, c) for w, m, c in zip(weights, means, covs, strict=True)]
        d = means.shape[1]
        first = sum(w * m[i] / d for w, m, _ in rows for i in range(d))
        second = sum(w * (m[i] ** 2 + c[i, i]) / d for w, m, c in rows for i in range(d))
        return float(first), math.sqrt(second - first**2)


def law_draws(
    law: gbm.LogNormalMixture, uniform: Array, z: np.ndarray
) -> tuple[Array, np.ndarray]:
    """exp(a + S^(1/2) z) of the component that each uniform number picks, and the components."""
    weights, means, covs = (p.numpy() for p in (law.weights, law.log_means, law.log_covs))
    labels = np.array([sum(u >= edge for edge in np.cumsum(weights)[:-1]) for u in uniform])
    roots = [sqrtm(cov).real for cov in covs]
    x = [means[k] + roots[k] @ row for k, row in zip(labels, z.astype(np.float64), strict=True)]
    return np.exp(x), labels


def log_vars(config: gbm.TrainConfig, spread: float) -> Callable[[Array], Array]:
    """From uniform numbers to v(t) at the training times."""
    constant = config.process == "constant"
    steps, sigma, least, most = config.num_steps, config.sigma, config.std_min, config.std_max
    low, high = (sigma / math.sqrt(steps), sigma) if constant else (least, most)
    if config.times == "uniform":

        def uniform(r: Array) -> Array:
            t = (np.floor(r * (steps - (config.target_level == "next"))) + 1) / steps
            grown = least**2 * (np.exp(t * np.log(1 + (most / least) ** 2)) - 1)
            return sigma**2 * t if constant else grown

        return uniform
    if config.times == "log-uniform":
        return lambda r: (low ** (1 - r) * high**r) ** 2
    centre, deviation = math.log(0.7 * spread), 1.6
    ends = [ndtr((math.log(std) - centre) / deviation) for std in (low, high)]
    return lambda r: np.exp(2 * (centre + deviation * ndtri(ends[0] + r * (ends[1] - ends[0]))))


def weight(config: gbm.TrainConfig, v: Array, spread: float) -> Array:
    """lambda(v) of the loss."""
    wanted = {"none": np.ones_like(v), "variance": v, "preconditioned": v + v**2 / spread**2}
    return (wanted | {"squared-variance": v * v})[config.weighting]


def later(config: gbm.TrainConfig, v: Array) -> Array:
    """v at the level of the target: that of the data, or the next one of N."""
    return v + config.sigma**2 / config.num_steps if config.target_level == "next" else v


def importance(config: gbm.TrainConfig, uniform: Array, spread: float) -> tuple[Array, Array]:
    """The numbers r of density q on [0, 1), and 1 / q: q is constant on N cells, nine tenths of it
    in proportion to lambda s^2 / (v (v + s^2)) at their centres, a tenth even."""
    steps = config.num_steps
    v = log_vars(config, spread)((np.arange(steps) + 0.5) / steps)
    expected = weight(config, v, spread) * spread**2 / (v * (v + spread**2))
    shares = 0.9 * expected / expected.sum() + 0.1 / steps
    r, weights = [], []
    for u in uniform:
        cell, below = 0, 0.0
        while cell < steps - 1 and below + shares[cell] <= u:
            below += shares[cell]
            cell += 1
        r.append((cell + (u - below) / shares[cell]) / steps)
        weights.append(1 / (steps * shares[cell]))
    return np.array(r), np.array(weights)


def score(config: gbm.TrainConfig, u: Array, v: Array, mean: float, spread: float) -> tuple:
    """(h at a network output of 0, dh / dF), both linear in F, at u = log x - m."""
    root = np.sqrt(v)
    if config.parameterisation == "stein":
        return np.zeros_like(u), np.exp(u)
    if config.parameterisation == "hyvarinen":
        return np.zeros_like(u), np.ones_like(u)
    if config.parameterisation == "noise":
        return -np.ones_like(u), -1 / root + 0 * u
    best = mean + spread**2 * (u - mean) / (v + spread**2)
    slope = root * spread * np.sqrt(v + spread**2) / (v + spread**2)
    return -1 + (best - u) / v, slope / v + 0 * u


@dataclass
class AdamW:
    """Loshchilov and Hutter's Algorithm 2 with the constants that PyTorch documents."""

    decay: float
    steps: int = 0
    first: list[Array] = field(default_factory=list)
    second: list[Array] = field(default_factory=list)

    def step(self, weights: list[Array], gradients: list[Array], rate: float) -> list[Array]:
        """The weights after one step."""
        self.steps += 1
        self.first = self.first or [np.zeros_like(g) for g in gradients]
        self.second = self.second or [np.zeros_like(g) for g in gradients]
        moved = []
        for i, (w, g) in enumerate(zip(weights, gradients, strict=True)):
            self.first[i] = 0.9 * self.first[i] + 0.1 * g
            self.second[i] = 0.999 * self.second[i] + 0.001 * g**2
            m = self.first[i] / (1 - 0.9**self.steps)
            v = self.second[i] / (1 - 0.999**self.steps)
            moved.append(w - rate * self.decay * w - rate * m / (np.sqrt(v) + 1e-8))
        return moved


class HandTraining:
    """A training in float64. `network` holds the weights that it begins with, and is called."""

    def __init__(self, config: gbm.TrainConfig, data: HandData, network: nn.Module) -> None:
        self.config, self.data, self.network = config, data, network.double().train()
        self.adam, self.averaged, self.count = AdamW(config.weight_decay), [], 0
        self.losses: list[float] = []
        self.norms: list[float] = []
        self.shown: list[Array] = []
        self.least = math.inf

    @property
    def parameters(self) -> list[nn.Parameter]:
        return [p for p in self.network.parameters() if p.requires_grad]

    @property
    def weights(self) -> list[Array]:
        return [p.detach().numpy().copy() for p in self.parameters]

    def _forward(self, step: int) -> Iterator[tuple[np.ndarray, Array]]:
        """The losses a pixel of each round of a step, whose gradients the weights get."""
        config, (mean, spread) = self.config, self.data.moments
        size = config.batch_size
        x0, labels = self.data.events(config.seed, step, size)
        noise = batch_noise(config.seed, step, size, x0.shape[1:])
        r, shares = noise.uniform, np.ones(size)
        if config.importance:
            r, shares = importance(config, r, spread)
        v = log_vars(config, spread)(r).reshape(-1, *[1] * (x0.ndim - 1))
        at_target = later(config, v)
        shares = (shares * weight(config, at_target, spread).ravel()).reshape(v.shape)
        z = noise.z.astype(np.float64)
        u = np.log(x0) + np.sqrt(v) * z
        inputs, condition = (u - mean) / np.sqrt(v + spread**2), np.log(v.ravel()) / 4
        at_zero, slope = score(config, u, v, mean, spread)
        pixels, rows = x0[0].size, config.micro_batch or size
        for first in range(0, size, rows):
            part = slice(first, first + rows)
            told = (torch.from_numpy(labels[part]),) if config.class_conditional else ()
            with dropout_masks(config.seed, step, first) if config.dropout else nullcontext():
                output = self.network(
                    torch.from_numpy(inputs[part]), torch.from_numpy(condition[part]), *told
                )
            h = at_zero[part] + slope[part] * output.detach().numpy()
            gap = h - (-1 - np.sqrt(v[part]) * z[part] / at_target[part])
            output.backward(torch.from_numpy(shares[part] * gap * slope[part] / (size * pixels)))
            yield (shares[part] * gap**2 / 2).reshape(len(gap), -1).mean(1)

    def step(self) -> None:
        """One step."""
        config, step = self.config, len(self.losses)
        self.network.zero_grad()
        self.losses.append(float(np.concatenate(list(self._forward(step))).mean()))
        gradients = [
            np.zeros(p.shape) if p.grad is None else p.grad.numpy().copy() for p in self.parameters
        ]
        norm = math.sqrt(sum(float((g**2).sum()) for g in gradients))
        self.norms.append(norm)
        # PyTorch adds 1e-6 to the norm that it divides by.
        factor = min(1.0, config.clip_norm / (norm + 1e-6))
        rate = config.learning_rate
        if step + 1 < config.warmup_steps:
            rate *= (step + 1) / config.warmup_steps
        moved = self.adam.step(self.weights, [factor * g for g in gradients], rate)
        for parameter, values in zip(self.parameters, moved, strict=True):
            parameter.data.copy_(torch.from_numpy(values))
        if (step + 1) % config.average_every == 0:
            self._average(moved)
        if (step + 1) % config.checkpoint_every == 0 or step + 1 == config.steps:
            self._checkpoint()

    def _average(self, weights: list[Array]) -> None:
        n = self.count
        kept = min(self.config.ema_decay, (1 + n) / (10 + n)) if n else 0.0
        before = self.averaged or weights
        pairs = zip(before, weights, strict=True)
        self.averaged = [kept * old + (1 - kept) * new for old, new in pairs]
        self.count += 1

    def _checkpoint(self) -> None:
        """The weights for use: the last averaged ones, or those of the least mean loss."""
        window = self.config.checkpoint_every
        mean = math.fsum(self.losses[-window:]) / window
        if len(self.losses) < window or self.config.choose == "last" or mean < self.least:
            self.shown = self.averaged or self.weights
            self.least = mean if len(self.losses) >= window else self.least

    def lines(self) -> list[dict]:
        """stats.jsonl, without the seconds."""
        every, size = self.config.log_every, self.config.batch_size
        return [
            {"step": i + 1, "images": (i + 1) * size, "loss": loss, "gradient_norm": norm}
            for i, (loss, norm) in enumerate(zip(self.losses, self.norms, strict=True))
            if (i + 1) % every == 0
        ]
