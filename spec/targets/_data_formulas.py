"""Right-hand sides that `gbm_ref.PointMasses` is compared with, and the points of comparison."""

from collections.abc import Mapping

import mpmath
from mpmath import mpf
from sympy import Expr, Integer, diff, erfc, exp, log, pi, sqrt, symbols

from spec.checking.old import Pin
from spec.checking.symbols import mu, sigma, t, v
from spec.targets import _laws
from spec.targets._formulas import TIMES

# Two points of the plane and the log-variance v round each, as `gbm_ref.PointMasses` has them.
_X = _laws.X
_AT = symbols("p1 p2 q1 q2", positive=True)


def _bump(point: tuple[Expr, Expr]) -> Expr:
    return exp(-sum((log(x) - log(p)) ** 2 for x, p in zip(_X, point, strict=True)) / (2 * v))


_BUMPS = (_bump(_AT[:2]), _bump(_AT[2:]))
LOGPDF = log(sum(_BUMPS)) - log(4 * pi * v) - log(_X[0]) - log(_X[1])
_LOG_SCORE = tuple(
    (sum(bump * log(_AT[2 * n + i]) for n, bump in enumerate(_BUMPS)) / sum(_BUMPS) - log(_X[i]))
    / v
    for i in (0, 1)
)
_SCORE_POINTS: tuple[dict[str, float], ...] = (
    {"x1": 1.2, "x2": 0.7, "p1": 1.0, "p2": 2.0, "q1": 1.5, "q2": 0.6, "v": 0.3},
    {"x1": 1.7, "x2": 1.1, "p1": 1.3, "p2": 1.9, "q1": 1.8, "q2": 0.9, "v": 0.0007},
    {"x1": 4e-5, "x2": 310.0, "p1": 1.0, "p2": 2.0, "q1": 1.5, "q2": 0.6, "v": 1.9},
)
_LINE = {"p": 1.3, "q": 0.8, "r": 1.9}


def _counted(values: Mapping[str, mpf]) -> mpf:
    """The part of the points p, q, r that is not above x."""
    return mpf(sum(values[name] <= values["x"] for name in _LINE)) / 3


def _counted_below(values: Mapping[str, mpf]) -> mpf:
    return mpf(sum(values[name] < values["x"] for name in _LINE)) / 3


_p, _q, _r = symbols("p q r", positive=True)
_CDF = sum(erfc((log(c) - log(_laws.x)) / sqrt(2 * v)) / 2 for c in (_p, _q, _r)) / 3


def _diffused(drift: Expr) -> tuple[Expr, ...]:
    return (*(c * exp(drift * t) for c in _AT), v + sigma**2 * t)


def _draw(values: Mapping[str, mpf]) -> mpf:
    """The point in whose third of [0, 1] the uniform draw u lies, times e^{sqrt(v) z}."""
    point = values["pqr"[int(3 * values["u"])]]
    return point * mpmath.exp(mpmath.sqrt(values["v"]) * values["z"])


def score_pins() -> tuple[Pin, ...]:
    """The score in its three forms."""
    hyvarinen = tuple(s - 1 for s in _LOG_SCORE)
    stein = tuple(e / x for e, x in zip(hyvarinen, _X, strict=True))
    forms = {
        "log_score": (_LOG_SCORE, hyvarinen),
        "hyvarinen_score": (hyvarinen, _LOG_SCORE),
        "stein_score": (stein, hyvarinen),
    }
    trace = sum(x * diff(s, x) for x, s in zip(_X, _LOG_SCORE, strict=True))
    divergence = Pin(
        "gbm_ref.log_score_divergence",
        trace,
        {"one point alone": -2 / v, "of the Stein score": trace + sum(_LOG_SCORE)},
        _SCORE_POINTS,
        variant="data set",
    )
    pins = [
        Pin(f"gbm_ref.PointMasses.{form}", formula, {"another form": twin}, _SCORE_POINTS)
        for form, (formula, twin) in forms.items()
    ]
    return (*pins, divergence)


def law_pins() -> tuple[Pin, ...]:
    """The density, the distribution function, the law at t and the draws."""
    line = [{"x": x, "v": v_, **_LINE} for x, v_ in ((1.1, 0.3), (0.02, 0.9), (1.3001, 4e-4))]
    return (
        Pin(
            "gbm_ref.PointMasses.logpdf",
            LOGPDF,
            {"the Jacobian left out": LOGPDF + log(_X[0]) + log(_X[1])},
            _SCORE_POINTS,
        ),
        Pin("gbm_ref.PointMasses.cdf", _CDF, {"the upper tail": 1 - _CDF}, tuple(line)),
        Pin(
            "gbm_ref.PointMasses.cdf",
            _counted,
            {"points at x not counted": _counted_below},
            ({"x": 1.3, **_LINE}, {"x": 0.79, **_LINE}, {"x": 1.89, **_LINE}, {"x": 2.0, **_LINE}),
            scale=Integer(1),  # a step function has no slope to speak of
            variant="data set",
        ),
        Pin(
            "gbm_ref.PointMasses.diffuse",
            _diffused(mu - sigma**2 / 2),
            {"without the Itô term": _diffused(mu)},
            tuple({**one, **two} for one, two in zip(_SCORE_POINTS, TIMES, strict=True)),
        ),
        Pin(
            "gbm_ref.PointMasses.rvs",
            _draw,
            {"from the other end": lambda at: _draw({**at, "u": 1 - at["u"]})},
            (
                {"u": 0.1, "v": 0.3, "z": -0.7, **_LINE},
                {"u": 0.34, "v": 1e-6, "z": 8.2, **_LINE},
                {"u": 0.99, "v": 2.3, "z": 6.1, **_LINE},
            ),
        ),
    )
