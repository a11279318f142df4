"""Calls of `gbm_ref.exact`."""

from collections.abc import Callable

import numpy as np

import gbm_ref
from tests.spec.adapters.calling import Adapter, Values


def dale_langevin_on_the_line(function: Callable, at: Values) -> object:
    """(mean, variance) of the annealed chain."""
    grid = gbm_ref.annealed(
        int(at["N"]),
        horizon=at["T"],
        step_length=at["length"],
        inner_steps=int(at["L"]),
        chi=at["chi"],
    )
    return _flat(function(gbm_ref.DaleLangevin(), *_target_and_process(at), grid, _start(at)))


def dale_langevin_in_the_plane(function: Callable, at: Values) -> object:
    """(two means, four covariances) of the uniform chain."""
    data_cov = np.array([[at["S11"], at["S12"]], [at["S12"], at["S22"]]])
    start_cov = np.array([[at["B11"], at["B12"]], [at["B12"], at["B22"]]])
    target = gbm_ref.LogNormal([at["a1"], at["a2"]], data_cov)
    process = gbm_ref.GBM(at["mu"], at["sigma"], at["T"])
    start = gbm_ref.Gaussian(np.array([at["M1"], at["M2"]]), start_cov)
    grid = gbm_ref.uniform(int(at["N"]), at["T"])
    return _flat(function(gbm_ref.DaleLangevin(), target, process, grid, start))


def probability_flow(function: Callable, at: Values) -> object:
    """(mean, variance) of Heun's rule on the uniform grid."""
    grid = gbm_ref.uniform(int(at["N"]), at["T"])
    return _flat(function(gbm_ref.ProbabilityFlow(), *_target_and_process(at), grid, _start(at)))


def _target_and_process(at: Values) -> tuple[gbm_ref.LogNormal, gbm_ref.GBM]:
    target = gbm_ref.LogNormal([at["a"]], at["v0"])
    return target, gbm_ref.GBM(at["mu"], at["sigma"], at["T"])


def _start(at: Values) -> gbm_ref.Gaussian:
    return gbm_ref.Gaussian(np.array([at["M"]]), np.array([[at["V"]]]))


def _flat(law: gbm_ref.Gaussian) -> list[float]:
    return [*law.mean.tolist(), *law.cov.ravel().tolist()]


ADAPTERS: dict[str, Adapter] = {
    "gbm_ref.exact_law[dale-langevin-1d]": dale_langevin_on_the_line,
    "gbm_ref.exact_law[dale-langevin-2d]": dale_langevin_in_the_plane,
    "gbm_ref.exact_law[probability-flow]": probability_flow,
}
