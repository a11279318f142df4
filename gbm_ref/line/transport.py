"""The law on the line that the probability flow makes of a start, with any score.

On the line the flow is a map of log X that increases, since paths of one equation do not cross:

    d log X / dt = mu - sigma^2 - sigma^2 / 2 h(X, t),      log X_T -> log X_t = Y(log X_T)

so that P(X_t <= x) is the start's probability below the place that x is carried to, its quantiles
are the start's, carried back, and an average is that of a function of Y over the start. Nothing is
asked of the score but that it is smooth: with the exact one the law is that of the data, with a
guided one (`guided_score`) it is what guidance draws from, which no formula gives in general
(claim `guided-flow`).

States are carried by SciPy's DOP853, as many together as keep the tolerances those of each. Beyond
log x = +-700 the score is taken at that place. All raise ValueError for laws with d > 1, times
outside the range of the process, and a score that is not finite or not of the shape (n, 1) of x.
"""

from collections.abc import Callable

import numpy as np

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.likelihood import carried, flow_velocity
from gbm_ref.line.quadrature import average, require_line
from gbm_ref.process import Process
from gbm_ref.sign_agnostic_law import LogMoments
from gbm_ref.steps import Score
from gbm_ref.targets import Target

# States that are carried together; their common error is a root mean square.
_TOGETHER = 400
_LARGEST = 700.0
Flow = Callable[[Array], Array]


def flow_cdf(
    x: Values,
    score: Score,
    process: Process,
    start: Target,
    t_min: float = 0.0,
    rtol: float = 1e-11,
    atol: float = 1e-11,
) -> Array:
    """P(X <= x) of what the flow makes of `start` at t_min; x (...) positive, of its shape.

    score       (x, t) -> h, called with x (n, 1)
    start       the law of X_T, d = 1
    t_min       time of the data, in [0, T); above 0 where the score is singular at 0
    rtol, atol  tolerances of log X_t in each step, rtol at least 1e-12

    An error of log X_T, about `atol` + `rtol` |log X| a step and growing with the distance of two
    paths, moves the result by the start's density there times as much: with the defaults to 1e-10
    for mixtures and guided scores (tests/ref/test_ref_transport.py).
    """
    y = np.log(_checks.positive_array(x, "x"))
    end = _flow(score, process, start, t_min, rtol, atol, back=False)(y.ravel())
    return np.asarray(start.cdf(np.exp(_within(end))[:, None])).reshape(y.shape)


def flow_ppf(
    q: Values,
    score: Score,
    process: Process,
    start: Target,
    t_min: float = 0.0,
    rtol: float = 1e-11,
    atol: float = 1e-11,
) -> Array:
    """The x with P(X <= x) = q, the inverse of `flow_cdf`: q (...) in (0, 1), of its shape.

    Accurate as log X is carried: paths that come closer to one another on the way to the data
    bring their errors closer as well.
    """
    shares = _checks.finite_array(q, "q")
    if not ((shares > 0.0) & (shares < 1.0)).all():
        raise ValueError("q must lie between 0 and 1, both excluded.")
    flow = _flow(score, process, start, t_min, rtol, atol, back=True)
    begin = np.log(start.ppf(shares.ravel())[:, 0])
    return np.asarray(np.exp(flow(begin))).reshape(shares.shape)


def flow_moments(
    score: Score,
    process: Process,
    start: Target,
    t_min: float = 0.0,
    rtol: float = 1e-11,
    atol: float = 1e-11,
) -> LogMoments:
    """Mean and variance of log X at t_min, with their error; arguments as for `flow_cdf`.

    Two rules of quadrature over the start, a mixture with a density, whose difference is `error`.
    """
    flow = _once(_flow(score, process, start, t_min, rtol, atol, back=True))
    mean = average(flow, start)
    var = average(lambda y: (flow(y) - mean.value) ** 2, start)
    return LogMoments(mean.value, var.value, max(mean.error, var.error))


def _flow(
    score: Score,
    process: Process,
    start: Target,
    t_min: float,
    rtol: float,
    atol: float,
    back: bool,
) -> Flow:
    """The map of log X (n,) from t_min to T or, `back`, from T to t_min."""
    require_line(start, "the law of a flow")
    low, high = _checks.time_in_range(t_min, process.horizon), process.horizon
    if low == high:
        raise ValueError(f"t_min must be below the horizon {high}.")
    if _checks.positive_number(rtol, "rtol") < 1e-12:
        raise ValueError(f"rtol must be at least 1e-12, got {rtol}.")
    span = (high, low) if back else (low, high)

    def velocity(t: float, y: Array) -> Array:
        return flow_velocity(np.exp(_within(y))[:, None], t, process, score)[:, 0]

    def flow(y: Array) -> Array:
        parts = np.array_split(y, range(_TOGETHER, y.size, _TOGETHER)) if y.size else []
        each = [part.size**-0.5 for part in parts]
        found = [
            carried(velocity, part, span, rtol * share, atol * share)
            for part, share in zip(parts, each, strict=True)
        ]
        return np.concatenate(found) if found else y

    return flow


def _once(flow: Flow) -> Flow:
    """The flow, which carries the same states once."""
    known: dict[bytes, Array] = {}

    def kept(y: Array) -> Array:
        if (key := y.tobytes()) not in known:
            known[key] = flow(y)
        return known[key]

    return kept


def _within(y: Array) -> Array:
    return np.clip(y, -_LARGEST, _LARGEST)
