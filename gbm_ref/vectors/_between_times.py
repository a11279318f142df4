"""Two times and rates by coordinate, as functions of scalars (see `oracle`)."""

import numpy as np

from gbm_ref._checks import Array
from gbm_ref.kernel import bridge_law, bridge_sample, kernel_law, kernel_sample, two_time_law
from gbm_ref.process import GBM, CoordinateGBM
from gbm_ref.targets import LogNormal, Target
from gbm_ref.vectors._process import Halves, Prescribed
from gbm_ref.vectors.records import Implementation

_TIMES = (0.0, 0.5, 1.0)


def _sample(x: float, dm: float, dv: float, v_s: float, z: float) -> float:
    process = Prescribed(dm, dv, v_s)
    return kernel_sample([x], process, process.s, 1.0, [z]).item()


def _kernel(x: float, mu: float, sigma: float, s: float, t: float) -> LogNormal:
    return kernel_law([x], GBM(mu=mu, sigma=sigma), s, t)


def _bridge(x_r: float, x_t: float, up: float, a: float, rest: float, b: float) -> LogNormal:
    return bridge_law([x_r], [x_t], Halves(up, a, rest=rest, more=b), *_TIMES)


def _bridge_sample(
    x_r: float, x_t: float, up: float, a: float, rest: float, b: float, z: float
) -> float:
    process = Halves(up, a, rest=rest, more=b)
    return bridge_sample([x_r], [x_t], process, *_TIMES, [z]).item()


def _two_times(a: float, v0: float, v_s: float, dm: float, dv: float) -> Target:
    process = Prescribed(dm, dv, v_s)
    return two_time_law(LogNormal([a], v0), process, process.s, 1.0)


def _two_time_cov(v0: float, v_s: float, dv: float) -> float:
    law = _two_times(0.0, v0, v_s, 0.0, dv)
    return float(law.log_cov[0, 1]) if isinstance(law, LogNormal) else np.nan


def _by_coordinate(
    x: float, mu1: float, mu2: float, s1: float, s2: float, t: float, z: float
) -> float:
    return float(CoordinateGBM([mu1, mu2], [s1, s2]).sample([1.0, x], t, [0.0, z])[1])


def _coordinate_score(
    x1: float, x2: float, a1: float, a2: float, c11: float, c12: float, c22: float,
    s1: float, s2: float,
) -> float:  # fmt: skip
    data = LogNormal([a1, a2], [[c11, c12], [c12, c22]])
    later = data.diffuse(CoordinateGBM(sigma=[s1, s2]), 1.0)
    found: Array = later.log_score([x1, x2])
    return float(found[0])


BETWEEN_TIMES: dict[str, Implementation] = {
    "kernel_sample": _sample,
    "kernel_log_mean": lambda x, mu, sigma, s, t: _kernel(x, mu, sigma, s, t).log_mean.item(),
    "kernel_log_var": lambda sigma, s, t: _kernel(1.0, 0.0, sigma, s, t).log_cov.item(),
    "bridge_log_mean": lambda x_r, x_t, up, a, rest, b: _bridge(
        x_r, x_t, up, a, rest, b
    ).log_mean.item(),
    "bridge_log_var": lambda a, b: _bridge(1.0, 1.0, 0.0, a, 0.0, b).log_cov.item(),
    "bridge_sample": _bridge_sample,
    "two_time_log_cov": _two_time_cov,
    "two_time_logpdf": lambda x_s, x_t, a, v0, v_s, dm, dv: (
        _two_times(a, v0, v_s, dm, dv).logpdf([x_s, x_t]).item()
    ),
    "coordinate_sample": _by_coordinate,
    "coordinate_log_score": _coordinate_score,
}
"""The fourth part of `oracle.ORACLE`."""
