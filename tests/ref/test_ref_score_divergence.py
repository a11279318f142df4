"""Tests of the divergence of the log score in gbm_ref.likelihood."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from gbm_ref import Target, exact_divergence, log_score_divergence
from tests.support import mp_reference
from tests.support.assertions import assert_accurate
from tests.support.mp_log_space import bend, log_q, logs
from tests.support.problems import PROCESSES, TARGETS, states

P = PROCESSES["constant"]


@pytest.fixture(params=list(TARGETS))
def target(request: pytest.FixtureRequest) -> Target:
    return TARGETS[request.param]


def exact_trace(target: Target, x: np.ndarray) -> list[mpf]:
    """The sum of the second derivatives of the log density of log X."""
    with mpmath.workdps(80):
        q = log_q(mp_reference.components(target))
        return [mpmath.fsum(bend(q, y, i, i) for i in range(target.d)) for y in logs(x)]


def trace_scale(target: Target, x: np.ndarray) -> float:
    """Precisions, and the squared pulls times the size of the exponents of the shares."""
    parts = mp_reference.components(target)
    smallest = min(float(min(mpmath.eigsy(cov, eigvals_only=True))) for *_, cov in parts)
    size = np.max(np.abs(np.log(x))) + max(abs(float(a)) for _, mean, _ in parts for a in mean)
    exponent = target.d * size**2 / smallest if len(parts) > 1 else 0.0
    return float(target.d / smallest + (size / smallest) ** 2 * exponent)


def test_divergence_is_the_trace_of_the_second_derivatives(target: Target) -> None:
    x = states(target.d, count=4)
    found = log_score_divergence(x, target)
    assert_accurate(found, exact_trace(target, x), trace_scale(target, x), k=8)
    assert_accurate(log_score_divergence(x[1], target), exact_trace(target, x[1:2]),
                    trace_scale(target, x), k=8)  # fmt: skip


@pytest.mark.parametrize("name", ["mixture-1d", "mixture-2d", "points-1d", "points-2d"])
@pytest.mark.parametrize("twin", ["no square of the mean", "components alone", "mean alone"])
def test_mistaken_divergences_are_refused(name: str, twin: str) -> None:
    """R2's three terms: -sum r tr S^-1 + sum r |u|^2 - |sum r u|^2; each is needed."""
    target, x = TARGETS[name], states(TARGETS[name].d, count=4)
    with mpmath.workdps(50):
        mixture = mp_reference.components(target)
        square = np.sum(target.log_score(x) ** 2, axis=-1)
        traces = [mpmath.fsum((cov**-1)[i, i] for i in range(target.d)) for *_, cov in mixture]
    truth = log_score_divergence(x, target)
    mistaken = {
        "no square of the mean": truth + square,
        "components alone": np.full(4, -float(max(traces))),
        "mean alone": -square,
    }[twin]
    with pytest.raises(AssertionError, match="allowed"):
        assert_accurate(mistaken, exact_trace(target, x), trace_scale(target, x), k=8)


def test_divergence_of_the_diffused_law(target: Target) -> None:
    x, t = states(target.d, count=3), 0.41
    found = exact_divergence(target, P)(x, t)
    np.testing.assert_array_equal(found, log_score_divergence(x, target.diffuse(P, t)))
