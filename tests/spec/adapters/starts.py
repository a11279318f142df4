"""Calls of `gbm_ref.starts`; moments as in `mismatch`."""

from collections.abc import Callable

import numpy as np

import gbm_ref
from tests.spec.adapters import mismatch, mixtures
from tests.spec.adapters.calling import Adapter, Values


def fit(channels: list[int] | None) -> Adapter:
    """Mean and covariance of the fitted law."""

    def call(function: Callable, at: Values) -> object:
        where = None if channels is None else np.array(channels)
        return mixtures.flat(function(mismatch.moments(at), mixtures.process(at, at["T"]), where))

    return call


def moments_of_mixture(function: Callable, at: Values) -> object:
    """Mean and covariance of two parts S and T with shares f and 1 - f."""
    named = {**at, "w1": at["f"], "w2": 1.0 - at["f"]}
    for i in (1, 2):
        named |= {f"a{i}": at[f"S{i}"], f"b{i}": at[f"T{i}"]}
    return mixtures.flat(function(mixtures.mixture_in_plane(named)))


def averages(function: Callable, at: Values) -> object:
    """Of a class with one point p and a class with two points q and r."""
    return mixtures.flat_mixture(function([[at["p"]], [at["q"]], [at["r"]]], [3, 8, 8]))


def pushed_averages(function: Callable, at: Values) -> object:
    """The same averages at the horizon."""
    law = gbm_ref.class_averages([[at["p"]], [at["q"]], [at["r"]]], [3, 8, 8])
    return mixtures.flat_mixture(function(law, mixtures.process(at, at["T"])))


def pushed_data(function: Callable, at: Values) -> object:
    """The points and the log-variance round them."""
    law = function([[at["p"]], [at["q"]], [at["r"]]], mixtures.process(at, at["T"]))
    return [*law.points.ravel(), law.log_var]


def standard(function: Callable, at: Values) -> object:
    """Log density of the start of the plane at (p, q)."""
    return function(2).logpdf([at["p"], at["q"]])


ADAPTERS: dict[str, Adapter] = {
    "gbm_ref.fitted_lognormal[product]": fit([0, 1]),
    "gbm_ref.fitted_lognormal[one pair]": fit(None),
    "gbm_ref.log_moments": moments_of_mixture,
    "gbm_ref.class_averages": averages,
    "gbm_ref.from_class_averages": pushed_averages,
    "gbm_ref.from_data": pushed_data,
    "gbm_ref.standard_lognormal": standard,
}
