"""Calls of `gbm_ref.sign_agnostic_law` and `gbm_ref.flips`."""

from collections.abc import Callable

import numpy as np

import gbm_ref
from tests.spec.adapters.calling import Adapter, Values


def log_moments(function: Callable, at: Values) -> object:
    """(mean, variance) of log |X_0| from an exact start, constant noise factor."""
    target, process = _target(at), gbm_ref.GBM(at["mu"], at["sigma"], at["T"])
    end = target.diffuse(process, process.horizon)
    rows = gbm_ref.uniform(int(at["N"]), at["T"])
    grid = tuple(row._replace(noise=at["kappa"]) for row in rows)
    result = function(target, process, grid, gbm_ref.Gaussian(end.log_mean, end.log_cov))
    return [result.mean, result.var]


def moments_of_a_step(function: Callable, at: Values) -> object:
    """(E X, E X^2) after one row from log X ~ N(M, V)."""
    process = gbm_ref.GBM(at["mu"], at["sigma"], horizon=1.0)
    grid = (gbm_ref.Row(at["t"], at["dt"], at["kappa"]),)
    start = gbm_ref.Gaussian(np.array([at["M"]]), np.array([[at["V"]]]))
    first = function(np.exp, _target(at), process, grid, start, signed=True)
    second = function(lambda y: np.exp(2.0 * y), _target(at), process, grid, start)
    return [first.value, second.value]


def log_flip(function: Callable, at: Values) -> object:
    """The logarithm of the probability given the score."""
    process = gbm_ref.GBM(at["mu"], at["sigma"], horizon=1.0)
    return function(process, at["h"], 0.9, at["dt"], at["kappa"])


def log_average_flip(function: Callable, at: Values) -> object:
    """The logarithm of the averaged probability on the line."""
    process = gbm_ref.GBM(at["mu"], at["sigma"], horizon=1.0)
    return function(_target({"a": 0.3, **at}), process, at["t"], at["dt"], at["kappa"])


def _target(at: Values) -> gbm_ref.LogNormal:
    return gbm_ref.LogNormal([at["a"]], at["v0"])


ADAPTERS: dict[str, Adapter] = {
    "gbm_ref.sign_agnostic_moments": log_moments,
    "gbm_ref.sign_agnostic_average": moments_of_a_step,
    "gbm_ref.log_flip_probability": log_flip,
    "gbm_ref.log_average_flip_probability": log_average_flip,
}
