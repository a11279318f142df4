"""The caller's error state, warnings and generator decide nothing; empty batches are served."""

from collections.abc import Callable

import numpy as np
import pytest

import gbm_ref as ref
from gbm_ref import vectors
from tests.ref.test_ref_arrays import LN, PLANE, STEPS, P, X, bits
from tests.support.problems import DATA_SETS, PROCESSES

EXPLODING, POINTS = PROCESSES["variance-exploding"], DATA_SETS["points-2d"]
FAR = np.exp(np.array([[-690.0, 690.0], [0.1, -0.2], [300.0, 1.0]]))
SHARP = ref.LogNormalMixture([0.25, 0.75], [[-0.8, 0.3], [0.7, 0.9]], [1e-3, 0.4])
LATER = POINTS.diffuse(P, 1e-4)
LINE = np.array([[1e-300], [1.0], [1e300]])
UNIT = ref.Gaussian(np.zeros(2), np.eye(2))
STEEP = tuple(
    make(200.0, 2.0) for make in (ref.Gamma, ref.InverseGamma, ref.Weibull, ref.BetaPrime)
)
EXTREMES: dict[str, Callable[[], object]] = {
    **{
        f"{name} {method}": lambda law=law, method=method: getattr(law, method)(FAR)
        for name, law in {"mixture": SHARP, "points": LATER, "log-normal": LN}.items()
        for method in ("logpdf", "log_score", "stein_score")
    },
    "divergence": lambda: ref.log_score_divergence(FAR, SHARP),
    "posterior": lambda: (
        ref.posterior_log_cov(FAR, SHARP, P, 1e-3),
        ref.log_posterior_moment(FAR, POINTS, P, 1e-3),
        ref.posterior_law(FAR[1], SHARP, P, 1e-3),
    ),
    "cdf": lambda: (ref.LogNormal([0.0], 0.1).cdf(LINE), ref.PointMasses([[1.0]]).cdf(LINE)),
    "product laws": lambda: [
        getattr(law, method)(LINE) for law in STEEP for method in ("logpdf", "cdf", "stein_score")
    ],
    **{
        f"{type(step).__name__} far": lambda step=step: step(
            P, lambda x, t: np.where(x > 1, -1e3, 1e3), FAR, 0.5, 0.4, 1.0, np.ones((3, 2))
        )
        for step in (*STEPS, ref.SignAgnostic(), ref.DDIM())
    },
    "sample": lambda: EXPLODING.sample(FAR, 1.1, np.full((3, 2), 80.0)),
    "likelihood": lambda: ref.log_likelihood(
        X[:1], P, ref.exact_score(LN, P), ref.exact_divergence(LN, P), LN.diffuse(P, 0.9),
        rtol=1e-6, atol=1e-6,
    ),
    "mirror": lambda: (
        ref.mirrored_langevin_step(FAR, 1 + 0 * FAR, 0.1, 0 * FAR),
        ref.exponentiated_gradient_step([1e300, -1e-300, 0.0], [-900.0, 900.0, 1.0], 1.0),
        ref.mirrored_langevin_law([0.1, 0.2], 0.3, 0.3, 2000, UNIT).mean,
    ),
    "inner loop": lambda: tuple(ref.inner_loop_law(LN, P, ref.Row(0.3, 0.3, 1.0), 5000, UNIT)),
    "gamma noise": lambda: (
        ref.gamma_chain_step(FAR, 5.0, 2.0, np.full((3, 2), 1e-300)),
        ref.gamma_noise_sample(FAR, 5.0, np.full((3, 2), 1e-300)),
    ),
    "conversions": lambda: (
        ref.stein_from_hyvarinen(FAR, FAR), ref.hyvarinen_from_stein(FAR, FAR),
        ref.nonnegative_score_matching(FAR, FAR, FAR).square,
    ),
}  # fmt: skip


@pytest.mark.parametrize("call", EXTREMES)
def test_the_caller_s_error_state_decides_nothing(call: str) -> None:
    with np.errstate(all="ignore"):
        quiet = bits(EXTREMES[call]())
    with np.errstate(all="raise"):
        assert bits(EXTREMES[call]()) == quiet
    assert bits(EXTREMES[call]()) == quiet  # and a warning is an error here


def test_the_accuracy_vectors_hold_under_any_error_state() -> None:
    with np.errstate(all="raise"):
        reports = [vectors.verify_oracle(name) for name in vectors.names()]
    assert all(report.passed for report in reports)


def test_numpy_s_own_generator_is_left_alone(rng: np.random.Generator) -> None:
    before = np.random.get_state()[1].tobytes()  # noqa: NPY002
    for call in EXTREMES.values():
        call()
    LN.rvs(5, rng)
    assert np.random.get_state()[1].tobytes() == before  # noqa: NPY002


EMPTY = np.empty((0, 2))
EMPTIES: dict[str, Callable[[], tuple[object, tuple[int, ...]]]] = {
    **{
        f"{type(law).__name__} {method}": lambda law=law, method=method: (
            getattr(law, method)(EMPTY),
            (0,) if method == "logpdf" else (0, 2),
        )
        for law in (LN, PLANE, LATER, ref.Gamma([2.3, 0.7], 1.0))
        for method in ("logpdf", "log_score", "hyvarinen_score", "stein_score")
    },
    "simulate": lambda: (
        ref.simulate(
            STEPS[0], P, ref.exact_score(PLANE, P), EMPTY, ref.uniform(2, 0.9), EMPTY[None][[0, 0]]
        ),
        (0, 2),
    ),
    "likelihood": lambda: (ref.exact_log_likelihood(EMPTY, LN, P, LN.diffuse(P, 0.9)), (0,)),
    "flow": lambda: (
        ref.log_likelihood(EMPTY, P, ref.exact_score(LN, P), ref.exact_divergence(LN, P), LN),
        (0,),
    ),
    "posterior": lambda: (ref.posterior_log_cov(EMPTY, PLANE, P, 0.3), (0, 2, 2)),
    "sample": lambda: (P.sample(EMPTY, 0.3, EMPTY), (0, 2)),
}  # fmt: skip


@pytest.mark.parametrize("call", EMPTIES)
def test_an_empty_batch_gives_an_empty_result(call: str) -> None:
    found, shape = EMPTIES[call]()
    assert np.shape(found) == shape
