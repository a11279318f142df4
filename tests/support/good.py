"""Good arguments of the functions of gbm_fast by their names, for the tables of refusals."""

import inspect
import math
from collections.abc import Callable, Iterable

from torch import Tensor

import gbm_fast as gbm
from gbm_fast.process import Time
from tests.support.cases import PROCESS, log_linear
from tests.support.refusals import Refusal, rows
from tests.support.twins import tensor

NAN, INF = math.nan, math.inf
X = tensor([[1.2, 1.4], [1.1, 1.9]])
COV = tensor([[0.5, 0.2], [0.2, 0.3]])
LAW, LINE = gbm.LogNormal(tensor([0.3, -0.2]), COV), gbm.LogNormal(tensor([0.31]), tensor(0.23))
NORMAL = gbm.Gaussian(tensor([0.2, -0.4]), COV)
ONE = tensor([1.0])
# What the functions accept under these names, unless a group of rows says otherwise.
GOOD: dict[str, object] = {
    **dict.fromkeys(("x", "x0", "x_t", "x_T", "hyvarinen", "stein", "denoised", "points"), X),
    **{"z": X - 1, "t": 0.3, "t_score": 0.3, "dt": 0.1, "process": PROCESS, "target": LAW},
    **{"model": log_linear, "score": log_linear, "terminal": LAW, "data": NORMAL},
    **{"num_steps": 10, "std_min": 0.1, "std_max": 1.0, "log_std": 0.34, "delta": 0.137},
    **{"eta": 0.37, "w": X[0] - 1.3, "grad": X[0], "looks": 3.0, "d": 2},
}
Wrong = tuple[str, object, str]


def refused(call: Callable[..., object], *wrong: Wrong, **other: object) -> list[Refusal]:
    """Rows whose good arguments are those of GOOD that `call` takes, and `other`."""
    taken = inspect.signature(call).parameters
    return rows(call, {k: v for k, v in GOOD.items() if k in taken} | other, *wrong)


def each(argument: str, values: Iterable[object], words: str) -> list[Wrong]:
    """The same refusal of several values."""
    return [(argument, value, words) for value in values]


def not_positive(negative: float) -> list[Tensor]:
    """X with one element that has no logarithm."""
    return [tensor([[1.2, bad], [1.1, 1.9]]) for bad in (0.0, negative, NAN, INF)]


def column(x: Tensor, t: Time) -> Tensor:
    """A model of another shape."""
    return x[:, :1]
