"""Fisher information, the floor of the loss and the bound of a wrong score: against integrals of
mpmath and closed forms, with errors that are errors."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import gbm_ref as ref
from tests.support.problems import DATA_SETS, LOG_NORMALS, MIXTURES, PROCESSES
from tests.support.refusals import Refusal, check, rows, table
from tests.support.tables import COORDINATE_PROCESSES

P, T = PROCESSES["constant"], 0.37
LINE, PLANE = LOG_NORMALS["log-normal-1d"], LOG_NORMALS["log-normal-2d"]
LINES = {
    "mixture": MIXTURES["mixture-1d"],
    "points": DATA_SETS["points-1d"],
    "far": ref.LogNormalMixture([0.2, 0.8], [[-3.0], [4.0]], [1e-4, 0.9]),
}


def components(target: ref.Target) -> list[tuple[mpf, mpf, mpf]]:
    if isinstance(target, ref.PointMasses):
        n = len(target.points)
        return [(mpf(1) / n, mpmath.log(mpf(float(p))), mpf(0)) for p in target.points[:, 0]]
    parts = zip(target.weights, target.log_means[:, 0], target.log_covs[:, 0, 0], strict=True)
    return [tuple(mpf(float(x)) for x in part) for part in parts]


def mp_information(target: ref.Target, process: ref.Process, t: float) -> mpf:
    """The integral of q'^2 / q at 30 digits."""
    with mpmath.workdps(30):
        m, v = mpf(process.log_mean(t)), mpf(process.log_var(t))
        parts = [(w, a + m, s + v) for w, a, s in components(target)]

        def integrand(y: mpf) -> mpf:
            each = [
                (w * mpmath.exp(-((y - a) ** 2) / (2 * s)) / mpmath.sqrt(2 * mpmath.pi * s), a, s)
                for w, a, s in parts
            ]
            q = sum(d for d, _, _ in each)
            return sum(-d * (y - a) / s for d, a, s in each) ** 2 / q

        cuts = sorted(a + k * mpmath.sqrt(s) for _, a, s in parts for k in range(-12, 13, 2))
        return mpmath.quad(integrand, cuts)


@pytest.mark.parametrize("name", LINES)
def test_information_and_floor_match_mpmath(name: str) -> None:
    target = LINES[name]
    exact = mp_information(target, P, T)
    found = ref.fisher_information(target, P, T)
    assert abs(found.value - float(exact)) <= max(found.error, 1e-13 * float(exact))
    floor = ref.m_dsm_floor(target, P, T)
    expected = (1 / mpf(P.log_var(T)) - exact) / 2
    assert abs(floor.value - float(expected)) <= max(floor.error, 1e-12 * float(expected))
    assert max(found.error / found.value, floor.error / floor.value) < 1e-9


@pytest.mark.parametrize("process", [P, COORDINATE_PROCESSES["rates by coordinate"]], ids=str)
def test_log_normal_data_have_closed_forms(process: ref.Process) -> None:
    cov = PLANE.diffuse(process, T).log_cov
    v = np.diag(cov - PLANE.log_cov)
    information = np.trace(np.linalg.inv(cov))
    assert ref.fisher_information(PLANE, process, T).value == pytest.approx(information, rel=1e-14)
    floor = ref.m_dsm_floor(PLANE, process, T)
    assert floor.value == pytest.approx((np.sum(1.0 / v) - information) / 2.0, rel=1e-13)


def test_a_mixture_of_one_is_log_normal() -> None:
    one = ref.LogNormalMixture([1.0], LINE.log_mean[None], LINE.log_cov[None])
    for function in (ref.fisher_information, ref.m_dsm_floor):
        found, closed = function(one, P, T), function(LINE, P, T)
        assert abs(found.value - closed.value) <= found.error + closed.error


def test_the_floor_keeps_its_digits_at_early_times() -> None:
    """1 / v - I cancels there; the floor of log-normal data does not."""
    t = 1e-12
    with mpmath.workdps(50):
        v, s = mpf(P.log_var(t)), mpf(float(LINE.log_cov[0, 0]))
        exact = s / (v * (s + v)) / 2
    assert ref.m_dsm_floor(LINE, P, t).value == pytest.approx(float(exact), rel=1e-14)
    one = ref.LogNormalMixture([1.0], LINE.log_mean[None], LINE.log_cov[None])
    assert ref.m_dsm_floor(one, P, t).value == pytest.approx(float(exact), rel=1e-12)


