"""Calls of `gbm_ref.scores`."""

from collections.abc import Callable

from tests.spec.adapters.calling import Adapter, Values


def of_hyvarinen(function: Callable, at: Values) -> object:
    """f(h)."""
    return function(at["h"])


ADAPTERS: dict[str, Adapter] = {
    "gbm_ref.log_score_from_hyvarinen": of_hyvarinen,
}
