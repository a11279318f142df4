"""Tests of gbm_ref.likelihood: the flow and its closed form, and the divergence of the score."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from scipy.integrate import trapezoid

import gbm_ref as ref
from tests.support import mp_reference
from tests.support.assertions import assert_accurate, assert_inaccurate
from tests.support.mp_log_space import bend, log_q, logs
from tests.support.problems import BLURRED, DATA_SETS, PROCESSES, TARGETS, states

P = PROCESSES["constant"]
LINE, PLANE = TARGETS["log-normal-1d"], TARGETS["log-normal-2d"]
# What log_likelihood promises, relative to 1 + |log p|.
FLOW = 1e-10
FLOWS = {"log-normal-1d": "variance-exploding", "mixture-2d": "constant"}
FLOWS |= {"points-2d": "time-varying"}


@pytest.mark.parametrize("name, process_name", FLOWS.items())
def test_exact_score_and_start_return_the_density(name: str, process_name: str) -> None:
    target, process = TARGETS[name], PROCESSES[process_name]
    x = states(target.d, count=3)[1:2]
    found = flow(x, target, process, target.diffuse(process, process.horizon))
    mixture = mp_reference.components(target)
    exact = [mp_reference.logpdf(mixture, [mpf(e) for e in row]) for row in x.tolist()]
    assert_accurate(found, exact, FLOW * 2**53 * (1 + np.abs(found)), k=1)


def test_concentrated_data_keep_the_promise() -> None:
    target = ref.LogNormal([0.31], 1e-6)
    x = np.exp([[0.31 + 3e-3]])
    found = flow(x, target, P, target.diffuse(P, P.horizon))
    np.testing.assert_allclose(found, target.logpdf(x), rtol=FLOW)


def flow(x: np.ndarray, target: ref.Target, process: ref.Process, start: ref.Target) -> np.ndarray:
    score, divergence = ref.exact_score(target, process), ref.exact_divergence(target, process)
    return ref.log_likelihood(x, process, score, divergence, start)


def test_data_set_shortly_after_zero() -> None:
    data, t_min = DATA_SETS["points-1d"], 0.003
    x = data.points[:1] * np.exp(1.3 * np.sqrt(P.log_var(t_min)))
    score, divergence = ref.exact_score(data, P), ref.exact_divergence(data, P)
    found = ref.log_likelihood(x, P, score, divergence, data.diffuse(P, P.horizon), t_min=t_min)
    np.testing.assert_allclose(found, data.diffuse(P, t_min).logpdf(x), rtol=FLOW)
    with pytest.raises(ValueError, match="no density"):
        ref.log_likelihood(x, P, score, divergence, data.diffuse(P, P.horizon))


WRONG_START = ref.LogNormal([0.9, -0.2], [[1.1, -0.3], [-0.3, 0.7]])


@pytest.mark.parametrize("process_name", list(PROCESSES))
@pytest.mark.parametrize("t_min", [0.0, 0.31])
def test_closed_form_at_fifty_digits(process_name: str, t_min: float) -> None:
    """Any start; a correlated law, for which R = (S_T S_min^-1)^(1/2) is a matrix."""
    process, x = PROCESSES[process_name], states(2, count=4)
    found = ref.exact_log_likelihood(x, PLANE, process, WRONG_START, t_min)
    exact, untransported, full = [], [], []
    ((_, a, S),), start = (mp_reference.components(law) for law in (PLANE, WRONG_START))
    end = process.horizon
    m, M, v, V = (mpf(f(at)) for f in (process.log_mean, process.log_var) for at in (t_min, end))
    ratio = (S + V * mpmath.eye(2)) * (S + v * mpmath.eye(2)) ** -1
    growth = mpmath.log(mpmath.det(ratio)) / 2
    for row in x.tolist():
        y = mpmath.matrix([mpmath.log(mpf(e)) for e in row])
        gap = y - mpmath.matrix(a) - m * mpmath.ones(2, 1)
        moved = mpmath.matrix(a) + M * mpmath.ones(2, 1) + mpmath.sqrtm(ratio) * gap
        for result, factor, at in (exact, 1, moved), (full, 2, moved), (untransported, 1, y):
            density = mp_reference.logpdf(start, [mpmath.exp(e) for e in at])
            result.append(density + sum(at) + factor * growth - sum(y))
    spread = max(1.0, float(np.sqrt(V / (v + mpf("0.1")))))
    assert_accurate(found, exact, (12 * spread) ** 2, k=8)
    for twin in (untransported, full):
        assert_inaccurate(found, twin, (12 * spread) ** 2, k=8)


def test_flow_agrees_with_the_closed_form_from_a_wrong_start() -> None:
    x = states(2, count=1)[0]
    assert isinstance(PLANE, ref.LogNormal)
    wanted = ref.exact_log_likelihood(x, PLANE, P, WRONG_START)
    assert wanted.shape == () and abs(wanted - PLANE.logpdf(x)) > 0.1
    np.testing.assert_allclose(flow(x, PLANE, P, WRONG_START), wanted, rtol=FLOW)


def test_density_made_of_a_wrong_start_integrates_to_one() -> None:
    assert isinstance(LINE, ref.LogNormal)
    y = np.linspace(-9.0, 9.0, 1201)
    for start in (TARGETS["mixture-1d"], BLURRED["points-1d"], ref.LogNormal([1.2], 0.3)):
        log_p = ref.exact_log_likelihood(np.exp(y)[:, None], LINE, P, start)
        assert float(trapezoid(np.exp(log_p + y), y)) == pytest.approx(1.0, abs=1e-12)


MISTAKES: dict[str, tuple[float, float, float]] = {
    # h -> offset + factor * h in the flow, and the factor on the divergence
    "log score for the Hyvarinen score": (1.0, 1.0, 1.0),
    "weight of the reverse equation": (1.0, 2.0, 1.0),
    "trace with the full rate": (0.0, 1.0, 2.0),
    "sign of the trace": (0.0, 1.0, -1.0),
}


@pytest.mark.parametrize("name", list(MISTAKES))
def test_mistakes_in_the_flow_change_the_result(name: str) -> None:
    """R16 or R19 miswritten moves the result far beyond the tolerance, here a loose one."""
    offset, factor, weight = MISTAKES[name]
    score, trace = ref.exact_score(LINE, P), ref.exact_divergence(LINE, P)
    x, start = np.array([[1.7]]), LINE.diffuse(P, P.horizon)
    mistaken = lambda at, t: offset + factor * score(at, t), lambda at, t: weight * trace(at, t)
    found = ref.log_likelihood(x, P, *mistaken, start, rtol=1e-7, atol=1e-7)
    assert abs(found[0] - LINE.logpdf(x)[0]) > 1e-2


def test_bits_of_a_flat_density() -> None:
    """Uniform: 8 bits. P(v) is the integral over the cell of x = 1 + (v + u) / 256, v = 97."""
    assert float(ref.bits_per_dim(0.0, 3)) == 8.0
    nats = np.array([-2.3, 1754.0])
    exact = [-mpf(e) / (784 * mpmath.log(2)) + 8 for e in nats.tolist()]
    assert_accurate(ref.bits_per_dim(nats, 784), exact, 16.0, k=2)
    assert float(ref.bits_per_dim(0.0, 1, cell=1 / 255)) == pytest.approx(np.log2(255), rel=1e-15)
    wide = ref.LogNormal([0.3], 400.0)
    edges = 1 + np.array([[97.0], [98.0]]) / 256
    bits = -np.log2(np.diff(wide.cdf(edges)))
    middle = wide.logpdf(edges.mean(axis=0))
    assert float(ref.bits_per_dim(middle, 1)) == pytest.approx(float(bits[0]), abs=1e-5)


@pytest.fixture(params=list(TARGETS))
def target(request: pytest.FixtureRequest) -> ref.Target:
    return TARGETS[request.param]


def exact_trace(target: ref.Target, x: np.ndarray) -> list[mpf]:
    """The sum of the second derivatives of the log density of log X."""
    with mpmath.workdps(80):
        q = log_q(mp_reference.components(target))
        return [mpmath.fsum(bend(q, y, i, i) for i in range(target.d)) for y in logs(x)]


def trace_scale(target: ref.Target, x: np.ndarray) -> float:
    """Precisions, and the squared pulls times the size of the exponents of the shares."""
    parts = mp_reference.components(target)
    smallest = min(float(min(mpmath.eigsy(cov, eigvals_only=True))) for *_, cov in parts)
    size = np.max(np.abs(np.log(x))) + max(abs(float(a)) for _, mean, _ in parts for a in mean)
    exponent = target.d * size**2 / smallest if len(parts) > 1 else 0.0
    return float(target.d / smallest + (size / smallest) ** 2 * exponent)


def test_divergence_is_the_trace_of_the_second_derivatives(target: ref.Target) -> None:
    x = states(target.d, count=4)
    found = ref.log_score_divergence(x, target)
    scale, alone = trace_scale(target, x), ref.log_score_divergence(x[1], target)
    assert_accurate(found, exact_trace(target, x), scale, k=8)
    assert_accurate(alone, exact_trace(target, x[1:2]), scale, k=8)


@pytest.mark.parametrize("name", ["mixture-1d", "mixture-2d", "points-1d", "points-2d"])
@pytest.mark.parametrize("twin", ["no square of the mean", "components alone", "mean alone"])
def test_mistaken_divergences_are_refused(name: str, twin: str) -> None:
    """R2's three terms: -sum r tr S^-1 + sum r |u|^2 - |sum r u|^2; each is needed."""
    target, x = TARGETS[name], states(TARGETS[name].d, count=4)
    mixture = mp_reference.components(target)
    square = np.sum(target.log_score(x) ** 2, axis=-1)
    traces = [mpmath.fsum((cov**-1)[i, i] for i in range(target.d)) for *_, cov in mixture]
    mistaken = {
        "no square of the mean": ref.log_score_divergence(x, target) + square,
        "components alone": np.full(4, -float(max(traces))),
        "mean alone": -square,
    }[twin]
    assert_inaccurate(mistaken, exact_trace(target, x), trace_scale(target, x), k=8)


def test_divergence_of_the_diffused_law(target: ref.Target) -> None:
    x, t = states(target.d, count=3), 0.41
    found = ref.exact_divergence(target, P)(x, t)
    np.testing.assert_array_equal(found, ref.log_score_divergence(x, target.diffuse(P, t)))
