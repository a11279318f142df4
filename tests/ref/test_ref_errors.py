"""Every wrong argument is a ValueError that names it."""

from collections.abc import Callable

import numpy as np
import pytest

import gbm_ref as ref
from tests.support.cases import generator
from tests.support.problems import DATA_SETS, LOG_NORMALS, MIXTURES, PROCESSES, draws, states

P = PROCESSES["constant"]
LN = LOG_NORMALS["log-normal-2d"]
X, Z, H = states(2), draws(12, 2), np.full((12, 2), -1.2)
ROWS = ref.uniform(3, horizon=0.9)
START = ref.Gaussian(np.array([0.1, 0.2]), np.eye(2))
TWO = np.array([0.1, 0.2])


def zero_score(x: np.ndarray, t: float) -> np.ndarray:
    return -np.ones_like(x)


def nan_score(x: np.ndarray, t: float) -> np.ndarray:
    return np.full_like(x, np.nan)


def step(kind: ref.Step, **changes: object) -> object:
    arguments = {"x_t": X, "t_score": 0.5, "dt": 0.1, "noise": 1.0, "z": Z, "score": zero_score}
    return kind(P, **{**arguments, **changes})  # type: ignore[arg-type]


def spoilt(value: float) -> np.ndarray:
    x = X.copy()
    x[3, 1] = value
    return x


