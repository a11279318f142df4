"""Geometric Brownian motions, described by their effect on log X (torch).

    dX = mu(t) X dt + sigma(t) X dW                       (Ito; eq. (5) of version 2; claim A5)
    log X_t | X_0  ~  N(log X_0 + m(t), v(t) I)           (eq. (6) of version 2; claim A6)

Symbols
    mu(t)     drift rate of X                                   `drift`
    sigma(t)  diffusion rate of X, > 0                          `diffusion`
    m(t)      integral over [0, t] of mu - sigma^2 / 2          `log_mean`
    v(t)      integral over [0, t] of sigma^2                   `log_var`
    T         the last time, where the noise is strongest       `horizon`

A time is a number, or a tensor: 0-d, or (batch,) for one time a sample. Schedules are computed in
float64 on the device of `t` (the CPU for a number) and returned so; `shapes.schedule_like` casts
them to a state. Times outside [0, T], and steps that leave it, raise ValueError. The rates of
`CoordinateGBM` differ by coordinate; what needs one number for all of them refuses it.
"""

from gbm_fast.process.base import Process
from gbm_fast.process.constant import GBM
from gbm_fast.process.coordinates import CoordinateGBM
from gbm_fast.process.exploding import VarianceExploding
from gbm_fast.process.piecewise import PiecewiseGBM
from gbm_fast.process.times import Time
from gbm_fast.process.varying import TimeVaryingGBM

__all__ = [
    "GBM",
    "CoordinateGBM",
    "PiecewiseGBM",
    "Process",
    "Time",
    "TimeVaryingGBM",
    "VarianceExploding",
]
