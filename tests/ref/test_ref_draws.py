"""Draws of the targets and of the forward process against their exact laws.

Statistics, since there is nothing exact to compare. Each check compares an empirical distribution
with the exact one by the Dvoretzky-Kiefer-Wolfowitz bound, P(KS > eps) <= 2 exp(-2 n eps^2), at
ALPHA = 1e-9, for any seed: 7 checks, hence 7e-9 false alarms a run. Every check has a planted
twin, a draw from a wrong law whose exact KS distance exceeds eps by so much that the chance of
missing it, by the same bound, is below 1e-9 (`test_design...` computes it).
"""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import ndtr

from gbm_ref import LogNormalMixture, PointMasses, Target
from tests.problems import PROCESSES, TARGETS
from tests.ref import mp_reference

ALPHA = 1e-9
N = 40_000
EPSILON = math.sqrt(math.log(2 / ALPHA) / (2 * N))
DIRECTIONS = {1: np.array([1.0]), 2: np.array([0.8, -0.6])}


class DrawsRejected(AssertionError):
    """The draws do not follow the law."""


def projected_cdf(target: Target) -> Callable[[np.ndarray], np.ndarray]:
    """Exact distribution function of direction . log X."""
    w = DIRECTIONS[target.d]
    parts = [
        (
            float(weight),
            float(np.dot(w, [float(a) for a in mean])),
            math.sqrt(float(w @ np.array(cov.tolist(), dtype=float).reshape(w.size, w.size) @ w)),
        )
        for weight, mean, cov in mp_reference.components(target)
    ]
    return lambda y: sum(p * ndtr((y - a) / s) for p, a, s in parts)


def check(x: np.ndarray, target: Target) -> None:
    """Raise DrawsRejected when direction . log x is further than EPSILON from its law."""
    y = np.sort(np.log(x) @ DIRECTIONS[target.d])
    cdf = projected_cdf(target)(y)
    steps = np.arange(N + 1) / N
    distance = max(np.max(steps[1:] - cdf), np.max(cdf - steps[:-1]))
    if not distance <= EPSILON:
        raise DrawsRejected(f"KS distance {distance:.4f} above {EPSILON:.4f}")


def wrong_law(target: Target) -> Target:
    """The bug to catch: each variance taken for a standard deviation (sigma for sigma^2)."""
    if isinstance(target, PointMasses):
        return PointMasses(target.points, math.sqrt(target.log_var))
    parts = mp_reference.components(target)
    covs = [np.array(cov.tolist(), dtype=float) for _, _, cov in parts]
    d = target.d
    roots = []
    for cov in covs:
        values, vectors = np.linalg.eigh(cov.reshape(d, d))
        roots.append((vectors * np.sqrt(values)) @ vectors.T)
    return LogNormalMixture(
        np.array([float(weight) for weight, _, _ in parts]),
        np.array([[float(a) for a in mean] for _, mean, _ in parts]),
        np.stack(roots),
    )


@pytest.fixture(params=list(TARGETS))
def target(request: pytest.FixtureRequest) -> Target:
    return TARGETS[request.param]


def test_design(target: Target) -> None:
    """No randomness: the twin is so far away that it is missed with a chance below ALPHA."""
    y = np.linspace(-6, 6, 20_001)
    right, wrong = projected_cdf(target), projected_cdf(wrong_law(target))
    assert np.max(np.abs(right(y) - wrong(y))) > 2 * EPSILON


def test_design_of_the_forward_check() -> None:
    y = np.linspace(-8, 8, 20_001)
    process, data = PROCESSES["time-varying"], TARGETS["mixture-2d"]
    right, wrong = (projected_cdf(data.diffuse(process, t)) for t in (0.9, 0.5))
    assert np.max(np.abs(right(y) - wrong(y))) > 2 * EPSILON


def test_rvs_follow_the_law(target: Target) -> None:
    check(target.rvs(N, np.random.default_rng(20_260_524)), target)


def test_wrong_rvs_are_rejected(target: Target) -> None:
    with pytest.raises(DrawsRejected):
        check(wrong_law(target).rvs(N, np.random.default_rng(20_260_524)), target)


def test_forward_samples_follow_the_diffused_law() -> None:
    process, target, t = PROCESSES["time-varying"], TARGETS["mixture-2d"], 0.9
    rng = np.random.default_rng(20_260_525)
    x = process.sample(target.rvs(N, rng), t, rng.standard_normal((N, 2)))
    check(x, target.diffuse(process, t))


def test_forward_samples_of_another_time_are_rejected() -> None:
    process, target = PROCESSES["time-varying"], TARGETS["mixture-2d"]
    rng = np.random.default_rng(20_260_525)
    x = process.sample(target.rvs(N, rng), 0.5, rng.standard_normal((N, 2)))
    with pytest.raises(DrawsRejected):
        check(x, target.diffuse(process, 0.9))
