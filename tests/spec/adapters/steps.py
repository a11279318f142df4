"""Calls of `gbm_ref.steps`."""

from collections.abc import Callable

import numpy as np

from gbm_ref import GBM, DaleLangevin, ProbabilityFlow, SignAgnostic, VarianceExploding
from gbm_ref.steps import Score, Step
from tests.spec.adapters.calling import Adapter, Values


def affine_score(at: Values) -> Score:
    """h_i = a_i + b_i1 log|x1| + b_i2 log|x2| + c t."""
    shift = np.array([at["a1"], at["a2"]])
    matrix = np.array([[at["b11"], at["b12"]], [at["b21"], at["b22"]]])
    return lambda x, t: shift + matrix @ np.log(np.abs(x)) + at["c"] * t


def _noisy(step: Step) -> Adapter:
    """A step of a constant-coefficient process in the plane."""

    def call(function: Callable, at: Values) -> object:
        state, draws = [at["x1"], at["x2"]], [at["z1"], at["z2"]]
        process = GBM(at["mu"], at["sigma"])
        score = affine_score(at)
        return function(step, process, score, state, at["t"], at["dt"], at["kappa"], draws)

    return call


def _exploding(step: Step) -> Adapter:
    """A step of a process whose sigma(t) grows."""

    def call(function: Callable, at: Values) -> object:
        state, draws = [at["x1"], at["x2"]], [at["z1"], at["z2"]]
        process = VarianceExploding(at["std_min"], at["std_max"])
        score = affine_score(at)
        return function(step, process, score, state, at["t"], at["dt"], at["kappa"], draws)

    return call


def _flow(function: Callable, at: Values) -> object:
    """A step of the probability flow, which uses no noise."""
    process = GBM(at["mu"], at["sigma"])
    state, score = [at["x1"], at["x2"]], affine_score(at)
    return function(ProbabilityFlow(), process, score, state, at["t"], at["dt"], 1.0, None)


ADAPTERS: dict[str, Adapter] = {
    "gbm_ref.SignAgnostic.__call__": _noisy(SignAgnostic()),
    "gbm_ref.SignAgnostic.__call__[negative state]": _noisy(SignAgnostic()),
    "gbm_ref.DaleLangevin.__call__": _noisy(DaleLangevin()),
    "gbm_ref.DaleLangevin.__call__[sigma that varies]": _exploding(DaleLangevin()),
    "gbm_ref.SignAgnostic.__call__[sigma that varies]": _exploding(SignAgnostic()),
    "gbm_ref.ProbabilityFlow.__call__": _flow,
    "gbm_ref.ProbabilityFlow.__call__[last step]": _flow,
}
