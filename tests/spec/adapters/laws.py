"""Calls of `gbm_ref.laws`."""

from collections.abc import Callable

import numpy as np

from gbm_ref.laws import BetaPrime, Gamma, InverseGamma, ProductLaw, Weibull
from tests.spec.adapters.calling import Adapter, Values

METHODS = ("logpdf", "cdf", "hyvarinen_score", "log_score", "stein_score")


class Scripted(np.random.Generator):
    """Returns the draws it was given, in order, whatever the law that is asked for."""

    def __init__(self, *draws: float) -> None:
        super().__init__(np.random.PCG64(0))
        self.draws = list(draws)

    def standard_gamma(self, shape: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        return np.full(size, self.draws.pop(0))

    def weibull(self, shape: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        return np.full(size, self.draws.pop(0))


def _make(name: str, at: Values) -> ProductLaw:
    if name == "BetaPrime":
        return BetaPrime(at["k"], at["e"] if "e" in at else 2.0, at["b"])
    return {"Gamma": Gamma, "InverseGamma": InverseGamma, "Weibull": Weibull}[name](
        at["k"], at["b"]
    )


def _evaluated(name: str) -> Adapter:
    return lambda function, at: function(_make(name, at), np.array([at["x"]]))


def _drawn(name: str) -> Adapter:
    def call(function: Callable, at: Values) -> object:
        return function(_make(name, at), 1, Scripted(at["g"], at["u"]))

    return call


NAMES = ("Gamma", "InverseGamma", "Weibull", "BetaPrime")
ADAPTERS: dict[str, Adapter] = {
    f"gbm_ref.{name}.{method}": _evaluated(name) for name in NAMES for method in METHODS
} | {f"gbm_ref.{name}.rvs": _drawn(name) for name in NAMES}
