"""Pins of the explicit, the implicit and the static loss at one state of the plane.

Symbols: x1, x2 the state; a1, a2, v0 log-normal data, of log-mean a and log-variance v0; V = v0 +
sigma^2 t; b, B the model h = b + B log x; p1, p2, q1, q2 a model Stein score and its slopes.
"""

from sympy import Expr, Matrix, Rational, log, symbols

from spec.checking.old import Pin

_mu, _sigma, _t, _v0 = symbols("mu sigma t v0")
_x = symbols("x1 x2")
_a = Matrix(symbols("a1 a2"))
_b = Matrix(symbols("b1 b2"))
_B = Matrix(2, 2, symbols("B11 B12 B21 B22"))
_psi, _dpsi = symbols("p1 p2"), symbols("q1 q2")
_HALF = Rational(1, 2)
_LOGS = Matrix([log(e) for e in _x])
_MODEL = _b + _B * _LOGS


def _explicit(jacobian: int) -> tuple[Expr, ...]:
    """Loss, per-sample loss, model and exact score; `jacobian` 0 takes the log score for H."""
    drift = (_mu - _sigma**2 / 2) * _t * Matrix([1, 1])
    exact = -jacobian * Matrix([1, 1]) - (_LOGS - _a - drift) / (_v0 + _sigma**2 * _t)
    gap = exact - _MODEL
    loss = _HALF * gap.dot(gap)
    return (loss, loss, *_MODEL, *exact)


def _terms(square: Expr, linear: Expr, slope: Expr) -> tuple[Expr, ...]:
    return (square + linear + slope, square + linear + slope, square, linear, slope)


def _implicit(linear: Expr) -> tuple[Expr, ...]:
    """Loss, per-sample loss and the three terms; the linear one times `linear`."""
    slope = _B[0, 0] + _B[1, 1]
    return _terms(_HALF * _MODEL.dot(_MODEL), linear * (_MODEL[0] + _MODEL[1]), slope)


def _static(linear: int) -> tuple[Expr, ...]:
    square = sum(_HALF * (e * p) ** 2 for e, p in zip(_x, _psi, strict=True))
    first = sum(linear * e * p for e, p in zip(_x, _psi, strict=True))
    slope = sum(e**2 * q for e, q in zip(_x, _dpsi, strict=True))
    return _terms(square, first, slope)


_MODELS = (
    {"x1": 1.3, "x2": 1.9, "b1": -0.9, "b2": 0.3, "B11": -1.2, "B12": 0.45, "B21": 0.2,
     "B22": -2.1},
    {"x1": 0.02, "x2": 55.0, "b1": 2.0, "b2": -1.0, "B11": 0.7, "B12": -0.3, "B21": -0.6,
     "B22": 0.1},
)  # fmt: skip
_DATA = (
    {"mu": 0.31, "sigma": 0.8, "t": 0.37, "v0": 0.2, "a1": 0.3, "a2": -0.4},
    {"mu": -1.4, "sigma": 1.7, "t": 1.0, "v0": 0.013, "a1": -2.0, "a2": 1.7},
)
_STEIN = (
    {"x1": 1.3, "x2": 1.9, "p1": -0.7, "p2": 0.4, "q1": 0.2, "q2": -1.3},
    {"x1": 0.02, "x2": 55.0, "p1": 41.0, "p2": -0.05, "q1": -900.0, "q2": 0.003},
)

M_ESM = Pin(
    "gbm_ref.m_esm",
    formula=_explicit(1),
    twins={"log score for the Hyvarinen score": _explicit(0)},
    points=tuple({**one, **two} for one, two in zip(_MODELS, _DATA, strict=True)),
)
IMPLICIT = Pin(
    "gbm_ref.implicit_m_esm",
    formula=_implicit(Rational(1)),
    twins={
        "linear term of the additive case, none": _implicit(Rational(0)),
        "linear term for the Stein score": _implicit(Rational(2)),
    },
    points=_MODELS,
)
STATIC = Pin(
    "gbm_ref.nonnegative_score_matching",
    formula=_static(2),
    twins={"linear term of the Hyvarinen score": _static(1)},
    points=_STEIN,
)
