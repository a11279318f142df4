"""Wrong arguments of the laws of samplers, of likelihoods, starts, mirrors and of the probe."""

import numpy as np
import pytest

import gbm_ref as ref
from tests.ref.test_refusals import NAN, H, P, X, Z, spoilt
from tests.support.problems import LOG_NORMALS, MIXTURES, PROCESSES
from tests.support.refusals import Refusal, check, table

EXPLODING, VARYING = PROCESSES["variance-exploding"], PROCESSES["time-varying"]
LINE, LN = LOG_NORMALS.values()
MIXTURE, PLANE = MIXTURES.values()
TWO, THREE = np.array([0.1, 0.2]), np.array([0.31, -0.42, 1.13])
ROWS, ROW = ref.uniform(3, horizon=0.9), ref.Row(0.3, 0.1, 1.0)
START, UNIT = ref.Gaussian(TWO, np.eye(2)), ref.Gaussian(np.zeros(1), np.eye(1))
FLAT = ref.LogNormal(np.zeros(2), 0.0)


def infinite(y: np.ndarray) -> np.ndarray:
    return np.full_like(y, np.inf)


LAW = {"step": ref.DaleLangevin(), "target": LN, "process": P, "grid": ROWS, "start": START}
CLOSED = {"target": LN, "process": P, "num_steps": 3, "start": START}
INNER = {"target": LN, "process": P, "row": ROW, "inner_steps": 2, "start": START}
LIMIT = {"target": LN, "process": P, "start": START, "speed": 1.0}
FLIP = {"process": P, "hyvarinen": 0.0, "t_score": 0.5, "dt": 0.1}
average = ref.log_average_flip_probability
AVERAGE = {"target": LINE, "process": P, "t_score": 0.5, "dt": 0.1}
SIGN = {"target": LINE, "process": P, "grid": ROWS, "start": UNIT}
PATHS = {"target": LN, "process": P, "num_steps": 3}
FUNCTION = {"function": np.exp, **SIGN}
NEGATIVE = (ROW._replace(noise=-1.0),)
NOT_CONSTANT = "constant coefficients of GBM, not VarianceExploding: use exact_law"

OF_SAMPLERS = [
    (ref.exact_law, LAW, "step", ref.SignAgnostic(), "not affine"),
    (ref.exact_law, LAW, "target", LINE, "mean of start"),
    (ref.exact_law, LAW, "grid", (ref.Row(0.0, 0.0, 1.0),), "t_score > 0"),
    (ref.dale_langevin_law, CLOSED, "target", PLANE, "log-normal data, not a LogNormalMixture"),
    (ref.dale_langevin_law, CLOSED, "target", LINE, "the mean of start must have shape"),
    (ref.euler_flow_law, CLOSED, "num_steps", 0, "num_steps must be a whole"),
    (ref.inner_loop_law, INNER, "inner_steps", 0, "inner_steps must be a whole"),
    (ref.inner_loop_law, INNER, "row", ROW._replace(dt=0.0), "row.dt must be positive"),
    (ref.annealed_limit_law, LIMIT, "target", FLAT, "positive definite"),
    (ref.annealed_limit_law, LIMIT, "speed", 0.0, "speed must be positive"),
    (ref.annealed_limit_law, LIMIT, "decay", -1.0, "decay must not be"),
    (ref.log_flip_probability, FLIP, "dt", 0.0, "dt must be positive"),
    (ref.log_flip_probability, FLIP, "noise", 0.0, "noise must be positive"),
    (ref.log_flip_probability, FLIP, "hyvarinen", NAN, "hyvarinen must be finite"),
    (ref.log_flip_probability, {**FLIP, "dt": 0.5}, "t_score", 0.1, "below t=0"),
    (average, AVERAGE, "noise", -1, "noise must not be negative"),
    (ref.sign_agnostic_moments, SIGN, "target", MIXTURE, "log-normal data with d = 1"),
    (ref.sign_agnostic_moments, SIGN, "target", LN, "log-normal data with d = 1"),
    (ref.sign_agnostic_moments, SIGN, "grid", (), "the grid has no rows"),
    (ref.sign_agnostic_moments, SIGN, "start", START, "the mean of start must have shape"),
    (ref.sign_agnostic_moments, SIGN, "grid", (ref.Row(0.0, 0.0, 1.0),), "t_score > 0"),
    (ref.ancestral_law, CLOSED, "process", EXPLODING, NOT_CONSTANT),
    (ref.path_divergence, PATHS, "process", VARYING, "use exact_law"),
    (average, AVERAGE, "target", MIXTURE, "log-normal data, not a LogNormalMixture"),
    (ref.sign_agnostic_moments, SIGN, "grid", NEGATIVE, "noise must not be negative"),
    (ref.sign_agnostic_average, FUNCTION, "function", infinite, "the function must be finite"),
]


