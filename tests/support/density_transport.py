"""The sign-agnostic sampler's law by transport of its density: slow, plain, for comparison."""

from typing import NamedTuple

import numpy as np

from gbm_ref import GBM, LogNormal, uniform


class Moments(NamedTuple):
    """E log|X|, Var log|X|, E X, E X^2 and P(X < 0)."""

    log_mean: float
    log_var: float
    mean: float
    square: float
    negative: float


def transported(
    target: LogNormal, process: GBM, num_steps: int, nodes: int, depth: float, ito: float = 0.5
) -> Moments:
    """The densities of log|X| on X > 0 and on X < 0, carried forwards by Chapman and Kolmogorov:
    the trapezoidal rule on an even grid of log|X|; ito = 1/2 is the constant in the factor."""
    a, v0, horizon = float(target.log_mean[0]), float(target.log_cov[0, 0]), process.horizon
    centre, total = a + process.log_mean(horizon), v0 + process.log_var(horizon)
    low, high = min(a, centre) - depth, max(a, centre) + 9.0 * np.sqrt(total)
    y = np.linspace(low, high, nodes)
    gap = y[1] - y[0]
    positive = np.exp(-((y - centre) ** 2) / (2 * total)) / np.sqrt(2 * np.pi * total)
    negative = np.zeros_like(y)
    ratio = np.exp(y[:, None] - y)
    for row in uniform(num_steps, horizon):
        dm, dv = process.increments(row.t_score, row.dt)
        middle, var = a + process.log_mean(row.t_score), v0 + process.log_var(row.t_score)
        b = 1.0 - dm + ito * dv - dv * (y - middle) / var
        scale = gap * ratio / np.sqrt(2 * np.pi * dv)
        same = scale * np.exp(-((ratio - b) ** 2) / (2 * dv))
        other = scale * np.exp(-((ratio + b) ** 2) / (2 * dv))
        positive, negative = same @ positive + other @ negative, same @ negative + other @ positive
    both = gap * (positive + negative)
    log_mean = float(both @ y)
    return Moments(
        log_mean,
        float(both @ (y - log_mean) ** 2),
        gap * float((positive - negative) @ np.exp(y)),
        float(both @ np.exp(2 * y)),
        gap * float(negative.sum()),
    )
