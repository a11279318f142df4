"""Every wrong argument of gbm_ref is a ValueError that names it."""

from typing import ClassVar

import numpy as np
import pytest

import gbm_ref as ref
from tests.ref.test_ref_laws import LAWS, STATES
from tests.support.cases import generator
from tests.support.problems import DATA_SETS, LOG_NORMALS, MIXTURES, PROCESSES, draws, states
from tests.support.refusals import Refusal, check, rows, table

NAN, INF = float("nan"), float("inf")
P, LN, PLANE = PROCESSES["constant"], LOG_NORMALS["log-normal-2d"], MIXTURES["mixture-2d"]
POINTS = DATA_SETS["points-2d"]
X, Z, H = states(2), draws(12, 2), np.full((12, 2), -1.2)
TWO, ROWS = np.array([0.1, 0.2]), ref.uniform(3, horizon=0.9)


def spoilt(value: float) -> np.ndarray:
    x = X.copy()
    x[3, 1] = value
    return x


def zero_score(x: np.ndarray, t: float) -> np.ndarray:
    return -np.ones_like(x)


def nan_score(x: np.ndarray, t: float) -> np.ndarray:
    return np.full_like(x, np.nan)


def varying(mu: object, sigma: object) -> tuple[float, float]:
    process = ref.TimeVaryingGBM(mu, sigma)  # type: ignore[arg-type]
    return process.log_var(0.9), process.log_mean(0.9)


STDS = {"process": P, "num_steps": 4, "std_min": 0.1, "std_max": 0.5}
MIXED = {"weights": [0.5, 0.5], "log_means": [[0.1], [0.2]], "log_covs": [0.1, 0.2]}
GAMMA_CHAIN = {"x": X, "looks": 5.0, "next_looks": 2.0, "beta": 0.5 * np.ones_like(X)}
SINGLE = {"x0": X, "t": 0.5, "z": Z}
BETWEEN = {"std_min": 0.02, "std_max": 1.0}
RATES = {"mu": lambda t: 0.1, "sigma": lambda t: 0.5}
DRAW = {"size": 1, "random_state": generator("rvs size")}
LOG_NORMAL, INDEFINITE = {"log_mean": TWO, "log_cov": 0.2}, [[0.2, 0.5], [0.5, 0.3]]

# Call, good arguments, the argument that is wrong, its value, and the words of the message.
OF_PROCESSES = [
    (ref.VarianceExploding, BETWEEN, "std_min", 2.0, "std_min must be below std_max"),
    (ref.VarianceExploding, BETWEEN, "std_min", 0.0, "std_min must be positive"),
    (varying, RATES, "sigma", lambda t: 0.5 - t, r"sigma\(.*\) must be positive"),
    (varying, RATES, "mu", lambda t: 1e9 * np.sin(1 / (t + 1e-9)), "did not converge"),
    (ref.PiecewiseGBM([0.3, 0.4]).log_var, {"t": 1.0}, "t", 1.1, "t must lie in"),
    (P.log_var, {"t": 0.9}, "t", -0.1, r"t must lie in \[0, 0.9\]"),
    (P.increments, {"t": 0.1, "dt": 0.1}, "dt", 0.2, "below t=0"),
    (P.increments, {"t": 0.1, "dt": 0.1}, "dt", -0.2, "dt must not be negative"),
    (P.time_at_log_var, {"v": 0.1}, "v", -0.1, "v must not be negative"),
    (P.time_at_log_var, {"v": 0.1}, "v", 9.0, "v must lie in"),
    (P.sample, SINGLE, "x0", spoilt(0.0), "x0 must be positive"),
    (P.sample, SINGLE, "z", Z[:3], "z must have the shape"),
    (P.log_mean, {"t": 0.9}, "t", 0.91, "t must lie in"),
    (P.log_mean, {"t": 0.9}, "t", NAN, "t must be finite"),
]


