"""Calls of `gbm_ref.closed_forms`."""

from collections.abc import Callable

import numpy as np

import gbm_ref
from tests.spec.adapters.calling import Adapter, Values


def after_equal_steps(function: Callable, at: Values) -> object:
    """(mean, variance) after N equal steps."""
    return _flat(function(_target(at), _process(at), int(at["N"]), _start(at)))


def inner_loop(function: Callable, at: Values) -> object:
    """(mean, variance) after L steps at one row."""
    process = gbm_ref.GBM(at["mu"], at["sigma"], horizon=1.0)
    row = gbm_ref.Row(at["t"], at["dt"], at["kappa"])
    return _flat(function(_target(at), process, row, int(at["L"]), _start(at)))


def annealed_limit(function: Callable, at: Values) -> object:
    """(mean, variance) in the limit of many levels, m = 0."""
    process = gbm_ref.GBM(None, at["sigma"], at["T"])
    return _flat(function(_target(at), process, _start(at), at["rho"], at["c"]))


def path_divergence(function: Callable, at: Values) -> object:
    """The divergence of N equal steps."""
    return function(_target({"a": 0.0, **at}), _process({"mu": 0.1, **at}), int(at["N"]))


def _target(at: Values) -> gbm_ref.LogNormal:
    return gbm_ref.LogNormal([at["a"]], at["v0"])


def _process(at: Values) -> gbm_ref.GBM:
    return gbm_ref.GBM(at["mu"], at["sigma"], at["T"])


def _start(at: Values) -> gbm_ref.Gaussian:
    return gbm_ref.Gaussian(np.array([at["M"]]), np.array([[at["V"]]]))


def _flat(law: gbm_ref.Gaussian) -> list[float]:
    return [*law.mean.tolist(), *law.cov.ravel().tolist()]


ADAPTERS: dict[str, Adapter] = {
    "gbm_ref.dale_langevin_law": after_equal_steps,
    "gbm_ref.ancestral_law": after_equal_steps,
    "gbm_ref.euler_flow_law": after_equal_steps,
    "gbm_ref.inner_loop_law": inner_loop,
    "gbm_ref.annealed_limit_law": annealed_limit,
    "gbm_ref.path_divergence": path_divergence,
}
