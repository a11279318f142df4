"""The forward process between any two times: kernel, bridge and two times at once (torch).

For times r <= s <= t, with dm and dv the increments of m and v (claims A6, R17):

    kernel     log X_t | X_s       ~ N(log x_s + dm(s, t), dv(s, t) I)
    bridge     log X_s | X_r, X_t  ~ N((b (log x_r + dm(r, s)) + a (log x_t - dm(s, t))) / (a + b),
                                       a b / (a + b) I),       a = dv(r, s), b = dv(s, t)
    two times  (log X_s, log X_t)  ~ N((a_0 + m(s), a_0 + m(t)), [[C_s, C_s], [C_s, C_t]])

with a_0 and S_0 of a component of the data law and C_t = S_0 + v(t) I. `CoordinateGBM` has m and v
of its own for each coordinate. States are positive, (d,) for a law and (batch, *event) for draws;
times are numbers or 0-d, for draws also (batch,). All raise ValueError for another shape, times
out of order or outside [0, horizon], and a bridge between equal times.
"""

import torch
from torch import Tensor

from gbm_fast.checks import has_values, like, require_positive
from gbm_fast.process import CoordinateGBM, Process, Time
from gbm_fast.process.coordinates import fits, increments, log_means, log_vars
from gbm_fast.process.times import time_in_range
from gbm_fast.shapes import schedule_like, times_exp
from gbm_fast.targets import LogNormal, LogNormalMixture, Target
from gbm_fast.targets.components import components


def kernel_law(x_s: Tensor, process: Process, s: Time, t: Time) -> LogNormal:
    """The law of X_t given X_s = x_s (d,), s <= t; a point mass at s = t."""
    y = _state(x_s, process, "x_s").log()
    dm, dv = (_of_event(part, y) for part in _between(process, s, t))
    return LogNormal(y + dm, dv.expand(y.shape))


def kernel_sample(x_s: Tensor, process: Process, s: Time, t: Time, z: Tensor) -> Tensor:
    """X_t = x_s exp(dm + sqrt(dv) z), of the shape of x_s and of the normal draws z."""
    require_positive(x_s, "x_s")
    draws = like(x_s, z, "z")
    dm, dv = (schedule_like(part, x_s) for part in _between(process, s, t))
    return times_exp(x_s, dm + dv.sqrt() * draws)


def bridge_law(x_r: Tensor, x_t: Tensor, process: Process, r: Time, s: Time, t: Time) -> LogNormal:
    """The law of X_s given X_r = x_r and X_t = x_t, both (d,), for r <= s <= t and r < t.

    With r = 0 the law between data and noise; a point mass at s = r and s = t.
    """
    before, after = _state(x_r, process, "x_r"), _state(x_t, process, "x_t")
    mean, var = _bridge(before[None], after[None], process, (r, s, t))
    return LogNormal(mean[0], var.reshape(-1).expand(before.shape))


def bridge_sample(
    x_r: Tensor, x_t: Tensor, process: Process, r: Time, s: Time, t: Time, z: Tensor
) -> Tensor:
    """A draw of the bridge for each pair of states, from normal draws z of their shape."""
    require_positive(x_r, "x_r")
    require_positive(x_t, "x_t")
    draws = like(x_r, z, "z")
    mean, var = _bridge(x_r, x_t, process, (r, s, t))
    return (mean + var.sqrt() * draws).exp()


def two_time_law(
    target: Target, process: Process, s: Time, t: Time
) -> LogNormal | LogNormalMixture:
    """The law of (X_s, X_t) in 2 d coordinates, those of X_s first, for s <= t.

    A `LogNormal` for log-normal data, otherwise a `LogNormalMixture`; `marginal` has its parts.

    target  a `LogNormal`, a `LogNormalMixture` or `PointMasses`
    """
    _between(process, s, t)
    parts = components(target)
    fits(process, target.d, "this law")
    covs = parts.covariances().expand(len(parts.weights), -1, -1)
    eye = torch.eye(target.d, dtype=covs.dtype, device=covs.device)
    first, second = (covs + _of_event(log_vars(process, time), covs) * eye for time in (s, t))
    means = [parts.means + _of_event(log_means(process, time), covs) for time in (s, t)]
    joint = torch.cat([torch.cat([first, first], -1), torch.cat([first, second], -1)], -2)
    both = torch.cat(means, -1)
    if isinstance(target, LogNormal):
        return LogNormal(both[0], joint[0])
    return LogNormalMixture(parts.weights, both, joint)


def _of_event(part: Tensor, like: Tensor) -> Tensor:
    """A schedule of one time, 0-d or (1, d), as 0-d or (d,) in the dtype of a state."""
    if part.ndim == 1 or (part.ndim == 2 and len(part) != 1):
        raise ValueError(f"a law is that of one time, got times of shape {tuple(part.shape[:1])}.")
    return (part[0] if part.ndim == 2 else part).to(like)


def _between(process: Process, s: Time, t: Time) -> tuple[Tensor, Tensor]:
    """The increments of m and v from s to t, of the shape of the times or (1 or batch, d)."""
    early, late = (time_in_range(time, process.horizon) for time in (s, t))
    early = early.to(late.device) if early.ndim == 0 else early
    length = late - early
    if has_values(length) and not bool((length >= 0).all()):
        raise ValueError(f"times must be in order, got {s} before {t}.")
    late = late.expand(length.shape)
    if isinstance(process, CoordinateGBM) and length.ndim == 0:
        return increments(process, late, length)
    if isinstance(process, CoordinateGBM):
        return process.increments_of_each(late, length)
    return process.increments(late, length)


def _bridge(
    before: Tensor, after: Tensor, process: Process, times: tuple[Time, Time, Time]
) -> tuple[Tensor, Tensor]:
    """Mean and variance of log X_s, of the shape of the states or to broadcast with it."""
    r, s, t = times
    y_r, y_t = before.log(), like(before, after, "x_t").log()
    parts = (*_between(process, r, s), *_between(process, s, t))
    up, a, rest, b = (schedule_like(part, before) for part in parts)
    whole = a + b
    if has_values(whole) and not bool((whole > 0).all()):
        raise ValueError(f"a bridge needs two different times, got r = {r} and t = {t}.")
    # The products b * log x and a * b may leave the range of the dtype where the quotients do not.
    mean = b / whole * (y_r + up) + a / whole * (y_t - rest)
    return mean, torch.minimum(a, b) * (torch.maximum(a, b) / whole)


def _state(x: Tensor, process: Process, name: str) -> Tensor:
    require_positive(x, name)
    if x.ndim != 1 or x.numel() == 0:
        raise ValueError(f"{name} must have shape (d,), got {tuple(x.shape)}.")
    fits(process, len(x), name)
    return x