@table(
    [Refusal(*row) for row in OF_PROCESSES],
    rows(
        ref.GBM,
        {},
        *(("sigma", value, "sigma must be positive") for value in (0.0, -0.8)),
        ("sigma", NAN, "sigma must be finite"),
        ("mu", INF, "mu must be finite"),
        ("horizon", 0.0, "horizon must be positive"),
    ),
    rows(
        ref.PiecewiseGBM,
        {"sigma": [0.3, 0.4], "mu": [0.1, 0.2], "horizon": 1.0},
        *(("sigma", v, "sigma") for v in ([], [0.3, 0.0], [0.3, -0.1], [NAN], [[0.1]])),
        ("mu", [0.1], "mu"),
        ("horizon", 0.0, "horizon"),
    ),
)
def test_processes(refusal: Refusal) -> None:
    check(refusal)


BAD, NOT_STATES = "positive|finite", [np.array([[bad]]) for bad in (0.0, -1.0, NAN)]
OF_TARGETS = [
    (ref.LogNormal, LOG_NORMAL, "log_cov", -0.2, "positive semi-definite"),
    (LN.logpdf, {"x": X}, "x", np.ones((4, 3)), r"must have shape \(..., 2\)"),
    (LN.stein_score, {"x": X}, "x", spoilt(0.0), r"1 of 24 entries.*\(3, 1\)"),
    (LN.hyvarinen_score, {"x": X}, "x", spoilt(-2.0), "x must be positive"),
    (LN.log_score, {"x": X}, "x", spoilt(NAN), "x must be finite"),
    (LN.diffuse, {"process": P, "t": 0.5}, "t", 1.2, "t must lie in"),
    (LN.rvs, DRAW, "size", 0, "size must be a whole number"),
    (ref.LogNormalMixture, MIXED, "weights", [0.5, 0.6], "weights must be positive and sum to 1"),
    (ref.LogNormalMixture, MIXED, "weights", [-0.5, 1.5], "weights must be positive"),
    (ref.LogNormalMixture, MIXED, "log_means", [[0.1]], "log_means must have shape"),
    (ref.LogNormalMixture, MIXED, "log_covs", [[0.1], [0.2]], "log_covs must have shape"),
    (ref.LogNormal, LOG_NORMAL, "log_cov", INDEFINITE, "log_cov must be positive semi-definite"),
    (ref.LogNormal, LOG_NORMAL, "log_cov", [[0.2, 0.1], [0.0, 0.3]], "log_cov must be symmetric"),
    (ref.LogNormal, LOG_NORMAL, "log_cov", np.eye(3), "log_cov must be a number"),
    (ref.LogNormal, LOG_NORMAL, "log_mean", [[0.1]], "log_mean must have shape"),
    (ref.PointMasses, {"points": [[1.0, 2.0]]}, "points", [[0.0, 1.0]], "points must be positive"),
    (ref.PointMasses, {"points": [[1.0, 2.0]]}, "points", [1.0, 2.0], "points must have shape"),
    (ref.PointMasses, {"points": [[1.0, 2.0]]}, "log_var", -0.1, "log_var must not be negative"),
]


@table(
    [Refusal(*row) for row in OF_TARGETS],
    *(
        rows(make, {one: 1.0, two: 1.0}, *((one, v, BAD) for v in (0.0, -1.0, NAN, INF)))
        + rows(make, {one: TWO, two: TWO}, (two, [1.0, 2.0, 3.0], "one shape"))
        for make, one, two in (
            (ref.Gamma, "shape", "rate"),
            (ref.InverseGamma, "shape", "scale"),
            (ref.Weibull, "shape", "scale"),
            (ref.BetaPrime, "a", "b"),
        )
    ),
    *(
        rows(law.hyvarinen_score, {"x": STATES}, *(("x", x, BAD) for x in NOT_STATES))
        + rows(law.logpdf, {"x": STATES}, ("x", np.ones((3, 2)), "shape"))
        for law in LAWS.values()
    ),
)
def test_laws_of_data(refusal: Refusal) -> None:
    check(refusal)


def test_what_a_law_does_not_have() -> None:
    for call in (POINTS.logpdf, POINTS.hyvarinen_score):
        with pytest.raises(ValueError, match="diffuse first"):
            call(X)
    for law in (PLANE, ref.Gamma([2.3, 1.1], 0.7)):
        with pytest.raises(ValueError, match="d = 1 only"):
            law.cdf(X)


