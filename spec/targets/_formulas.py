"""Right-hand sides that `gbm_ref.targets` is compared with, and the points of comparison.

On the line the first component of log X is N(a, S) with weight w1 and the second N(b, T) with w2;
in the plane they are those of `_laws`.
"""

from collections.abc import Mapping

import mpmath
from mpmath import mpf
from sympy import Expr, Matrix, erfc, exp, eye, log, ones, pi, sqrt, zeros

from spec.checking.symbols import sigma, t
from spec.targets import _laws
from spec.targets._laws import DATA, flat, shifted


def gaussian(mean: Matrix, covariance: Matrix) -> Expr:
    """N(log x; mean, covariance) / (x1 x2) as a function of x."""
    at = {y: log(x) for y, x in zip(_laws.Y, _laws.X, strict=True)}
    exponent = (-_laws.quadratic(_laws.Y, mean, covariance) / 2).subs(at)
    return exp(exponent) / (2 * pi * sqrt(covariance.det()) * _laws.X[0] * _laws.X[1])


DENSITY = sum(weight * gaussian(mean, cov) for weight, mean, cov in DATA)
_w1, _w2 = _laws.WEIGHTS
_LINE = ((_w1, _laws.a, _laws.line_S), (_w2, _laws.b, _laws.line_T))


def on_line(jacobian: Expr) -> Expr:
    """The mixture density in one dimension, times x, over `jacobian`."""
    return (
        sum(
            weight * exp(-((log(_laws.x) - mean) ** 2) / (2 * var)) / sqrt(2 * pi * var)
            for weight, mean, var in _LINE
        )
        / jacobian
    )


CDF = sum(w * erfc((mean - log(_laws.x)) / sqrt(2 * var)) / 2 for w, mean, var in _LINE)
LINE_POINTS = (
    {"x": 1.7, "w1": 0.25, "a": 0.3, "S": 0.64, "w2": 0.75, "b": -0.4, "T": 0.3},
    {"x": 3e-7, "w1": 0.875, "a": -0.7, "S": 1.7, "w2": 0.125, "b": -2.5, "T": 1.1},
    {"x": 1.37, "w1": 0.5, "a": 0.3, "S": 0.0025, "w2": 0.5, "b": 0.35, "T": 0.9},
    {"x": 95.0, "w1": 0.1, "a": 0.1, "S": 0.4, "w2": 0.9, "b": 0.6, "T": 0.5},
)
TIMES = (
    {"mu": 0.37, "sigma": 0.8, "t": 0.6},
    {"mu": -1.3, "sigma": 1.7, "t": 1.9},
    {"mu": 0.02, "sigma": 0.3, "t": 1e-4},
)
POINTS_AT_T = tuple({**one, **time} for one, time in zip(_laws.POINTS_OF_TWO, TIMES, strict=True))


def diffused(drift: Expr, components: int) -> tuple[Expr, ...]:
    """Weight, mean and covariance of each component at t; one component has no weight."""
    shift, spread = drift * t * ones(2, 1), sigma**2 * t * eye(2)
    parts = [flat(part) for part in shifted(shift, spread)]
    return tuple(parts[0][1:]) if components == 1 else (*parts[0], *parts[1])


def draw(values: Mapping[str, mpf]) -> mpf:
    """exp(a_j + sqrt(S_j) z), j the component in whose part of [0, 1] the uniform draw lies."""
    names = ("a", "S") if values["u"] < values["w1"] else ("b", "T")
    mean, variance = (values[name] for name in names)
    return mpmath.exp(mean + mpmath.sqrt(variance) * values["z"])


def draw_of_the_other(values: Mapping[str, mpf]) -> mpf:
    """`draw` with the uniform number read from the other end."""
    return draw({**values, "u": 1 - values["u"]})


DRAWS = (
    {"u": 0.1, "w1": 0.25, "a": 0.3, "S": 0.64, "w2": 0.75, "b": -0.4, "T": 0.3, "z": 1.3},
    {"u": 0.2499, "w1": 0.25, "a": 0.3, "S": 0.64, "w2": 0.75, "b": -0.4, "T": 0.3, "z": -8.1},
    {"u": 0.2501, "w1": 0.25, "a": 0.3, "S": 0.64, "w2": 0.75, "b": 0.9, "T": 1e-6, "z": 7.9},
)
# Draws with z = 0 and with the two unit vectors show the mean and, since the root R of a
# covariance is not unique, the product R R^T.
MEAN_AND_ROOT = (*(exp(entry) for entry in _laws.A), *_laws.S)
# The root comes from an eigendecomposition, which is accurate to the norm of the covariance.
SCALE_OF_ROOT = (
    *(exp(entry) * (1 + abs(entry)) for entry in _laws.A),
    *(2 * _laws.S.trace() for _ in range(4)),
)
WITHOUT_CORRELATION = tuple(f.subs(_laws.S[0, 1], 0) for f in MEAN_AND_ROOT)

_AT_X = {y: log(x) for y, x in zip(_laws.Y, _laws.X, strict=True)}


def pull(mean: Matrix, covariance: Matrix) -> Matrix:
    """-covariance^-1 (log x - mean)."""
    return (-covariance.adjugate() * (_laws.Y - mean)).subs(_AT_X) / covariance.det()


PULL = tuple(pull(_laws.A, _laws.S))
LOG_SCORE = tuple(
    sum((w * gaussian(mean, cov) * pull(mean, cov) for w, mean, cov in DATA), zeros(2, 1))
    / DENSITY
)
LINE_LOG_SCORE = (
    sum(
        weight
        * exp(-((log(_laws.x) - mean) ** 2) / (2 * var))
        / sqrt(2 * pi * var)
        * (mean - log(_laws.x))
        / var
        for weight, mean, var in _LINE
    )
    / on_line(1),
)
# At the fourth point both entries of the score of the first component are nearly zero.
POINTS_NEAR_ZERO = (
    *_laws.POINTS_OF_TWO,
    {**_laws.POINTS_OF_TWO[0], "x1": 0.38674102345450123, "x2": 0.23457028809379765},
)
