"""Geometric Brownian motions, described by their effect on log X.

    dX = mu(t) X dt + sigma(t) X dW                       (Ito; eq. (5) of version 2; claim A5)
    log X_t | X_0  ~  N(log X_0 + m(t), v(t) I)           (eq. (6) of version 2; claim A6)

Symbols
    mu(t)     drift rate of X                 `drift`
    sigma(t)  diffusion rate of X, > 0        `diffusion`
    m(t)      integral over [0, t] of mu - sigma^2 / 2          `log_mean`
    v(t)      integral over [0, t] of sigma^2                   `log_var`
    T         the last time, where the noise is strongest       `horizon`

Time runs from t = 0 (data) to t = T (noise) and has no unit. Every `t` is one number in [0, T],
a step from t has 0 <= dt <= t, and a log-variance v lies in [0, v(T)]; a `ValueError` says so
otherwise. Beyond either end 1e-12 of the range is forgiven as rounding. The rest of this package
uses only m, v and their increments, so each process works with each target, step and grid. The
rates of `CoordinateGBM` differ by coordinate; what needs one number for all of them refuses it.
"""

from gbm_ref.process.base import Process
from gbm_ref.process.constant import GBM
from gbm_ref.process.coordinates import CoordinateGBM
from gbm_ref.process.exploding import VarianceExploding
from gbm_ref.process.piecewise import PiecewiseGBM
from gbm_ref.process.varying import TimeVaryingGBM

__all__ = [
    "GBM",
    "CoordinateGBM",
    "PiecewiseGBM",
    "Process",
    "TimeVaryingGBM",
    "VarianceExploding",
]