PSI = {"stein": X, "slope": X, "x": X}
LOSS = {"model": zero_score, "x0": X, "t": 0.5, "z": Z, "process": P}
IMPLICIT = {"model": zero_score, "slope": zero_score, "x": X, "t": 0.3, "process": P}
NOT_DATA = [-X, np.zeros((3, 2)), np.empty((0, 2)), np.float64(1.0)]
KERNEL = {"x": X, "x0": X, "process": P, "t": 0.5}
DENOISED = {"x": X, "denoised": H, "process": P, "t": 0.5}
DENOISER = {"x": X, "hyvarinen": H, "process": P, "t": 0.5}
STEIN, HYVARINEN = {"x": X, "stein": H}, {"hyvarinen": H}
ESM = {"model": zero_score, "target": PLANE, "x": X, "t": 0.3, "process": P}
SHARP = {"x": X, "target": ref.PointMasses(POINTS.points, 0.0), "process": P, "t": 0.3}
GIVEN = {"x": X, "target": POINTS, "process": P, "t": 0.3}

OF_SCORES = [
    (ref.conditional_hyvarinen_score, KERNEL, "t", 0.0, "above 0"),
    (ref.conditional_hyvarinen_score, KERNEL, "x0", spoilt(-1.0), "x0 must be positive"),
    (ref.conditional_hyvarinen_score, KERNEL, "x0", X[:3], "x0 must have the shape"),
    (ref.conditional_logpdf, KERNEL, "t", 0.0, "t must be above 0"),
    (ref.hyvarinen_from_stein, STEIN, "stein", H[:3], "stein must have the shape"),
    (ref.hyvarinen_from_denoiser, DENOISED, "t", 0.0, "above 0"),
    (ref.denoiser, DENOISER, "x", spoilt(0.0), "x must be positive"),
    (ref.log_score_from_hyvarinen, HYVARINEN, "hyvarinen", spoilt(NAN), "must be finite"),
    (ref.m_dsm, LOSS, "t", 0.0, "singular at t=0"),
    (ref.m_dsm, LOSS, "x0", spoilt(0.0), "positive"),
    (ref.m_dsm, LOSS, "z", Z[:3], "z must have the shape"),
    (ref.m_dsm, LOSS, "model", nan_score, "model's score must be finite"),
    (ref.PreconditionedWeighting, {"log_std": 0.6}, "log_std", 0.0, "log_std must be positive"),
    (ref.m_esm, ESM, "model", lambda x, t: draws(3, 2), "score"),
    (ref.posterior_weights, GIVEN, "x", X[:, :1], r"x must have shape \(..., 2\)"),
    (ref.posterior_log_cov, SHARP, "t", 0.0, "take t > 0"),
    (ref.posterior_law, {**GIVEN, "x": X[0]}, "x", X, r"x must have shape \(d,\)"),
    (ref.log_posterior_moment, GIVEN, "power", NAN, "power must be finite"),
    (ref.hyvarinen_from_noise, {"noise": H, "process": P, "t": 0.5}, "t", 0.0, "above 0"),
    (ref.posterior_weights, GIVEN, "t", 0.0, "no density"),
    (ref.posterior_weights, GIVEN, "x", -X, "x must be positive"),
    (ref.posterior_log_mean, GIVEN, "t", 0.0, "take t > 0"),
    (ref.posterior_log_mean, GIVEN, "t", 0.95, "t must lie in"),
]


@table(
    [Refusal(*row) for row in OF_SCORES],
    rows(
        ref.implicit_m_esm,
        IMPLICIT,
        *(("x", x, "x") for x in NOT_DATA),
        ("slope", lambda x, t: x[:-1], "slope"),
    ),
    rows(ref.nonnegative_score_matching, PSI, *(("x", x, "x") for x in NOT_DATA)),
)
def test_scores_losses_and_posteriors(refusal: Refusal) -> None:
    check(refusal)


STEP = {"process": P, "score": zero_score, "x_t": X, "t_score": 0.5, "dt": 0.1, "noise": 1.0}
STEP |= {"z": Z}
AT_ONCE = {**STEP, "dt": 0.0}
LOOP = {"step": ref.DaleLangevin(), "process": P, "score": zero_score, "x_T": X, "grid": ROWS}
FLOW, LOOP = {**LOOP, "step": ref.ProbabilityFlow()}, {**LOOP, "z": draws(3, 12, 2)}
BACK = {"x": X, "x0": X, "looks": 2.0, "previous_looks": 5.0, "gamma": X}


