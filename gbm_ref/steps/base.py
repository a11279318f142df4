"""What the loop asks of a step, and what the steps share."""

from collections.abc import Callable
from typing import ClassVar, Protocol, runtime_checkable

from gbm_ref import _checks
from gbm_ref._checks import Array, Values
from gbm_ref.process import Process

Score = Callable[[Array, float], Array]
"""(x, t) -> h(x, t) = x * grad log p_t(x), of the shape of x."""


@runtime_checkable
class Step(Protocol):
    """What the loop asks of a step; the package docstring says what the arguments are."""

    calculus: ClassVar[str]
    coordinates: ClassVar[str]
    strong_order: ClassVar[float]
    weak_order: ClassVar[float]
    keeps_sign: ClassVar[bool]
    uses_noise: ClassVar[bool]

    def __call__(
        self,
        process: Process,
        score: Score,
        x_t: Values,
        t_score: float,
        dt: float,
        noise: float,
        z: Values | None,
    ) -> Array:
        """X_s, of the shape of x_t."""
        ...


def score_at(score: Score, x: Array, t: float) -> Array:
    """The score at x, once it is known to be finite and of x's shape."""
    return _checks.like(score(x, t), x, "the score")


def draws_like(x: Array, z: Values | None) -> Array:
    """z, once it is known to be there and of x's shape."""
    if z is None:
        raise ValueError("this step uses noise: pass z of the shape of x_t.")
    return _checks.like(z, x, "z", "x_t")
