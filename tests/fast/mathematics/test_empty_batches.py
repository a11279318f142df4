"""Batches without a state: both packages return the same shapes, or both refuse with a sentence.

Events of no element are served where nothing is said about a law, and refused where one is.
"""

import inspect
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
import torch

import gbm_fast as gbm
import gbm_ref as ref
from tests.support.cases import crossed
from tests.support.problems import BLURRED, DATA_SETS, LOG_NORMALS, MIXTURES, PROCESSES
from tests.support.tables import STEPS, STEPS_2D
from tests.support.twins import twin

P, LN = PROCESSES["constant"], LOG_NORMALS["log-normal-2d"]
END = LN.diffuse(P, 0.9)
LAWS = {"log-normal": LN, "mixture": MIXTURES["mixture-2d"], "points": BLURRED["points-2d"]}
ALL_PROCESSES = {**PROCESSES, "coordinates": ref.CoordinateGBM([0.1, 0.2], [0.5, 0.6])}
LINES = {
    "log-normal": LOG_NORMALS["log-normal-1d"],
    "mixture": MIXTURES["mixture-1d"],
    "points": DATA_SETS["points-1d"],
}
PRODUCTS = ("Gamma", "InverseGamma", "Weibull", "BetaPrime")
EMPTY = np.empty((0, 2))

# A call of either package: (package, what makes a twin, an empty batch) -> result.
Call = Callable[[ModuleType, Callable, np.ndarray], object]
Twin = Callable[[object], object]


def score(x: object, t: object) -> object:
    """No law's, of any number of elements."""
    return -x  # type: ignore[operator]


