"""Calls of `gbm_ref.simulate`."""

from collections.abc import Callable

from gbm_ref import GBM, DaleLangevin, Row
from tests.spec.adapters.calling import Adapter, Values
from tests.spec.adapters.steps import affine_score


def _arguments(at: Values) -> tuple:
    """Step, process, score, start, two rows and their draws."""
    grid = tuple(Row(at[f"t{row}"], at[f"dt{row}"], at[f"kappa{row}"]) for row in "AB")
    draws = [[at[f"z1{row}"], at[f"z2{row}"]] for row in "AB"]
    process = GBM(at["mu"], at["sigma"])
    return DaleLangevin(), process, affine_score(at), [at["x1"], at["x2"]], grid, draws


def _final(function: Callable, at: Values) -> object:
    """The state after both rows."""
    return function(*_arguments(at))


def _path(function: Callable, at: Values) -> object:
    """Start, state after the first row, state after the second."""
    return function(*_arguments(at), return_path=True)[1]


ADAPTERS: dict[str, Adapter] = {
    "gbm_ref.simulate": _final,
    "gbm_ref.simulate[path]": _path,
}
