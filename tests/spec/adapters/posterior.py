"""Calls of `gbm_ref.posterior`: two components of the plane, as in `mixtures`, at x1, x2 and t."""

from collections.abc import Callable

from tests.spec.adapters import mixtures
from tests.spec.adapters.calling import Adapter, Values


def of_mixture(function: Callable, at: Values) -> object:
    """f(x, law, process, t)."""
    law = mixtures.mixture_in_plane(at)
    return function([at["x1"], at["x2"]], law, mixtures.process(at), at["t"])


def law_of_mixture(function: Callable, at: Values) -> object:
    """The components of the returned mixture."""
    return mixtures.flat_mixture(of_mixture(function, at))


def law_of_log_normal(function: Callable, at: Values) -> object:
    """Mean and covariance of the returned law, for the first component as the data."""
    law = mixtures.law_in_plane(at)
    found = function([at["x1"], at["x2"]], law, mixtures.process(at), at["t"])
    return mixtures.flat(found)


def moment(function: Callable, at: Values) -> object:
    """f(x, law, process, t, power)."""
    law = mixtures.mixture_in_plane(at)
    return function([at["x1"], at["x2"]], law, mixtures.process(at), at["t"], at["power"])


ADAPTERS: dict[str, Adapter] = {
    "gbm_ref.posterior_weights": of_mixture,
    "gbm_ref.posterior_law[mixture]": law_of_mixture,
    "gbm_ref.posterior_law[log-normal]": law_of_log_normal,
    "gbm_ref.posterior_log_mean": of_mixture,
    "gbm_ref.posterior_log_cov": of_mixture,
    "gbm_ref.log_posterior_moment": moment,
}