class Stratonovich(ref.ProbabilityFlow):
    """A step that declares another calculus and must be refused before it runs."""

    calculus: ClassVar[str] = "stratonovich"

    def __call__(self, *arguments: object) -> np.ndarray:  # type: ignore[override]
        raise RuntimeError("the loop ran a step of another calculus")


KERNELS = (ref.Ancestral(), ref.Ancestral(0.3))
OF_STEPS = [
    (ref.DaleLangevin(), STEP, "x_t", spoilt(-1.0), "must be positive"),
    (ref.DaleLangevin(), STEP, "z", None, "uses noise"),
    (ref.DaleLangevin(), STEP, "noise", -1.0, "noise must not be negative"),
    (ref.DaleLangevin(), STEP, "dt", 0.6, "below t=0"),
    (ref.DaleLangevin(), STEP, "score", nan_score, "score must be finite"),
    (ref.ProbabilityFlow(), STEP, "x_t", spoilt(-1.0), "must be positive"),
    (ref.SignAgnostic(), STEP, "x_t", spoilt(0.0), "must not hold zeros"),
    (ref.SignAgnostic(), STEP, "x_t", spoilt(NAN), "must be finite"),
    (ref.SignAgnostic(), STEP, "z", Z[0], "z must have the shape"),
    (ref.uniform, {"num_steps": 1}, "num_steps", 0, "num_steps must be a whole number"),
    (ref.printed, {"num_steps": 2}, "num_steps", 1, "num_steps"),
    (ref.annealed, {"num_steps": 4}, "chi", 1.1, r"chi must lie in \(0, 1\]"),
    (ref.annealed, {"num_steps": 4}, "start", 5, "start must be a whole number, 1 to 4"),
    (ref.annealed, {"num_steps": 4}, "step_length", 0.3, "below t=0"),
    (ref.annealed, {"num_steps": 4}, "inner_steps", 0, "inner_steps must be"),
    (ref.simulate, LOOP, "z", None, r"pass z of shape \(3, 12, 2\)"),
    (ref.simulate, LOOP, "z", draws(2, 12, 2), r"z must have shape \(3, 12, 2\)"),
    (ref.simulate, FLOW, "grid", (), "no rows"),
    (ref.simulate, FLOW, "step", Stratonovich(), "stratonovich"),
    (ref.gamma_ancestral_step, BACK, "looks", 7.0, "looks fall"),
    (ref.gamma_denoiser, {"x": X, "hyvarinen": H, "looks": 3.7}, "x", -X, "positive"),
    (ref.geometric, STDS, "num_steps", 1, "num_steps must be"),
    (ref.geometric, STDS, "std_min", 0.6, "std_min must be below"),
    (ref.geometric, STDS, "std_max", 5.0, "v must lie in"),
    (ref.power, STDS, "rho", 0.0, "rho must be positive"),
    (ref.gamma_chain_step, GAMMA_CHAIN, "looks", 1.0, "looks fall"),
    (ref.gamma_chain_step, GAMMA_CHAIN, "next_looks", 7.0, "looks fall"),
    (ref.gamma_chain_step, GAMMA_CHAIN, "beta", 1.5 * np.ones_like(X), "beta must lie"),
]


@table(
    [Refusal(*row) for row in OF_STEPS],
    *(
        rows(step, STEP, ("x_t", -X, "positive"))
        for step in (ref.MarginalPreserving(0.7), ref.Corrector(), *KERNELS, ref.DDIM())
    ),
    *(
        rows(step, AT_ONCE, ("t_score", 0.0, "starts at t > 0"))
        for step in (ref.DDIM(), ref.Ancestral(), ref.ProbabilityFlow())
    ),
    *(
        rows(make, {argument: 0.1}, (argument, -0.1, "must not be negative"))
        for make, argument in (
            (ref.MarginalPreserving, "kappa"),
            (ref.AmbientMarginalPreserving, "kappa"),
            (ref.Ancestral, "data_log_cov"),
        )
    ),
    rows(
        ref.gamma_conditional_hyvarinen_score,
        {"x": X, "x0": X, "looks": 3.7},
        *(("looks", looks, "looks") for looks in (0.0, -1.0, NAN)),
    ),
)
def test_steps_grids_and_the_loop(refusal: Refusal) -> None:
    check(refusal)
