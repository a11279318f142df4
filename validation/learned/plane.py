"""Two dimensions: errors by quadrature on a tensor grid of log x, and projections of samples.

A sample's projection u . log X on a direction u has an exact distribution function under the data,
a mixture of normals. Its distance from that of the model is at most their total variation, so by
Pinsker's inequality at most sqrt(KL / 2): the bound on KL of the package docstring limits what any
projection may show.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

import gbm_ref
from validation.learned.networks import LogScore
from validation.learned.problems import Array, oracle, process

_REACH, _SPACING, _DIRECTIONS = 8.0, 0.09, 32


@dataclass(frozen=True, eq=False)
class Plane:
    """A law in the plane, its diffusion at t_k = k / N, and what does not depend on a network."""

    law: str
    num_steps: int
    levels: tuple[int, ...]
    """The k at which errors are taken, from 1 to N; between them they are interpolated."""

    @cached_property
    def target(self) -> gbm_ref.LogNormalMixture:
        """The law of the data."""
        return oracle(self.law)

    @property
    def dv(self) -> float:
        """The log-variance of a step."""
        return process().log_var(1.0) / self.num_steps

    def _grid(self, k: int) -> tuple[Array, float]:
        """Nodes y (G, 2) that hold q at t_k, and the area of a cell.

        The spacing is a fraction of the narrowest deviation of the law at t_k.
        """
        law = self.target.diffuse(process(), k / self.num_steps)
        variances = np.linalg.eigvalsh(law.log_covs)
        spacing = max(_SPACING, 0.5 * math.sqrt(float(variances.min())))
        stds = np.sqrt(law.log_covs.diagonal(axis1=1, axis2=2))
        low = (law.log_means - _REACH * stds).min(0)
        high = (law.log_means + _REACH * stds).max(0)
        axes = [np.arange(a, b, spacing) for a, b in zip(low, high, strict=True)]
        nodes = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
        return nodes, spacing**2

    def weighted(self, k: int) -> tuple[Array, Array, Array]:
        """Nodes y (G, 2) with q(y) times the area (G,), and the exact s there (G, 2), at t_k."""
        law = self.target.diffuse(process(), k / self.num_steps)
        y, area = self._grid(k)
        x = np.exp(y)
        weights = np.exp(law.logpdf(x) + y.sum(1)) * area
        kept = weights > 1e-14
        return y[kept], weights[kept], law.log_score(x[kept])

    @cached_property
    def nodes(self) -> list[tuple[Array, Array, Array]]:
        """`weighted` at each of the levels."""
        return [self.weighted(k) for k in self.levels]

    def errors(self, model: LogScore) -> Array:
        """E_{p_t} |h_model - h|^2 at the levels: (levels,)."""
        found = [
            float(weights @ ((model(y, k / self.num_steps) - s) ** 2).sum(1))
            for k, (y, weights, s) in zip(self.levels, self.nodes, strict=True)
        ]
        return np.array(found)

    @cached_property
    def information(self) -> Array:
        """I(q) at the levels: (levels,)."""
        return np.array([float(weights @ (s**2).sum(1)) for _, weights, s in self.nodes])

    def sum_over_steps(self, values: Array) -> float:
        """sum over k = 1 .. N of values at the levels, interpolated linearly in log k."""
        steps = np.arange(1, self.num_steps + 1)
        return float(np.interp(np.log(steps), np.log(self.levels), values).sum())

    @cached_property
    def discretisation(self) -> float:
        """D_N of the package docstring, with I(q) at every step."""
        information = 0.0
        for k in range(1, self.num_steps + 1):
            _, weights, s = self.weighted(k)
            information += float(weights @ (s**2).sum(1))
        ends = self._entropy(self.num_steps) - self._entropy(0)
        return ends - 0.5 * self.dv * information

    def _entropy(self, k: int) -> float:
        _, area = self._grid(k)
        _, weights, _ = self.weighted(k)
        return -float(weights @ np.log(weights / area))

    @cached_property
    def start(self) -> gbm_ref.Gaussian:
        """The law of log x that the sampler starts from: that of the moments at t = 1."""
        return gbm_ref.log_moments(self.target.diffuse(process(), 1.0))

    @cached_property
    def start_divergence(self) -> float:
        """KL(p_1 || start) in nats."""
        y, weights, _ = self.weighted(self.num_steps)
        _, area = self._grid(self.num_steps)
        return float(weights @ (np.log(weights / area) - _log_normal(y, self.start)))

    def distances(self, samples: Array) -> Array:
        """sup |F_n - F| of log samples (n, 2) and the data, along 32 directions: (32,)."""
        angles = np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
        directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        return np.array([self._distance(samples @ u, u) for u in directions])

    def _distance(self, projected: Array, direction: Array) -> float:
        ordered = np.sort(projected)
        means = self.target.log_means @ direction
        stds = np.sqrt(np.einsum("i,jik,k->j", direction, self.target.log_covs, direction))
        levels = special.ndtr((ordered[:, None] - means) / stds) @ self.target.weights
        steps = np.arange(ordered.size + 1) / ordered.size
        return float(max((levels - steps[:-1]).max(), (steps[1:] - levels).max()))


def _log_normal(y: Array, law: gbm_ref.Gaussian) -> Array:
    """The log density of a normal law at y (G, d)."""
    residual = y - law.mean
    square = np.einsum("gi,ij,gj->g", residual, np.linalg.inv(law.cov), residual)
    _, log_det = np.linalg.slogdet(2.0 * np.pi * law.cov)
    return -0.5 * (square + log_det)