OF_LAWS: dict[str, Call] = {
    f"{name} of {law}": lambda k, c, x, law=law, f=f: f(k, c, c(x), c(LAWS[law]))
    for law in LAWS
    for name, f in {
        "logpdf": lambda k, c, x, law: law.logpdf(x),
        "log_score": lambda k, c, x, law: law.log_score(x),
        "stein_score": lambda k, c, x, law: law.stein_score(x),
        "posterior_weights": lambda k, c, x, law: k.posterior_weights(x, law, c(P), 0.3),
        "posterior_log_mean": lambda k, c, x, law: k.posterior_log_mean(x, law, c(P), 0.3),
        "posterior_log_cov": lambda k, c, x, law: k.posterior_log_cov(x, law, c(P), 0.3),
        "log_posterior_moment": lambda k, c, x, law: k.log_posterior_moment(x, law, c(P), 0.3),
        "log_score_divergence": lambda k, c, x, law: k.log_score_divergence(x, law),
        "exact_divergence": lambda k, c, x, law: k.exact_divergence(law, c(P))(x, 0.3),
        "exact_score": lambda k, c, x, law: k.exact_score(law, c(P))(x, 0.3),
        "guided_score": lambda k, c, x, law: k.guided_score(k.exact_score(law, c(P)), score, 1.5)(
            x, 0.3
        ),
        "m_esm": lambda k, c, x, law: k.m_esm(score, law, x, 0.3, c(P)),
        "posterior_law": lambda k, c, x, law: k.posterior_law(x, law, c(P), 0.3),
    }.items()
}
OF_PROCESSES: dict[str, Call] = {
    f"{name} of {kind}": lambda k, c, x, kind=kind, f=f: f(k, c(x), c(ALL_PROCESSES[kind]))
    for kind in ALL_PROCESSES
    for name, f in {
        "sample": lambda k, x, p: p.sample(x, 0.3, x),
        "kernel_law": lambda k, x, p: k.kernel_law(x, p, 0.2, 0.3),
        "kernel_sample": lambda k, x, p: k.kernel_sample(x, p, 0.2, 0.3, x),
        "bridge_law": lambda k, x, p: k.bridge_law(x, x, p, 0.1, 0.2, 0.3),
        "bridge_sample": lambda k, x, p: k.bridge_sample(x, x, p, 0.1, 0.2, 0.3, x),
        "conditional_logpdf": lambda k, x, p: k.conditional_logpdf(x, x, p, 0.3),
        "conditional_hyvarinen_score": lambda k, x, p: k.conditional_hyvarinen_score(x, x, p, 0.3),
        "denoiser": lambda k, x, p: k.denoiser(x, x, p, 0.3),
        "hyvarinen_from_denoiser": lambda k, x, p: k.hyvarinen_from_denoiser(x, x, p, 0.3),
        "hyvarinen_from_noise": lambda k, x, p: k.hyvarinen_from_noise(x, p, 0.3),
        "noise_from_hyvarinen": lambda k, x, p: k.noise_from_hyvarinen(x, p, 0.3),
        "log_flip_probability": lambda k, x, p: k.log_flip_probability(p, x, 0.3, 0.1),
        "m_dsm": lambda k, x, p: k.m_dsm(score, x, 0.3, x, p),
    }.items()
}
OF_STATES: dict[str, Call] = {
    name: lambda k, c, x, f=f: f(k, c(x))
    for name, f in {
        "hyvarinen_from_stein": lambda k, x: k.hyvarinen_from_stein(x, x),
        "stein_from_hyvarinen": lambda k, x: k.stein_from_hyvarinen(x, x),
        "hyvarinen_from_log_score": lambda k, x: k.hyvarinen_from_log_score(x),
        "log_score_from_hyvarinen": lambda k, x: k.log_score_from_hyvarinen(x),
        "gradient_step": lambda k, x: k.gradient_step(x, x, 0.1),
        "exponentiated_gradient_step": lambda k, x: k.exponentiated_gradient_step(x, x, 0.1),
        "mirrored_langevin_step": lambda k, x: k.mirrored_langevin_step(x, x, 0.1, x),
        "bregman ENTROPY": lambda k, x: k.bregman(k.ENTROPY, x, x),
        "bregman EUCLIDEAN": lambda k, x: k.bregman(k.EUCLIDEAN, x, x),
        "bits_per_dim": lambda k, x: k.bits_per_dim(x, 2),
        "gamma_noise_sample": lambda k, x: k.gamma_noise_sample(x, 2.0, x),
        "gamma_log_moments": lambda k, x: k.gamma_log_moments(x),
        "looks_at_log_var": lambda k, x: k.looks_at_log_var(x),
        "gamma_denoiser": lambda k, x: k.gamma_denoiser(x, x, 2.0),
        "gamma_conditional_hyvarinen_score": lambda k, x: k.gamma_conditional_hyvarinen_score(
            x, x, 2.0
        ),
        "gamma_chain_step": lambda k, x: k.gamma_chain_step(x, 2.0, 1.5, x),
        "gamma_ancestral_step": lambda k, x: k.gamma_ancestral_step(x, x, 1.5, 2.0, x),
        "nonnegative_score_matching": lambda k, x: k.nonnegative_score_matching(
            lambda x: x, lambda x: x, x
        ),
        "PointMasses": lambda k, x: k.PointMasses(x),
        "from_data": lambda k, x: k.from_data(x, k.GBM()),
        "Ancestral": lambda k, x: k.Ancestral(x),
        "PiecewiseGBM": lambda k, x: k.PiecewiseGBM(x),
        "CoordinateGBM": lambda k, x: k.CoordinateGBM(x, x),
        "LogNormal": lambda k, x: k.LogNormal(x, 0.1),
        "LogNormalMixture": lambda k, x: k.LogNormalMixture(x, x, x),
        "class_averages": lambda k, x: k.class_averages(x, x),
        **{name: lambda k, x, name=name: getattr(k, name)(x, x) for name in PRODUCTS},
    }.items()
}
WITH_MORE: dict[str, Call] = {
    "implicit_m_esm": lambda k, c, x: k.implicit_m_esm(score, score, c(x), 0.3, c(P)),
    "exact_log_likelihood": lambda k, c, x: k.exact_log_likelihood(c(x), c(LN), c(P), c(END)),
    **{
        f"{name} {method}": lambda k, c, x, name=name, m=method: getattr(
            getattr(k, name)([2.3, 0.7] if k is ref else twin(np.array([2.3, 0.7])), 0.7), m
        )(c(x))
        for name in PRODUCTS
        for method in ("logpdf", "hyvarinen_score", "stein_score", "log_score")
    },
    **{
        f"{method} of {name} on the line": lambda k, c, x, name=name, m=method: getattr(
            c(LINES[name]), m
        )(c(x[..., :1] if m == "cdf" else x))
        for name in LINES
        for method in ("cdf", "ppf")
    },
}
CALLS: dict[str, Call] = {**OF_LAWS, **OF_PROCESSES, **OF_STATES, **WITH_MORE}


