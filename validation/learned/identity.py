"""The loss of a network is its floor plus half its error: claim R4b, Theorem 4.1 of version 2.

    M-DSM(t) = C(t) + M-ESM(t),   C(t) = (d / v - I(q_t)) / 2,   M-ESM(t) = E |h_model - h|^2 / 2

M-DSM is the loss that is trained, an average over X_0 and the noise z, and knows no exact score.
On the line it is taken by quadrature over (log X_0, z), so that the two sides share no nodes; in
the plane over random draws, whose standard error is stated.
"""

import math
from typing import NamedTuple

import numpy as np

import gbm_ref
from validation.learned.line import Line, normal
from validation.learned.networks import LogScore
from validation.learned.plane import Plane
from validation.learned.problems import Array, process

_NOISE = np.arange(-9.0, 9.0, 0.18)


class Losses(NamedTuple):
    """The two sides at one time, and the standard error of their difference (0: quadrature)."""

    k: int
    denoising: float
    floor: float
    explicit: float
    standard_error: float

    @property
    def gap(self) -> float:
        """M-DSM - C - M-ESM: 0 where the identity holds."""
        return self.denoising - self.floor - self.explicit


def conditional_score(z: Array, v: float) -> Array:
    """The target of M-DSM as a log score: 1 + h(x | x_0) = -z / sqrt(v); claims A16, R4."""
    return -z / math.sqrt(v)


def on_the_line(line: Line, model: LogScore, errors: Array, k: int) -> Losses:
    """Both sides at t_k, M-DSM by quadrature over (log X_0, z)."""
    v = k * line.dv
    y0, weights = line.y, line.densities[0] * line.spacing
    kept = weights > 1e-16
    y0, weights = y0[kept], weights[kept]
    z_weights = normal(_NOISE, 1.0) * (_NOISE[1] - _NOISE[0])
    y = (y0[:, None] + math.sqrt(v) * _NOISE).reshape(-1, 1)
    learned = model(y, k / line.num_steps).reshape(y0.size, _NOISE.size)
    squares = (conditional_score(_NOISE, v) - learned) ** 2
    denoising = 0.5 * float(weights @ squares @ z_weights)
    floor = 0.5 * (1.0 / v - float(line.information[k - 1]))
    return Losses(k, denoising, floor, 0.5 * float(errors[k - 1]), 0.0)


def in_the_plane(
    plane: Plane, model: LogScore, errors: Array, index: int, draws: int, seed: int
) -> Losses:
    """Both sides at one of the levels; M-DSM from draws.

    The average is taken of what the loss and the error of one draw differ by, to which the error
    by quadrature is added: where the network is good this has a small standard error.
    """
    k = plane.levels[index]
    t, v = k / plane.num_steps, k * plane.dv
    rng = np.random.default_rng([seed, k])
    x0 = plane.target.rvs(draws, rng)
    z = rng.standard_normal(x0.shape)
    y = np.log(x0) + math.sqrt(v) * z
    target, learned = conditional_score(z, v), model(y, t)
    exact = gbm_ref.exact_score(plane.target, process())(np.exp(y), t) + 1.0
    halves = 0.5 * ((target - learned) ** 2).sum(1)
    explicit = 0.5 * ((exact - learned) ** 2).sum(1)
    floor = 0.5 * (2.0 / v - float(plane.information[index]))
    error = 0.5 * float(errors[index])
    spread = float(np.std(halves - explicit, ddof=1)) / math.sqrt(draws)
    denoising = float(np.mean(halves - explicit)) + error
    return Losses(k, denoising, floor, error, spread)
