"""Moments and starts at the horizon in the plane, as right-hand sides of pins.

Symbols: a1, a2 and C11, C12, C22 the moments of log X_0; mu, sigma the process, T its horizon;
b1, b2 and Q11, Q12, Q22 mean and covariance of a start.
"""

from collections.abc import Mapping

from mpmath import mpf
from sympy import Expr, Matrix, eye, log, ones, symbols

from spec.divergence._pinned import in_the_plane

_mu, _sigma, _T = symbols("mu sigma T", real=True)
_DRIFT, _NOISE = (_mu - _sigma**2 / 2) * _T, _sigma**2 * _T
_MEAN = Matrix(symbols("a1 a2")) + _DRIFT * ones(2, 1)
_c11, _c12, _c22 = symbols("C11 C12 C22", real=True)
_COV = Matrix([[_c11, _c12], [_c12, _c22]]) + _NOISE * eye(2)
LAW = (*_MEAN, *_COV)
WITHOUT_NOISE = (*_MEAN, *(_COV - _NOISE * eye(2)))


def product(noise: int = 1) -> tuple[Expr, ...]:
    """Mean and covariance of the best product, its variances with `noise` times that of T."""
    variances = [c + noise * _NOISE for c in (_c11, _c22)]
    return (*_MEAN, *Matrix.diag(*variances))


def single(spread: int = 1) -> tuple[Expr, ...]:
    """Mean and covariance of the best single pair; `spread` times the spread of the means."""
    centre = sum(_MEAN) / 2
    variance = (_COV.trace() + spread * sum((entry - centre) ** 2 for entry in _MEAN)) / 2
    return (centre, centre, *(variance * eye(2)))


def priced(start: tuple[Expr, ...], times: int = 1) -> tuple[Expr, ...]:
    """A start of product form, and `times` half the difference of its logarithms and the law's."""
    gap = log(start[2]) + log(start[5]) - log(_COV.det())
    return (*start, times * gap / 2)


def mismatch(at: Mapping[str, mpf], swapped: bool = False, noise: int = 1) -> mpf:
    """The divergence of the moments at T, with `noise` times v(T), from N(b, Q)."""
    v = noise * at["sigma"] ** 2 * at["T"]
    m = (at["mu"] - at["sigma"] ** 2 / 2) * at["T"]
    ends = {f"a{i}": at[f"a{i}"] + m for i in (1, 2)}
    ends |= {"P11": at["C11"] + v, "P12": at["C12"], "P22": at["C22"] + v}
    return in_the_plane({**at, **ends}, swapped)


# Generic; strongly anticorrelated; data on a line, without a density.
POINTS: tuple[dict[str, float], ...] = (
    {"a1": 0.3, "a2": -0.9, "C11": 0.7, "C12": 0.4, "C22": 1.3, "mu": 0.2, "sigma": 0.8, "T": 1.0},
    {"a1": -0.7, "a2": 1.25, "C11": 2.1, "C12": -0.9, "C22": 0.5}
    | {"mu": -0.3, "sigma": 1.3, "T": 1.5},
    {"a1": 0.1, "a2": 0.2, "C11": 0.25, "C12": 0.25, "C22": 0.25}
    | {"mu": 0.5, "sigma": 0.6, "T": 0.7},
)
WITH_START = tuple(
    {**point, "b1": -0.2, "b2": 0.35, "Q11": 0.55, "Q12": -0.31, "Q22": 0.81} for point in POINTS
)