@table([Refusal(*row) for row in OF_SAMPLERS])
def test_laws_of_samplers(refusal: Refusal) -> None:
    check(refusal)


FLOW = {"x": X[:2], "process": P, "score": ref.exact_score(LN, P), "rtol": 1e-6, "atol": 1e-6}
FLOW |= {"divergence": ref.exact_divergence(LN, P), "terminal": LN.diffuse(P, 0.9)}
EXACT = {"x": X, "target": LN, "process": P, "terminal": LN.diffuse(P, 0.9)}
INFINITE = np.array(np.inf)
BITS = {"log_likelihood": 1.0, "d": 2}
FOREIGN = type("Foreign", (ref.Target,), dict.fromkeys(ref.Target.__abstractmethods__))()
DIVERGENCE = {"x": X, "target": LN}

OF_LIKELIHOODS = [
    (ref.log_likelihood, FLOW, "x", -X[:2], "x must be positive"),
    (ref.log_likelihood, FLOW, "x", X[:2, :1], r"x must have shape \(..., 2"),
    (ref.log_likelihood, FLOW, "t_min", 0.9, "t_min must be below"),
    (ref.log_likelihood, FLOW, "t_min", 1.0, "t must lie in"),
    (ref.log_likelihood, FLOW, "rtol", 1e-15, "rtol must be at least"),
    (ref.log_likelihood, FLOW, "atol", 0.0, "atol must be positive"),
    (ref.log_likelihood, FLOW, "score", lambda x, t: x * np.nan, "score must be"),
    (ref.exact_log_likelihood, EXACT, "target", FLAT, "no density at t_min"),
    (ref.log_score_divergence, DIVERGENCE, "target", ref.PointMasses(X), "no density"),
    (ref.log_score_divergence, DIVERGENCE, "target", FOREIGN, "not a Foreign"),
    (ref.bits_per_dim, BITS, "log_likelihood", NAN, "log_likelihood must be finite"),
    (ref.bits_per_dim, BITS, "d", 0, "d must be a whole number"),
    (ref.bits_per_dim, BITS, "cell", 0.0, "cell must be positive"),
    (ref.log_likelihood, FLOW, "divergence", lambda x, t: INFINITE, "divergence must be finite"),
]


@table([Refusal(*row) for row in OF_LIKELIHOODS])
def test_likelihoods(refusal: Refusal) -> None:
    check(refusal)


DATA = ref.Gaussian(THREE, np.diag([0.5, 0.3, 0.9]))
POINTS, LABELS = 1.0 + X[:5], np.array([4, -1, 4, -1, 4])
WIDE, NOWHERE = DATA._replace(cov=np.eye(2)), DATA._replace(mean=THREE * NAN)
STILL = ref.LogNormal(np.zeros(3), 0.0)
KL = {"p": START, "q": START}
PRICE = {"start": ref.LogNormal(THREE, 0.4), "data": DATA, "process": P}
END = {"data": DATA, "process": P}
START_POINTS = {"points": POINTS, "process": P}
CLASSES = {"points": POINTS, "labels": LABELS}
CHAIN = {"log_mean": TWO, "log_cov": 0.3, "delta": 0.1, "num_steps": 3, "start": START}
MIRROR = {"w": X, "grad": H, "eta": 0.1}
LANGEVIN = {"x": X, "stein": H, "delta": 0.1, "z": Z}
ENTROPY = {"phi": ref.ENTROPY, "w": [1.0], "w_ref": [1.0]}

