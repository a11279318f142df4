"""Calls of the steps in `gbm_ref.steps` beyond eqs. 12 and 13."""

from collections.abc import Callable

from gbm_ref import GBM
from gbm_ref.steps import (
    DDIM,
    AmbientMarginalPreserving,
    AmbientMilstein,
    Ancestral,
    Corrector,
    DaleLangevin,
    MarginalPreserving,
    PrintedAlgorithm1,
    Step,
)
from tests.spec.adapters.calling import Adapter, Values
from tests.spec.adapters.steps import affine_score

Make = Callable[[Values], Step]


def _step(make: Make) -> Adapter:
    """One step of a constant-coefficient process in the plane."""

    def call(function: Callable, at: Values) -> object:
        state, draws = [at["x1"], at["x2"]], [at["z1"], at["z2"]]
        process, score = GBM(at["mu"], at["sigma"]), affine_score(at)
        return function(make(at), process, score, state, at["t"], at["dt"], at["kappa"], draws)

    return call


def _coefficients(make: Make) -> Adapter:
    """shift, weight and root of a step."""
    return lambda function, at: list(
        function(make(at), GBM(at["mu"], at["sigma"]), at["t"], at["dt"], at["kappa"])
    )


def _ancestral(at: Values) -> Ancestral:
    return Ancestral(at["v0"])


def _marginal_preserving(at: Values) -> MarginalPreserving:
    return MarginalPreserving(at["lam"])


ADAPTERS: dict[str, Adapter] = {
    "gbm_ref.MarginalPreserving.__call__": _step(_marginal_preserving),
    "gbm_ref.MarginalPreserving.coefficients": _coefficients(_marginal_preserving),
    "gbm_ref.AmbientMarginalPreserving.__call__": _step(
        lambda at: AmbientMarginalPreserving(at["lam"])
    ),
    "gbm_ref.AmbientMilstein.__call__": _step(lambda at: AmbientMilstein()),
    "gbm_ref.Corrector.__call__": _step(lambda at: Corrector()),
    "gbm_ref.Corrector.coefficients": _coefficients(lambda at: Corrector()),
    "gbm_ref.DaleLangevin.coefficients": _coefficients(lambda at: DaleLangevin()),
    "gbm_ref.PrintedAlgorithm1.__call__": _step(lambda at: PrintedAlgorithm1()),
    "gbm_ref.PrintedAlgorithm1.coefficients": _coefficients(lambda at: PrintedAlgorithm1()),
    "gbm_ref.Ancestral.__call__": _step(_ancestral),
    "gbm_ref.Ancestral.coefficients": _coefficients(_ancestral),
    "gbm_ref.DDIM.__call__": _step(lambda at: DDIM()),
    "gbm_ref.DDIM.coefficients": _coefficients(lambda at: DDIM()),
}
