"""The forward process between any two times: kernel, bridge and the law of two times at once.

For times r <= s <= t, with dm and dv the increments of m and v (claims A6, R17):

    kernel     log X_t | X_s       ~ N(log x_s + dm(s, t), dv(s, t) I)
    bridge     log X_s | X_r, X_t  ~ N((b (log x_r + dm(r, s)) + a (log x_t - dm(s, t))) / (a + b),
                                       a b / (a + b) I),       a = dv(r, s), b = dv(s, t)
    two times  (log X_s, log X_t)  ~ N((a_0 + m(s), a_0 + m(t)), [[C_s, C_s], [C_s, C_t]])

with a_0 and S_0 of a component of the data law and C_t = S_0 + v(t) I. `CoordinateGBM` has m and v
of its own for each coordinate. States are positive, (d,) for a law and (..., d) for draws; all
raise ValueError for another shape, times out of order or outside [0, horizon], and a bridge
between equal times. Accurate to 8 * 2^-53 * S (accuracy vectors `kernel_log_mean`,
`kernel_log_var`, `kernel_sample`, `bridge_log_mean`, `bridge_log_var`, `bridge_sample`,
`two_time_log_cov`, `two_time_logpdf`).
"""

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.process import Process
from gbm_ref.process.coordinates import fits, increments, log_means, log_vars
from gbm_ref.targets import LogNormal, LogNormalMixture, PointMasses, Target


def kernel_law(x_s: Values, process: Process, s: float, t: float) -> LogNormal:
    """The law of X_t given X_s = x_s (d,), s <= t; a point mass at s = t."""
    y = np.log(_state(x_s, process, "x_s"))
    dm, dv = _between(process, s, t)
    return LogNormal(y + dm, np.broadcast_to(dv, y.shape))


def kernel_sample(x_s: Values, process: Process, s: float, t: float, z: Values) -> Array:
    """X_t = x_s exp(dm + sqrt(dv) z), of the shape (..., d) of x_s and of the normal draws z."""
    x = _checks.positive_array(x_s, "x_s")
    fits(process, x, "x_s")
    noise = _checks.like(z, x, "z", "x_s")
    dm, dv = _between(process, s, t)
    with _checks.quiet():
        return _checks.times_exp(x, dm + np.sqrt(dv) * noise)


def bridge_law(
    x_r: Values, x_t: Values, process: Process, r: float, s: float, t: float
) -> LogNormal:
    """The law of X_s given X_r = x_r and X_t = x_t, both (d,), for r <= s <= t and r < t.

    With r = 0 the law between data and noise; a point mass at s = r and s = t.
    """
    before = _state(x_r, process, "x_r")
    mean, var = _bridge(before, _checks.positive_array(x_t, "x_t"), process, (r, s, t))
    return LogNormal(mean, np.broadcast_to(var, mean.shape))


def bridge_sample(
    x_r: Values, x_t: Values, process: Process, r: float, s: float, t: float, z: Values
) -> Array:
    """A draw of the bridge for each pair of states (..., d), from normal draws z of that shape."""
    before = _checks.positive_array(x_r, "x_r")
    fits(process, before, "x_r")
    noise = _checks.like(z, before, "z", "x_r")
    mean, var = _bridge(before, _checks.positive_array(x_t, "x_t"), process, (r, s, t))
    with _checks.quiet():
        return np.asarray(np.exp(mean + np.sqrt(var) * noise))


def two_time_law(
    target: Target, process: Process, s: float, t: float
) -> LogNormal | LogNormalMixture:
    """The law of (X_s, X_t) in 2 d coordinates, those of X_s first, for s <= t.

    A `LogNormal` for log-normal data, otherwise a `LogNormalMixture`; `marginal` has its parts.

    target  a `LogNormal`, a `LogNormalMixture` or `PointMasses`
    """
    early, late = _checks.time_in_range(s, process.horizon), t
    _between(process, early, late)
    weights, means, covs = _components(target)
    fits(process, means, "this law")
    eye = np.eye(target.d)
    first, second = (covs + log_vars(process, time) * eye for time in (early, late))
    both = np.concatenate(
        [means + log_means(process, early), means + log_means(process, late)], axis=-1
    )
    upper = np.concatenate([first, first], axis=-1)
    joint = np.concatenate([upper, np.concatenate([first, second], axis=-1)], axis=-2)
    if isinstance(target, LogNormal):
        return LogNormal(both[0], joint[0])
    return LogNormalMixture(weights, both, joint)


def _components(target: Target) -> tuple[Array, Array, Array]:
    """Weights (J,), means (J, d) and covariances (J, d, d) of log X_0."""
    if isinstance(target, LogNormal):
        return np.ones(1), target.log_mean[None], target.log_cov[None]
    if isinstance(target, LogNormalMixture):
        return target.weights, target.log_means, target.log_covs
    if not isinstance(target, PointMasses):
        raise ValueError(
            "the target must be a LogNormal, a LogNormalMixture or PointMasses, not a "
            f"{type(target).__name__}."
        )
    n, d = target.points.shape
    covs = np.broadcast_to(target.log_var * np.eye(d), (n, d, d))
    return np.full(n, 1.0 / n), np.log(target.points), covs


def _between(process: Process, s: float, t: float) -> tuple[float | Array, float | Array]:
    """The increments of m and v from s to t."""
    early = _checks.time_in_range(s, process.horizon)
    late = _checks.time_in_range(t, process.horizon)
    if early > late:
        raise ValueError(f"times must be in order, got {early} before {late}.")
    return increments(process, late, late - early)


def _bridge(
    before: Array, after: Array, process: Process, times: tuple[float, float, float]
) -> tuple[Array, float | Array]:
    """Mean (..., d) and variance of log X_s."""
    r, s, t = times
    (up, a), (rest, b) = _between(process, r, s), _between(process, s, t)
    y_t = np.log(_checks.like(after, before, "x_t", "x_r"))
    whole = a + b
    if np.max(whole) == 0.0:
        raise ValueError(f"a bridge needs two different times, got r = {r} and t = {t}.")
    # The products b * log x and a * b may leave the range of float64 where the quotients do not.
    with _checks.quiet():
        mean = b / whole * (np.log(before) + up) + a / whole * (y_t - rest)
        return np.asarray(mean), np.minimum(a, b) * (np.maximum(a, b) / whole)


def _state(x: Values, process: Process, name: str) -> Array:
    state = _checks.positive_array(_checks.vector(x, name), name)
    fits(process, state, name)
    return state
