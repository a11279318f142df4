"""Calls of `gbm_ref.scores`."""

from collections.abc import Callable

import numpy as np

from gbm_ref import GBM, LogNormal
from tests.spec.adapters.calling import Adapter, Values


def process(at: Values) -> GBM:
    """The process with the rates of the point."""
    return GBM(mu=at["mu"], sigma=at["sigma"])


def of(*names: str) -> Adapter:
    """f of the named values, each an array of one number."""
    return lambda function, at: function(*([at[name]] for name in names))


def of_with_process(*names: str) -> Adapter:
    """f of the named values, the process and t."""
    return lambda function, at: function(*([at[name]] for name in names), process(at), at["t"])


def exact_score(function: Callable, at: Values) -> object:
    """The score of log-normal data in the plane, at one point and time."""
    target = LogNormal([at["a1"], at["a2"]], [[at["S11"], at["S12"]], [at["S12"], at["S22"]]])
    return function(target, process(at))(np.array([at["x1"], at["x2"]]), at["t"])


def log_kernel(function: Callable, at: Values) -> object:
    """The log density of two coordinates at x, that start at x0 and at 1."""
    return function([at["x"], at["x"]], [at["x0"], 1.0], process(at), at["t"])


ADAPTERS: dict[str, Adapter] = {
    "gbm_ref.conditional_hyvarinen_score": of_with_process("x", "x0"),
    "gbm_ref.conditional_logpdf": log_kernel,
    "gbm_ref.hyvarinen_from_stein": of("x", "S"),
    "gbm_ref.stein_from_hyvarinen": of("x", "h"),
    "gbm_ref.log_score_from_hyvarinen": of("h"),
    "gbm_ref.hyvarinen_from_log_score": of("s"),
    "gbm_ref.noise_from_hyvarinen": of_with_process("h"),
    "gbm_ref.hyvarinen_from_noise": of_with_process("eps"),
    "gbm_ref.denoiser": of_with_process("x", "h"),
    "gbm_ref.hyvarinen_from_denoiser": of_with_process("x", "D"),
    "gbm_ref.exact_score": exact_score,
}
