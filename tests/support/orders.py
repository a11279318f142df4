"""Orders of convergence as local slopes of exact errors; nothing here is sampled.

p = log2( e(dt) / e(dt / 2) )"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from gbm_ref import GBM, Gaussian, Grid, LogNormal, Process, Row
from gbm_ref.steps import LogAffineStep, LogCoefficients

PROCESS = GBM(mu=0.1, sigma=0.8, horizon=1.3)
DATA = LogNormal([0.3], 0.25)
# Away from t = 0, where sqrt(v) has no derivative and a few steps are of lower order.
LAST = 0.4
SLACK = 0.02


def slopes(errors: Sequence[float]) -> np.ndarray:
    sizes = np.abs(np.asarray(errors, dtype=np.float64))
    return np.log2(sizes[:-1] / sizes[1:])


def assert_order(errors: Sequence[float], order: float, slack: float = SLACK) -> None:
    """Every local slope is within `slack` of the order; a zero or NaN error is refused."""
    found = slopes(errors)
    assert (np.abs(found - order) <= slack).all(), f"slopes {found}, not {order}"


def refuse_order(errors: Sequence[float], order: float, slack: float = SLACK) -> None:
    """`assert_order` fails, as it has to for a planted mistake."""
    with pytest.raises(AssertionError, match="slopes"):
        assert_order(errors, order, slack)


def equal_steps(num_steps: int, process: Process = PROCESS, last: float = LAST) -> Grid:
    """Equal steps in time from the horizon to `last`."""
    dt = (process.horizon - last) / num_steps
    return tuple(Row(process.horizon - k * dt, dt, 1.0) for k in range(num_steps))


def law_at(t: float, process: Process = PROCESS, data: LogNormal = DATA) -> Gaussian:
    there = data.diffuse(process, t)
    return Gaussian(there.log_mean, there.log_cov)


@dataclass(frozen=True)
class Disturbed(LogAffineStep):
    """A planted twin: the step's pull is off by the fraction sqrt(dt) / 10, order 1/2 in all."""

    strong_order: ClassVar[float] = 0.5
    weak_order: ClassVar[float] = 0.5
    step: LogAffineStep

    def coefficients(self, process: Process, t: float, dt: float, noise: float) -> LogCoefficients:
        found = self.step.coefficients(process, t, dt, noise)
        return found._replace(weight=found.weight * (1.0 + 0.1 * math.sqrt(dt)))
