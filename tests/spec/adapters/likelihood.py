"""Calls of `gbm_ref.likelihood`."""

from collections.abc import Callable

import numpy as np

import gbm_ref
from tests.spec.adapters import mixtures
from tests.spec.adapters.calling import Adapter, Values


def divergence_of_mixture(function: Callable, at: Values) -> object:
    """At one point of the plane, two components."""
    return function([at["x1"], at["x2"]], mixtures.mixture_in_plane(at))


def divergence_of_data(function: Callable, at: Values) -> object:
    """At one point of the plane, two points p and q with the log-variance v round each."""
    data = gbm_ref.PointMasses([[at["p1"], at["p2"]], [at["q1"], at["q2"]]], at["v"])
    return function([at["x1"], at["x2"]], data)


def divergence_at_time(function: Callable, at: Values) -> object:
    """The callable for one log-normal law of the plane, at one point and time."""
    divergence = function(mixtures.law_in_plane(at), mixtures.process(at))
    return divergence(np.array([at["x1"], at["x2"]]), at["t"])


def from_another_start(function: Callable, at: Values) -> object:
    """The flow of N(a, v0) with its exact score, from N(b, B) at T."""
    target, process, start = _line(at)
    score = gbm_ref.exact_score(target, process)
    return function([at["x"]], process, score, gbm_ref.exact_divergence(target, process), start)


def closed_form(function: Callable, at: Values) -> object:
    """The same in closed form."""
    target, process, start = _line(at)
    return function([at["x"]], target, process, start)


def of_mixture(function: Callable, at: Values) -> object:
    """The flow of two components on the line, from their own law at the horizon."""
    target = gbm_ref.LogNormalMixture(
        [at["w1"], at["w2"]], [[at["a"]], [at["b"]]], [at["S"], at["T"]]
    )
    process = mixtures.process(at, at["horizon"])
    start = target.diffuse(process, process.horizon)
    score = gbm_ref.exact_score(target, process)
    return function([at["x"]], process, score, gbm_ref.exact_divergence(target, process), start)


def bits(function: Callable, at: Values) -> object:
    """f(log likelihood, d, cell)."""
    return function(at["nats"], int(at["d"]), at["cell"])


def _line(at: Values) -> tuple[gbm_ref.LogNormal, gbm_ref.GBM, gbm_ref.LogNormal]:
    target, start = gbm_ref.LogNormal([at["a"]], at["v0"]), gbm_ref.LogNormal([at["b"]], at["B"])
    return target, mixtures.process(at, at["T"]), start


ADAPTERS: dict[str, Adapter] = {
    "gbm_ref.log_score_divergence[mixture]": divergence_of_mixture,
    "gbm_ref.log_score_divergence[data set]": divergence_of_data,
    "gbm_ref.exact_divergence": divergence_at_time,
    "gbm_ref.log_likelihood[another start]": from_another_start,
    "gbm_ref.log_likelihood[mixture]": of_mixture,
    "gbm_ref.exact_log_likelihood": closed_form,
    "gbm_ref.bits_per_dim": bits,
}
