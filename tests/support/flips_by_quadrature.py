"""Moments of log |X_0| of the sign-agnostic sampler by nested sums over the start and each draw.

No interpolation between rows: a rule that crowds where the factor b + s z is 0, z = -b / s +-
exp(tau - exp(-tau)), in every variable, for one row or two. With a coarser rule beside it."""

import numpy as np

from gbm_ref import Gaussian, Grid, LogNormal, Process

Pair = tuple[float, float]
REACH = 10.0


def log_moments(
    target: LogNormal, process: Process, grid: Grid, start: Gaussian, nodes: int
) -> Pair:
    """Mean and variance."""
    rows = _rows(target, process, grid)
    mean = _over_the_start(rows, start, nodes, 0.0, 1)
    return mean, _over_the_start(rows, start, nodes, mean, 2)


def _rows(target: LogNormal, process: Process, grid: Grid) -> list[np.ndarray]:
    """(b at y = 0, slope, spread) of each row."""
    rows = []
    for t, dt, noise in grid:
        dm, dv = process.increments(t, dt)
        slope = dv / (target.log_cov[0, 0] + process.log_var(t))
        at_zero = 1 - dm + dv / 2 + slope * (target.log_mean[0] + process.log_mean(t))
        rows.append(np.array([at_zero, slope, noise * np.sqrt(dv)]))
    return rows


def _over_the_start(
    rows: list[np.ndarray], start: Gaussian, nodes: int, centre: float, power: int
) -> float:
    std, (at_zero, slope, spread) = np.sqrt(start.cov[0, 0]), rows[0]
    if std == 0.0:
        return float(_carried(rows, start.mean, nodes, centre, power)[0])
    kink = np.array([(at_zero / slope - start.mean[0]) / std])
    middle, offset, weights = _nodes(kink, nodes)
    y = start.mean[0] + std * (middle[:, None] + offset)
    if spread == 0.0 and abs(kink[0]) < REACH:
        y = y + np.log(np.abs(slope * std * offset))
        rows = rows[1:]
    return float(np.sum(weights * _carried(rows, y, nodes, centre, power)))


def _carried(
    rows: list[np.ndarray], y: np.ndarray, nodes: int, centre: float, power: int
) -> np.ndarray:
    if not rows:
        return (y - centre) ** power
    at_zero, slope, spread = rows[0]
    b = at_zero - slope * y
    if spread == 0.0:
        return _carried(rows[1:], y + np.log(np.abs(b)), nodes, centre, power)
    middle, offset, weights = _nodes(-b / spread, nodes)
    near = np.abs(b / spread)[..., None] < REACH
    size = np.abs(np.where(near, spread * offset, b[..., None] + spread * offset))
    after = _carried(rows[1:], y[..., None] + np.log(size), nodes, centre, power)
    return np.sum(weights * after, axis=-1)


def _nodes(kink: np.ndarray, nodes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Middle, offsets from it and weights with the normal density in them."""
    tau = np.linspace(-3.9, 3.1, nodes)
    one_side = np.exp(tau - np.exp(-tau))
    weight = (tau[1] - tau[0]) * one_side * (1 + np.exp(-tau))
    even = np.linspace(-REACH, REACH, 2 * nodes)
    near = np.abs(kink)[..., None] < REACH
    middle = np.where(near[..., 0], kink, 0.0)
    offset = np.where(near, np.concatenate([-one_side, one_side]), even)
    weights = np.where(near, np.concatenate([weight, weight]), even[1] - even[0])
    z = middle[..., None] + offset
    return middle, offset, weights * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
