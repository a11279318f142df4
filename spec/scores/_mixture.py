"""Two log-normal components of the plane at t, and log X_0 given X_t, in the symbols of pins."""

from collections.abc import Callable

from sympy import Abs, Expr, Matrix, Max, eye, log, sqrt

from spec.checking.symbols import sigma, t
from spec.targets import _laws
from spec.targets._laws import DATA, X
from spec.targets.mixtures import DERIVATIVE, RATE, SCORE, at_state, at_time, law_at_t

# Of (S, v, I) for the covariance of one component: a gain, a covariance, that of log X_t.
Entry = Callable[[Matrix, Expr, Matrix], Matrix]
M, V, STATE = RATE * t, sigma**2 * t, X.applyfunc(log)
LAWS = at_time(law_at_t, *DATA)
PARTS = at_state(LAWS, X)
HYVARINEN, SLOPE = SCORE.holds(PARTS), DERIVATIVE.holds(PARTS)


def shares(marginal: Entry) -> tuple[Expr, ...]:
    """Probability of each component given x, with these covariances of log X_t."""
    found = zip(LAWS, DATA, strict=True)
    sizes = [_laws.size(w, at_t, marginal(S, V, eye(2)), STATE) for (w, at_t, _), (*_, S) in found]
    return tuple(size / sum(sizes) for size in sizes)


def given(gain: Entry, cov: Entry, marginal: Entry) -> list[tuple[Expr, Matrix, Matrix]]:
    """Each component of log X_0 given x: share, mean and covariance."""
    return [
        (share, mean + gain(S, V, eye(2)) * part.gap, cov(S, V, eye(2)))
        for share, part, (_, mean, S) in zip(shares(marginal), PARTS, DATA, strict=True)
    ]


def sizes() -> tuple[Expr, Expr]:
    """Size of the logarithms, and of the exponents, whose rounding is a relative one of shares."""
    size = STATE.norm() + sqrt(2) * Abs(M) + Max(*(mean.norm() for _, mean, _ in DATA))
    return size, 1 + size**2 * Max(*(part.precision.norm() for part in PARTS))