OF_STARTS = [
    (ref.kl_divergence, KL, "q", ref.Gaussian(TWO[:1], np.eye(1)), "mean of q"),
    (ref.kl_divergence, KL, "q", START._replace(cov=np.ones((2, 2))), "positive definite"),
    (ref.kl_divergence, KL, "p", START._replace(cov=-np.eye(2)), "covariance of p"),
    (ref.terminal_mismatch, PRICE, "start", LINE, r"must have shape \(\.\.\., 3\)"),
    (ref.terminal_gaussian, END, "data", WIDE, "the covariance of data must be"),
    (ref.best_start, END, "data", NOWHERE, "the mean of data must be finite"),
    (ref.class_averages, CLASSES, "points", -POINTS, "points must be positive"),
    (ref.class_averages, CLASSES, "points", POINTS[0], r"points must have shape \(n, d\)"),
    (ref.class_averages, CLASSES, "labels", LABELS[:3], r"labels must have shape \(5,\)"),
    (ref.class_averages, CLASSES, "labels", LABELS + 0.5, "labels must be whole numbers"),
    (ref.standard_lognormal, {"d": 1}, "d", 0, "d must be a whole number"),
    (ref.fitted_lognormal, END, "channels", [0, 1], r"channels must have shape \(3,\)"),
    (ref.fitted_lognormal, END, "channels", [0, 1, 0.5], "channels must be whole"),
    (ref.fitted_lognormal, END, "data", DATA._replace(cov=-np.eye(3)), "semi-definite"),
    (ref.exponentiated_gradient_step, MIRROR, "eta", 0.0, "eta must be positive"),
    (ref.gradient_step, MIRROR, "grad", H[:3], "grad must have the shape"),
    (ref.mirrored_langevin_step, LANGEVIN, "delta", -0.1, "delta must be"),
    (ref.mirrored_langevin_step, LANGEVIN, "x", spoilt(0.0), "positive"),
    (ref.mirrored_langevin_law, CHAIN, "num_steps", -1, "num_steps must be"),
    (ref.mirrored_langevin_law, CHAIN, "log_cov", 0.0, "log_cov must be positive definite"),
    (ref.bregman, {**ENTROPY, "w": X, "w_ref": X}, "w_ref", X[:3], "w_ref must have the shape"),
    (ref.bregman, ENTROPY, "w_ref", [0.0], "gradient of phi"),
    (ref.terminal_mismatch, PRICE, "start", STILL, "q must be positive definite"),
    (ref.from_data, START_POINTS, "points", POINTS - 1.3, "points must be positive"),
]


@table([Refusal(*row) for row in OF_STARTS])
def test_divergences_starts_and_mirrors(refusal: Refusal) -> None:
    check(refusal)


def same(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    return x


MAP = {"sampler": same, "rows": 2, "d": 1}
OUTSIDE = UNIT._replace(mean=np.array([-601.0]))
JUDGED = {"sampler": same, "start": UNIT, "expected": UNIT, "rows": 2}
ONE = {"step": same, "x": X, "expected": np.stack([np.ones((12, 2)), np.zeros((12, 2))])}
CERTAIN = UNIT._replace(cov=np.zeros((1, 1)))
BENT = {"step": same, "x": X}

OF_THE_PROBE = [
    (ref.extract_affine_map, MAP, "rows", -1, "rows must be a whole number"),
    (ref.extract_affine_map, MAP, "d", 0, "d must be a whole number"),
    (ref.extract_affine_map, MAP, "start", START, "mean of start must have shape"),
    (ref.extract_affine_map, MAP, "start", OUTSIDE, "of start must lie within .* not of x_T"),
    (ref.extract_affine_map, MAP, "start", UNIT._replace(cov=-np.eye(1)), "covariance of start"),
    (ref.extract_affine_map, MAP, "sampler", lambda x, z: x[0], "sampler must return the shape"),
    (ref.assert_law, JUDGED, "start", START, "mean of start must have shape"),
    (ref.assert_law, JUDGED, "expected", CERTAIN, "expected must be positive definite"),
    (ref.assert_law, JUDGED, "tolerance", 0.0, "tolerance must be positive"),
    (ref.assert_step, ONE, "x", X[0], r"shape \(n, d\)"),
    (ref.assert_step, ONE, "expected", X, "one entry a power of z"),
    (ref.assert_step, ONE, "expected", np.full((2, 12, 2), NAN), "must be finite"),
    (ref.assert_step, ONE, "tolerance", -1e-9, "tolerance must be positive"),
    (ref.extract_step_polynomial, BENT, "degree", 3, "degree must be a whole"),
    (ref.extract_step_polynomial, BENT, "x", np.zeros((2, 2)), "hold no zeros"),
]


@table([Refusal(*row) for row in OF_THE_PROBE])
def test_the_probe(refusal: Refusal) -> None:
    check(refusal)


def test_arguments_of_a_wrong_type_are_refused() -> None:
    """Checked apart: the annotations exclude them, so the run-time type check may come first."""
    refusals = (ValueError, TypeError)
    with pytest.raises(refusals, match="affine|Mixture"):
        ref.exact_law(**{**LAW, "target": PLANE})
    with pytest.raises(refusals, match="single number|float"):
        P.log_mean(TWO)  # type: ignore[arg-type]


def test_rounding_beyond_the_range_is_forgiven() -> None:
    assert P.log_var(0.9 * (1 + 1e-14)) == P.log_var(0.9)
    assert P.increments(0.3, 0.1 + 0.2) == P.increments(0.3, 0.3)
