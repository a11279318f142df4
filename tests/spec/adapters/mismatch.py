"""Calls of `gbm_ref.mismatch`: moments a, C of log X_0 in the plane, horizon T."""

from collections.abc import Callable

import numpy as np

import gbm_ref
from tests.spec.adapters import mixtures
from tests.spec.adapters.calling import Adapter, Values


def moments(at: Values) -> gbm_ref.Gaussian:
    """Mean and covariance of log X_0."""
    law = mixtures.law_in_plane(at, "a", "C")
    return gbm_ref.Gaussian(law.log_mean, law.log_cov)


def law_at_end(function: Callable, at: Values) -> object:
    """Mean and covariance of log X_T."""
    return mixtures.flat(function(moments(at), mixtures.process(at, at["T"])))


def price(function: Callable, at: Values) -> object:
    """The price of the start N(b, Q)."""
    start = mixtures.law_in_plane(at, "b", "Q")
    return function(start, moments(at), mixtures.process(at, at["T"]))


def price_of_average(function: Callable, at: Values) -> object:
    """The price of a class average with the logarithm b, pushed to the horizon by v = tau."""
    data = mixtures.law_in_plane(at, "C", "C")
    process = gbm_ref.TimeVaryingGBM(lambda t: 0.1, lambda t: at["tau"] ** 0.5)
    average = gbm_ref.LogNormalMixture([1.0], [[at["b1"], at["b2"]]], [0.0])
    pushed = gbm_ref.from_class_averages(average, process)
    start = gbm_ref.LogNormal(pushed.log_means[0], pushed.log_covs[0])
    return function(start, gbm_ref.Gaussian(data.log_mean, data.log_cov), process)


def best(channels: list[int] | None) -> Adapter:
    """Mean and covariance of the start, and its price."""

    def call(function: Callable, at: Values) -> object:
        where = None if channels is None else np.array(channels)
        found = function(moments(at), mixtures.process(at, at["T"]), where)
        return [*mixtures.flat(found.start), found.cost]

    return call


ADAPTERS: dict[str, Adapter] = {
    "gbm_ref.terminal_gaussian": law_at_end,
    "gbm_ref.terminal_mismatch[plane]": price,
    "gbm_ref.terminal_mismatch[class average]": price_of_average,
    "gbm_ref.best_start[product]": best([0, 1]),
    "gbm_ref.best_start[one pair]": best(None),
}