CASES: dict[str, tuple[Callable[[], object], str]] = {
    # Processes
    "sigma zero": (lambda: ref.GBM(sigma=0.0), "sigma must be positive"),
    "sigma negative": (lambda: ref.GBM(sigma=-0.8), "sigma must be positive"),
    "sigma nan": (lambda: ref.GBM(sigma=float("nan")), "sigma must be finite"),
    "mu infinite": (lambda: ref.GBM(mu=float("inf")), "mu must be finite"),
    "horizon zero": (lambda: ref.GBM(horizon=0.0), "horizon must be positive"),
    "std order": (lambda: ref.VarianceExploding(2.0, 1.0), "std_min must be below std_max"),
    "std zero": (lambda: ref.VarianceExploding(0.0, 1.0), "std_min must be positive"),
    "sigma(t) negative": (
        lambda: ref.TimeVaryingGBM(lambda t: 0.1, lambda t: 0.5 - t).log_var(0.9),
        r"sigma\(.*\) must be positive",
    ),
    "not integrable": (
        lambda: ref.TimeVaryingGBM(lambda t: 1e9 * np.sin(1 / (t + 1e-9)), lambda t: 0.5).log_mean(
            0.9
        ),
        "did not converge",
    ),
    "t negative": (lambda: P.log_var(-0.1), r"t must lie in \[0, 0.9\]"),
    "t beyond": (lambda: P.log_mean(0.91), "t must lie in"),
    "t nan": (lambda: P.log_mean(float("nan")), "t must be finite"),
    "dt beyond": (lambda: P.increments(0.1, 0.2), "below t=0"),
    "dt negative": (lambda: P.increments(0.1, -0.2), "dt must not be negative"),
    "v negative": (lambda: P.time_at_log_var(-0.1), "v must not be negative"),
    "v beyond": (lambda: P.time_at_log_var(9.0), "v must lie in"),
    "sample zero": (lambda: P.sample(spoilt(0.0), 0.5, Z), "x0 must be positive"),
    "sample z shape": (lambda: P.sample(X, 0.5, Z[:3]), "z must have the shape"),
    # Targets
    "weights sum": (
        lambda: ref.LogNormalMixture([0.5, 0.6], [[0.1], [0.2]], [0.1, 0.2]),
        "weights must be positive and sum to 1",
    ),
    "weights negative": (
        lambda: ref.LogNormalMixture([-0.5, 1.5], [[0.1], [0.2]], [0.1, 0.2]),
        "weights must be positive",
    ),
    "means shape": (
        lambda: ref.LogNormalMixture([0.5, 0.5], [[0.1]], [0.1, 0.2]),
        "log_means must have shape",
    ),
    "covs shape": (
        lambda: ref.LogNormalMixture([0.5, 0.5], [[0.1], [0.2]], [[0.1], [0.2]]),
        "log_covs must have shape",
    ),
    "cov negative": (lambda: ref.LogNormal([0.1], -0.2), "positive semi-definite"),
    "cov indefinite": (
        lambda: ref.LogNormal(TWO, [[0.2, 0.5], [0.5, 0.3]]),
        "log_cov must be positive semi-definite",
    ),
    "cov asymmetric": (
        lambda: ref.LogNormal(TWO, [[0.2, 0.1], [0.0, 0.3]]),
        "log_cov must be symmetric",
    ),
    "cov shape": (lambda: ref.LogNormal(TWO, np.eye(3)), "log_cov must be a number"),
    "mean shape": (lambda: ref.LogNormal([[0.1]], 0.2), "log_mean must have shape"),
    "points zero": (lambda: ref.PointMasses([[0.0, 1.0]]), "points must be positive"),
    "points shape": (lambda: ref.PointMasses([1.0, 2.0]), "points must have shape"),
    "points log_var": (lambda: ref.PointMasses([[1.0]], -0.1), "log_var must not be negative"),
    "data set density": (lambda: DATA_SETS["points-2d"].logpdf(X), "diffuse first"),
    "data set score": (lambda: DATA_SETS["points-2d"].hyvarinen_score(X), "diffuse first"),
    "trailing dimension": (lambda: LN.logpdf(np.ones((4, 3))), r"must have shape \(..., 2\)"),
    "score of zero": (lambda: LN.stein_score(spoilt(0.0)), r"1 of 24 entries.*\(3, 1\)"),
    "score of negative": (lambda: LN.hyvarinen_score(spoilt(-2.0)), "x must be positive"),
    "score of nan": (lambda: LN.log_score(spoilt(np.nan)), "x must be finite"),
    "cdf in 2-d": (lambda: MIXTURES["mixture-2d"].cdf(X), "d = 1 only"),
    "rvs size": (lambda: LN.rvs(0, generator("rvs size")), "size must be a whole number"),
    "diffuse t": (lambda: LN.diffuse(P, 1.2), "t must lie in"),
    # Scores and the loss
    "conditional t0": (lambda: ref.conditional_hyvarinen_score(X, X, P, 0.0), "above 0"),
    "conditional x0": (
        lambda: ref.conditional_hyvarinen_score(X, spoilt(-1.0), P, 0.5),
        "x0 must be positive",
    ),
    "conditional shape": (
        lambda: ref.conditional_hyvarinen_score(X, X[:3], P, 0.5),
        "x0 must have the shape",
    ),
    "stein shape": (lambda: ref.hyvarinen_from_stein(X, H[:3]), "stein must have the shape"),
    "noise t0": (lambda: ref.hyvarinen_from_noise(H, P, 0.0), "above 0"),
    "denoiser t0": (lambda: ref.hyvarinen_from_denoiser(X, H, P, 0.0), "above 0"),
    "denoiser x": (lambda: ref.denoiser(spoilt(0.0), H, P, 0.5), "x must be positive"),
    "score nan": (lambda: ref.log_score_from_hyvarinen(spoilt(np.nan)), "must be finite"),
    "loss t0": (lambda: ref.m_dsm(zero_score, X, 0.0, Z, P), "singular at t=0"),
    "loss zero pixel": (lambda: ref.m_dsm(zero_score, spoilt(0.0), 0.5, Z, P), "positive"),
    "loss z shape": (lambda: ref.m_dsm(zero_score, X, 0.5, Z[:3], P), "z must have the shape"),
    "loss model": (lambda: ref.m_dsm(nan_score, X, 0.5, Z, P), "model's score must be finite"),
    "weighting": (lambda: ref.PreconditionedWeighting(0.0), "log_std must be positive"),
    # Steps, grids and the loop
    "dale negative": (lambda: step(ref.DaleLangevin(), x_t=spoilt(-1.0)), "must be positive"),
    "flow negative": (lambda: step(ref.ProbabilityFlow(), x_t=spoilt(-1.0)), "must be positive"),
    "agnostic zero": (lambda: step(ref.SignAgnostic(), x_t=spoilt(0.0)), "must not hold zeros"),
    "agnostic nan": (lambda: step(ref.SignAgnostic(), x_t=spoilt(np.nan)), "must be finite"),
    "step without z": (lambda: step(ref.DaleLangevin(), z=None), "uses noise"),
    "step z shape": (lambda: step(ref.SignAgnostic(), z=Z[0]), "z must have the shape"),
    "step noise": (lambda: step(ref.DaleLangevin(), noise=-1.0), "noise must not be negative"),
    "step dt": (lambda: step(ref.DaleLangevin(), dt=0.6), "below t=0"),
    "step score": (lambda: step(ref.DaleLangevin(), score=nan_score), "score must be finite"),
    "flow at t0": (lambda: step(ref.ProbabilityFlow(), t_score=0.0, dt=0.0), "starts at t > 0"),
    "grid empty": (lambda: ref.uniform(0), "num_steps must be a whole number"),
    "grid chi": (lambda: ref.annealed(4, chi=1.1), r"chi must lie in \(0, 1\]"),
    "grid start": (lambda: ref.annealed(4, start=5), "start must be a whole number, 1 to 4"),
    "grid length": (lambda: ref.annealed(4, step_length=0.3), "below t=0"),
    "grid inner": (lambda: ref.annealed(4, inner_steps=0), "inner_steps must be"),
    "grid one row": (lambda: ref.geometric(P, 1, 0.1, 0.5), "num_steps must be"),
    "grid order": (lambda: ref.geometric(P, 4, 0.5, 0.1), "std_min must be below"),
    "grid range": (lambda: ref.geometric(P, 4, 0.1, 5.0), "v must lie in"),
    "grid rho": (lambda: ref.power(P, 4, 0.0, std_min=0.1, std_max=0.5), "rho must be positive"),
    "loop no z": (
        lambda: ref.simulate(ref.DaleLangevin(), P, zero_score, X, ROWS),
        r"pass z of shape \(3, 12, 2\)",
    ),
    "loop z shape": (
        lambda: ref.simulate(ref.DaleLangevin(), P, zero_score, X, ROWS, draws(2, 12, 2)),
        r"z must have shape \(3, 12, 2\)",
    ),
    "loop no rows": (
        lambda: ref.simulate(ref.ProbabilityFlow(), P, zero_score, X, ()),
        "no rows",
    ),
    # Laws, divergences and mirrors
    "law step": (lambda: ref.exact_law(ref.SignAgnostic(), LN, P, ROWS, START), "not affine"),
    "law dimension": (
        lambda: ref.exact_law(ref.DaleLangevin(), LOG_NORMALS["log-normal-1d"], P, ROWS, START),
        "mean of start",
    ),
    "law t0": (
        lambda: ref.exact_law(ref.DaleLangevin(), LN, P, (ref.Row(0.0, 0.0, 1.0),), START),
        "t_score > 0",
    ),
    "kl dimension": (
        lambda: ref.kl_divergence(START, ref.Gaussian(TWO[:1], np.eye(1))),
        "mean of q",
    ),
    "kl singular": (
        lambda: ref.kl_divergence(START, ref.Gaussian(TWO, np.ones((2, 2)))),
        "positive definite",
    ),
    "kl not psd": (
        lambda: ref.kl_divergence(ref.Gaussian(TWO, -np.eye(2)), START),
        "covariance of p",
    ),
    "eg eta": (lambda: ref.exponentiated_gradient_step(X, H, 0.0), "eta must be positive"),
    "eg shape": (lambda: ref.gradient_step(X, H[:3], 0.1), "grad must have the shape"),
    "langevin delta": (lambda: ref.mirrored_langevin_step(X, H, -0.1, Z), "delta must be"),
    "langevin x": (lambda: ref.mirrored_langevin_step(spoilt(0.0), H, 0.1, Z), "positive"),
    "langevin law": (
        lambda: ref.mirrored_langevin_law(TWO, 0.0, 0.1, 3, START),
        "log_cov must be positive definite",
    ),
    "langevin steps": (
        lambda: ref.mirrored_langevin_law(TWO, 0.3, 0.1, -1, START),
        "num_steps must be",
    ),
    "bregman shape": (lambda: ref.bregman(ref.ENTROPY, X, X[:3]), "w_ref must have the shape"),
    "bregman at zero": (lambda: ref.bregman(ref.ENTROPY, [1.0], [0.0]), "gradient of phi"),
}


@pytest.mark.parametrize("name", list(CASES))
def test_bad_input_is_refused_with_a_reason(name: str) -> None:
    call, message = CASES[name]
    with pytest.raises(ValueError, match=message):
        call()


def test_arguments_of_a_wrong_type_are_refused() -> None:
    """Checked apart: the annotations exclude them, so the run-time type check may come first."""
    refusals = (ValueError, TypeError)
    with pytest.raises(refusals, match="affine|Mixture"):
        ref.exact_law(ref.DaleLangevin(), MIXTURES["mixture-2d"], P, ROWS, START)  # type: ignore
    with pytest.raises(refusals, match="single number|float"):
        P.log_mean(np.array([0.1, 0.2]))  # type: ignore


def test_rounding_beyond_the_range_is_forgiven() -> None:
    assert P.log_var(0.9 * (1 + 1e-14)) == P.log_var(0.9)
    assert P.increments(0.3, 0.1 + 0.2) == P.increments(0.3, 0.3)
