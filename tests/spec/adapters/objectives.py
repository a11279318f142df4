"""Calls of `gbm_ref.objectives`."""

from collections.abc import Callable

import numpy as np

from gbm_ref import (
    GBM,
    LikelihoodWeighting,
    LogNormal,
    PreconditionedWeighting,
    unweighted,
    variance_weighting,
)
from tests.spec.adapters.calling import Adapter, Values
from tests.spec.adapters.process import exploding


def _model(at: Values) -> Callable:
    """The model h = b + B log x of a pin."""
    bias = np.array([at["b1"], at["b2"]])
    matrix = np.array([[at["B11"], at["B12"]], [at["B21"], at["B22"]]])

    def model(x: np.ndarray, t: float) -> np.ndarray:
        return bias + np.log(x) @ matrix.T

    return model


def _process(at: Values) -> GBM:
    return GBM(mu=at["mu"], sigma=at["sigma"], horizon=2.0)


def _first(at: Values) -> tuple[np.ndarray, np.ndarray]:
    return np.array([at["x1"], at["x2"]]), np.array([at["z1"], at["z2"]])


def one_sample(function: Callable, at: Values) -> object:
    """loss, per_sample, h_model and h_target of one sample."""
    x0, z = _first(at)
    terms = function(_model(at), x0, at["t"], z, _process(at))
    return [terms.loss, terms.per_sample, *terms.h_model, *terms.h_target]


def two_samples(function: Callable, at: Values) -> object:
    """loss of a batch of two, the second with data u and noise w."""
    x0, z = _first(at)
    batch = np.array([x0, [at["u1"], at["u2"]]])
    noise = np.array([z, [at["w1"], at["w2"]]])
    return function(_model(at), batch, at["t"], noise, _process(at), unweighted).loss


def variance_weighted(function: Callable, at: Values) -> object:
    """loss with lambda = v."""
    x0, z = _first(at)
    return function(_model(at), x0, at["t"], z, _process(at), variance_weighting).loss


def preconditioned(function: Callable, at: Values) -> object:
    """loss with the preconditioned weighting for log-deviation s."""
    x0, z = _first(at)
    weighting = PreconditionedWeighting(at["s"])
    return function(_model(at), x0, at["t"], z, _process(at), weighting).loss


def of_variance(function: Callable, at: Values) -> object:
    """f(v)."""
    return function(at["v"])


def of_weighting(function: Callable, at: Values) -> object:
    """The method of a PreconditionedWeighting(s), at v."""
    return function(PreconditionedWeighting(at["s"]), at["v"])


def of_process(function: Callable, at: Values) -> object:
    """The method of the LikelihoodWeighting of a variance-exploding process, at v."""
    return function(LikelihoodWeighting(exploding(at)), at["v"])


def explicit(function: Callable, at: Values) -> object:
    """loss, per_sample, h_model and h_exact at one state."""
    target = LogNormal([at["a1"], at["a2"]], at["v0"])
    terms = function(_model(at), target, _state(at), at["t"], _process(at))
    return [terms.loss, terms.per_sample, *terms.h_model, *terms.h_exact]


def implicit(function: Callable, at: Values) -> object:
    """loss, per_sample and the three terms at one state."""

    def slope(x: np.ndarray, t: float) -> np.ndarray:
        return np.array([at["B11"], at["B22"]])

    return list(function(_model(at), slope, _state(at), 0.4, GBM()))


def static(function: Callable, at: Values) -> object:
    """loss, per_sample and the three terms for a Stein score p with slopes q."""
    return list(function([at["p1"], at["p2"]], [at["q1"], at["q2"]], _state(at)))


def _state(at: Values) -> np.ndarray:
    return np.array([at["x1"], at["x2"]])


ADAPTERS: dict[str, Adapter] = {
    "gbm_ref.m_esm": explicit,
    "gbm_ref.implicit_m_esm": implicit,
    "gbm_ref.nonnegative_score_matching": static,
    "gbm_ref.m_dsm[one sample]": one_sample,
    "gbm_ref.m_dsm[mean of two samples]": two_samples,
    "gbm_ref.m_dsm[variance weighting]": variance_weighted,
    "gbm_ref.m_dsm[preconditioned weighting]": preconditioned,
    "gbm_ref.unweighted": of_variance,
    "gbm_ref.variance_weighting": of_variance,
    "gbm_ref.PreconditionedWeighting.__call__": of_weighting,
    "gbm_ref.LikelihoodWeighting.__call__": of_process,
}