def described(call: Call, package: ModuleType, make: Twin, x: np.ndarray) -> object:
    """The shapes of the result, or that it was refused with a sentence."""
    try:
        return shapes(call(package, make, x))
    except ValueError as error:
        return "refused" if str(error).endswith((".", "]")) else f"without a stop: {error}"


def shapes(result: object) -> object:
    if isinstance(result, tuple):
        return tuple(map(shapes, result))
    if isinstance(result, np.ndarray | np.float64 | float):
        assert not np.isnan(result).any()
        return np.shape(result)
    if isinstance(result, torch.Tensor):
        assert not bool(result.isnan().any())
        return tuple(result.shape)
    return type(result).__name__


# No state; states without an element; both. A state (2,) of its own is no batch of gbm_fast.
SHAPES = {"no states": (0, 2), "no elements": (3, 0), "neither": (0, 0)}


@pytest.mark.usefixtures("unchecked")
@crossed(name=CALLS, shape=SHAPES)
def test_both_packages_serve_or_refuse_an_empty_batch(name: str, shape: str) -> None:
    x = np.empty(SHAPES[shape])
    theirs = described(CALLS[name], ref, lambda value: value, x)
    ours = described(CALLS[name], gbm, twin, x)
    assert ours == theirs


REFUSED_WITHOUT_STATES = {
    "m_dsm", "m_esm", "implicit_m_esm", "nonnegative_score_matching",  # means over the states
    "kernel_law", "bridge_law", "posterior_law",  # of one state
    "PointMasses", "from_data", "class_averages", "LogNormal", "LogNormalMixture", "Ancestral",
    "PiecewiseGBM", "CoordinateGBM", *PRODUCTS,  # parameters
}  # fmt: skip


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("name", CALLS)
def test_what_is_refused_without_states_has_no_result_then(name: str) -> None:
    found = described(CALLS[name], ref, lambda value: value, EMPTY)
    differs = "log_flip_probability of coordinates"  # one number for all is refused in any case
    refused = name.split(" of ")[0] in REFUSED_WITHOUT_STATES or name == differs
    assert (found == "refused") == refused, found


# A step with a covariance of two coordinates has no state without an element.
STEPPED = [(name, shape) for name in STEPS for shape in SHAPES]
STEPPED += [(name, "no states") for name in STEPS_2D]


@pytest.mark.parametrize(("name", "shape"), STEPPED)
def test_steps_and_the_loop_serve_an_empty_batch(name: str, shape: str) -> None:
    x = np.empty(SHAPES[shape])
    ours, theirs = {**STEPS, **STEPS_2D}[name]
    z = np.empty((2, *x.shape))
    for step, package, make in ((theirs, ref, lambda v: v), (ours, gbm, twin)):
        moved = step(make(P), score, make(x), 0.3, 0.1, 1.0, make(x))
        grid = package.uniform(2, horizon=0.9)
        done = package.simulate(step, make(P), score, make(x), grid, make(z))
        assert shapes(moved) == shapes(done) == x.shape


# Public functions of both that take no batch, or whose batch has a test of its own.
WITHOUT_ROW = {
    "simulate", "log_likelihood", "log_average_flip_probability",
    "gamma_marginal", "gamma_posterior",  # laws
    "two_time_law", "kl_divergence", "log_moments", "fitted_lognormal", "terminal_gaussian",
    "terminal_mismatch", "best_start", "standard_lognormal", "from_class_averages",  # of laws
    "annealed", "geometric", "power", "printed", "uniform",  # grids
    "unweighted", "variance_weighting", "squared_variance_weighting",  # of a time
}  # fmt: skip


def test_every_shared_function_has_a_row() -> None:
    shared = {
        name
        for name in set(ref.__all__) & set(gbm.__all__)
        if inspect.isfunction(getattr(ref, name))
    }
    assert shared - {name.split()[0] for name in CALLS} == WITHOUT_ROW