def test_the_floor_is_the_least_loss() -> None:
    """The M-DSM loss of the exact score, by a rule over X_0 and z that shares nothing with it."""
    target, v = MIXTURES["mixture-1d"], P.log_var(T)
    z, w = np.polynomial.hermite_e.hermegauss(80)
    w = w / w.sum()
    total = 0.0
    for share, mean, cov in zip(target.weights, target.log_means, target.log_covs, strict=True):
        x0 = np.exp(mean + np.sqrt(cov[0, 0]) * z)
        pairs = np.repeat(x0, 80)[:, None], np.tile(z, 80)[:, None]
        loss = ref.m_dsm(ref.exact_score(target, P), pairs[0], T, pairs[1], P)
        total += share * np.sum(np.outer(w, w).ravel() * loss.per_sample)
    assert ref.m_dsm_floor(target, P, T).value == pytest.approx(total, rel=1e-6)
    assert v > 0


def shifted(target: ref.Target, process: ref.Process, by: float) -> ref.Score:
    score = ref.exact_score(target, process)
    return lambda x, t: score(x, t) + by


@pytest.mark.parametrize("name", ["constant", "variance-exploding"])
def test_a_constant_error_has_a_bound_in_closed_form(name: str) -> None:
    process, c = PROCESSES[name], 0.3
    v = process.log_var(process.horizon)
    for target, t_min in ((LINE, 0.0), (LINES["points"], 0.2)):
        start = target.diffuse(process, process.horizon)
        found = ref.score_error_bound(shifted(target, process, c), target, process, start, t_min)
        expected = c**2 * (v - process.log_var(t_min)) / 2
        assert abs(found.value - expected) <= max(found.error, 1e-12 * expected)
        assert found.error < 1e-6 * expected


def test_the_bound_holds_and_has_the_price_of_the_start() -> None:
    """The exact cost of a constant error is c^2 v_0 log(v_N / v_0)^2 / 2: claim R20-log-normal."""
    c, v0 = 0.3, float(LINE.log_cov[0, 0])
    end = LINE.diffuse(P, P.horizon)
    bound = ref.score_error_bound(shifted(LINE, P, c), LINE, P, end)
    exact = c**2 * v0 * np.log(end.log_cov[0, 0] / v0) ** 2 / 2
    assert 0.0 < exact < bound.value
    start = ref.LogNormal([0.4], 0.8)
    price = ref.kl_divergence(
        ref.Gaussian(end.log_mean, end.log_cov), ref.Gaussian(start.log_mean, start.log_cov)
    )
    whole = ref.score_error_bound(ref.exact_score(LINE, P), LINE, P, start)
    assert whole.value == pytest.approx(price, rel=1e-11)


def test_errors_are_errors_where_rules_are_too_coarse() -> None:
    """A model with a kink: the two rules differ, and by no less than the value is off."""

    def model(x: np.ndarray, t: float) -> np.ndarray:
        return ref.exact_score(LINE, P)(x, t) + np.where(np.log(x) > 0.2345, 1.0, 0.0)

    end = LINE.diffuse(P, P.horizon)
    found = ref.score_error_bound(model, LINE, P, end)
    times = np.linspace(0.0, P.horizon, 2001)
    above = [1.0 - LINE.diffuse(P, t).cdf([np.exp(0.2345)]) for t in times]
    exact = np.trapezoid(np.array(above) * P.sigma**2 / 2, times)
    assert abs(found.value - exact) <= found.error
    assert found.error > 1e-8


KNOWN = {"target": LINE, "process": P, "t": T}
BOUND = {"model": lambda x, t: -x, "target": LINE, "process": P, "start": LINE, "t_min": 0.0}


@table(
    *(
        rows(f, KNOWN, ("target", MIXTURES["mixture-2d"], "d = 1, not 2"), ("t", 1.0, "t must"))
        for f in (ref.fisher_information, ref.m_dsm_floor)
    ),
    rows(ref.fisher_information, {**KNOWN, "t": 0.0},
         ("target", LINES["points"], "no density"), ("target", ref.LogNormal([0], 0), "take t")),
    rows(ref.m_dsm_floor, KNOWN, ("t", 0.0, "singular at t=0")),
    rows(ref.score_error_bound, BOUND, ("target", PLANE, "d = 1"), ("start", PLANE, "d = 1"),
         ("target", LINES["points"], "no density at t_min"), ("t_min", 2.0, "t must lie"),
         ("model", lambda x, t: x[:3], "the model's score")),
)  # fmt: skip
@pytest.mark.usefixtures("unchecked")
def test_what_does_not_fit_is_refused(refusal: Refusal) -> None:
    check(refusal)
