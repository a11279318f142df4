"""One dimension: everything by quadrature on one grid of y = log x, the sampler's law too.

The trapezoidal rule converges faster than any power for functions that decay like Gaussians: with
a spacing of half the deviation sqrt(dv) of a step its error for one step is below e^-70.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

import gbm_ref
from validation.learned.networks import LogScore
from validation.learned.problems import Array, oracle, process

_REACH, _BAND = 9.0, 9.0
_NEGLIGIBLE = 1e-18


@dataclass(frozen=True, eq=False)
class Line:
    """A law on the line, its diffusion at t_k = k / N, and what does not depend on a network."""

    law: str
    num_steps: int

    @cached_property
    def target(self) -> gbm_ref.LogNormalMixture:
        """The law of the data."""
        return oracle(self.law)

    @property
    def dv(self) -> float:
        """The log-variance of a step."""
        return process().log_var(1.0) / self.num_steps

    @property
    def spacing(self) -> float:
        """Of the grid; for long steps a fraction of the data's width."""
        narrowest = math.sqrt(float(self.target.log_covs.min()))
        return min(0.5 * math.sqrt(self.dv), 0.1 * narrowest)

    @cached_property
    def y(self) -> Array:
        """The grid (G,)."""
        final = self.target.diffuse(process(), 1.0)
        means, stds = final.log_means[:, 0], np.sqrt(final.log_covs[:, 0, 0])
        low, high = (means - _REACH * stds).min(), (means + _REACH * stds).max()
        return np.arange(low, high, self.spacing)

    def density(self, k: int) -> Array:
        """q at t_k on the grid."""
        law = self.target.diffuse(process(), k / self.num_steps)
        return np.exp(law.logpdf(np.exp(self.y)[:, None]) + self.y)

    def score(self, k: int) -> Array:
        """s at t_k on the grid."""
        law = self.target.diffuse(process(), k / self.num_steps)
        return law.log_score(np.exp(self.y)[:, None])[:, 0]

    def integral(self, values: Array) -> float:
        """The integral of values on the grid."""
        return float(values.sum() * self.spacing)

    @cached_property
    def densities(self) -> Array:
        """q at t_0 .. t_N: (N + 1, G)."""
        return np.stack([self.density(k) for k in range(self.num_steps + 1)])

    @cached_property
    def scores(self) -> Array:
        """s at t_1 .. t_N: (N, G)."""
        return np.stack([self.score(k) for k in range(1, self.num_steps + 1)])

    @cached_property
    def information(self) -> Array:
        """I(q) at t_1 .. t_N: (N,)."""
        return (self.densities[1:] * self.scores**2).sum(1) * self.spacing

    @cached_property
    def discretisation(self) -> float:
        """D_N of the package docstring."""
        ends = self._entropy(self.densities[-1]) - self._entropy(self.densities[0])
        return ends - 0.5 * self.dv * float(self.information.sum())

    def _entropy(self, q: Array) -> float:
        safe = np.where(q > 0.0, q, 1.0)
        return -self.integral(q * np.log(safe))

    @cached_property
    def start(self) -> gbm_ref.Gaussian:
        """The law of log x that the sampler starts from: that of the moments at t = 1."""
        return gbm_ref.log_moments(self.target.diffuse(process(), 1.0))

    @cached_property
    def start_density(self) -> Array:
        """Its density on the grid."""
        variance = float(self.start.cov[0, 0])
        return normal(self.y - float(self.start.mean[0]), variance)

    def learned(self, model: LogScore) -> Array:
        """s_model at t_1 .. t_N: (N, G)."""
        column = self.y[:, None]
        times = np.arange(1, self.num_steps + 1) / self.num_steps
        return np.stack([model(column, float(t))[:, 0] for t in times])

    def errors(self, learned: Array) -> Array:
        """E_{p_t} |h_model - h|^2 at t_1 .. t_N: (N,)."""
        return (self.densities[1:] * (learned - self.scores) ** 2).sum(1) * self.spacing

    def transport(self, learned: Array) -> Array:
        """The density of log x_0 of the Dale-Langevin chain with these scores, on the grid."""
        return _last(self.path(learned))

    def path(self, learned: Array) -> Iterator[Array]:
        """The densities after each step of the chain, started from `start_density`."""
        p = self.start_density
        for scores in learned[::-1]:
            p = self._step(p, self.y + self.dv * scores)
            yield p

    def _step(self, p: Array, mean: Array) -> Array:
        """The density of N(mean(y), dv) when y has the density p."""
        reach = math.ceil(_BAND * math.sqrt(self.dv) / self.spacing)
        nodes = np.round((mean - self.y[0]) / self.spacing)[:, None] + np.arange(-reach, reach + 1)
        kernel = normal(self.y[0] + nodes * self.spacing - mean[:, None], self.dv)
        flow = kernel * (p * self.spacing)[:, None]
        inside = (nodes >= 0) & (nodes < self.y.size)
        return np.bincount(nodes[inside].astype(int), flow[inside], minlength=self.y.size)

    def divergence(self, p: Array, k: int = 0) -> float:
        """KL(q_{t_k} || p) in nats for a density p on the grid."""
        q = self.densities[k]
        there = q * self.spacing > _NEGLIGIBLE
        with np.errstate(divide="ignore"):
            return self.integral(q[there] * (np.log(q[there]) - np.log(p[there])))


def normal(deviation: Array, variance: float) -> Array:
    """The density of N(0, variance)."""
    return np.exp(-0.5 * deviation**2 / variance) / math.sqrt(2.0 * math.pi * variance)


def _last(densities: Iterator[Array]) -> Array:
    for density in densities:
        last = density
    return last
